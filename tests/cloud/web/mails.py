"""What the server mailed, for tests of pages."""

import email
import email.policy
import re
from email.message import EmailMessage
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

    from .conftest import Bench


async def mails(bench: Bench) -> list[EmailMessage]:
    """Have all mails sent, and return them in their order."""
    await bench.services.work.drain()
    folder = bench.services.settings.mail_folder
    assert folder is not None
    found = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in sorted(folder.glob("*"))]
    return [one for one in found if isinstance(one, EmailMessage)]


def link_in(mail: EmailMessage) -> str:
    """Return the path of the link in a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://[^/]+(/l/[A-Z0-9]+)", body.get_content())
    assert found is not None, body.get_content()
    return found[1]


async def follow_newest(bench: Bench, browser: AsyncClient, to: str = "") -> Response:
    """Open the link of the newest mail, to anybody or to one: after a sign-up that confirms the address."""
    answer = await browser.post(link_in([mail for mail in await mails(bench) if to in mail["To"]][-1]))
    assert answer.status_code == 303, bench.words(answer)
    return answer
