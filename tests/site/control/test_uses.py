"""Energy by use: every session counts once, for drivers or for the owner, and none is forgotten with the list."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from controlled import Controlled
from simulated import ManualClock, SimulatedOutlet, request

from custom_components.konsento.control.journal import KEEP_SESSIONS
from custom_components.konsento.control.session import LOCAL
from custom_components.konsento.control.uses import UseEnergy
from custom_components.konsento.control.words import EndReason


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Controlled]:
    """Return a site with one outlet."""
    clock = ManualClock()
    controlled = Controlled(tmp_path / "journal.sqlite3", clock, SimulatedOutlet(clock))
    await controlled.start()
    yield controlled
    await controlled.kill()


async def opened(site: Controlled) -> UseEnergy:
    uses = UseEnergy(site.site.journal)
    await uses.open()
    return uses


async def charge(site: Controlled, number: int, server: str, seconds: float) -> None:
    """Have a session run, and end."""
    answer = await site.site.start(request(number, site.clock, server=server, energy_wh=50_000))
    assert answer.session_id
    await site.live(seconds)
    await site.site.stop(server, answer.session_id, EndReason.REMOTE)
    await site.live(2)


def count(site: Controlled, uses: UseEnergy) -> tuple[int, int]:
    uses.count([site.control])
    return uses.drivers_mwh, uses.own_mwh


async def test_sessions_of_drivers_and_of_the_owner_are_told_apart_and_counted_once(site: Controlled) -> None:
    uses = await opened(site)
    await charge(site, 1, "server", 60)
    drivers, own = count(site, uses)
    assert (drivers, own) == (sum(site.outlet.measured.values()), 0)
    await charge(site, 2, LOCAL, 30)
    for _ in range(2):
        assert count(site, uses) == (drivers, sum(site.outlet.measured.values()) - drivers)


async def test_a_restart_in_a_session_neither_loses_nor_adds_anything_and_shows_nothing_too_low(
    site: Controlled,
) -> None:
    uses = await opened(site)
    await site.ask(energy_wh=50_000)
    await site.live(100)
    before, _ = count(site, uses)
    assert before == sum(site.outlet.measured.values())

    site.outlet.set_online(False)
    await site.restart()
    later = await opened(site)
    count(site, later)
    assert not later.known
    site.outlet.set_online(True)
    await site.live(10)
    assert count(site, later)[0] == sum(site.outlet.measured.values())
    assert later.known


async def test_what_comes_to_light_after_the_end_counts(site: Controlled) -> None:
    uses = await opened(site)
    session = (await site.ask(energy_wh=50_000)).session_id
    assert session
    await site.live(10)
    site.outlet.set_online(False)
    site.clock.seconds += site.settings.abandon_s + 400
    await site.control.step()
    site.clock.seconds += site.settings.abandon_s + 400
    await site.control.step()
    assert site.control.session is None
    count(site, uses)
    site.outlet.energy_mwh += 5_000
    site.outlet.measured[session] = site.outlet.energy_mwh
    site.outlet.set_online(True)
    await site.live(5)
    assert count(site, uses)[0] == site.outlet.measured[session]


async def test_the_energy_of_sessions_that_are_no_longer_listed_stays(site: Controlled) -> None:
    uses = await opened(site)
    for number in (1, 2):
        await charge(site, number, LOCAL if number == 2 else "server", 60)
        await site.deliver()
        known = count(site, uses)
        await site.site.journal.prune(site.clock.now() + KEEP_SESSIONS + timedelta(days=1))
        assert await site.site.journal.sessions(site.clock.now() - KEEP_SESSIONS) == []
        assert await site.site.journal.supplied() == known
    assert min(known) > 0
    await site.restart()
    assert count(site, await opened(site)) == known
