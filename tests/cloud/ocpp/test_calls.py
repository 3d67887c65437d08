"""Commands to a station: what comes back, and what is known when nothing does."""

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from konsento.ocpp import (
    BadPayload,
    CallRefused,
    CallTimeout,
    StationBusy,
    StationOffline,
    UnknownAction,
    custom_data,
)
from konsento.ocpp.messages import (
    GetTransactionStatus,
    GetTransactionStatusResponse,
    IdToken,
    RequestStartTransaction,
    RequestStopTransaction,
    Reset,
    ResetType,
    StartStopStatus,
    TransactionEvent,
    TransactionEventResponse,
)

if TYPE_CHECKING:
    from tests.cloud.ocpp.conftest import Site, Station

ASK = GetTransactionStatus(transaction_id="tx-1")


async def test_a_start_goes_out_as_the_contract_says_and_its_answer_comes_back(site: Site, station: Station) -> None:
    start = RequestStartTransaction(
        evse_id=1,
        remote_start_id=42,
        id_token=IdToken(id_token="A" * 20, type="Central"),
        custom_data=custom_data(energyLimitWh=10, timeLimitS=0, timerStart="relay"),
    )
    asking = asyncio.create_task(site.router.call("SITE-1", start))
    frame = await station.receive()
    assert frame[0] == 2
    assert frame[2:] == [
        "RequestStartTransaction",
        {
            "customData": {"vendorId": "org.konsento", "energyLimitWh": 10, "timeLimitS": 0, "timerStart": "relay"},
            "evseId": 1,
            "idToken": {"idToken": "A" * 20, "type": "Central"},
            "remoteStartId": 42,
        },
    ]
    await station.send([3, frame[1], {"status": "Accepted", "transactionId": "tx-1"}])
    answer = await asking
    assert (answer.status, answer.transaction_id) == (StartStopStatus.ACCEPTED, "tx-1")


async def test_a_refusal_carries_the_stations_error_code(site: Site, station: Station) -> None:
    asking = asyncio.create_task(site.router.call("SITE-1", ASK))
    frame = await station.receive()
    await station.send([4, frame[1], "NotSupported", "not here", {}])
    with pytest.raises(CallRefused) as refused:
        await asking
    assert (refused.value.code, refused.value.description) == ("NotSupported", "not here")


async def test_nothing_is_sent_to_a_station_that_is_not_there(site: Site) -> None:
    with pytest.raises(StationOffline, match="GetTransactionStatus to station SITE-9"):
        await site.router.call("SITE-9", ASK)


async def test_one_call_is_outstanding_at_a_time_and_the_others_keep_their_order(site: Site, station: Station) -> None:
    asking = [
        asyncio.create_task(site.router.call("SITE-1", RequestStopTransaction(transaction_id=f"tx-{number}")))
        for number in range(3)
    ]
    for number in range(3):
        frame = await station.receive()
        assert frame[3] == {"transactionId": f"tx-{number}"}
        with pytest.raises(TimeoutError):
            await station.socket.receive_json(timeout=0.05)
        await station.send([3, frame[1], {"status": "Accepted"}])
        await asking[number]


async def test_a_missing_answer_times_out_and_a_late_one_harms_nothing(
    site: Site, station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    asking = asyncio.create_task(site.router.call("SITE-1", ASK, timeout_s=0.05))
    late = await station.receive()
    with pytest.raises(CallTimeout) as timeout:
        await asking
    assert timeout.value.cause == "no answer in time"
    await station.send([3, late[1], {"messagesInQueue": True}])
    await station.call("Heartbeat", {})
    assert "is late or to nothing we asked" in caplog.text
    asking = asyncio.create_task(site.router.call("SITE-1", ASK))
    frame = await station.receive()
    await station.send([3, late[1], {"messagesInQueue": True}])
    await station.send([3, frame[1], {"messagesInQueue": False}])
    assert await asking == GetTransactionStatusResponse(messages_in_queue=False)


async def test_a_call_that_never_got_its_turn_was_never_sent(site: Site, station: Station) -> None:
    first = asyncio.create_task(site.router.call("SITE-1", ASK))
    frame = await station.receive()
    with pytest.raises(StationBusy):
        await site.router.call("SITE-1", ASK, timeout_s=0.05)
    waiting = [asyncio.create_task(site.router.call("SITE-1", ASK)) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(StationBusy):
        await site.router.call("SITE-1", ASK)
    for task in waiting:
        task.cancel()
    await station.send([3, frame[1], {"messagesInQueue": False}])
    await first


async def test_a_lost_link_ends_the_call_under_way_and_tells_the_waiting_ones_that_nothing_was_sent(
    site: Site, station: Station
) -> None:
    sent = asyncio.create_task(site.router.call("SITE-1", ASK))
    await station.receive()
    unsent = asyncio.create_task(site.router.call("SITE-1", ASK))
    await asyncio.sleep(0)
    await station.socket.close()
    with pytest.raises(CallTimeout) as lost:
        await sent
    assert lost.value.cause == "link lost"
    with pytest.raises(StationOffline):
        await unsent


async def test_a_cancelled_call_gives_its_turn_to_the_next(site: Site, station: Station) -> None:
    first = asyncio.create_task(site.router.call("SITE-1", ASK))
    await station.receive()
    first.cancel()
    second = asyncio.create_task(site.router.call("SITE-1", ASK))
    frame = await station.receive()
    await station.send([3, frame[1], {"messagesInQueue": True}])
    assert (await second).messages_in_queue


@pytest.mark.parametrize(("protocol", "told"), [("ocpp2.1", True), ("ocpp2.0.1", False)])
async def test_an_unreadable_answer_leaves_the_outcome_open(site: Site, protocol: str, told: bool) -> None:
    async with await site.connect(protocols=(protocol,)) as station:
        await station.call("Heartbeat", {})
        asking = asyncio.create_task(site.router.call("SITE-1", ASK))
        frame = await station.receive()
        await station.send([3, frame[1], {"messagesInQueue": "maybe"}])
        with pytest.raises(CallTimeout) as unreadable:
            await asking
        assert unreadable.value.cause == "unreadable answer"
        if told:
            assert (await station.receive())[:3] == [5, frame[1], "TypeConstraintViolation"]
        assert (await station.call("Heartbeat", {}))[0] == 3


async def test_what_2_0_1_cannot_say_is_refused_before_it_is_sent(site: Site) -> None:
    async with await site.connect(protocols=("ocpp2.0.1",)) as station:
        await station.call("Heartbeat", {})
        with pytest.raises(CallRefused) as refused:
            await site.router.call("SITE-1", Reset(type=ResetType.IMMEDIATE_AND_RESUME))
        assert refused.value.code == "NotSupported"


async def test_a_handler_may_ask_the_station_that_waits_for_its_answer(site: Site, station: Station) -> None:
    @site.handlers.on(TransactionEvent)
    async def ask_back(station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        await site.router.call(station_id, ASK)
        return TransactionEventResponse()

    event = {
        "eventType": "Ended",
        "timestamp": "2026-11-23T09:30:00Z",
        "triggerReason": "RemoteStop",
        "seqNo": 5,
        "transactionInfo": {"transactionId": "tx-1"},
    }
    await station.send(json.dumps([2, "m1", "TransactionEvent", event]))
    question = await station.receive()
    assert question[2] == "GetTransactionStatus"
    await station.send([3, question[1], {"messagesInQueue": False}])
    assert await station.receive() == [3, "m1", {}]


async def test_any_request_is_sent_as_it_is_and_its_answer_comes_back_as_it_came(site: Site, station: Station) -> None:
    text = {"priority": "NormalCycle", "message": {"format": "UTF8", "content": "こんにちは"}, "id": 7}
    asking = asyncio.create_task(site.router.call_raw("SITE-1", "SetDisplayMessage", {"message": text}))
    frame = await station.receive()
    assert frame[2:] == ["SetDisplayMessage", {"message": text}]
    await station.send([3, frame[1], {"status": "Accepted", "ours": [1, 2.5, None]}])
    assert await asking == {"status": "Accepted", "ours": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("protocol", "action"),
    [
        ("ocpp2.1", "MakeCoffee"),
        ("ocpp2.1", "BootNotification"),
        ("ocpp2.1", "NotifyPeriodicEventStream"),
        ("ocpp2.0.1", "SetDERControl"),
    ],
)
async def test_what_no_server_asks_of_a_station_is_not_sent(site: Site, protocol: str, action: str) -> None:
    async with await site.connect(protocols=(protocol,)) as station:
        await station.call("Heartbeat", {})
        with pytest.raises(UnknownAction, match=f"{protocol} has no such request to a station"):
            await site.router.call_raw("SITE-1", action, {})
        with pytest.raises(TimeoutError):
            await station.socket.receive_json(timeout=0.05)


async def test_what_the_schema_does_not_allow_is_not_sent(site: Site, station: Station) -> None:
    await station.call("Heartbeat", {})
    with pytest.raises(BadPayload, match=r"^Reset to station SITE-1: /evseId: This must be 0 or more\.") as bad:
        await site.router.call_raw("SITE-1", "Reset", {"type": "OnIdle", "evseId": -1})
    assert [fault.pointer for fault in bad.value.faults] == ["/evseId"]
    with pytest.raises(TimeoutError):
        await station.socket.receive_json(timeout=0.05)


async def test_any_request_is_checked_by_the_version_that_the_station_speaks(site: Site) -> None:
    resume = {"type": "ImmediateAndResume"}
    async with await site.connect(protocols=("ocpp2.0.1",)) as station:
        await station.call("Heartbeat", {})
        with pytest.raises(BadPayload, match="one of: Immediate, OnIdle"):
            await site.router.call_raw("SITE-1", "Reset", resume)
    async with await site.connect() as station:
        await station.call("Heartbeat", {})
        asking = asyncio.create_task(site.router.call_raw("SITE-1", "Reset", resume))
        frame = await station.receive()
        await station.send([3, frame[1], {"status": "Accepted"}])
        assert await asking == {"status": "Accepted"}


async def test_any_request_fails_as_every_other_does(site: Site, station: Station) -> None:
    with pytest.raises(StationOffline):
        await site.router.call_raw("SITE-9", "ClearCache", {})
    asking = asyncio.create_task(site.router.call_raw("SITE-1", "ClearCache", {}))
    frame = await station.receive()
    with pytest.raises(StationBusy):
        await site.router.call_raw("SITE-1", "ClearCache", {}, timeout_s=0.05)
    await station.send([4, frame[1], "NotSupported", "n" * 1000, {}])
    with pytest.raises(CallRefused) as refused:
        await asking
    assert (refused.value.code, refused.value.description) == ("NotSupported", "n" * 255)
    asking = asyncio.create_task(site.router.call_raw("SITE-1", "ClearCache", {}, timeout_s=0.05))
    await station.receive()
    with pytest.raises(CallTimeout) as timeout:
        await asking
    assert timeout.value.cause == "no answer in time"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('[3,"@"]', "RpcFrameworkError"),
        ('[3,"@",{"status":', "RpcFrameworkError"),
        ('[3,"@",null]', "FormatViolation"),
        ('[3,"@",[]]', "FormatViolation"),
        ('[4,"@"]', None),
        ('[4,"@",{"code":', None),
    ],
)
async def test_a_broken_answer_is_known_at_once(site: Site, station: Station, answer: str, code: str | None) -> None:
    asking = asyncio.create_task(site.router.call_raw("SITE-1", "ClearCache", {}))
    frame = await station.receive()
    await station.send(answer.replace("@", frame[1]))
    with pytest.raises(CallTimeout) as unreadable:
        await asyncio.wait_for(asking, 2)
    assert unreadable.value.cause == "unreadable answer"
    # OCPP 2.1 has a word for it where a result is broken, none where an error is.
    if code is not None:
        assert (await station.receive())[:3] == [5, frame[1], code]
    assert (await station.call("Heartbeat", {}))[:2] == [3, "call-1"]
