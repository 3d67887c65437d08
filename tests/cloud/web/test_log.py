"""Nothing personal and no secret is in the log, whatever happens: canaries are sent through everything."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from konsento.advice import tokens
from konsento.advice.tokens import Purpose
from konsento.kit.db import Database
from konsento.models import AdviceChoice
from konsento.notifications import mail
from konsento.settings import Settings

from ..notifications.test_push import Phone
from .authenticator import Authenticator
from .conftest import CODE, Bench, wired
from .mails import follow_newest, link_in, mails

NAME, PHONE, ADDRESS = "Canary Nightingale", "+819087654321", "7-7-7 Canary street"
MAIL, OTHER_MAIL, GUEST_MAIL = "canary@example.com", "canary-two@example.com", "canary-guest@example.com"
PASSWORD, WRONG, NEW = "canary horse battery", "canary wrong password", "canary lamp mountain"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(
        update={"public_url": "https://charge.example", "mail_folder": tmp_path / "mails", "fake_payments": True}
    )


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench


async def be_advised(bench: Bench, browser: httpx.AsyncClient) -> list[str]:
    """Want advice by all ways, and follow its links; returns what opens them, and where notices go."""
    quiet = {"quiet_from": "21:00", "quiet_until": "07:00"}
    for mailed in ({"mail": "true"}, {"mail": "true", "quiet_from": "nonsense"}):
        await browser.post("/account/advice", data=quiet | mailed)
    made = await browser.post("/account/advice/calendar")
    calendar = made.text.split("/advice/calendar/")[1].split(".ics")[0]
    assert (await browser.get(f"/advice/calendar/{calendar}.ics")).status_code == 200
    endpoint = "https://updates.push.services.mozilla.com/wpush/v2/0123456789abcdef"
    phone = Phone(endpoint).subscription.model_copy(update={"endpoint": endpoint})
    assert (await browser.post("/account/advice/push", json=phone.model_dump())).json() == {"told": True}
    async with bench.services.database.transaction() as session:
        driver_id = (await session.scalars(select(AdviceChoice.driver_id))).one()
        off = await tokens.make(session, Purpose.NO_MAIL, driver_id)
        message = await tokens.make(session, Purpose.MESSAGE, driver_id)
    await browser.get(f"/outlook?m={message}")
    for token in (off, off[:-1]):
        await browser.get(f"/advice/off/{token}")
    await browser.post(f"/advice/off/{off}")
    return [calendar, off, message, endpoint, phone.keys.p256dh, phone.keys.auth]


async def test_the_log_knows_nobody(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in (
        "httpx",
        "httpcore",
        "asyncio",
        "aiosqlite",
    ):  # the tests' own browser; `app` silences the database's
        logging.getLogger(chatty).setLevel(logging.WARNING)
    secrets: list[str] = []
    device = Authenticator(origin="https://charge.example", rp_id="charge.example")
    about = {"name": NAME, "phone": PHONE, "address": ADDRESS}
    async with bench.browser(Origin="https://charge.example") as browser:
        browser.base_url = "https://charge.example"
        for password in ("short", PASSWORD):
            await browser.post("/signup", data={"email": MAIL, "password": password, **about})
        secrets.append(link_in((await mails(bench))[-1]).removeprefix("/l/"))
        await follow_newest(bench, browser)
        await browser.post("/account", data={**about, "phone": "nonsense " + PHONE})
        await browser.post("/account", data=about)
        await browser.post("/account/password", data={"present": WRONG, "new": NEW})
        await browser.post("/account/password", data={"present": PASSWORD, "new": NEW})
        await browser.post("/account/email", data={"email": OTHER_MAIL})
        await follow_newest(bench, browser, OTHER_MAIL)
        options = (await browser.post("/account/passkeys/options", json={})).json()
        credential = device.make(options)
        await browser.post("/account/passkeys/new", json={"credential": credential, "name": NAME})
        await browser.post("/account/passkeys/new", json={"credential": {"canary": NAME}, "name": NAME})
        made = await browser.post("/account/tokens", data={"name": NAME, "scopes": "account:read", "days": "7"})
        secrets.append(made.text.split('class="secret">')[1].split("<")[0])
        program = {"Authorization": f"Bearer {secrets[-1]}"}
        assert (await browser.get("/api/v1/account", headers=program)).status_code == 200
        await browser.get("/api/v1/sessions", headers=program)
        secrets += await be_advised(bench, browser)
        await bench.start(browser)
        await bench.site.charges("1000", seconds=600)
        await browser.get("/account/export")
        secrets.append(browser.cookies["__Host-konsento_driver"])
        await browser.post("/signout")
        for password in (WRONG, NEW):
            await browser.post("/signin", data={"email": OTHER_MAIL, "password": password})
        secrets.append(browser.cookies["__Host-konsento_driver"])
        await browser.post("/signin/link", data={"email": OTHER_MAIL})
        secrets.append(link_in((await mails(bench))[-1]).removeprefix("/l/"))
        asked = (await browser.post("/signin/passkey/options", json={})).json()
        signed = device.sign(asked)
        await browser.post("/signin/passkey/answer", json={"credential": signed})
        await browser.post("/signin/passkey/answer", json={"credential": signed})
        secrets += [options["challenge"], asked["challenge"], signed["id"], signed["response"]["signature"]]
        await browser.post("/account/delete", data={"present": WRONG})
        await browser.post("/account/delete", data={"present": NEW})
    async with bench.browser(Origin="https://charge.example") as guest:
        guest.base_url = "https://charge.example"
        await guest.post("/guest", data={"email": GUEST_MAIL, "phone": PHONE})
        await guest.get(f"/o/{CODE}")

        # What breaks is logged with its traceback, and that quotes nobody either.
        def broken(*_: object, **__: object) -> None:
            raise ConnectionError

        monkeypatch.setattr(mail, "_message", broken)
        await guest.post("/account/become", data={"name": NAME, "new": NEW})
        await bench.services.work.drain()
        monkeypatch.setattr(Database, "transaction", broken)
        assert (await guest.get("/account")).status_code == 500

    assert "signed up" in caplog.text
    assert "work mail" in caplog.text
    assert len(secrets) == 15
    personal = ("canary", "Nightingale", "90876", "7-7-7", "nonsense", "127.0.0.1")
    for word in (*personal, *secrets):
        assert word.lower() not in caplog.text.lower(), word
