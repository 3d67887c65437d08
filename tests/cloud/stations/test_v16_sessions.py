"""Sessions at a charger of OCPP 1.6, over a real line: whatever its manners, the bill is what was measured, once."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from konsento.models import OutletStatus, SessionState
from konsento.ocpp import CallRefused
from konsento.ocpp.messages import IdToken, RequestStartTransaction, Reset, ResetType

from ..conftest import STATION
from .line import RefusedError
from .v16 import Charger16, Manners

if TYPE_CHECKING:
    from .world import World

MANNERS = {
    "well": Manners(),
    "idTag in small letters": Manners(lower_case=True),
    "StartTransaction again": Manners(start_twice=True),
    "StopTransaction twice": Manners(stop_twice=True),
    "MeterValues twice": Manners(readings_twice=True),
    "MeterValues that name no transaction": Manners(readings_without_transaction=True),
    "no MeterValues": Manners(no_readings=True),
    "takes no settings": Manners(refuses_settings=True),
    "tells kWh": Manners(in_kwh=True),
    "meterStop is zero": Manners(stop_register_zero=True),
    "everything twice": Manners(start_twice=True, stop_twice=True, readings_twice=True, lower_case=True),
}


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS)
async def test_the_bill_is_what_was_measured_once(world: World, manners: Manners) -> None:
    charger = await Charger16.dial(world, manners)
    await charger.boot()
    session = await world.start(amount=500)
    assert (await world.session(session.id)).state is SessionState.STARTING
    first = charger.meter_mwh
    answer = await charger.begin()
    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert (await world.session(session.id)).state is SessionState.CHARGING

    await charger.run(90, step_s=3)
    await charger.end("EVDisconnected")
    ended = await world.session(session.id)

    assert ended.state is SessionState.SETTLED
    assert ended.end_reason == "EVDisconnected"
    # Whole Wh: a charger of 1.6 tells its registers so.
    assert await world.billed_wh(session.id) in {
        (charger.meter_mwh - first) // 1000,
        charger.meter_mwh // 1000 - first // 1000,
    }
    assert ended.seconds in range(88, 93)


async def test_the_events_are_numbered_without_gaps_and_the_end_is_the_last(world: World) -> None:
    charger = await Charger16.dial(world, Manners(readings_twice=True, start_twice=True, stop_twice=True))
    await charger.boot()
    session = await world.start(amount=500)
    await charger.begin()
    await charger.run(50)
    await charger.end()
    events = await world.events(session.id)

    assert [event.seq_no for event in events] == [0, 1, 2, 3, 4]
    assert [event.event_type for event in events] == ["Started", "Updated", "Updated", "Updated", "Ended"]


async def test_readings_that_come_after_the_end_change_nothing(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=500)
    await charger.begin()
    late: dict[str, Any] = {"connectorId": 1, "transactionId": charger.transaction, "meterValue": [charger.reading()]}
    await charger.run(30)
    await charger.end()
    billed = await world.billed_wh(session.id)
    late["meterValue"][0]["sampledValue"][0]["value"] = "2000000"
    await charger.line.call("MeterValues", late)
    await world.wait(60)

    assert await world.billed_wh(session.id) == billed == 24
    assert [event.event_type for event in await world.events(session.id)][-1] == "Ended"


async def test_what_happened_without_a_line_comes_later_and_is_billed_in_order(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=1000)
    await charger.begin()
    await charger.run(20)
    await charger.line.hang_up()
    queue = []
    for _ in range(3):
        charger.meter_mwh += 25_000
        world.clock.advance(timedelta(seconds=30))
        queue.append({"connectorId": 1, "transactionId": charger.transaction, "meterValue": [charger.reading()]})
    stop = charger.stop_message("Local")
    await charger.back()
    # Delivered, the line breaks, and all of it comes again.
    for _ in range(2):
        for values in queue:
            await charger.line.call("MeterValues", values)
    await charger.line.call("StopTransaction", stop)
    await charger.line.call("StopTransaction", stop)
    await world.wait(2)

    assert await world.billed_wh(session.id) == stop["meterStop"] - 1000
    assert len(await world.events(session.id)) == 2 + 3 + 1


async def test_a_clock_that_jumps_bills_what_was_measured(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=1000)
    await charger.begin()
    charger.meter_mwh += 20_000
    early = charger.reading()
    early["timestamp"] = "2026-11-22T02:00:00Z"
    later = charger.reading()
    later["timestamp"] = "2026-11-22T01:59:00"
    later["sampledValue"][0]["value"] = "1030.0"
    for reading in (early, later):
        values = {"connectorId": 1, "transactionId": charger.transaction, "meterValue": [reading]}
        await charger.line.call("MeterValues", values, valid=False)
    charger.meter_mwh += 20_000
    await world.wait(120)
    await charger.end()

    assert await world.billed_wh(session.id) == 40


async def test_a_start_has_the_same_number_when_it_comes_again_after_a_reboot_and_another_start_another(
    world: World,
) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    numbers = []
    for _ in range(2):
        session = await world.start(amount=500)
        await charger.begin()
        numbers.append(charger.transaction)
        await charger.run(5)
        await charger.line.hang_up()
        await charger.back()
        await charger.end()
        assert await world.billed_wh(session.id) == 4
        await charger.status("Available")

    assert len(set(numbers)) == 2


async def test_a_card_that_nobody_knows_is_invalid_and_what_it_started_is_stopped(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    assert (await charger.line.call("Authorize", {"idTag": "CARD1"}))["idTagInfo"] == {"status": "Invalid"}
    answer = await charger.begin("CARD1")
    assert answer["idTagInfo"] == {"status": "Invalid"}
    await world.wait(31)

    assert charger.line.calls("RemoteStopTransaction") == [{"transactionId": answer["transactionId"]}]


async def test_the_token_of_a_session_that_starts_is_accepted_and_that_of_one_that_is_over_is_not(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    await world.start(amount=500)
    tag = charger.id_tag
    assert tag is not None
    assert (await charger.line.call("Authorize", {"idTag": tag.lower()}))["idTagInfo"] == {"status": "Accepted"}
    await charger.begin()
    await charger.run(5)
    await charger.end()

    assert (await charger.line.call("Authorize", {"idTag": tag}))["idTagInfo"] == {"status": "Invalid"}


async def test_a_start_that_never_happens_is_given_up_and_stopped_when_it_comes_too_late(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=500)
    await world.wait(160)
    assert (await world.session(session.id)).state is SessionState.FAILED
    answer = await charger.begin()
    assert answer["idTagInfo"] == {"status": "Invalid"}
    await world.wait(31)

    assert charger.line.calls("RemoteStopTransaction")


async def test_a_driver_stops_a_session(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=500)
    await charger.begin()
    await charger.run(10)
    await world.stop(session.id)
    await charger.run(5)

    assert (await world.session(session.id)).end_reason == "Remote"
    assert await world.billed_wh(session.id) == 9


async def test_a_car_that_is_plugged_in_before_does_not_make_the_outlet_unusable(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    for word in ("Preparing", "Finishing"):
        await charger.status(word)
        session = await world.start(amount=500)
        await charger.begin()
        await charger.status("Charging")
        assert (await world.outlets())[1].status_reason == ""
        await charger.run(5)
        await charger.end()
        assert await world.billed_wh(session.id) is not None


async def test_a_session_whose_charger_has_lost_it_ends_with_what_was_measured(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    session = await world.start(amount=1000)
    await charger.begin()
    await charger.run(30)
    await charger.line.hang_up()
    charger.transaction = None
    await charger.back()
    await charger.boot()
    for _ in range(5):
        await world.wait(95)

    assert (await world.session(session.id)).state is SessionState.SETTLED
    assert await world.billed_wh(session.id) == 24


async def test_a_charger_is_set_up_after_it_started(world: World) -> None:
    charger = await Charger16.dial(world)
    booted = await charger.boot()
    assert booted["status"] == "Accepted"

    changed = {one["key"]: one["value"] for one in charger.line.calls("ChangeConfiguration")}
    assert changed["MeterValueSampleInterval"] == "15"
    assert changed["MeterValuesSampledData"] == "Energy.Active.Import.Register,Power.Active.Import"
    assert changed["ConnectionTimeOut"] == "120"


async def test_what_1_6_cannot_say_is_refused_and_nothing_is_sent(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    asked = len(charger.line.asked)
    long_token = RequestStartTransaction(remote_start_id=1, id_token=IdToken(id_token="A" * 21, type="Central"))
    for request in (Reset(type=ResetType.IMMEDIATE, evse_id=1), long_token):
        with pytest.raises(CallRefused, match="NotSupported"):
            await world.router.call(STATION, request)

    assert len(charger.line.asked) == asked


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("StartTransaction", {"connectorId": 1}, "OccurenceConstraintViolation"),
        ("StartTransaction", {"connectorId": "one"}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ("Heartbeat", [], "FormationViolation"),
        ("RemoteStartTransaction", {}, "NotSupported"),
        ("MakeCoffee", {}, "NotImplemented"),
    ],
)
async def test_errors_have_the_names_of_1_6(world: World, action: str, payload: object, code: str) -> None:
    charger = await Charger16.dial(world)
    with pytest.raises(RefusedError) as refused:
        await charger.line.call(action, payload, valid=False)  # type: ignore[arg-type]  # no object at all

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("DiagnosticsStatusNotification", {"status": "Uploaded"}, {}),
        ("FirmwareStatusNotification", {"status": "Installed"}, {}),
        ("SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 4}, {}),
        ("LogStatusNotification", {"status": "Uploaded", "requestId": 4}, {}),
        ("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": "2026-11-22T01:58:00Z"}, {}),
        ("SignCertificate", {"csr": "-----BEGIN"}, {"status": "Rejected"}),
        ("DataTransfer", {"vendorId": "com.acme", "data": "x"}, {"status": "UnknownVendorId"}),
        ("StopTransaction", {"transactionId": 5, "meterStop": 1, "timestamp": "2026-11-22T01:58:00Z"}, {}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}, {}),
    ],
)
async def test_everything_else_that_a_charger_says_is_answered(
    world: World, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    charger = await Charger16.dial(world)

    assert await charger.line.call(action, payload) == answer


async def test_the_fault_of_a_connector_is_told_by_its_name(world: World) -> None:
    charger = await Charger16.dial(world)
    await charger.boot()
    await charger.status("Faulted", error="GroundFailure")
    outlet = (await world.outlets())[1]

    assert (outlet.status, outlet.status_reason) == (OutletStatus.FAULTED, "GroundFailure")
