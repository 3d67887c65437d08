"""What a server hears of an outlet beside its states, and asks about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from csms import Payload
from station.conftest import Linked

from custom_components.konsento.control.report import OutletReport


def told(linked: Linked, action: str) -> list[Payload]:
    return [payload for name, payload in linked.csms.heard if name == action]


async def test_tampering_is_told_as_a_security_event_and_the_outlet_is_faulted(linked: Linked) -> None:
    await linked.online()
    linked.outlet.fault = "welded_contact"
    linked.outlet.changed()
    await linked.csms.until(lambda: told(linked, "NotifyEvent") != [])

    (event,) = told(linked, "SecurityEventNotification")
    assert (event["type"], event["techInfo"]) == ("TamperDetectionActivated", "outlet 1: welded_contact")
    status = told(linked, "StatusNotification")[-1]
    assert (status["connectorStatus"], status["customData"]["reason"]) == ("Faulted", "welded_contact")


async def test_a_problem_is_told_when_it_comes_and_when_it_goes(linked: Linked) -> None:
    await linked.online()
    linked.outlet.lose_meter(True)
    linked.outlet.lose_meter(False)
    await linked.csms.until(lambda: len(told(linked, "NotifyEvent")) == 2)

    came, went = (event["eventData"][0] for event in told(linked, "NotifyEvent"))
    assert (came["techCode"], came["actualValue"], came["cleared"]) == ("meter_silent", "true", False)
    assert (went["techCode"], went["actualValue"], went["cleared"]) == ("meter_silent", "false", True)
    assert told(linked, "SecurityEventNotification") == []


async def test_what_happens_while_the_line_is_down_is_told_afterwards(linked: Linked) -> None:
    await linked.online()
    await linked.csms.stop()
    linked.outlet.lose_meter(True)
    await linked.csms.start()
    await linked.csms.until(lambda: told(linked, "NotifyEvent") != [], 30)


async def test_a_server_that_takes_no_notices_is_not_pestered(linked: Linked) -> None:
    linked.csms.answers["NotifyEvent"] = lambda _: "NotSupported"
    await linked.online()
    for lost in (True, False, True):
        linked.outlet.lose_meter(lost)
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "Heartbeat" or told(linked, "NotifyEvent") != [])
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: len(told(linked, "Heartbeat")) == 2)

    assert len(told(linked, "NotifyEvent")) == 1


async def test_a_press_of_the_outlets_button_is_proof_of_presence(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await linked.online()
    original = type(linked.outlet).report.fget
    assert original

    def pressed(outlet: object) -> OutletReport | None:
        report = original(outlet)
        return replace(report, button=True) if report else None

    monkeypatch.setattr(type(linked.outlet), "report", property(pressed))
    linked.outlet.changed()
    await linked.csms.until(lambda: told(linked, "DataTransfer") != [])

    (press,) = told(linked, "DataTransfer")
    assert (press["messageId"], press["data"]["evseId"]) == ("ButtonPressed", 1)
    # By the server's clock: it knows when it asked for the press.
    ahead = datetime.fromisoformat(press["data"]["timestamp"]) - datetime.now(UTC)
    assert ahead.total_seconds() == pytest.approx(linked.station.clock_offset_s, abs=5)


async def test_an_outlet_that_is_away_is_not_said_to_have_no_lamp(linked: Linked) -> None:
    await linked.online()
    linked.outlet.set_online(False)
    asked = {"vendorId": "org.konsento", "messageId": "Identify", "data": {"evseId": 1, "seconds": 5}}

    answer = (await linked.csms.ask("DataTransfer", asked))[2]

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "OutletOffline")


async def test_the_way_to_an_outlet_is_traced(linked: Linked) -> None:
    await linked.online()
    asked = {"vendorId": "org.konsento", "messageId": "LinkTrace", "data": {"evseId": 1}}
    frame = await linked.csms.ask("DataTransfer", asked)

    server, outlet = frame[2]["data"]["hops"]
    assert server["reachable"]
    assert server["roundTripMs"] > 0
    assert outlet == {"hop": "aabbccddeeff", "reachable": True, "roundTripMs": pytest.approx(0, abs=500)}
    linked.outlet.set_online(False)
    frame = await linked.csms.ask("DataTransfer", asked)
    assert frame[2]["data"]["hops"][1] == {"hop": "aabbccddeeff", "reachable": False}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"vendorId": "org.konsento", "messageId": "Identify", "data": {"evseId": 1, "seconds": 5}}, "Accepted"),
        ({"vendorId": "org.konsento", "messageId": "Identify", "data": {"evseId": 1, "seconds": 0}}, "Rejected"),
        ({"vendorId": "org.konsento", "messageId": "Identify", "data": {"evseId": 1, "seconds": True}}, "Rejected"),
        ({"vendorId": "org.konsento", "messageId": "Identify", "data": {"evseId": 9}}, "Rejected"),
        ({"vendorId": "org.konsento", "messageId": "Identify", "data": "1"}, "Rejected"),
        ({"vendorId": "org.konsento", "messageId": "Dance"}, "UnknownMessageId"),
        ({"vendorId": "somebody.else", "messageId": "Identify", "data": {"evseId": 1}}, "UnknownVendorId"),
    ],
)
async def test_our_own_messages_are_checked(linked: Linked, asked: Payload, status: str) -> None:
    await linked.online()

    assert (await linked.csms.ask("DataTransfer", asked))[2]["status"] == status


async def test_a_server_tells_for_when_it_recommends_charging(linked: Linked) -> None:
    await linked.online()
    now = linked.site.now().replace(microsecond=0)
    told = [
        {"start": (now + timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=4)).isoformat()},
        {"start": (now + timedelta(hours=24)).isoformat(), "end": (now + timedelta(hours=26)).isoformat()},
    ]

    answer = await linked.csms.ask("DataTransfer", recommended({"windows": told, "issuedAt": now.isoformat()}))

    assert answer[2] == {"status": "Accepted"}
    lengths = [window.end - window.start for window in linked.site.windows.coming(now)]
    assert lengths == [timedelta(hours=3), timedelta(hours=2)]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"windows": "08:00"},
        {"windows": ["08:00"]},
        {"windows": [{"start": "2026-05-01T08:00:00Z"}]},
        {"windows": [{"start": "2026-05-01T08:00:00", "end": "2026-05-01T09:00:00"}]},
        {"windows": [{"start": "2026-05-01T09:00:00Z", "end": "2026-05-01T08:00:00Z"}]},
        {"windows": [{"start": "2026-05-01T09:00:00Z", "end": "2026-05-03T08:00:00Z"}]},
        {"windows": [{"start": "2999-05-01T09:00:00Z", "end": "2999-05-01T10:00:00Z"}]},
        {"windows": [{"start": "9999-12-31T23:00:00-12:00", "end": "9999-12-31T23:30:00-12:00"}]},
        {"windows": [{"start": "2026-05-01T08:00:00Z", "end": "2026-05-01T09:00:00Z"}] * 21},
    ],
)
async def test_windows_that_make_no_sense_are_rejected_and_those_of_before_stay(linked: Linked, data: object) -> None:
    await linked.online()
    now = linked.site.now()
    good = {"start": now.isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    await linked.csms.ask("DataTransfer", recommended({"windows": [good]}))

    answer = (await linked.csms.ask("DataTransfer", recommended(data)))[2]

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "BadWindows")
    assert len(linked.site.windows.coming(now)) == 1


def recommended(data: object) -> Payload:
    message = {"vendorId": "org.konsento", "messageId": "RecommendedWindows"}
    return message if data is None else {**message, "data": data}


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("UnlockConnector", {"evseId": 1, "connectorId": 1}, "UnlockFailed"),
        ("UnlockConnector", {"evseId": 4, "connectorId": 1}, "UnknownConnector"),
        ("ClearCache", {}, "Rejected"),
        ("CustomerInformation", {"requestId": 1, "report": True, "clear": True, "customerIdentifier": "x"}, "Accepted"),
    ],
)
async def test_what_a_bare_outlet_has_not_got_is_said_truthfully(
    linked: Linked, action: str, payload: Payload, answer: str
) -> None:
    await linked.online()

    assert (await linked.csms.ask(action, payload))[2]["status"] == answer
    if action == "CustomerInformation":
        await linked.csms.until(lambda: told(linked, "NotifyCustomerInformation") != [])
        assert "no customer data" in told(linked, "NotifyCustomerInformation")[0]["data"]
