"""Peak shaving: the newest sessions wait while there is too much, go on when there is room, and nothing flaps."""

from typing import Any

import pytest
from blueprinted import GoOn, Make, settled
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from parts import act
from states import state, until

type Target = dict[str, list[str]]

METER = "sensor.building"
VALUES = {"meter": METER, "limit": 10000, "room": 6000}


def takes(hass: HomeAssistant, watts: float | str) -> None:
    hass.states.async_set(METER, str(watts), {"unit_of_measurement": "W", "device_class": "power"})


def use(hass: HomeAssistant) -> list[str]:
    return [state(hass, f"sensor.a{number}_occupancy") for number in (1, 2)]


async def becomes(hass: HomeAssistant, *words: str) -> None:
    await until(hass, lambda: use(hass) == list(words))
    await settled()


@pytest.fixture
async def charging(hass: HomeAssistant, clock: GoOn, both: Target) -> Target:
    """Return both outlets with a session on each, that on A2 the newer one."""
    takes(hass, 5000)
    await act(hass, "start_session", device_id=both["device_id"][0], energy=50)
    await clock(minutes=1)
    await act(hass, "start_session", device_id=both["device_id"][1], energy=50)
    await becomes(hass, "charging", "charging")
    return both


async def test_the_newest_session_waits_and_goes_on_when_there_has_been_room_for_a_while(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets=charging, **VALUES)
    takes(hass, 11000)
    await settled()
    assert use(hass) == ["charging", "charging"]
    await clock(minutes=1)
    await becomes(hass, "charging", "waiting")
    takes(hass, 8000)
    await clock(minutes=20)
    assert use(hass) == ["charging", "waiting"]

    takes(hass, 5000)
    await clock(minutes=9)
    assert use(hass) == ["charging", "waiting"]
    await clock(minutes=3)
    await becomes(hass, "charging", "charging")


async def test_one_after_the_other_waits_until_it_is_enough(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets=charging, **VALUES)
    takes(hass, 14000)
    await clock(minutes=1)
    await becomes(hass, "charging", "waiting")
    takes(hass, 11000)
    for _ in range(3):
        await clock(minutes=1)
    await becomes(hass, "waiting", "waiting")


async def test_a_short_peak_stops_nobody(hass: HomeAssistant, clock: GoOn, make: Make, charging: Target) -> None:
    await make("peak_shaving", outlets=charging, high_for={"hours": 0, "minutes": 3, "seconds": 0}, **VALUES)
    for _ in range(5):
        takes(hass, 12000)
        await clock(minutes=2)
        takes(hass, 9000)
        await clock(minutes=1)
    assert use(hass) == ["charging", "charging"]


async def test_nothing_flaps_in_an_hour_around_the_limits(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets=charging, high_for={"hours": 0, "minutes": 2, "seconds": 0}, **VALUES)
    takes(hass, 11000)
    await clock(minutes=2)
    await becomes(hass, "charging", "waiting")
    changes: list[str] = []

    @callback
    def changed(event: Event[Any]) -> None:
        if event.data["entity_id"].endswith("_occupancy"):
            changes.append(event.data["new_state"].state)

    hass.bus.async_listen("state_changed", changed)
    # One car less; the rest of the building trembles around both limits, but never keeps to one side.
    for minute in range(60):
        takes(hass, (9500, 5500, 10500, 8000, 5800, 7000)[minute % 6])
        await clock(minutes=1)
    assert changes == []


async def test_a_meter_that_tells_nothing_changes_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets=charging, **VALUES)
    takes(hass, 12000)
    takes(hass, "unavailable")
    await clock(minutes=5)
    assert use(hass) == ["charging", "charging"]


async def test_limits_that_leave_no_room_do_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets=charging, meter=METER, limit=10000, room=10000)
    takes(hass, 12000)
    await clock(minutes=5)
    assert use(hass) == ["charging", "charging"]


async def test_an_outlet_that_was_not_chosen_never_waits(
    hass: HomeAssistant, clock: GoOn, make: Make, charging: Target
) -> None:
    await make("peak_shaving", outlets={"device_id": charging["device_id"][:1]}, **VALUES)
    takes(hass, 14000)
    await clock(minutes=2)
    await becomes(hass, "waiting", "charging")


async def test_it_goes_on_after_a_restart(hass: HomeAssistant, clock: GoOn, make: Make, charging: Target) -> None:
    await act(hass, "suspend_session", device_id=charging["device_id"][1])
    await becomes(hass, "charging", "waiting")
    takes(hass, 3000)
    await make("peak_shaving", last=dt_util.utcnow(), outlets=charging, **VALUES)
    await clock(minutes=12)
    await becomes(hass, "charging", "charging")
