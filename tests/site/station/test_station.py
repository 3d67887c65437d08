"""What a management server relies on. Every message is held against the official schemas by the server of the tests."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from csms import PASSWORD, STATION, Csms, start_request
from station.conftest import Linked

from custom_components.konsento.control.limits import Limits
from custom_components.konsento.station.connection import ServerAddress, probe
from custom_components.konsento.station.errors import (
    NoCommonVersionError,
    UnknownStationError,
    UnreachableError,
    WrongPasswordError,
)


async def online(linked: Linked) -> None:
    linked.connect()
    await linked.csms.until(lambda: len(linked.csms.states()) > 0)


async def started(linked: Linked, number: int = 1, **ours: Any) -> str:
    """Start a session; returns its transaction id."""
    frame = await linked.csms.ask("RequestStartTransaction", start_request(number, **ours))
    assert frame[2]["status"] == "Accepted"
    transaction: str = frame[2]["transactionId"]
    return transaction


async def test_the_site_presents_itself_once_and_tells_every_outlet_at_every_connection(linked: Linked) -> None:
    await online(linked)
    await linked.csms.drop()
    await linked.csms.until(lambda: len(linked.csms.states()) == 2)

    assert [action for action, _ in linked.csms.heard] == [
        "BootNotification",
        "StatusNotification",
        "StatusNotification",
    ]


async def test_a_start_is_accepted_after_the_relay_closed_and_followed_by_its_event(linked: Linked) -> None:
    await online(linked)
    transaction = await started(linked)
    assert linked.outlet.relay
    await linked.csms.until(lambda: len(linked.csms.events()) == 1)

    (event,) = linked.csms.events()
    assert event["eventType"] == "Started"
    assert event["seqNo"] == 0
    assert event["triggerReason"] == "RemoteStart"
    assert event["offline"] is False
    assert event["evse"] == {"id": 1, "connectorId": 1}
    assert event["idToken"] == {"idToken": "TOKEN000000000000001", "type": "Central"}
    assert event["transactionInfo"] == {
        "transactionId": transaction,
        "remoteStartId": 1,
        "chargingState": "Charging",
        "timeSpentCharging": 0,
        "transactionLimit": {"maxEnergy": 1000},
    }
    register, power = event["meterValue"][0]["sampledValue"]
    assert (register["measurand"], register["value"], register["context"]) == (
        "Energy.Active.Import.Register",
        5000.0,
        "Transaction.Begin",
    )
    assert (power["measurand"], power["unitOfMeasure"]) == ("Power.Active.Import", {"unit": "W"})
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Occupied")


async def test_a_start_asked_again_is_answered_the_same(linked: Linked) -> None:
    await online(linked)
    transaction = await started(linked)

    assert await started(linked) == transaction
    assert len(linked.outlet.starts) == 1


async def test_two_copies_of_a_start_at_the_same_time_are_one(linked: Linked) -> None:
    await online(linked)
    first, second = await asyncio.gather(started(linked), started(linked))

    assert first == second
    assert len(linked.outlet.starts) == 1


async def test_the_end_tells_the_whole_energy_and_why(linked: Linked) -> None:
    await online(linked)
    await started(linked, energyLimitWh=5)
    await linked.supply(10)
    await linked.csms.until(lambda: linked.csms.last() == "Ended")

    last = linked.csms.events()[-1]
    assert last["transactionInfo"]["stoppedReason"] == "EnergyLimitReached"
    assert last["transactionInfo"]["chargingState"] == "Idle"
    assert last["triggerReason"] == "EnergyLimitReached"
    assert last["meterValue"][0]["sampledValue"][0]["value"] == 5005.0
    assert last["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.End"


async def test_a_stop_is_accepted_and_ends_the_session(linked: Linked) -> None:
    await online(linked)
    transaction = await started(linked)

    frame = await linked.csms.ask("RequestStopTransaction", {"transactionId": transaction})
    await linked.csms.until(lambda: linked.csms.last() == "Ended")

    assert frame[2]["status"] == "Accepted"
    assert linked.csms.events()[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    assert not linked.outlet.relay


async def test_a_stop_of_an_unknown_transaction_is_rejected(linked: Linked) -> None:
    await online(linked)

    frame = await linked.csms.ask("RequestStopTransaction", {"transactionId": "nobody"})

    assert frame[2] == {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownTransaction"}}


LATE = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (start_request(evse=7), "UnknownOutlet"),
        (start_request(energyLimitWh=-1), "BadLimit"),
        (start_request(energyLimitWh=10**9), "BadLimit"),
        (start_request(energyLimitWh="10"), "BadLimit"),
        (start_request(energyLimitWh=1.5), "BadLimit"),
        (start_request(energyLimitWh=True), "BadLimit"),
        (start_request(timeLimitS=100_000), "BadLimit"),
        (start_request(timerStart="tomorrow"), "BadLimit"),
        (start_request(timerStart=["relay"]), "BadLimit"),
        (start_request(energyLimitWh=0), "NoLimit"),
        ({key: value for key, value in start_request().items() if key != "evseId"}, "UnknownOutlet"),
        (start_request(expiresAt=LATE), "RequestExpired"),
    ],
)
async def test_a_start_that_cannot_be_done_says_why_and_changes_nothing(
    linked: Linked, asked: dict[str, Any], reason: str
) -> None:
    await online(linked)

    frame = await linked.csms.ask("RequestStartTransaction", asked)

    assert frame[2]["status"] == "Rejected"
    assert frame[2]["statusInfo"]["reasonCode"] == reason
    assert linked.outlet.starts == []
    assert linked.csms.events() == []


async def test_what_could_not_be_delivered_comes_later_in_order_and_marked(linked: Linked) -> None:
    await online(linked)
    await started(linked, energyLimitWh=10)
    await linked.csms.until(lambda: len(linked.csms.events()) == 1)
    await linked.csms.stop()
    await linked.supply(3)
    linked.outlet.reboot()
    await linked.supply(0)
    await asyncio.sleep(0)
    linked.outlet.lease_until = 0
    await linked.supply(60)
    await linked.csms.start()
    await linked.csms.until(lambda: linked.csms.last() != "Started", patience=30)

    later = linked.csms.events()[1:]
    assert [event["seqNo"] for event in later] == list(range(1, len(later) + 1))
    assert all(event["offline"] for event in later)


async def test_an_event_that_was_not_answered_is_sent_again(linked: Linked) -> None:
    await online(linked)
    refusals = iter(["InternalError"])
    linked.csms.answers["TransactionEvent"] = lambda _: next(refusals, {})
    await started(linked)
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    first, again = linked.csms.events()
    assert first["seqNo"] == again["seqNo"] == 0


async def test_the_session_goes_on_while_the_server_is_away(linked: Linked) -> None:
    await online(linked)
    await started(linked)
    await linked.csms.stop()
    await linked.supply(5)
    linked.site.outlets[1].wake()
    await linked.site.outlets[1].step()

    assert linked.outlet.relay


async def test_states_follow_the_outlet(linked: Linked) -> None:
    await online(linked)
    linked.outlet.set_online(False)
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Unavailable")
    assert linked.csms.heard[-1][1]["customData"] == {"vendorId": "org.konsento", "reason": "offline"}
    linked.outlet.fault = "overcurrent"
    linked.outlet.set_online(True)
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Faulted")


async def test_the_server_can_take_an_outlet_out_of_its_service(linked: Linked) -> None:
    await online(linked)
    frame = await linked.csms.ask(
        "ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 1}}
    )
    await linked.csms.until(lambda: linked.csms.states()[-1] == "Unavailable")

    assert frame[2]["status"] == "Accepted"
    refused = await linked.csms.ask("RequestStartTransaction", start_request())
    assert refused[2]["statusInfo"]["reasonCode"] == "OutletDisabled"


async def test_the_state_of_a_transaction_can_be_asked(linked: Linked) -> None:
    await online(linked)
    transaction = await started(linked)
    await linked.csms.until(lambda: len(linked.csms.events()) == 1)

    async def status(payload: dict[str, Any]) -> Any:
        return (await linked.csms.ask("GetTransactionStatus", payload))[2]

    assert (await status({"transactionId": transaction}))["ongoingIndicator"] is True
    assert (await status({"transactionId": "unknown"})) == {"ongoingIndicator": False, "messagesInQueue": False}
    assert "ongoingIndicator" not in await status({})


@pytest.mark.parametrize("message", ["Heartbeat", "StatusNotification"])
async def test_messages_can_be_asked_for(linked: Linked, message: str) -> None:
    await online(linked)
    before = [action for action, _ in linked.csms.heard].count(message)

    frame = await linked.csms.ask("TriggerMessage", {"requestedMessage": message})

    assert frame[2]["status"] == "Accepted"
    await linked.csms.until(lambda: [action for action, _ in linked.csms.heard].count(message) == before + 1)


async def test_a_boot_that_the_server_has_accepted_is_not_repeated(linked: Linked) -> None:
    await online(linked)
    frame = await linked.csms.ask("TriggerMessage", {"requestedMessage": "BootNotification"})

    assert frame[2]["status"] == "Rejected"
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "Heartbeat")
    assert [action for action, _ in linked.csms.heard].count("BootNotification") == 1


async def test_a_meter_value_can_be_asked_for(linked: Linked) -> None:
    await online(linked)
    await started(linked)
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
    await linked.csms.until(lambda: len(linked.csms.events()) == 2)

    assert linked.csms.events()[-1]["triggerReason"] == "Trigger"


async def test_intervals_can_be_read_and_set(linked: Linked) -> None:
    await online(linked)
    meter = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    unknown = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "Colour"}}

    read = await linked.csms.ask("GetVariables", {"getVariableData": [meter, unknown]})
    written = await linked.csms.ask(
        "SetVariables",
        {"setVariableData": [{**meter, "attributeValue": "30"}, {**meter, "attributeValue": "0"}]},
    )

    results = read[2]["getVariableResult"]
    assert [(result["attributeStatus"], result.get("attributeValue")) for result in results] == [
        ("Accepted", "3600"),
        ("UnknownVariable", None),
    ]
    assert [result["attributeStatus"] for result in written[2]["setVariableResult"]] == ["Accepted", "Rejected"]
    assert linked.intervals == [30]


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("MakeCoffee", {}, "NotImplemented"),
        ("../../etc/passwd", {}, "NotImplemented"),
        ("ClearChargingProfile", {"chargingProfileId": 1}, "NotSupported"),
        ("RequestStopTransaction", {}, "ProtocolError"),
        ("RequestStopTransaction", {"transactionId": 5}, "TypeConstraintViolation"),
        ("RequestStopTransaction", {"transactionId": "a", "colour": "red"}, "FormatViolation"),
        ("RequestStartTransaction", start_request(expiresAt="soon"), "PropertyConstraintViolation"),
    ],
)
async def test_a_call_that_is_not_understood_gets_the_right_error(
    linked: Linked, action: str, payload: dict[str, Any], code: str
) -> None:
    await online(linked)

    frame = await linked.csms.ask(action, payload, valid=False)

    assert (frame[0], frame[2]) == (4, code)
    assert linked.outlet.starts == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "RpcFrameworkError"),
        ("[]", "RpcFrameworkError"),
        ('"hello"', "RpcFrameworkError"),
        ("[2]", "RpcFrameworkError"),
        ("[2, 7]", "RpcFrameworkError"),
        ('[2, "a"]', "FormatViolation"),
        ('[2, "a", "Heartbeat", 5]', "FormatViolation"),
        ('[9, "a", {}]', "MessageTypeNotSupported"),
        ('[null, "a", {}]', "MessageTypeNotSupported"),
    ],
)
async def test_a_malformed_frame_is_refused_logged_and_survived(
    linked: Linked, text: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    await online(linked)

    await linked.csms.send(text)
    await linked.csms.until(lambda: len(linked.csms.raw) == 1)

    assert linked.csms.raw[0][2] == code
    assert code in caplog.text
    assert (await linked.csms.ask("GetTransactionStatus", {}))[0] == 3


async def test_answers_that_nobody_asked_for_are_dropped(linked: Linked) -> None:
    await online(linked)
    for text in ('[3, "zzz", {}]', '[4, "zzz", "GenericError", "", {}]', '[3, "zzz"]', '[5, "zzz"]'):
        await linked.csms.send(text)

    assert (await linked.csms.ask("GetTransactionStatus", {}))[0] == 3
    assert linked.csms.raw == []


async def test_ocpp_2_0_1_is_spoken_where_2_1_is_not(linked: Linked) -> None:
    linked.csms.protocols = ("ocpp2.0.1",)
    await online(linked)
    await started(linked, energyLimitWh=1)
    await linked.supply(10)
    await linked.csms.until(lambda: linked.csms.last() == "Ended")


async def test_a_server_that_says_pending_is_asked_again(linked: Linked) -> None:
    answers = iter(["Pending", "Accepted"])
    linked.csms.answers["BootNotification"] = lambda _: {
        "currentTime": datetime.now(UTC).isoformat(),
        "interval": 1,
        "status": next(answers),
    }
    await online(linked)

    assert [action for action, _ in linked.csms.heard].count("BootNotification") == 2


async def test_nothing_about_a_driver_and_no_secret_is_logged(linked: Linked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await online(linked)
    await started(linked, energyLimitWh=1)
    await linked.csms.ask("RequestStartTransaction", {**start_request(2), "colour": "red"}, valid=False)
    await linked.csms.send(json.dumps([2, "a", "RequestStartTransaction"]))
    await linked.supply(10)
    await linked.csms.until(lambda: linked.csms.last() == "Ended")

    ours = "\n".join(record.getMessage() for record in caplog.records if "konsento" in record.name)
    assert "TOKEN" not in ours
    assert PASSWORD not in ours


async def test_signing_in_tells_what_is_wrong(csms: Csms) -> None:
    async with aiohttp.ClientSession() as http:

        async def attempt(**change: str) -> None:
            values = {"url": csms.url, "station_id": STATION, "password": PASSWORD, **change}
            await probe(http, ServerAddress(**values))

        await attempt()
        with pytest.raises(WrongPasswordError):
            await attempt(password="wrong")
        with pytest.raises(UnknownStationError):
            await attempt(station_id="nobody")
        with pytest.raises(UnreachableError):
            await attempt(url="ws://127.0.0.1:1/ocpp")
        csms.protocols = ("ocpp1.6",)
        with pytest.raises(NoCommonVersionError):
            await attempt()


@pytest.mark.parametrize("custom", [{}, {"customData": {"vendorId": "somebody.else", "energyLimitWh": 10}}])
async def test_a_server_that_names_no_limit_gets_the_owners_longest_session(
    linked: Linked, custom: dict[str, Any]
) -> None:
    await online(linked)
    plain = {key: value for key, value in start_request().items() if key != "customData"}

    frame = await linked.csms.ask("RequestStartTransaction", {**plain, **custom})

    assert frame[2]["status"] == "Accepted"
    assert linked.outlet.limits == Limits(time_s=linked.site.settings.unlimited_s)
