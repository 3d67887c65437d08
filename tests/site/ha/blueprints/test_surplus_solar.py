"""Surplus solar: outlets are offered while power is exported, and clouds do not make them come and go."""

from datetime import timedelta
from typing import Any

import pytest
from blueprinted import GoOn, Make, Pigeonhole
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act
from simulated import SimulatedOutlet
from states import state, until

type Outlets = dict[str, SimulatedOutlet]
type Target = dict[str, list[str]]

METER = "sensor.grid"


def exports(hass: HomeAssistant, watts: float | str, unit: str = "W") -> None:
    """Let the meter at the grid show that so much is exported: it counts what is bought."""
    value = -watts if isinstance(watts, int | float) else watts
    hass.states.async_set(METER, str(value), {"unit_of_measurement": unit, "device_class": "power"})


@pytest.fixture
async def closed(hass: HomeAssistant, both: Target) -> Target:
    """Return both outlets, out of service, at night."""
    exports(hass, 0)
    for switch in ("switch.a1_available", "switch.a2_available"):
        await hass.services.async_call("switch", "turn_off", {"entity_id": switch}, blocking=True)
    return both


def offered(simulated: Outlets) -> list[bool]:
    return [simulated[FIRST].enabled, simulated[SECOND].enabled]


async def test_outlets_are_offered_once_the_surplus_has_lasted(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER)
    exports(hass, 2000)
    await clock(minutes=4)
    assert offered(simulated) == [False, False]
    await clock(minutes=2)
    assert offered(simulated) == [True, True]


async def test_a_short_ray_of_sun_offers_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER)
    for _ in range(5):
        exports(hass, 2000)
        await clock(minutes=3)
        exports(hass, 100)
        await clock(minutes=3)
    assert offered(simulated) == [False, False]


async def test_they_are_withdrawn_when_it_is_gone_and_who_charges_may_finish(
    hass: HomeAssistant, *, clock: GoOn, make: Make, both: Target, simulated: Outlets, first: str
) -> None:
    exports(hass, 2000)
    await make("surplus_solar", outlets=both, meter=METER)
    await act(hass, "start_session", device_id=first, energy=50)
    await clock(minutes=31, step=timedelta(minutes=5))
    exports(hass, -500)
    await clock(minutes=9)
    assert offered(simulated) == [True, True]
    await clock(minutes=2)
    assert offered(simulated) == [True, False]
    assert simulated[FIRST].relay

    simulated[FIRST].find_nobody()
    await until(hass, lambda: state(hass, "sensor.a1_state") == "ended")
    await clock(minutes=16)
    assert offered(simulated) == [False, False]


async def test_what_is_offered_stays_for_a_while(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER, at_least={"hours": 1, "minutes": 0, "seconds": 0})
    exports(hass, 2000)
    await clock(minutes=6)
    exports(hass, -500)
    await clock(minutes=50, step=timedelta(minutes=5))
    assert offered(simulated) == [True, True]
    await clock(minutes=25, step=timedelta(minutes=5))
    assert offered(simulated) == [False, False]


async def test_nothing_flaps_in_an_hour_of_passing_clouds(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER)
    changes: list[str] = []

    @callback
    def changed(event: Event[Any]) -> None:
        if event.data["entity_id"] == "switch.a1_available":
            changes.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", changed)
    exports(hass, 2000)
    await clock(minutes=6)
    # Sun and cloud by turns, each shorter than what counts.
    for minute in range(60):
        exports(hass, (2000, 1700, -800, 1200)[minute % 4])
        await clock(minutes=1)
    assert changes == ["on"]


async def test_a_meter_that_tells_nothing_changes_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER)
    exports(hass, 2000)
    await clock(minutes=4)
    exports(hass, "unavailable")
    await clock(minutes=30, step=timedelta(minutes=5))
    assert offered(simulated) == [False, False]
    # Its word counts from anew.
    exports(hass, 2000)
    await clock(minutes=11)
    assert offered(simulated) == [True, True]


async def test_it_goes_on_after_a_restart_in_the_sun(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    exports(hass, 2, "kW")
    last = dt_util.utcnow() - timedelta(minutes=3)
    await make("surplus_solar", last=last, outlets=closed, meter=METER)
    await clock(minutes=11)
    assert offered(simulated) == [True, True]


async def test_nothing_is_offered_during_maintenance(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"work": {"initial": True}}})
    await make("surplus_solar", outlets=closed, meter=METER, maintenance=["input_boolean.work"])
    exports(hass, 2000)
    await clock(minutes=20, step=timedelta(minutes=5))
    assert offered(simulated) == [False, False]


async def test_limits_that_are_the_wrong_way_round_do_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, closed: Target, simulated: Outlets
) -> None:
    await make("surplus_solar", outlets=closed, meter=METER, enough=500, gone=1500)
    exports(hass, 2000)
    await clock(minutes=20, step=timedelta(minutes=5))
    assert offered(simulated) == [False, False]


async def test_the_announcement_comes_once_in_a_while_and_touches_no_outlet(
    hass: HomeAssistant, *, clock: GoOn, make: Make, closed: Target, simulated: Outlets, office: Pigeonhole
) -> None:
    await make("surplus_solar_announcement", meter=METER, notifiers=["notify.office"], pause={"hours": 4, "minutes": 0})
    for _ in range(3):
        exports(hass, 2000)
        await clock(minutes=11, step=timedelta(minutes=11))
        exports(hass, 0)
        await clock(minutes=11, step=timedelta(minutes=11))
    assert office.messages == [("Charge now", "The sun gives more than is needed here: 2.0 kW are left.")]
    assert offered(simulated) == [False, False]

    await clock(hours=4, step=timedelta(hours=4))
    exports(hass, 2, "kW")
    await clock(minutes=11, step=timedelta(minutes=11))
    assert len(office.messages) == 2


async def test_a_short_surplus_is_not_announced(
    hass: HomeAssistant, clock: GoOn, make: Make, office: Pigeonhole
) -> None:
    exports(hass, 0)
    await make("surplus_solar_announcement", meter=METER, notifiers=["notify.office"])
    for _ in range(3):
        exports(hass, 2000)
        await clock(minutes=9)
        exports(hass, "unavailable")
        await clock(minutes=1)
    assert office.messages == []
