"""A guest session: a tap starts it, the next stops it, and nobody else's session is ever stopped by it."""

from datetime import timedelta
from typing import Any

import pytest
from blueprinted import GoOn, Make, Pigeonhole, settled
from csms import Csms, start_request
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from parts import act, link
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet
from states import state, until

# As the form saves a trigger “Tag”.
TAPS = [{"trigger": "tag", "tag_id": "guest-card"}]


@pytest.fixture(autouse=True)
async def tags(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "tag", {})


async def tap(hass: HomeAssistant, clock: GoOn, tag: str = "guest-card") -> None:
    """Hold a tag to a phone; a while passes afterwards."""
    hass.bus.async_fire("tag_scanned", {"tag_id": tag, "device_id": "phone"})
    await settled()


async def becomes(hass: HomeAssistant, word: str) -> None:
    await until(hass, lambda: state(hass, "sensor.a1_occupancy") == word)
    await settled()


async def told(office: Pigeonhole, clock: GoOn, count: int) -> None:
    """Wait for so many messages, and until a tap counts as a new one."""
    while len(office.messages) < count:
        # Whoever stops an outlet waits a little for its last word.
        await clock(seconds=1, step=timedelta(seconds=1))
    await clock(seconds=10)


async def test_a_tap_starts_within_limits_and_the_next_stops(
    hass: HomeAssistant, *, clock: GoOn, make: Make, outlet: SimulatedOutlet, first: str, office: Pigeonhole
) -> None:
    values: dict[str, Any] = {"energy": 3, "duration": {"hours": 2, "minutes": 0, "seconds": 0}, "note": "Visitor"}
    await make("guest_session", outlet=first, taps=TAPS, notifiers=["notify.office"], **values)
    await tap(hass, clock)
    await becomes(hass, "charging")
    assert (outlet.limits.energy_wh, outlet.limits.time_s) == (3000, 7200)
    await told(office, clock, 1)
    listed = await act(hass, "list_sessions", device_id=first)
    assert [(session["local"], session["note"]) for session in listed["sessions"]] == [(True, "Visitor")]

    outlet.energy_mwh = 1_200_000
    outlet.changed()
    await settled()
    await tap(hass, clock)
    await told(office, clock, 2)
    await becomes(hass, "free")
    assert office.messages == [("A1", "Charging: at most 3 kWh."), ("A1", "Stopped after 1.2 kWh.")]


async def test_a_tag_that_is_read_twice_counts_once(
    hass: HomeAssistant, *, clock: GoOn, make: Make, outlet: SimulatedOutlet, first: str, office: Pigeonhole
) -> None:
    await make("guest_session", outlet=first, taps=TAPS, notifiers=["notify.office"])
    await tap(hass, clock)
    await tap(hass, clock)
    await becomes(hass, "charging")
    await tap(hass, clock)
    await told(office, clock, 1)
    assert state(hass, "sensor.a1_occupancy") == "charging"
    assert len(outlet.starts) == 1


async def test_the_session_of_a_driver_is_not_stopped(
    hass: HomeAssistant,
    *,
    place: MockConfigEntry,
    make: Make,
    first: str,
    office: Pigeonhole,
    csms: Csms,
) -> None:
    await link(hass, place, csms)
    await csms.until(lambda: len(csms.states(2)) > 0)
    await make("guest_session", outlet=first, taps=TAPS, notifiers=["notify.office"], language="ja")
    await csms.ask("RequestStartTransaction", start_request(1))
    await becomes(hass, "charging")

    hass.bus.async_fire("tag_scanned", {"tag_id": "guest-card", "device_id": "phone"})
    while not office.messages:
        await settled()

    assert office.messages == [("A1", "ほかの人が充電中です。")]
    assert state(hass, "sensor.a1_occupancy") == "charging"


async def test_another_session_of_the_owner_is_not_stopped(
    hass: HomeAssistant, clock: GoOn, make: Make, first: str, office: Pigeonhole
) -> None:
    await make("guest_session", outlet=first, taps=TAPS, notifiers=["notify.office"])
    await act(hass, "start_session", device_id=first, energy=5, note="Staff car")
    await tap(hass, clock)
    await told(office, clock, 1)
    assert office.messages == [("A1", "Somebody else charges here.")]
    assert state(hass, "sensor.a1_occupancy") == "charging"


async def test_an_outlet_that_cannot_start_says_why(
    hass: HomeAssistant, *, clock: GoOn, make: Make, outlet: SimulatedOutlet, first: str, office: Pigeonhole
) -> None:
    await make("guest_session", outlet=first, taps=TAPS, notifiers=["notify.office"])
    outlet.set_online(False)
    await becomes(hass, "away")
    await tap(hass, clock)
    await told(office, clock, 1)
    outlet.set_online(True)
    await becomes(hass, "free")
    outlet.trip()
    await becomes(hass, "faulted")
    await tap(hass, clock)
    await told(office, clock, 2)
    assert [text for _, text in office.messages] == ["It does not answer.", "It has a problem."]
    assert outlet.starts == []


@pytest.mark.parametrize(("own_button", "word"), [(True, "charging"), (False, "free")])
async def test_the_button_of_the_outlet_counts_where_the_owner_wants_it(
    hass: HomeAssistant,
    clock: GoOn,
    make: Make,
    outlet: SimulatedOutlet,
    first: str,
    *,
    own_button: bool,
    word: str,
) -> None:
    await make("guest_session", outlet=first, own_button=own_button)
    outlet.more["button"] = True
    outlet.changed()
    await becomes(hass, word)


async def test_another_tag_does_nothing(
    hass: HomeAssistant, clock: GoOn, make: Make, outlet: SimulatedOutlet, first: str
) -> None:
    await make("guest_session", outlet=first, taps=TAPS)
    await tap(hass, clock, "garage")
    await clock(seconds=30)
    assert outlet.starts == []
