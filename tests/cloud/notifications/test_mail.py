"""Mails reach a real SMTP server once, in the recipient's language, or the operator is told that they cannot."""

import email
import email.policy
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from konsento.kit.i18n import LANGUAGES
from konsento.models import OutgoingMail
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.services import Services
from konsento.settings import Settings
from rig.ports import Ports

from ..conftest import Core

MAIL = Mail(
    recipient="ann@example.com",
    subject="充電が終わりました",
    paragraphs=("6.00 kWh, 231円です。", "<b>& not markup</b>"),
    link=("明細を見る", "https://konsento.test/s/1"),
    unsubscribe="https://konsento.test/unsubscribe/1",
)


class Mailbox:
    """A real SMTP server; refuses as often as it is told."""

    def __init__(self) -> None:
        self.refuses = 0
        self.mails: list[email.message.EmailMessage] = []
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        with self._lock:
            if self.refuses:
                self.refuses -= 1
                return "451 try again later"
            made = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(made, email.message.EmailMessage)
            self.mails.append(made)
            return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=Ports().take())
    controller.start()
    assert controller.server is not None
    port = controller.server.sockets[0].getsockname()[1]
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


async def queue(core: Core, **settings: Any) -> Services:
    """Queue the mail in services with other settings; they share the table of due work."""
    services = Services(
        database=core.services.database,
        settings=Settings(**settings),
        clock=core.clock,
        router=core.router,
        live=core.services.live,
        work=core.services.work,
    )
    mail.install(services)
    language = LANGUAGES.get("ja")
    assert language is not None
    async with services.database.transaction() as session:
        await mail.queue(session, services, MAIL, language)
    return services


async def waiting(core: Core) -> int:
    async with core.services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(OutgoingMail)) or 0


async def test_a_mail_arrives_with_its_text_its_link_and_a_way_to_end_it(
    core: Core, mailbox: tuple[Mailbox, str]
) -> None:
    box, url = mailbox
    await queue(core, smtp_url=url)

    await core.work()

    [arrived] = box.mails
    assert (arrived["To"], arrived["Subject"]) == ("ann@example.com", "充電が終わりました")
    assert arrived["List-Unsubscribe"] == "<https://konsento.test/unsubscribe/1>"
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "6.00 kWh, 231円です。" in text.get_content()
    assert "https://konsento.test/s/1" in text.get_content()
    assert 'lang="ja"' in html.get_content()
    assert "&lt;b&gt;&amp; not markup" in html.get_content()


async def test_a_mail_that_was_sent_is_kept_nowhere(core: Core, mailbox: tuple[Mailbox, str]) -> None:
    await queue(core, smtp_url=mailbox[1])
    assert await waiting(core) == 1

    await core.work()

    assert await waiting(core) == 0


async def test_a_mail_server_that_is_busy_is_asked_again(core: Core, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.refuses = 1
    services = await queue(core, smtp_url=url)
    await core.work()
    assert box.mails == []

    core.clock.advance(timedelta(minutes=1))
    await services.work.drain()

    assert len(box.mails) == 1


async def test_with_a_folder_mails_are_files_there(core: Core, tmp_path: Path) -> None:
    await queue(core, mail_folder=tmp_path / "mails")

    await core.work()

    [file] = (tmp_path / "mails").glob("*.eml")
    assert b"ann@example.com" in file.read_bytes()


async def test_without_a_mail_server_the_operator_is_told(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    await queue(core)

    await core.work()

    assert "KONSENTO_SMTP_URL" in caplog.text
    assert "ann@example.com" not in caplog.text
    assert await waiting(core) == 0
