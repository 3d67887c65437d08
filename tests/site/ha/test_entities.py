"""What the owner sees of outlets, servers and the site, and what buttons and switches do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from csms import Csms, start_request
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act, device_id, link
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from simulated import SimulatedOutlet
from states import state, until

from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.driver import OutletFacts, OutletRefusedError
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.supervision import INTERVAL


@pytest.fixture(autouse=True)
def all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable what an owner would have to enable."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


async def start(hass: HomeAssistant, place: MockConfigEntry, **limits: Any) -> str:
    answer = await act(hass, "start_session", device_id=device_id(hass, place, FIRST), **limits)
    session: str = answer["session_id"]
    return session


async def press(hass: HomeAssistant, button: str) -> None:
    await hass.services.async_call("button", "press", {"entity_id": f"button.{button}"}, blocking=True)


def show(outlet: SimulatedOutlet, **values: Any) -> None:
    for name, value in values.items():
        setattr(outlet, name, value)
    outlet.changed()


async def test_a_session_shows_its_progress_and_its_limits(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await start(hass, place, energy=1.5, duration={"hours": 2})
    show(outlet, energy_mwh=500_000, supply_s=600, lifetime_mwh=5_500_000)
    await until(hass, lambda: state(hass, "sensor.a1_session_energy") == "0.5")

    shown = {
        name: state(hass, f"sensor.a1_{name}")
        for name in ("state", "remaining_energy", "remaining_time", "energy_limit", "time_limit", "lifetime_energy")
    }
    assert shown == {
        "state": "supplying",
        "remaining_energy": "1.0",
        "remaining_time": "110.0",
        "energy_limit": "1.5",
        "time_limit": "120.0",
        "lifetime_energy": "5.5",
    }
    # 1 kWh at 3 kW is left, which is sooner than the time limit.
    end = datetime.fromisoformat(state(hass, "sensor.a1_estimated_end"))
    assert abs(end - datetime.now(UTC) - timedelta(minutes=20)) < timedelta(seconds=30)
    attributes = hass.states.get("sensor.a1_state")
    assert attributes
    assert set(attributes.attributes) == {"options", "device_class", "friendly_name"}


async def test_without_a_session_there_is_nothing_left_and_no_end(hass: HomeAssistant, place: MockConfigEntry) -> None:
    for name in (
        "remaining_energy",
        "remaining_time",
        "energy_limit",
        "time_limit",
        "estimated_end",
        "last_end_reason",
    ):
        assert state(hass, f"sensor.a1_{name}") == "unknown", name


async def test_the_reason_of_the_last_end_stays_known_over_a_restart_and_while_the_outlet_is_away(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await start(hass, place, energy=1)
    outlet._end(EndReason.ENERGY_LIMIT)
    outlet.changed()
    await until(hass, lambda: state(hass, "sensor.a1_last_end_reason") == "energy_limit_reached")

    outlet.online = False
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()

    assert state(hass, "sensor.a1_last_end_reason") == "energy_limit_reached"
    assert state(hass, "sensor.a1_power") == "unavailable"


async def test_only_what_an_outlet_measures_has_a_sensor_and_keeps_it(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    assert state(hass, "sensor.a1_temperature") == "missing"
    show(outlet, more={"voltage_v": 201.5, "current_a": 0.25, "temperature_c": 31.5, "relay_cycles": 7})
    await hass.async_block_till_done()

    shown = [state(hass, f"sensor.a1_{name}") for name in ("voltage", "current", "temperature", "relay_cycles")]
    assert shown == ["201.5", "0.25", "31.5", "7"]
    assert state(hass, "sensor.a2_voltage") == state(hass, "sensor.a1_lease_left") == "missing"

    outlet.online = False
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    assert state(hass, "sensor.a1_temperature") == "unavailable"
    assert state(hass, "sensor.a2_temperature") == "missing"


async def test_the_energy_dashboard_never_sees_a_register_of_nothing(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    assert state(hass, "sensor.a1_lifetime_energy") == "5.0"
    show(outlet, lifetime_mwh=0)
    assert state(hass, "sensor.a1_lifetime_energy") == "5.0"
    show(outlet, online=False)
    assert state(hass, "sensor.a1_lifetime_energy") == "unavailable"


async def test_an_entity_writes_its_state_only_when_its_own_value_has_changed(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.konsento.pace.COUNTS_S", 3600)
    await hass.async_block_till_done()
    written: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=callback(lambda _: True))
    for _ in range(3):
        outlet.changed()
    await hass.async_block_till_done()
    assert written == []

    # A load that trembles is not written at every reading; a step is.
    show(outlet, idle_w=12.0)
    await hass.async_block_till_done()
    assert written == []
    show(outlet, idle_w=40.0)
    await until(hass, lambda: "sensor.car_park_power" in written)
    assert sorted(written) == ["sensor.a1_power", "sensor.car_park_power"]


async def test_problems_are_shown_the_gravest_first(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    def shown() -> tuple[str, str]:
        return state(hass, "binary_sensor.a1_problem"), state(hass, "sensor.a1_gravest_problem")

    assert shown() == ("off", "none")
    show(outlet, fault="overcurrent", more={"without_power": True})
    assert shown() == ("on", "overcurrent")
    show(outlet, fault="welded_contact")
    assert shown() == ("on", "welded_contact")
    show(outlet, fault="", more={})
    assert shown() == ("off", "none")
    show(outlet, online=False)
    assert shown() == ("unavailable", "unknown")
    # An outlet that is not used because of its firmware never reports, and that is the problem.
    show(outlet, facts=OutletFacts(missing=("session_limit",)))
    assert shown() == ("on", "firmware_outdated")


async def test_the_news_of_an_outlet_is_an_event_without_a_trace_of_the_driver(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    seen: list[dict[str, Any]] = []
    hass.bus.async_listen(
        EVENT_STATE_CHANGED,
        callback(
            lambda event: (
                seen.append(dict(event.data["new_state"].attributes))
                if event.data["entity_id"] == "event.a1_news"
                else None
            )
        ),
    )
    answer = await csms.ask("RequestStartTransaction", start_request(1))
    outlet._end(EndReason.IDLE)
    outlet.energy_mwh = 1500
    outlet.changed()
    await until(hass, lambda: bool(seen) and seen[-1]["event_type"] == "session_ended")

    assert [each["event_type"] for each in seen] == ["session_requested", "session_started", "session_ended"]
    assert seen[-1]["session_id"] == answer[2]["transactionId"]
    assert (seen[-1]["energy_wh"], seen[-1]["end_reason"]) == (1.5, "ev_disconnected")
    assert "TOKEN" not in str(seen)
    assert set(seen[-1]["event_types"]) == set(Happening)

    show(outlet, online=False)
    await until(hass, lambda: seen[-1]["event_type"] == "connection_lost")
    assert state(hass, "event.a1_news") != "unavailable"


async def test_an_outlet_is_taken_out_of_service_and_put_back(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    entity = {"entity_id": "switch.a1_available"}
    assert state(hass, "switch.a1_available") == "on"
    await hass.services.async_call("switch", "turn_off", entity, blocking=True)
    assert not outlet.enabled
    assert state(hass, "switch.a1_available") == "off"
    await hass.services.async_call("switch", "turn_on", entity, blocking=True)
    assert state(hass, "switch.a1_available") == "on"

    outlet.lose_commands = 1
    with pytest.raises(HomeAssistantError, match="A1 does not answer"):
        await hass.services.async_call("switch", "turn_off", entity, blocking=True)


async def test_the_owner_can_find_and_measure_an_outlet(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await press(hass, "a1_identify")
    assert state(hass, "sensor.a1_round_trip") == "unknown"
    await press(hass, "a1_measure_round_trip")

    assert [command for command, _ in outlet.done] == ["identify", "loopback"]
    assert float(state(hass, "sensor.a1_round_trip")) >= 0


async def test_a_fault_is_cleared_by_its_name(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    with pytest.raises(ServiceValidationError, match="A1 has no fault"):
        await press(hass, "a1_clear_fault")
    show(outlet, fault="overcurrent")
    await press(hass, "a1_clear_fault")

    assert outlet.done == [("clear_fault", "overcurrent")]
    assert state(hass, "binary_sensor.a1_problem") == "off"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("fault", "the cause of its fault is still there"),
        ("not_supported", "A1 cannot do this"),
        ("from_a_later_firmware", "A1 refused: the sentence"),
    ],
)
async def test_what_an_outlet_refuses_is_told_in_words(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, code: str, words: str
) -> None:
    show(outlet, fault="overcurrent", refuse=OutletRefusedError(code, "the sentence"))

    for button in ("clear_fault", "identify"):
        with pytest.raises(ServiceValidationError, match=words):
            await press(hass, f"a1_{button}")


async def test_a_measurement_says_why_there_is_none(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    outlet.refuse = OutletRefusedError("not_supported", "")
    with pytest.raises(ServiceValidationError, match="A1 cannot do this"):
        await press(hass, "a1_measure_round_trip")
    outlet.lose_commands = 1
    with pytest.raises(HomeAssistantError, match="A1 does not answer"):
        await press(hass, "a1_measure_round_trip")


async def test_a_server_shows_its_line_and_what_waits_for_it(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, csms: Csms
) -> None:
    ahead = (datetime.now(UTC) + timedelta(seconds=12)).isoformat().replace("+00:00", "Z")
    csms.answers["BootNotification"] = lambda _: {"currentTime": ahead, "interval": 300, "status": "Accepted"}
    csms.answers["TransactionEvent"] = lambda _: "InternalError"
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await csms.ask("RequestStartTransaction", start_request(1))
    await csms.until(lambda: csms.last() == "Started")

    async_fire_time_changed(hass, datetime.now(UTC) + INTERVAL)
    await until(hass, lambda: state(hass, "sensor.kaze_denki_events_waiting") == "1")

    assert state(hass, "binary_sensor.kaze_denki_connection") == "on"
    assert float(state(hass, "sensor.kaze_denki_round_trip")) >= 0
    assert float(state(hass, "sensor.kaze_denki_clock_offset")) == pytest.approx(12, abs=5)


async def test_the_owner_can_have_a_server_connected_anew(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await press(hass, "kaze_denki_reconnect")
    await csms.until(lambda: csms.connections == 2)

    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")


async def test_the_owner_can_measure_the_way_to_a_server(
    hass: HomeAssistant, place: MockConfigEntry, csms: Csms
) -> None:
    await link(hass, place, csms)
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "on")
    await press(hass, "kaze_denki_measure_round_trip")
    assert "Heartbeat" in [action for action, _ in csms.heard]
    assert float(state(hass, "sensor.kaze_denki_round_trip")) >= 0

    await csms.stop()
    await until(hass, lambda: state(hass, "binary_sensor.kaze_denki_connection") == "off")
    with pytest.raises(HomeAssistantError, match="Kaze Denki does not answer"):
        await press(hass, "kaze_denki_measure_round_trip")


async def test_the_site_shows_the_sum_of_its_outlets(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    first, second = simulated[FIRST], simulated[SECOND]
    await start(hass, place, energy=1)
    show(second, idle_w=7.0)
    await until(hass, lambda: state(hass, "sensor.car_park_power") == "3007.0")
    assert state(hass, "sensor.car_park_running_sessions") == "1"

    show(first, online=False)
    await until(hass, lambda: state(hass, "sensor.car_park_power") == "7.0")
    show(second, online=False)
    await until(hass, lambda: state(hass, "sensor.car_park_power") == "unknown")


async def test_todays_energy_begins_at_local_midnight_and_survives_a_restart(
    hass: HomeAssistant,
    place: MockConfigEntry,
    simulated: dict[str, SimulatedOutlet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    energy = "sensor.car_park_energy_today"
    first, second = simulated[FIRST], simulated[SECOND]
    show(first, lifetime_mwh=5_250_000)
    await until(hass, lambda: state(hass, energy) == "0.25")
    show(first, online=False)
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    assert state(hass, energy) == "0.25"

    tomorrow = dt_util.start_of_local_day() + timedelta(days=1, hours=1)
    monkeypatch.setattr(dt_util, "now", lambda: tomorrow)
    async_fire_time_changed(hass, tomorrow)
    await until(hass, lambda: state(hass, energy) == "0.0")
    show(second, lifetime_mwh=5_100_000)
    await until(hass, lambda: state(hass, energy) == "0.1")
    # It was away at midnight: what it took is told today.
    show(first, online=True, lifetime_mwh=5_300_000)
    await until(hass, lambda: state(hass, energy) == "0.15")


async def test_the_device_of_an_outlet_says_what_it_is_and_follows_its_name(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    show(outlet, facts=OutletFacts(manufacturer="Athom", model="Plug", firmware="1.2.0"))
    device = dr.async_get(hass).async_get(device_id(hass, place, FIRST))
    assert device
    assert (device.manufacturer, device.model, device.sw_version) == ("Athom", "Plug", "1.2.0")

    part = next(part for part in place.subentries.values() if part.unique_id == FIRST)
    hass.config_entries.async_update_subentry(place, part, title="Left wall")
    await hass.async_block_till_done()
    device = dr.async_get(hass).async_get(device.id)
    assert device
    assert device.name == "Left wall"
    assert (DOMAIN, FIRST) in device.identifiers
