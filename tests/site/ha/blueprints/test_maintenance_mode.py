"""Maintenance mode: a toggle takes outlets out of service, and says when nobody charges any more."""

import pytest
from blueprinted import GoOn, Make, Pigeonhole
from homeassistant.components.persistent_notification import _async_get_or_create_notifications
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act
from simulated import SimulatedOutlet
from states import state, until

type Outlets = dict[str, SimulatedOutlet]
type Target = dict[str, list[str]]

SWITCH = "input_boolean.work"


@pytest.fixture
async def toggle(hass: HomeAssistant) -> str:
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"work": {}}})
    return SWITCH


async def turn(hass: HomeAssistant, on: bool) -> None:
    await hass.services.async_call(
        "input_boolean", "turn_on" if on else "turn_off", {"entity_id": SWITCH}, blocking=True
    )
    await hass.async_block_till_done()


async def test_outlets_go_out_of_service_and_come_back(
    hass: HomeAssistant, *, toggle: str, make: Make, both: Target, simulated: Outlets, office: Pigeonhole
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, notifiers=["notify.office"])
    await turn(hass, on=True)
    assert not simulated[FIRST].enabled
    assert not simulated[SECOND].enabled
    await turn(hass, on=False)
    assert simulated[FIRST].enabled
    assert simulated[SECOND].enabled

    ready, over = office.messages
    assert ready[0] == over[0] == "Maintenance"
    assert "Switch off the fuse" in ready[1]
    assert "back in service" in over[1]


async def test_who_charges_may_finish_and_then_all_is_ready(
    hass: HomeAssistant, *, toggle: str, make: Make, both: Target, simulated: Outlets, office: Pigeonhole, first: str
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, notifiers=["notify.office"], language="ja")
    await act(hass, "start_session", device_id=first, energy=5)
    await turn(hass, on=True)
    assert (simulated[FIRST].enabled, simulated[SECOND].enabled) == (True, False)
    assert office.messages == []

    simulated[FIRST].find_nobody()
    await until(hass, lambda: state(hass, "switch.a1_available") == "off")
    await hass.async_block_till_done()

    ((_, message),) = office.messages
    assert "充電はすべて終わり" in message


async def test_sessions_end_where_the_owner_wants_it(
    hass: HomeAssistant, *, toggle: str, make: Make, both: Target, simulated: Outlets, first: str
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, running="end")
    await act(hass, "start_session", device_id=first, energy=5)
    await turn(hass, on=True)
    assert not simulated[FIRST].relay
    assert not simulated[FIRST].enabled


async def test_the_opening_hours_may_have_the_last_word(
    hass: HomeAssistant, toggle: str, make: Make, both: Target, simulated: Outlets
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, afterwards="leave")
    await turn(hass, on=True)
    await turn(hass, on=False)
    assert not simulated[FIRST].enabled


async def test_an_outlet_that_does_not_answer_is_named_and_follows_when_it_is_back(
    hass: HomeAssistant, *, toggle: str, make: Make, both: Target, simulated: Outlets, office: Pigeonhole
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, notifiers=["notify.office"])
    simulated[SECOND].set_online(False)
    await hass.async_block_till_done()
    await turn(hass, on=True)
    assert office.messages[0][1].endswith("These do not answer: A2")

    simulated[SECOND].set_online(True)
    await until(hass, lambda: state(hass, "switch.a2_available") == "off")


async def test_it_goes_on_after_a_restart(
    hass: HomeAssistant, *, toggle: str, clock: GoOn, make: Make, both: Target, simulated: Outlets
) -> None:
    hass.states.async_set(SWITCH, "on")
    await make("maintenance_mode", last=dt_util.now(), switch=toggle, outlets=both)
    assert not simulated[FIRST].enabled


async def test_without_a_recipient_it_stands_in_home_assistant(
    hass: HomeAssistant, toggle: str, make: Make, both: Target
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both)
    await turn(hass, on=True)
    ((_, told),) = _async_get_or_create_notifications(hass).items()
    assert told["title"] == "Maintenance"


async def test_nothing_happens_without_the_toggle(
    hass: HomeAssistant, *, toggle: str, make: Make, both: Target, simulated: Outlets, office: Pigeonhole, first: str
) -> None:
    await make("maintenance_mode", switch=toggle, outlets=both, notifiers=["notify.office"])
    await act(hass, "start_session", device_id=first, energy=5)
    simulated[FIRST].find_nobody()
    await until(hass, lambda: state(hass, "sensor.a1_state") == "ended")
    await hass.async_block_till_done()
    assert simulated[FIRST].enabled
    assert office.messages == []
