"""The report of the day: what was charged, by whom, what is wrong; once, and none on days without anything."""

from datetime import timedelta

from blueprinted import GoOn, Make, Pigeonhole, settled
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, act
from pytest_homeassistant_custom_component.common import MockConfigEntry
from simulated import SimulatedOutlet, request
from states import state, until

type Outlets = dict[str, SimulatedOutlet]


async def charge(hass: HomeAssistant, outlet: SimulatedOutlet, number: int, wh: int) -> None:
    """Let a session of the owner take so much, and end."""
    await act(hass, "start_session", evse=number, energy=50)
    outlet.energy_mwh = wh * 1000
    outlet.changed()
    await settled()
    outlet.find_nobody()
    await until(hass, lambda: state(hass, f"sensor.a{number}_occupancy") == "free")


async def reported(office: Pigeonhole, clock: GoOn, at: str = "22:00") -> list[str]:
    """Return the messages at a time of the day."""
    office.messages.clear()
    await clock(at)
    for _ in range(20):
        await settled()
    return [text for _, text in office.messages]


async def test_it_tells_what_was_charged_and_what_is_wrong(
    hass: HomeAssistant,
    *,
    clock: GoOn,
    place: MockConfigEntry,
    make: Make,
    simulated: Outlets,
    office: Pigeonhole,
) -> None:
    await make("nightly_report", site=place.entry_id, notifiers=["notify.office"])
    await charge(hass, simulated[FIRST], 1, 1500)
    await charge(hass, simulated[FIRST], 1, 700)
    driver = request(1, simulated[SECOND].clock, evse=2, valid_s=1e9, energy_wh=50_000)
    await place.runtime_data.site.start(driver)
    await until(hass, lambda: state(hass, "sensor.a2_occupancy") == "charging")
    simulated[SECOND].energy_mwh = 2_000_000
    simulated[SECOND].changed()
    await settled()
    simulated[SECOND].trip()
    await until(hass, lambda: state(hass, "sensor.a2_occupancy") == "faulted")
    await act(hass, "start_session", evse=1, energy=50)

    assert await reported(office, clock) == [
        (
            "A1: 2.2 kWh, 2 sessions\n"
            "A2: 2.0 kWh, 1 session\n"
            "Total: 4.2 kWh, 3 sessions (drivers 1, own 2)\n"
            "Still charging: A1\n"
            "Problems: A2 (overcurrent)"
        )
    ]


async def test_a_session_is_told_once(
    hass: HomeAssistant, *, clock: GoOn, place: MockConfigEntry, make: Make, outlet: SimulatedOutlet, office: Pigeonhole
) -> None:
    await make("nightly_report", site=place.entry_id, notifiers=["notify.office"], language="ja")
    await charge(hass, outlet, 1, 1500)
    assert await reported(office, clock) == ["A1: 1.5 kWh, 1 回\n合計: 1.5 kWh, 1 回 (利用者 0, 自家用 1)"]
    assert await reported(office, clock) == []


async def test_a_day_without_anything_is_told_where_the_owner_wants_it(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    await make("nightly_report", site=place.entry_id, notifiers=["notify.office"], quiet_days=True, at="06:30:00")
    assert await reported(office, clock, "06:30") == ["Nobody has charged."]


async def test_a_report_that_was_missed_comes_with_the_start_and_no_other_does(
    hass: HomeAssistant, clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    last = dt_util.utcnow() - timedelta(hours=38)
    values = {"site": place.entry_id, "notifiers": ["notify.office"], "quiet_days": True}
    await make("nightly_report", last=last, **values)
    for _ in range(20):
        await settled()
    assert [text for _, text in office.messages] == ["Nobody has charged."]


async def test_a_restart_after_the_report_brings_no_second_one(
    clock: GoOn, place: MockConfigEntry, make: Make, office: Pigeonhole
) -> None:
    last = dt_util.utcnow() - timedelta(hours=13)
    await make("nightly_report", last=last, site=place.entry_id, notifiers=["notify.office"], quiet_days=True)
    for _ in range(20):
        await settled()
    assert office.messages == []
