"""The actions of the integration, as automations call them."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voluptuous as vol
from csms import Csms, start_request
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from parts import FIRST, SECOND, act, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.control.driver import OutletRefusedError
from custom_components.konsento.control.words import EndReason, OutletState


async def test_a_session_of_the_owner_is_started_and_stopped_and_told_to_nobody(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    device = device_id(hass, place, FIRST)
    started = await act(hass, "start_session", device_id=device, energy=2.5, duration="01:30:00")
    assert (started["energy_limit_wh"], started["time_limit_s"], started["waits_for"]) == (2500, 5400, None)
    assert outlet.session_id == started["session_id"]
    assert (outlet.limits.energy_wh, outlet.limits.time_s) == (2500, 5400)
    outlet.energy_mwh = 1_234_567
    outlet.changed()

    stopped = await act(hass, "stop_session", device_id=device)

    assert stopped == {
        "session_id": started["session_id"],
        "local": True,
        "energy_wh": 1234.567,
        "seconds": 0,
        "end_reason": "local",
        "ended": True,
    }
    assert outlet.end_reason is EndReason.LOCAL
    assert csms.events() == []


async def test_an_outlet_is_also_named_by_its_number_at_a_site(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await act(hass, "start_session", config_entry_id=place.entry_id, evse=2, duration={"minutes": 10})
    assert simulated[SECOND].limits.time_s == 600
    # There is only one site.
    await act(hass, "stop_session", evse=2)
    assert simulated[SECOND].end_reason is EndReason.LOCAL


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "needs an energy limit, a duration, or both"),
        ({"energy": 0}, "needs an energy limit, a duration, or both"),
        ({"energy": 100.1}, "takes limits up to 100 kWh"),
        ({"duration": "25:00:00"}, "takes limits up to 100 kWh"),
    ],
)
async def test_a_session_needs_limits_that_the_outlet_can_hold(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, limits: dict[str, Any], words: str
) -> None:
    with pytest.raises(ServiceValidationError, match=words):
        await act(hass, "start_session", device_id=device_id(hass, place, FIRST), **limits)
    assert outlet.starts == []


async def start(hass: HomeAssistant, place: MockConfigEntry) -> None:
    await act(hass, "start_session", device_id=device_id(hass, place, FIRST), energy=1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"online": False}, "A1 cannot be reached"),
        ({"enabled": False}, "A1 is out of service"),
        ({"fault": "overcurrent"}, "A1 has a problem"),
    ],
)
async def test_an_outlet_that_cannot_start_says_why(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, values: dict[str, Any], words: str
) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()

    with pytest.raises(ServiceValidationError, match=words):
        await start(hass, place)


async def test_an_outlet_has_one_session_at_a_time(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await start(hass, place)
    with pytest.raises(ServiceValidationError, match="A session runs at A1 already"):
        await start(hass, place)
    assert len(outlet.starts) == 1


async def test_a_session_is_suspended_and_resumed_whosever_it_is(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(1)) > 0)
    await csms.ask("RequestStartTransaction", start_request(1))
    news = async_capture_events(hass, EVENT_STATE_CHANGED)

    def charging(state: str) -> Callable[[], bool]:
        return lambda: [event["transactionInfo"]["chargingState"] for event in csms.events()][-1:] == [state]

    await csms.until(charging("Charging"))
    suspended = await act(hass, "suspend_session", device_id=device_id(hass, place, FIRST))
    assert suspended == {"session_id": outlet.session_id}
    await csms.until(charging("SuspendedEVSE"))
    assert (outlet.state, outlet.leases[-1]) == (OutletState.SUSPENDED, 0)
    # Twice is once.
    assert await act(hass, "suspend_session", evse=1) == suspended

    assert await act(hass, "resume_session", evse=1) == suspended
    await csms.until(charging("Charging"))
    assert outlet.relay
    assert await act(hass, "resume_session", evse=1) == suspended
    await hass.async_block_till_done()
    told = [
        (state.attributes["event_type"], state.attributes["reason"])
        for event in news
        if (state := event.data["new_state"]) and state.attributes.get("reason")
    ]
    assert told == [("session_suspended", "owner"), ("session_resumed", "owner")]


async def test_whether_a_session_waits_is_shown_at_once_not_with_the_next_count(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.pace.COUNTS_S", math.inf)
    await act(hass, "start_session", evse=1, energy=1)

    await act(hass, "suspend_session", evse=1)
    await until(hass, lambda: state(hass, "sensor.a1_waiting_for") == "owner")
    await act(hass, "resume_session", evse=1)
    await until(hass, lambda: state(hass, "sensor.a1_waiting_for") == "not_waiting")


@pytest.mark.parametrize("action", ["suspend_session", "resume_session"])
async def test_where_no_session_is_or_it_is_being_ended_nothing_is_suspended_or_resumed(
    hass: HomeAssistant,
    place: MockConfigEntry,
    outlet: SimulatedOutlet,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    monkeypatch.setattr("custom_components.konsento.control.outlet._LAST_WORD_LOOKS", 1)
    with pytest.raises(ServiceValidationError, match="No session runs at A1"):
        await act(hass, action, evse=1)
    await start(hass, place)
    outlet.set_online(False)
    await act(hass, "stop_session", evse=1)
    with pytest.raises(ServiceValidationError, match="No session runs at A1"):
        await act(hass, action, evse=1)


async def test_what_does_not_exist_is_named(hass: HomeAssistant, place: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError, match="The site has no outlet 9"):
        await act(hass, "stop_session", evse=9)
    with pytest.raises(ServiceValidationError, match="The site has no outlet Car park"):
        await act(hass, "stop_session", device_id=device_id(hass, place, place.entry_id))
    with pytest.raises(ServiceValidationError):
        await act(hass, "stop_session", device_id="nonsense")
    with pytest.raises(ServiceValidationError, match="No session runs at A1"):
        await act(hass, "stop_session", evse=1)
    for neither_or_both in ({}, {"evse": 1, "device_id": device_id(hass, place, FIRST)}):
        with pytest.raises(vol.Invalid):
            await act(hass, "stop_session", **neither_or_both)


async def test_actions_say_when_no_site_runs(hass: HomeAssistant, place: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(place.entry_id)

    with pytest.raises(ServiceValidationError):
        await act(hass, "list_sessions", config_entry_id=place.entry_id)


async def test_a_stop_of_an_outlet_that_is_away_is_kept(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.control.outlet._LAST_WORD_LOOKS", 1)
    await start(hass, place)
    outlet.energy_mwh = 500
    outlet.changed()
    await hass.async_block_till_done()
    outlet.set_online(False)
    stopped = await act(hass, "stop_session", evse=1)
    assert (stopped["ended"], stopped["energy_wh"]) == (False, 0.5)

    outlet.set_online(True)
    await until(hass, lambda: state(hass, "sensor.a1_state") == "ended")


async def test_availability_is_set(hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet) -> None:
    assert await act(hass, "set_availability", evse=1, available=False) == {"available": False, "ends_session_id": None}
    assert not outlet.enabled
    await act(hass, "set_availability", answers=False, evse=1, available=True)
    await start(hass, place)
    assert (await act(hass, "set_availability", evse=1, available=False))["ends_session_id"] == outlet.session_id
    outlet.online = False
    with pytest.raises(HomeAssistantError, match="A1 does not answer"):
        await act(hass, "set_availability", answers=False, evse=1, available=True)


async def test_the_list_of_sessions_tells_what_was_and_not_who(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    part = await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    before = datetime.now(UTC)
    await csms.ask("RequestStartTransaction", start_request(1))
    outlet.energy_mwh, outlet.supply_s = 1500, 2.0
    outlet._end(EndReason.IDLE)
    outlet.changed()
    await csms.until(lambda: csms.last() == "Ended")
    await act(hass, "start_session", evse=2, energy=1)

    answer = await act(hass, "list_sessions", config_entry_id=place.entry_id)

    mine, driver = sorted(answer["sessions"], key=lambda session: session["evse"], reverse=True)
    assert before <= datetime.fromisoformat(driver.pop("start")) <= datetime.fromisoformat(driver.pop("end"))
    assert driver == {
        "session_id": outlet.session_id,
        "outlet": "A1",
        "evse": 1,
        "local": False,
        "note": None,
        "energy_limit_wh": 1000,
        "time_limit_s": None,
        "energy_wh": 1.5,
        "seconds": 2,
        "end_reason": "ev_disconnected",
        "power_type": "solar",
        "supplier": "Kaze Denki",
        "management_server": "Kaze Denki",
    }
    assert (mine["outlet"], mine["end"], mine["end_reason"], mine["management_server"]) == ("A2", None, None, None)
    assert not {"TOKEN", part.subentry_id} & set(str(answer).split("'"))

    only = await act(hass, "list_sessions", device_id=device_id(hass, place, SECOND))
    assert [session["outlet"] for session in only["sessions"]] == ["A2"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    # What still runs counts for any time.
    assert [each["outlet"] for each in (await act(hass, "list_sessions", since=later))["sessions"]] == ["A2"]


async def test_the_hops_to_an_outlet_are_traced(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")

    hops = (await act(hass, "link_trace", device_id=device_id(hass, place, FIRST)))["hops"]

    assert [(hop["kind"], hop["name"], hop["reachable"], hop["error"]) for hop in hops] == [
        ("management_server", "Kaze Denki", True, None),
        ("site", "Car park", True, None),
        ("outlet", "A1", True, None),
    ]
    assert hops[0]["round_trip_ms"] >= 0
    assert hops[1]["round_trip_ms"] is None
    assert hops[2]["round_trip_ms"] >= 0

    outlet.refuse = OutletRefusedError("not_supported", "a plain outlet")
    await csms.stop()
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "off")
    hops = (await act(hass, "link_trace", evse=1))["hops"]
    assert [(hop["reachable"], hop["round_trip_ms"]) for hop in hops] == [(False, None), (True, None), (True, None)]
