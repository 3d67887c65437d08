"""Notices to browsers: encrypted for the one browser, signed, sent to known services only, forgotten when over."""

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import http_ece  # type: ignore[import-untyped]  # it has no types
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select

from konsento.charging import service as charging
from konsento.models import ChargingSession, OutgoingMail, PushSubscription
from konsento.notifications import mail, push
from konsento.notifications.errors import PushRefused
from konsento.notifications.push import Browser, Keys
from konsento.settings import Settings

from ..conftest import ENDED, STARTED, STATION, Core, event_of, whole_session, wired


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Phone:
    """A browser with its keys, and what its push service has taken."""

    origin: str
    status: int = 201
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def subscription(self) -> Browser:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Browser(endpoint=f"{self.origin}/send/1", keys=Keys(p256dh=base64url(point), auth=base64url(self.auth)))

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    def read(self, number: int = -1) -> dict[str, Any]:
        """Decrypt a message as the browser does."""
        body = http_ece.decrypt(self.taken[number][1], private_key=self.key, auth_secret=self.auth)
        content: dict[str, Any] = json.loads(body)
        return content


@asynccontextmanager
async def push_service() -> AsyncIterator[Phone]:
    """Run a push service on a free port."""
    app = web.Application()
    runner = web.AppRunner(app)
    phone = Phone("")
    app.router.add_post("/send/1", phone.take)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    phone.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield phone
    finally:
        await runner.cleanup()


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with push_service() as phone:
        yield phone


async def told(core: Core, phone: Phone, **more: Any) -> tuple[Core, ChargingSession]:
    """Return a server that may send to the phone's service, and a session that the phone wants to be told about."""
    core = await wired(core.services.database, settings=Settings(push_services=phone.origin, **more))
    session = await core.start()
    async with core.services.database.transaction() as tx:
        await push.subscribe(tx, core.services, session.id, phone.subscription, "ja")
    return core, session


async def charge(core: Core, session: ChargingSession) -> None:
    for event in whole_session(session):
        await core.send(event)
    await core.work()


async def subscriptions(core: Core) -> list[PushSubscription]:
    async with core.services.database.transaction() as tx:
        return list(await tx.scalars(select(PushSubscription)))


async def test_the_phone_is_told_of_the_end_in_its_language_and_then_forgotten(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)

    await charge(core, session)

    message = phone.read()
    assert message["web_push"] == 8030
    shown = message["notification"]
    assert shown["title"] == "充電が終わりました"
    assert shown["body"].replace("\u00a0", " ") == "Outlet 1, north wall：10 Wh、38円でした。"
    assert shown["navigate"] == f"http://127.0.0.1:8080/s/{session.id}"
    assert await subscriptions(core) == []


async def test_the_message_is_signed_with_the_key_that_the_browser_was_given(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    async with core.services.database.transaction() as tx:
        known = await push.public_key(tx, core.services.settings)

    await charge(core, session)

    headers = phone.taken[0][0]
    token, key = headers["Authorization"].removeprefix("vapid t=").split(",k=")
    assert key == known
    assert Vapid02.verify(headers["Authorization"])
    padded = token.split(".")[1] + "=="
    claims = json.loads(base64.urlsafe_b64decode(padded))
    assert (claims["aud"], claims["sub"]) == (phone.origin, "mailto:no-reply@localhost")
    assert headers["Content-Encoding"] == "aes128gcm"
    assert headers["Topic"] == session.id.hex
    assert int(headers["TTL"]) > 0


async def test_the_key_is_made_once_and_kept_and_a_setting_takes_its_place(core: Core) -> None:
    made = push._new_key()  # a key as the operator would give one
    async with core.services.database.transaction() as tx:
        first = await push.public_key(tx, Settings())
    again = await wired(core.services.database)
    async with again.services.database.transaction() as tx:
        assert await push.public_key(tx, Settings()) == first
        assert await push.public_key(tx, Settings(vapid_private_key=made)) != first


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_has_withdrawn_is_forgotten(core: Core, phone: Phone, status: int) -> None:
    core, session = await told(core, phone)
    phone.status = status

    await charge(core, session)

    assert len(phone.taken) == 1
    assert await subscriptions(core) == []


async def test_a_service_that_is_down_is_tried_again(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    phone.status = 503
    await charge(core, session)
    assert len(await subscriptions(core)) == 1

    phone.status = 201
    core.clock.advance(timedelta(seconds=5))
    await core.work()

    assert len(phone.taken) == 2
    assert await subscriptions(core) == []


async def test_a_redirect_is_not_followed(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    phone.status = 307

    await charge(core, session)

    assert len(phone.taken) == 1


async def test_an_interruption_that_lasts_is_told_and_the_end_as_well(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1002", charging_state="SuspendedEVSE"))
    await core.work()
    assert phone.taken == []

    core.clock.advance(timedelta(seconds=61))
    await core.work()
    assert phone.read()["notification"]["title"] == "充電が中断しています"
    await core.send(event_of(session, 2, "1010", kind=ENDED))
    await core.work()
    assert phone.read()["notification"]["title"] == "充電が終わりました"


async def test_outlets_that_take_turns_tell_of_an_interruption_once_in_hours(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    seq_no = 1

    async def pause_and_go_on() -> None:
        nonlocal seq_no
        for state in ("SuspendedEVSE", "Charging"):
            await core.send(event_of(session, seq_no, f"{1000 + seq_no}", charging_state=state))
            seq_no += 1
            core.clock.advance(timedelta(minutes=15))
            await core.work()

    for _ in range(8):
        await pause_and_go_on()
    assert len(phone.taken) == 1
    for _ in range(2):
        await pause_and_go_on()
    assert len(phone.taken) == 2


async def test_a_charging_that_begins_waiting_is_not_called_interrupted(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    await core.send(event_of(session, 0, "1000", kind=STARTED, charging_state="SuspendedEVSE"))
    core.clock.advance(timedelta(seconds=61))
    await core.work()

    shown = phone.read()["notification"]
    assert (shown["title"], "まだ給電していません" in shown["body"]) == ("充電は待機中です", True)


async def test_a_short_interruption_is_not_worth_a_word(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1002", charging_state="SuspendedEVSE"))
    await core.send(event_of(session, 2, "1003"))
    core.clock.advance(timedelta(seconds=61))
    await core.work()

    assert phone.taken == []


async def test_a_site_that_stays_away_is_an_interruption(core: Core, phone: Phone) -> None:
    core, session = await told(core, phone)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    for callback in core.router.leaving:
        await callback(STATION)
    core.clock.advance(timedelta(seconds=61))
    await core.work()

    assert phone.read()["notification"]["title"] == "充電が中断しています"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.test/x",
        "https://evil-fcm.googleapis.com@127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://192.168.0.1/x",
        "https://localhost/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "file:///etc/passwd",
        "https://fcm.googleapis.com:99999999/x",
        "//fcm.googleapis.com/x",
        "",
    ],
)
async def test_this_server_knocks_at_no_other_doors(core: Core, phone: Phone, endpoint: str) -> None:
    session = await core.start()
    async with core.services.database.transaction() as tx:
        with pytest.raises(PushRefused):
            await push.subscribe(
                tx, core.services, session.id, Browser(endpoint=endpoint, keys=phone.subscription.keys), "en"
            )


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/a",
        "https://updates.push.services.mozilla.com/x",
        "https://web.push.apple.com/q",
    ],
)
def test_the_known_services_are_known(endpoint: str) -> None:
    assert push.allowed(endpoint, Settings())


@pytest.mark.parametrize(
    "keys", [{"p256dh": "AA", "auth": "AA"}, {"p256dh": "é", "auth": "!"}, {"p256dh": "", "auth": ""}]
)
async def test_keys_that_are_none_are_refused(core: Core, keys: dict[str, str]) -> None:
    session = await core.start()
    browser = Browser(endpoint="https://fcm.googleapis.com/x", keys=Keys(**keys))
    async with core.services.database.transaction() as tx:
        with pytest.raises(PushRefused):
            await push.subscribe(tx, core.services, session.id, browser, "en")


async def test_a_driver_who_wants_a_mail_gets_the_receipt(core: Core, tmp_path: Any) -> None:
    core = await wired(core.services.database, settings=Settings(mail_folder=tmp_path / "mails"))
    mail.install(core.services)
    session = await core.start()
    async with core.services.database.transaction() as tx:
        await charging.want_mail(tx, core.driver_id, session.id, wanted=True)
    await charge(core, session)

    mails = list((tmp_path / "mails").glob("*.eml"))
    assert len(mails) == 1
    content = mails[0].read_text()
    assert "To: first@example.com" in content
    assert "Your charging has ended" in content
    async with core.services.database.transaction() as tx:
        assert (await tx.scalars(select(OutgoingMail))).all() == []


async def test_who_does_not_want_a_mail_gets_none(core: Core, tmp_path: Any) -> None:
    core = await wired(core.services.database, settings=Settings(mail_folder=tmp_path / "mails"))
    await charge(core, await core.start())

    assert not (tmp_path / "mails").exists()
