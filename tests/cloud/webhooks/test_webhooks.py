"""Programs are told what happens: signed, again and again, and not for ever."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook, WebhookVerificationError

from konsento.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from konsento.webhooks.work import FAILING_PLACES, RETRIES, TIMEOUT_S

from ..api.conftest import start
from .conftest import log

if TYPE_CHECKING:
    import httpx

    from ..api.conftest import Api
    from .conftest import Receiver


async def hooked(program: httpx.AsyncClient, receiver: Receiver, *events: str) -> dict[str, Any]:
    """Add a webhook."""
    answer = await program.post("/webhooks", json={"url": receiver.url, "events": list(events)})
    assert answer.status_code == 201, answer.text
    hook: dict[str, Any] = answer.json()
    return hook


def genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature as a receiver does: with the library of Standard Webhooks."""
    try:
        # Its check of the timestamp goes by the wall clock, which stands elsewhere here.
        with patch.object(Webhook, "_Webhook__verify_timestamp", lambda _, at: datetime.fromtimestamp(int(at), UTC)):
            Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def told(receiver: Receiver) -> list[str]:
    return [json.loads(body)["type"] for _, body in receiver.got]


async def test_a_charging_is_told_from_the_start_to_the_bill(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        session = await start(program)
        await api.bench.services.work.drain()
        await api.bench.site.charges("10")
        over = (await program.get(f"/sessions/{session['id']}")).json()
        deliveries = await log(program, hook)

    assert sorted(told(receiver)) == ["session.ended", "session.settled", "session.started"]
    events = {json.loads(body)["type"]: json.loads(body) for _, body in receiver.got}
    assert events["session.started"]["data"] == session
    assert events["session.settled"]["data"] == over
    assert {one["state"] for one in deliveries} == {"delivered"}
    assert {one["event_id"] for one in deliveries} == {event["id"] for event in events.values()}


async def test_a_delivery_is_signed_and_names_its_event(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        await start(program)
        await api.bench.services.work.drain()

    ((headers, body),) = receiver.got
    assert genuine(hook["secret"], headers, body)
    assert not genuine(hook["secret"], headers, body + b" ")
    assert headers["webhook-id"] == json.loads(body)["id"]
    assert int(headers["webhook-timestamp"]) == int(api.bench.clock.now().timestamp())
    assert headers["content-type"] == "application/json"


async def test_nothing_is_told_of_a_charging_that_was_rolled_back(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        await hooked(program, receiver)
        await program.post(
            "/sessions",
            json={"outlet": "K7F29Q", "limit": {"kind": "energy", "amount": 90_000}},
            headers={"Idempotency-Key": "k"},
        )
        await api.bench.services.work.drain()

    assert receiver.got == []


async def test_a_start_that_fails_is_told_with_its_reason(api: Api, receiver: Receiver) -> None:
    api.bench.site.refuses = "OutletFaulted"
    async with api.ann() as program:
        await hooked(program, receiver, "session.failed")
        await start(program)
        await api.bench.services.work.drain()

    ((_, body),) = receiver.got
    assert json.loads(body)["data"]["failure"]["code"] == "OutletFaulty"


async def test_a_pause_and_its_end_are_told(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        await hooked(program, receiver, "session.interrupted", "session.resumed")
        await start(program)
        await api.bench.site.reports("1", seconds=1)
        await api.bench.site.reports("2", seconds=2, state="SuspendedEVSE")
        await api.bench.site.reports("2", seconds=2, state="SuspendedEVSE")
        await api.bench.site.reports("3", seconds=3)
        await api.bench.services.work.drain()

    assert sorted(told(receiver)) == ["session.interrupted", "session.resumed"]


async def test_only_the_events_that_are_wanted_are_told_and_only_to_the_drivers_own(
    api: Api, receiver: Receiver
) -> None:
    async with api.ann() as ann, api.program(await api.token("bob@example.com")) as bob:
        await hooked(ann, receiver, "session.settled")
        theirs = await hooked(bob, receiver)
        await start(ann)
        await api.bench.site.charges("10")
        nothing = await log(bob, theirs)

    assert told(receiver) == ["session.settled"]
    assert nothing == []


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
async def test_what_is_not_taken_is_sent_again_with_the_same_words(api: Api, receiver: Receiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    async with api.ann() as program:
        hook = await hooked(program, receiver, "session.started")
        await start(program)
        await api.bench.services.work.drain()
        (waiting,) = await log(program, hook)
        receiver.status = 200
        api.bench.clock.advance(RETRIES[0])
        await api.bench.services.work.drain()
        (taken,) = await log(program, hook)
        shown = (await program.get(f"/webhooks/{hook['id']}")).json()

    assert (waiting["state"], waiting["attempts"], waiting["last_status"]) == ("waiting", 1, status)
    assert (taken["state"], taken["attempts"], taken["last_status"]) == ("delivered", 2, 200)
    assert receiver.got[0][1] == receiver.got[1][1]
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    assert all(genuine(hook["secret"], headers, body) for headers, body in receiver.got)
    assert shown["failing_since"] is None


async def test_a_receiver_that_is_down_for_days_is_given_up_and_its_driver_is_told(
    api: Api, receiver: Receiver
) -> None:
    receiver.status = 500
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        await program.post(f"/webhooks/{hook['id']}/test")
        await api.bench.services.work.drain()
        for wait in RETRIES:
            assert (await program.get(f"/webhooks/{hook['id']}")).json()["disabled_at"] is None
            api.bench.clock.advance(wait)
            await api.bench.services.work.drain()
        (failed,) = await log(program, hook)
        shown = (await program.get(f"/webhooks/{hook['id']}")).json()
        refused = await program.post(f"/webhooks/{hook['id']}/test")
        enabled = await program.post(f"/webhooks/{hook['id']}/enable")

    assert len(receiver.got) == 1 + len(RETRIES)
    assert sum(RETRIES, timedelta()) > timedelta(days=3)
    assert (failed["state"], failed["next_attempt_at"]) == ("failed", None)
    assert shown["disabled_at"] is not None
    assert (refused.status_code, refused.json()["code"]) == (409, "WebhookDisabled")
    assert (enabled.json()["disabled_at"], enabled.json()["failing_since"]) == (None, None)
    folder = api.bench.services.settings.mail_folder
    assert folder is not None
    letters = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in folder.glob("*.eml")]
    assert [letter["To"] for letter in letters if letter["Subject"] == "Your webhook is switched off"] == [
        "ann@example.com"
    ]


async def test_a_receiver_that_is_gone_is_removed(api: Api, receiver: Receiver) -> None:
    receiver.status = 410
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        await start(program)
        await api.bench.services.work.drain()
        shown = await program.get(f"/webhooks/{hook['id']}")

    assert shown.status_code == 404


async def test_a_redirect_is_not_followed(api: Api, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": receiver.url.replace("/hook", "/elsewhere")}
    async with api.ann() as program:
        await hooked(program, receiver, "session.started")
        await start(program)
        await api.bench.services.work.drain()

    assert len(receiver.got) == 1


async def test_a_long_answer_is_not_read(api: Api, receiver: Receiver) -> None:
    receiver.status, receiver.body = 200, b"x" * 10_000_000
    async with api.ann() as program:
        hook = await hooked(program, receiver, "session.started")
        await start(program)
        await api.bench.services.work.drain()
        (delivery,) = await log(program, hook)

    assert delivery["state"] == "delivered"


async def test_an_address_that_is_not_public_any_more_is_sent_nothing(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver, "session.started")
        async with api.bench.services.database.transaction() as session:
            await session.execute(update(WebhookEndpoint).values(url="https://10.0.0.1/hook"))
        await start(program)
        await api.bench.services.work.drain()
        (delivery,) = await log(program, hook)

    assert (delivery["state"], delivery["last_error"]) == ("waiting", "AddressNotAllowed")


async def test_for_a_day_after_a_renewal_both_secrets_sign(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        new = (await program.post(f"/webhooks/{hook['id']}/secret")).json()
        await program.post(f"/webhooks/{hook['id']}/test")
        await api.bench.services.work.drain()
        api.bench.clock.advance(timedelta(hours=25))
        await program.post(f"/webhooks/{hook['id']}/test")
        await api.bench.services.work.drain()

    assert new["secret"] != hook["secret"]
    genuine_for = [[genuine(secret, *one) for secret in (hook["secret"], new["secret"])] for one in receiver.got]
    assert genuine_for == [[True, True], [False, True]]


async def test_a_test_event_and_an_old_delivery_can_be_sent(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver, "session.settled")
        asked = await program.post(f"/webhooks/{hook['id']}/test")
        await api.bench.services.work.drain()
        again = await program.post(f"/webhooks/{hook['id']}/deliveries/{asked.json()['id']}/send")
        await api.bench.services.work.drain()
        (delivery,) = await log(program, hook)

    assert (asked.status_code, again.status_code) == (202, 202)
    assert told(receiver) == ["webhook.test", "webhook.test"]
    assert receiver.got[0][1] == receiver.got[1][1]
    assert json.loads(receiver.got[0][1])["data"] == {}
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_a_driver_can_have_five_webhooks(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        for _ in range(5):
            await hooked(program, receiver)
        answer = await program.post("/webhooks", json={"url": receiver.url})

    assert (answer.status_code, answer.json()["code"]) == (409, "TooManyWebhooks")


async def test_a_secret_is_shown_once(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        later = [await program.get("/webhooks"), await program.get(f"/webhooks/{hook['id']}")]

    assert hook["secret"].startswith("whsec_")
    assert not [answer for answer in later if "whsec_" in answer.text]


async def test_the_log_reaches_back_thirty_days(api: Api, receiver: Receiver) -> None:
    async with api.ann() as program:
        hook = await hooked(program, receiver)
        await program.post(f"/webhooks/{hook['id']}/test")
        await api.bench.services.work.drain()
        api.bench.clock.advance(timedelta(days=31))
        async with api.bench.services.database.transaction() as session:
            await api.bench.services.work.add(session, "api-old", "all")
        await api.bench.services.work.drain()
        async with api.bench.services.database.transaction() as session:
            left = [
                await session.scalar(select(func.count()).select_from(table))
                for table in (WebhookDelivery, WebhookEvent)
            ]
        deliveries = await log(program, hook)

    assert (deliveries, left) == ([], [0, 0])


async def test_receivers_that_do_not_answer_keep_neither_the_bill_nor_other_receivers_waiting(
    api: Api, receiver: Receiver
) -> None:
    async def hangs(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.append(writer)

    hanging: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    dead = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    drivers = [f"driver{number}@example.com" for number in range(10)]
    for email in drivers:
        async with api.program(await api.token(email)) as program:
            for number in range(5):
                hook = (await program.post("/webhooks", json={"url": f"{dead}{number}"})).json()
                await program.post(f"/webhooks/{hook['id']}/test")
    async with api.bench.services.database.transaction() as session:  # as they are after their first attempts
        await session.execute(update(WebhookEndpoint).values(failing_since=api.bench.clock.now()))
    runner = asyncio.create_task(api.bench.services.work.run())
    async with api.ann() as program:
        await hooked(program, receiver, "session.settled")
        session = await start(program)
        await api.bench.site.reports("0")
        await api.bench.site.reports("10", seconds=12, ended="EnergyLimitReached", watts=0)
        async with asyncio.timeout(TIMEOUT_S / 2):
            await receiver.receives.wait()
        over = (await program.get(f"/sessions/{session['id']}")).json()
    still_hanging = len(hanging)
    runner.cancel()
    for writer in hanging:
        writer.close()
    server.close()
    await asyncio.gather(runner, return_exceptions=True)

    assert still_hanging == FAILING_PLACES
    assert (over["state"], told(receiver)) == ("settled", ["session.settled"])


async def test_who_has_no_webhook_leaves_no_events(api: Api) -> None:
    async with api.ann() as program:
        await start(program)
        await api.bench.site.charges("10")
    async with api.bench.services.database.transaction() as session:
        events = await session.scalar(select(func.count()).select_from(WebhookEvent))

    assert events == 0
