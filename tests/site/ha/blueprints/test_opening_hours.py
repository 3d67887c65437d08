"""Opening hours: outlets are in service while it is open, and what somebody switches by hand stays."""

from datetime import timedelta
from typing import Any

import pytest
from blueprinted import GoOn, Make
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet
from states import state, until

type Outlets = dict[str, SimulatedOutlet]
type Target = dict[str, list[str]]

HOURS = {"opens_at": "08:00:00", "closes_at": "20:00:00"}


def enabled(simulated: Outlets) -> tuple[bool, bool]:
    return simulated[FIRST].enabled, simulated[SECOND].enabled


async def by_hand(hass: HomeAssistant, on: bool) -> None:
    """Switch A1."""
    action = "turn_on" if on else "turn_off"
    await hass.services.async_call("switch", action, {"entity_id": "switch.a1_available"}, blocking=True)


async def test_outlets_close_and_open_with_the_hours(clock: GoOn, make: Make, both: Target, simulated: Outlets) -> None:
    await make("opening_hours", outlets=both, **HOURS)
    await clock("19:59")
    assert enabled(simulated) == (True, True)
    await clock("20:00")
    assert enabled(simulated) == (False, False)
    await clock("07:59")
    assert enabled(simulated) == (False, False)
    await clock("08:00")
    assert enabled(simulated) == (True, True)


async def test_a_session_may_finish_after_closing(
    hass: HomeAssistant, *, clock: GoOn, make: Make, both: Target, simulated: Outlets, first: str
) -> None:
    await make("opening_hours", outlets=both, **HOURS)
    await act(hass, "start_session", device_id=first, energy=5)
    await clock("20:00")
    assert enabled(simulated) == (True, False)
    assert simulated[FIRST].relay

    simulated[FIRST].find_nobody()

    await until(hass, lambda: state(hass, "switch.a1_available") == "off")


async def test_a_session_ends_at_closing_where_the_owner_wants_it(
    clock: GoOn, *, make: Make, both: Target, simulated: Outlets, first: str, hass: HomeAssistant
) -> None:
    await make("opening_hours", outlets=both, running="end", **HOURS)
    await act(hass, "start_session", device_id=first, energy=5)
    await clock("20:00")
    assert enabled(simulated) == (False, False)
    assert not simulated[FIRST].relay


async def test_a_session_that_ends_while_it_is_open_closes_nothing(
    hass: HomeAssistant, *, clock: GoOn, make: Make, both: Target, simulated: Outlets, first: str
) -> None:
    await make("opening_hours", outlets=both, **HOURS)
    await act(hass, "start_session", device_id=first, energy=5)
    simulated[FIRST].find_nobody()
    await until(hass, lambda: state(hass, "sensor.a1_state") == "ended")
    await clock(seconds=10)
    assert enabled(simulated) == (True, True)


async def test_what_is_switched_by_hand_stays_until_the_next_opening(
    hass: HomeAssistant, clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    await make("opening_hours", outlets=both, **HOURS)
    await by_hand(hass, on=False)
    await clock("19:59")
    assert enabled(simulated) == (False, True)
    await clock("20:00")
    await by_hand(hass, on=True)
    await clock("07:00")
    assert enabled(simulated) == (True, False)
    await clock("08:00")
    assert enabled(simulated) == (True, True)


async def test_days_that_were_not_chosen_stay_closed(clock: GoOn, make: Make, both: Target, simulated: Outlets) -> None:
    # It is Tuesday.
    await make("opening_hours", outlets=both, days=["tue", "thu"], **HOURS)
    await clock("20:00")
    await clock("08:00")
    assert enabled(simulated) == (False, False)
    await clock("20:00")
    await clock("08:00")
    assert enabled(simulated) == (True, True)


async def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(
    clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    await make("opening_hours", outlets=both, opens_at="18:00:00", closes_at="06:00:00", days=["tue"])
    await clock("18:00")
    await clock("05:59")
    assert enabled(simulated) == (True, True)
    await clock("06:00")
    assert enabled(simulated) == (False, False)
    await clock("18:00")
    assert enabled(simulated) == (False, False)


@pytest.mark.parametrize(
    ("entity_id", "holiday", "workday"), [("calendar.japan", "on", "off"), ("binary_sensor.workday", "off", "on")]
)
async def test_holidays_are_closed(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    make: Make,
    both: Target,
    simulated: Outlets,
    entity_id: str,
    holiday: str,
    workday: str,
) -> None:
    hass.states.async_set(entity_id, workday)
    await make("opening_hours", outlets=both, holidays=[entity_id], **HOURS)
    await clock("20:00")
    await clock("00:00")
    hass.states.async_set(entity_id, holiday)
    await clock("08:00")
    assert enabled(simulated) == (False, False)

    # Somebody corrects the calendar.
    hass.states.async_set(entity_id, workday)
    await hass.async_block_till_done()
    assert enabled(simulated) == (True, True)


async def test_nothing_changes_while_nobody_knows_whether_it_is_a_holiday(
    hass: HomeAssistant, clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    hass.states.async_set("calendar.japan", "unavailable")
    await make("opening_hours", outlets=both, holidays=["calendar.japan"], **HOURS)
    await clock("20:00")
    await clock("08:00")
    assert enabled(simulated) == (False, False)
    hass.states.async_set("calendar.japan", "off")
    await hass.async_block_till_done()
    assert enabled(simulated) == (True, True)


async def test_nothing_opens_during_maintenance(
    hass: HomeAssistant, clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"work": {"initial": True}}})
    await make("opening_hours", outlets=both, maintenance=["input_boolean.work"], **HOURS)
    await clock("20:00")
    await clock("08:00")
    assert enabled(simulated) == (False, False)

    await hass.services.async_call("input_boolean", "turn_off", {"entity_id": "input_boolean.work"}, blocking=True)
    await hass.async_block_till_done()
    assert enabled(simulated) == (True, True)


async def test_an_outlet_that_was_away_follows_when_it_is_back(
    hass: HomeAssistant, clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    await make("opening_hours", outlets=both, **HOURS)
    simulated[FIRST].set_online(False)
    await hass.async_block_till_done()
    await clock("20:00")
    assert enabled(simulated) == (True, False)

    simulated[FIRST].set_online(True)
    await hass.async_block_till_done()
    assert state(hass, "switch.a1_available") == "off"


@pytest.mark.parametrize(("hours_ago", "opens"), [(20, True), (2, False)])
async def test_an_opening_that_was_missed_during_a_restart_is_made_up_for_and_one_that_was_not_is_not(
    hass: HomeAssistant, *, clock: GoOn, make: Make, both: Target, simulated: Outlets, hours_ago: int, opens: bool
) -> None:
    await by_hand(hass, on=False)
    last = dt_util.now() - timedelta(hours=hours_ago)
    await make("opening_hours", outlets=both, last=last, **HOURS)
    assert enabled(simulated) == (opens, True)


async def test_a_closing_that_was_missed_is_made_up_for(
    clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    await make("opening_hours", outlets=both, last=dt_util.now(), opens_at="08:00:00", closes_at="11:00:00")
    assert enabled(simulated) == (False, False)


@pytest.mark.parametrize("by", ["area_id", "label_id", "entity_id", "floor_id"])
async def test_outlets_are_chosen_in_every_way_that_the_form_offers(
    hass: HomeAssistant, *, place: MockConfigEntry, clock: GoOn, make: Make, simulated: Outlets, first: str, by: str
) -> None:
    area = ar.async_get(hass).async_create("Yard")
    floor = fr.async_get(hass).async_create("Ground")
    ar.async_get(hass).async_update(area.id, floor_id=floor.floor_id)
    label = lr.async_get(hass).async_create("Public")
    dr.async_get(hass).async_update_device(first, area_id=area.id, labels={label.label_id})
    chosen: dict[str, Any] = {
        "area_id": area.id,
        "label_id": [label.label_id],
        "entity_id": ["event.a1_news"],
        "floor_id": [floor.floor_id],
    }
    await make("opening_hours", outlets={by: chosen[by]}, **HOURS)
    await clock("20:00")
    assert enabled(simulated) == (False, True)
