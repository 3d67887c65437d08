"""Messages going up: an answer means that it is kept, anything else that the station shall send it again."""

import asyncio
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from konsento.ocpp.messages import (
    BootNotification,
    BootNotificationResponse,
    HeartbeatResponse,
    StatusNotification,
    TransactionEvent,
    TransactionEventResponse,
    TransactionLimit,
)

if TYPE_CHECKING:
    from tests.cloud.ocpp.conftest import Site, Station

TIME = "2026-11-23T09:30:00.5+09:00"


def event(seq_no: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "eventType": "Updated",
        "timestamp": TIME,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "tx-1"},
        **fields,
    }


async def test_an_event_is_answered_only_after_its_handler_has_returned(site: Site, station: Station) -> None:
    taken, committed = asyncio.Event(), asyncio.Event()

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        taken.set()
        await committed.wait()
        return TransactionEventResponse(total_cost=Decimal("12.50"))

    await station.send([2, "m", "TransactionEvent", event()])
    await taken.wait()
    with pytest.raises(TimeoutError):
        await station.socket.receive_json(timeout=0.05)
    committed.set()
    assert (await station.socket.receive_str(timeout=60)) == '[3,"m",{"totalCost":12.50}]'


async def test_the_handler_gets_exact_digits_and_utc(site: Site, station: Station) -> None:
    got: list[TransactionEvent] = []

    @site.handlers.on(TransactionEvent)
    async def keep(station_id: str, message: TransactionEvent) -> TransactionEventResponse:
        assert station_id == "SITE-1"
        got.append(message)
        return TransactionEventResponse()

    value = (
        '{"timestamp":"2026-11-23T00:30:00Z","sampledValue":[{"value":123456789.123,"unitOfMeasure":{"unit":"Wh"}}]}'
    )
    await station.send(
        '[2,"m","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-23T09:30:00.5+09:00","seqNo":0,'
        '"triggerReason":"RemoteStart","transactionInfo":{"transactionId":"tx-1","remoteStartId":42},'
        f'"meterValue":[{value}],"customData":{{"vendorId":"org.konsento","powerType":"solar"}}}}]'
    )
    assert await station.receive() == [3, "m", {}]
    [message] = got
    assert message.timestamp.isoformat() == "2026-11-23T00:30:00.500000+00:00"
    assert message.meter_value is not None
    assert message.meter_value[0].sampled_value[0].value == Decimal("123456789.123")
    assert message.transaction_info.remote_start_id == 42
    assert message.vendor_data() == {"vendorId": "org.konsento", "powerType": "solar"}
    assert message.vendor_data("com.example") == {}


async def test_a_nul_that_no_database_takes_does_not_reach_the_handler(site: Site, station: Station) -> None:
    got: list[StatusNotification] = []

    @site.handlers.on(StatusNotification)
    async def keep(_station_id: str, message: StatusNotification) -> None:
        got.append(message)

    reason = r"a\u0000b\\u0000c\\\u0000\u0000d"
    await station.send(
        '[2,"m","StatusNotification",{"timestamp":"2026-11-23T00:30:00Z","connectorStatus":"Available","evseId":1,'
        f'"connectorId":1,"customData":{{"vendorId":"org.konsento","reason":"{reason}"}}}}]'
    )
    assert await station.receive() == [3, "m", {}]
    assert got[0].vendor_data()["reason"] == r"ab\u0000c\d"


async def test_an_event_that_nobody_keeps_is_not_acknowledged(station: Station) -> None:
    assert (await station.call("TransactionEvent", event()))[:3] == [4, "call-1", "InternalError"]


async def test_a_failing_handler_makes_the_station_try_again_and_the_next_attempt_counts(
    site: Site, station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, message: TransactionEvent) -> TransactionEventResponse:
        attempts.append(message.seq_no)
        if len(attempts) == 1:
            raise OSError("disk full: /var/lib/secret")
        return TransactionEventResponse()

    refused = await station.call("TransactionEvent", event(7))
    assert refused[:3] == [4, "call-1", "InternalError"]
    assert "secret" not in str(refused)
    assert "SITE-1" in caplog.text
    assert "call-1" in caplog.text
    assert await station.call("TransactionEvent", event(7)) == [3, "call-2", {}]
    assert attempts == [7, 7]


async def test_an_answer_to_another_message_is_a_fault_of_ours_not_of_the_station(site: Site, station: Station) -> None:
    @site.handlers.on(TransactionEvent)
    async def confused(_station_id: str, _message: TransactionEvent) -> HeartbeatResponse:
        return HeartbeatResponse(current_time=site.clock.now())

    assert (await station.call("TransactionEvent", event()))[2] == "InternalError"


async def test_events_of_one_station_are_handled_in_order_one_after_the_other(site: Site, station: Station) -> None:
    order: list[str] = []

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, message: TransactionEvent) -> TransactionEventResponse:
        order.append(f"begin {message.seq_no}")
        await asyncio.sleep(0)
        order.append(f"end {message.seq_no}")
        return TransactionEventResponse()

    for number in range(3):
        await station.send([2, f"m{number}", "TransactionEvent", event(number)])
    assert [(await station.receive())[1] for _ in range(3)] == ["m0", "m1", "m2"]
    assert order == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]


async def test_a_slow_station_does_not_hold_up_another(site: Site, station: Station) -> None:
    stuck = asyncio.Event()

    @site.handlers.on(TransactionEvent)
    async def keep(station_id: str, _message: TransactionEvent) -> TransactionEventResponse:
        if station_id == "SITE-1":
            await stuck.wait()
        return TransactionEventResponse()

    await station.send([2, "m", "TransactionEvent", event()])
    async with await site.connect("SITE-2") as other:
        assert await other.call("TransactionEvent", event()) == [3, "call-1", {}]
    stuck.set()
    assert await station.receive() == [3, "m", {}]


async def test_a_handler_runs_to_its_end_when_the_station_leaves(site: Site, station: Station) -> None:
    taken, go_on, committed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, _message: TransactionEvent) -> TransactionEventResponse:
        taken.set()
        await go_on.wait()
        committed.set()
        return TransactionEventResponse()

    await station.send([2, "m", "TransactionEvent", event()])
    await taken.wait()
    await station.socket.close()
    go_on.set()
    await asyncio.wait_for(committed.wait(), 60)


@pytest.mark.parametrize(("protocol", "limit"), [("ocpp2.1", {"maxEnergy": 10, "maxTime": 60}), ("ocpp2.0.1", None)])
async def test_limits_travel_in_the_answer_where_the_version_has_them(
    site: Site, protocol: str, limit: dict[str, int] | None
) -> None:
    @site.handlers.on(TransactionEvent)
    async def keep(_station_id: str, _message: TransactionEvent) -> TransactionEventResponse:
        return TransactionEventResponse(transaction_limit=TransactionLimit(max_energy=Decimal(10), max_time=60))

    async with await site.connect(protocols=(protocol,)) as station:
        answer = await station.call("TransactionEvent", event())
        assert answer[2].get("transactionLimit") == limit


async def test_a_handler_may_look_and_leave_the_answer_to_us(site: Site, station: Station) -> None:
    seen: list[str] = []

    @site.handlers.on(BootNotification)
    async def look(_station_id: str, message: BootNotification) -> BootNotificationResponse | None:
        seen.append(message.charging_station.model)
        return None

    boot = {"chargingStation": {"model": "konsento", "vendorName": "v"}, "reason": "PowerUp"}
    assert (await station.call("BootNotification", boot))[2]["status"] == "Accepted"
    assert seen == ["konsento"]


def test_a_message_has_one_handler(site: Site) -> None:
    async def take(_station_id: str, _message: StatusNotification) -> None: ...

    site.handlers.on(StatusNotification)(take)
    with pytest.raises(ValueError, match="StatusNotification has a handler already"):
        site.handlers.on(StatusNotification)(take)


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("StatusNotification", {"timestamp": TIME, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}, {}),
        ("NotifyReport", {"requestId": 1, "generatedAt": TIME, "seqNo": 0}, {}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("SecurityEventNotification", {"type": "x", "timestamp": TIME}, {}),
        ("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": 1}]}]}, {}),
        (
            "NotifyEvent",
            {
                "generatedAt": TIME,
                "seqNo": 0,
                "eventData": [
                    {
                        "eventId": 1,
                        "timestamp": TIME,
                        "trigger": "Delta",
                        "actualValue": "true",
                        "component": {"name": "Outlet"},
                        "variable": {"name": "Problem"},
                        "eventNotificationType": "HardWiredNotification",
                    }
                ],
            },
            {},
        ),
        ("Authorize", {"idToken": {"idToken": "x", "type": "Central"}}, {"idTokenInfo": {"status": "Unknown"}}),
        ("DataTransfer", {"vendorId": "com.example"}, {"status": "UnknownVendorId"}),
    ],
)
async def test_what_nobody_registered_for_still_has_a_fitting_answer(
    station: Station, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert await station.call(action, payload) == [3, "call-1", answer]


async def test_no_log_line_shows_an_id_token(site: Site, station: Station, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for token in ({"idToken": "TOKEN0TOKEN0", "type": "Central"}, {"idToken": "TOKEN0TOKEN0", "type": 7}):
        await station.call("Authorize", {"idToken": token})
        await station.call("TransactionEvent", event(idToken=token))
    konsento = [record.getMessage() for record in caplog.records if record.name.startswith("konsento")]
    assert konsento
    assert not any("TOKEN0TOKEN0" in line for line in konsento)
