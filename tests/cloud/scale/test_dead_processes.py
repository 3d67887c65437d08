"""Stations of processes that are gone count as away; those of living ones never do for another's sake."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from konsento.charging import links
from konsento.kit.ids import new_id
from konsento.models import Site, StationOwner, Work, WorkState
from konsento.ocpp import Owners, Version
from konsento.operations.alarms import DEAD_AFTER
from konsento.operations.replicas import Facts, Heart
from konsento.sites import stations

from ..conftest import STARTED, STATION, Core, event_of


class Process:
    """A process that has said that it lives, and holds the site's connection."""

    def __init__(self, core: Core) -> None:
        self.core = core
        database, self.id = core.services.database, new_id()
        self.heart = Heart(database, core.clock, lambda: Facts(stations=1), replica_id=self.id, roles="gateway")
        self.owners = Owners(database, core.clock, self.id)

    async def holds(self) -> None:
        await self.heart.beat()
        await self.owners.claim(STATION, Version.V21)
        await self.noted(connected=True)

    async def noted(self, *, connected: bool) -> None:
        async with self.core.services.database.transaction() as session:
            await stations.note_link(session, STATION, self.core.clock.now(), connected=connected)


async def connected(core: Core) -> bool:
    async with core.services.database.transaction() as session:
        return (await session.scalars(select(Site.connected))).one()


@pytest.fixture
def process(core: Core) -> Process:
    return Process(core)


async def test_a_station_counts_as_away_when_its_process_was_not_heard_of_for_a_while(
    core: Core, process: Process
) -> None:
    await process.holds()
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    core.clock.advance(DEAD_AFTER)
    before = (await links.take_from_the_dead(core.services), await connected(core))
    core.clock.advance(timedelta(seconds=1))
    after = (await links.take_from_the_dead(core.services), await connected(core))

    async with core.services.database.transaction() as tx:
        told_later = await tx.get_one(Work, ("interrupted", str(session.id)))
        owner = await tx.get_one(StationOwner, STATION)
    assert (before, after) == ((0, True), (1, False))
    assert told_later.state is WorkState.DUE
    assert (owner.replica_id, owner.epoch) == (None, 1)


async def test_the_start_of_another_process_forgets_nobody_who_is_connected(core: Core, process: Process) -> None:
    await process.holds()
    if core.services.database.serves_one_process:
        # There is no other: whoever was connected was connected to a process that is gone.
        await links.begin(core.services)
        assert not await connected(core)
        return
    await links.begin(core.services)
    await links.take_from_the_dead(core.services)
    assert await connected(core)


async def test_the_end_of_an_old_connection_is_not_the_end_of_a_newer_one_elsewhere(
    core: Core, process: Process
) -> None:
    await process.holds()
    other = Process(core)
    await other.holds()
    released = await process.owners.release(STATION)
    # As where the old process says so just after the station has connected to the other one.
    await process.noted(connected=False)

    assert not released
    assert await connected(core)
    assert await other.owners.release(STATION)
    await other.noted(connected=False)
    assert not await connected(core)


async def test_a_process_that_ends_in_order_leaves_nothing_behind(core: Core, process: Process) -> None:
    await process.holds()
    await process.owners.release(STATION)
    await process.noted(connected=False)

    assert await links.take_from_the_dead(core.services) == 0
    assert await process.owners.noted() == {}
