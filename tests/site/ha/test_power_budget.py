"""Outlets share what the site and its circuits can carry, and the owner sees who waits for what."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act, device_id
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from simulated import SimulatedOutlet
from states import state, until
from test_power_forms import METER, circuit, options, part_named

from custom_components.konsento import pace, site_budget
from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.driver import OutletFacts
from custom_components.konsento.diagnostics import async_get_config_entry_diagnostics
from custom_components.konsento.hub import Hub
from custom_components.konsento.supervision import ISSUE_BUILDING_METER, ISSUE_CANNOT_WAIT, ISSUE_TOO_SMALL
from rig.changes import Changes

RATED = OutletFacts(firmware="1.3.0", max_power_w=1500, can_wait=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, simulated: dict[str, SimulatedOutlet]) -> None:
    """Decide and tell without pauses, at outlets of 1500 W."""
    monkeypatch.setattr(site_budget, "_PAUSE_S", 0)
    monkeypatch.setattr(pace, "COUNTS_S", 0)
    for outlet in simulated.values():
        outlet.facts, outlet.load_w = RATED, 1400


async def start(hass: HomeAssistant, place: MockConfigEntry, mac: str) -> None:
    await act(hass, "start_session", device_id=device_id(hass, place, mac), energy=10)


async def begin_two(hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]) -> None:
    """Start a session at both outlets, of which one has to wait."""
    for mac in (FIRST, SECOND):
        await start(hass, place, mac)
    await until(hass, lambda: state(hass, "sensor.car_park_waiting_sessions") == "1")
    assert [simulated[mac].relay for mac in (FIRST, SECOND)] == [True, False]


async def set_limit(hass: HomeAssistant, watts: float) -> None:
    await hass.services.async_call(
        "number", "set_value", {"entity_id": "number.car_park_power_limit", "value": watts}, blocking=True
    )


async def prefer(hass: HomeAssistant, outlet: str, priority: str) -> None:
    await hass.services.async_call(
        "select", "select_option", {"entity_id": f"select.{outlet}_priority", "option": priority}, blocking=True
    )


def shows(hass: HomeAssistant, entity_id: str, value: str) -> Callable[[], bool]:
    return lambda: state(hass, entity_id) == value


def issue(hass: HomeAssistant, key: str, of: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{of}")


async def no_issue(hass: HomeAssistant, key: str, of: str) -> None:
    """Wait until an issue is gone."""
    changes = Changes()

    @callback
    def look(_: Event[Any]) -> None:
        changes.told()

    unlisten = hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, look)
    await changes.until(lambda: issue(hass, key, of) is None, 60)
    unlisten()


async def test_the_session_for_which_there_is_no_power_waits_and_the_owner_sees_why(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await options(hass, place, limit=2000)
    await begin_two(hass, place, simulated)

    assert state(hass, "sensor.a2_waiting_for") == "site_limit"
    assert state(hass, "sensor.a1_waiting_for") == "not_waiting"
    assert state(hass, "sensor.a2_state") == "suspended"
    await until(hass, shows(hass, "sensor.car_park_power_available", "600"))

    # Somebody leaves: the other one comes in.
    await act(hass, "stop_session", device_id=device_id(hass, place, FIRST))
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))
    await until(hass, shows(hass, "sensor.a2_waiting_for", "not_waiting"))
    assert state(hass, "sensor.car_park_waiting_sessions") == "0"


async def test_a_circuit_that_is_full_is_what_a_session_waits_for(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    both = [part_named(place, name) for name in ("A1", "A2")]
    await circuit(hass, place, name="Row", limit=10, unit="ampere", outlets=both)
    await begin_two(hass, place, simulated)
    assert state(hass, "sensor.a2_waiting_for") == "circuit_limit"
    await until(hass, shows(hass, "sensor.row_power", "1400"))
    assert state(hass, "sensor.row_power_available") == "600"

    # A larger one lets it in at once, and without one nobody waits.
    hass.config_entries.async_remove_subentry(place, part_named(place, "Row"))
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))


async def test_a_limit_is_lowered_and_raised_live_and_never_above_the_contract(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await options(hass, place, limit=4000)
    for mac in (FIRST, SECOND):
        await start(hass, place, mac)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))

    await set_limit(hass, 2000)
    await until(hass, shows(hass, "sensor.a2_waiting_for", "site_limit"))
    assert not simulated[SECOND].relay
    assert state(hass, "number.car_park_power_limit") == "2000.0"
    with pytest.raises(ServiceValidationError):
        await set_limit(hass, 4001)

    # What was set is kept when the contract changes, as far as that goes.
    await options(hass, place, limit=1800)
    assert state(hass, "number.car_park_power_limit") == "1800.0"


async def test_a_limit_that_is_set_while_the_site_is_still_starting_holds(
    hass: HomeAssistant, place: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_hub = Hub.start

    async def start_slowly(hub: Hub) -> None:
        await start_hub(hub)
        power = {"limit": 2500, "unit": "watt", "voltage": 100, "minimum_time": 15}
        hass.config_entries.async_update_entry(place, options={"power": power})

    monkeypatch.setattr(Hub, "start", start_slowly)
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()
    assert state(hass, "number.car_park_power_limit") == "2500.0"


async def test_limits_priorities_and_waiting_are_kept_over_a_restart(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await options(hass, place, limit=4000)
    await set_limit(hass, 2000)
    await prefer(hass, "a2", "low")
    await begin_two(hass, place, simulated)
    cycles = len(simulated[FIRST].starts)

    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()

    assert state(hass, "number.car_park_power_limit") == "2000.0"
    assert state(hass, "select.a2_priority") == "low"
    await until(hass, shows(hass, "sensor.a2_waiting_for", "site_limit"))
    assert [simulated[mac].relay for mac in (FIRST, SECOND)] == [True, False]
    assert len(simulated[FIRST].starts) == cycles

    # All of the contract again is no limit of the owner's any more.
    await set_limit(hass, 4000)
    await options(hass, place, limit=6000)
    assert state(hass, "number.car_park_power_limit") == "6000.0"


async def test_the_higher_priority_keeps_its_place_when_there_is_less(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await options(hass, place, limit=4000)
    await prefer(hass, "a2", "high")
    for mac in (FIRST, SECOND):
        await start(hass, place, mac)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))
    await set_limit(hass, 2000)
    await until(hass, shows(hass, "sensor.a1_waiting_for", "site_limit"))
    assert simulated[SECOND].relay


async def test_what_the_owner_and_what_the_outlet_holds_up_is_told_apart(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    await options(hass, place, limit=4000)
    await start(hass, place, FIRST)
    await act(hass, "suspend_session", device_id=device_id(hass, place, FIRST))
    await until(hass, shows(hass, "sensor.a1_waiting_for", "owner"))
    assert state(hass, "sensor.car_park_waiting_sessions") == "0"
    await act(hass, "resume_session", device_id=device_id(hass, place, FIRST))
    await until(hass, shows(hass, "sensor.a1_state", "supplying"))

    outlet.lose_meter(True)
    await until(hass, shows(hass, "sensor.a1_waiting_for", "outlet"))


async def test_a_session_that_would_wait_for_ever_is_refused_in_words_and_the_owner_is_told(
    hass: HomeAssistant, place: MockConfigEntry
) -> None:
    await circuit(hass, place, name="Row", limit=1000, outlets=[part_named(place, "A1")])
    with pytest.raises(ServiceValidationError) as caught:
        await start(hass, place, FIRST)
    assert (caught.value.translation_key, caught.value.translation_placeholders) == (
        "start_power_limit",
        {"outlet": "A1"},
    )
    await hass.async_block_till_done()
    found = issue(hass, ISSUE_TOO_SMALL, FIRST)
    assert found
    assert found.translation_placeholders == {"outlet": "A1", "circuit": "Row", "limit": "1000", "rating": "1500"}
    assert issue(hass, ISSUE_TOO_SMALL, SECOND) is None

    hass.config_entries.async_remove_subentry(place, part_named(place, "Row"))
    await no_issue(hass, ISSUE_TOO_SMALL, FIRST)


async def test_an_outlet_whose_firmware_cannot_wait_is_told_where_a_limit_applies(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet
) -> None:
    outlet.facts = OutletFacts(firmware="1.2.0", max_power_w=1500)
    outlet.changed()
    await hass.async_block_till_done()
    assert issue(hass, ISSUE_CANNOT_WAIT, FIRST) is None
    await options(hass, place, limit=2000)
    assert issue(hass, ISSUE_CANNOT_WAIT, FIRST)

    await start(hass, place, SECOND)
    with pytest.raises(ServiceValidationError) as caught:
        await start(hass, place, FIRST)
    assert caught.value.translation_key == "start_power_limit"

    outlet.facts = RATED
    outlet.changed()
    await no_issue(hass, ISSUE_CANNOT_WAIT, FIRST)


# --- the meter of the building


async def with_meter(hass: HomeAssistant, place: MockConfigEntry, reading: str, **building: Any) -> None:
    hass.states.async_set("sensor.house", reading, METER)
    values = {"meter_entity": "sensor.house", "meter_counts": "others", "fallback": 0, **building}
    await options(hass, place, limit=4000, building=values)


class Times:
    """Seconds that pass at a word: for Home Assistant's clock and the budget's."""

    def __init__(self, hass: HomeAssistant, place: MockConfigEntry, freezer: FrozenDateTimeFactory) -> None:
        self._hass = hass
        self._freezer = freezer
        self._began = dt_util.utcnow()
        budget = place.runtime_data.budget
        budget._clock = self
        budget._settled_at = 0.0

    def now(self) -> Any:
        return dt_util.utcnow()

    def monotonic(self) -> float:
        return 10_000 + (dt_util.utcnow() - self._began).total_seconds()

    async def passes(self, seconds: float) -> None:
        for _ in range(int(seconds // 10)):
            self._freezer.tick(timedelta(seconds=10))
            async_fire_time_changed(self._hass)
            await self._hass.async_block_till_done()


@pytest.fixture
def times(hass: HomeAssistant, place: MockConfigEntry, freezer: FrozenDateTimeFactory) -> Times:
    """Return the clocks, held."""
    return Times(hass, place, freezer)


async def test_what_the_building_draws_is_left_to_it(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await with_meter(hass, place, "1.0")
    assert state(hass, "sensor.car_park_power_available") == "3000"
    for mac in (FIRST, SECOND):
        await start(hass, place, mac)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))

    hass.states.async_set("sensor.house", "1.5", METER)
    await until(hass, shows(hass, "sensor.a2_waiting_for", "site_limit"))
    assert simulated[FIRST].relay


async def test_the_meter_is_followed_when_it_is_renamed(hass: HomeAssistant, place: MockConfigEntry) -> None:
    registry = er.async_get(hass)
    registry.async_get_or_create("sensor", "test", "1", suggested_object_id="house")
    await with_meter(hass, place, "1.0")
    registry.async_update_entity("sensor.house", new_entity_id="sensor.main")
    hass.states.async_set("sensor.main", "2.0", METER)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
    await until(hass, shows(hass, "sensor.car_park_power_available", "2000"))


async def test_while_the_meter_is_silent_the_outlets_share_what_the_owner_said(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet], times: Times
) -> None:
    await with_meter(hass, place, "1.0", fallback=1600)
    for mac in (FIRST, SECOND):
        await start(hass, place, mac)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))

    hass.states.async_set("sensor.house", "unavailable", METER)
    await times.passes(20)
    # An integration that reloads is no reason to stop anybody.
    assert state(hass, "sensor.a2_waiting_for") == "not_waiting"
    await times.passes(20)
    await until(hass, shows(hass, "sensor.a2_waiting_for", "meter_silent"))
    assert simulated[FIRST].relay
    assert issue(hass, ISSUE_BUILDING_METER, place.entry_id) is None

    await times.passes(150)
    found = issue(hass, ISSUE_BUILDING_METER, place.entry_id)
    assert found
    assert found.translation_placeholders == {"site": "Car park", "meter": "house", "fallback": "1600"}

    hass.states.async_set("sensor.house", "0.5", METER)
    await times.passes(70)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))
    assert issue(hass, ISSUE_BUILDING_METER, place.entry_id) is None


async def test_a_meter_that_tells_the_same_again_is_not_silent_and_one_that_tells_nothing_is(
    hass: HomeAssistant, place: MockConfigEntry, times: Times
) -> None:
    await with_meter(hass, place, "1.0")
    for _ in range(4):
        await times.passes(200)
        hass.states.async_set("sensor.house", "1.0", METER)
        assert not place.runtime_data.budget.meter_silent
    await times.passes(310)
    assert place.runtime_data.budget.meter_silent
    await until(hass, shows(hass, "sensor.car_park_power_available", "0"))


async def test_after_a_start_nobody_has_to_stop_before_the_meter_had_time_to_come(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await with_meter(hass, place, "1.0")
    await start(hass, place, FIRST)
    hass.states.async_remove("sensor.house")
    assert await hass.config_entries.async_reload(place.entry_id)
    await hass.async_block_till_done()

    assert simulated[FIRST].relay
    assert state(hass, "sensor.a1_waiting_for") == "not_waiting"
    await start(hass, place, SECOND)
    await until(hass, shows(hass, "sensor.a2_waiting_for", "meter_silent"))
    assert simulated[FIRST].relay

    hass.states.async_set("sensor.house", "1.0", METER)
    await until(hass, shows(hass, "sensor.a2_state", "supplying"))


async def test_the_diagnostics_say_what_was_decided_by(
    hass: HomeAssistant, place: MockConfigEntry, simulated: dict[str, SimulatedOutlet]
) -> None:
    await with_meter(hass, place, "1.0")
    await set_limit(hass, 3000)
    await begin_two(hass, place, simulated)
    shown = (await async_get_config_entry_diagnostics(hass, place))["power_budget"]
    assert shown == {
        "limit_w": 3000,
        "contract_w": 4000,
        "building_w": 1000,
        "building_meter_silent": False,
        "load_w": {"": 2400},
        "held": {"2": "site_limit"},
        "exceeded": [],
        "priorities": {},
    }
