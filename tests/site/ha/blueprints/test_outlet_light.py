"""The light of an outlet: what it shows, and that it is right again after everything that can go wrong."""

import pytest
from blueprinted import Make
from homeassistant.core import HomeAssistant, ServiceCall
from parts import act
from simulated import SimulatedOutlet
from states import state, until

LIGHT = "light.post"
GREEN, BLUE, RED = [0, 200, 80], [0, 90, 255], [255, 0, 0]

type Calls = list[object]


@pytest.fixture
def shown(hass: HomeAssistant) -> Calls:
    """Return what the light was told: the colour, None for off."""
    calls: Calls = []
    for service in ("turn_on", "turn_off"):

        async def told(call: ServiceCall) -> None:
            assert call.data["entity_id"] == [LIGHT]
            calls.append(call.data.get("rgb_color"))

        hass.services.async_register("light", service, told)
    return calls


async def settle(hass: HomeAssistant, word: str) -> None:
    await until(hass, lambda: state(hass, "sensor.a1_occupancy") == word)
    await hass.async_block_till_done()


async def test_it_shows_what_the_outlet_does(
    hass: HomeAssistant, make: Make, outlet: SimulatedOutlet, first: str, shown: Calls
) -> None:
    await make("outlet_light", outlet=first, lights=[LIGHT])
    await act(hass, "start_session", device_id=first, energy=5)
    await settle(hass, "charging")
    assert shown == [BLUE]

    outlet.find_nobody()
    await settle(hass, "free")
    assert shown == [BLUE, GREEN]

    outlet.trip()
    await settle(hass, "faulted")
    assert shown == [BLUE, GREEN, RED]
    await hass.services.async_call("button", "press", {"entity_id": "button.a1_clear_fault"}, blocking=True)
    await settle(hass, "free")
    assert shown[-1] == GREEN


async def test_it_is_dark_while_the_outlet_is_out_of_service_or_away(
    hass: HomeAssistant, make: Make, outlet: SimulatedOutlet, first: str, shown: Calls
) -> None:
    await make("outlet_light", outlet=first, lights=[LIGHT])
    await hass.services.async_call("switch", "turn_off", {"entity_id": "switch.a1_available"}, blocking=True)
    await settle(hass, "out_of_service")
    assert shown == [None]
    await hass.services.async_call("switch", "turn_on", {"entity_id": "switch.a1_available"}, blocking=True)
    await settle(hass, "free")
    outlet.set_online(False)
    await settle(hass, "away")
    assert shown == [None, GREEN, None]


async def test_it_is_only_lit_when_the_owner_wants_it(
    hass: HomeAssistant, make: Make, outlet: SimulatedOutlet, first: str, shown: Calls
) -> None:
    await make("outlet_light", outlet=first, lights=[LIGHT], lit=["charging"], charging_colour=[1, 2, 3])
    await act(hass, "start_session", device_id=first, energy=5)
    await settle(hass, "charging")
    outlet.find_nobody()
    await settle(hass, "free")
    assert shown == [[1, 2, 3], None]


async def test_a_light_that_comes_back_is_right_at_once(
    hass: HomeAssistant, make: Make, place: object, first: str, shown: Calls
) -> None:
    hass.states.async_set(LIGHT, "unavailable")
    await make("outlet_light", outlet=first, lights=[LIGHT])
    hass.states.async_set(LIGHT, "on")
    await hass.async_block_till_done()
    assert shown == [GREEN]


async def test_it_says_the_same_only_once(
    hass: HomeAssistant, make: Make, outlet: SimulatedOutlet, first: str, shown: Calls
) -> None:
    await make("outlet_light", outlet=first, lights=[LIGHT])
    await act(hass, "start_session", device_id=first, energy=5)
    await settle(hass, "charging")
    for energy in range(3):
        outlet.energy_mwh = energy * 1000
        outlet.changed()
        await hass.async_block_till_done()
    assert shown == [BLUE]
