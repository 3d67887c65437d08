"""Stations whose process died: they count as away until they connect to another one."""

import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging.work import expect_interruptions
from konsento.kit.work import Again, Job
from konsento.ocpp import owners
from konsento.operations.alarms import DEAD_AFTER
from konsento.services import Services
from konsento.sites import stations

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
_AT_ONCE: Final = 200
"""Stations that one transaction takes from the dead."""
_WORK: Final = "links"


def install(services: Services) -> None:
    """Register the handler; `begin` has it called."""

    @services.work.on(_WORK)
    async def links(_job: Job) -> Again:
        await take_from_the_dead(services)
        return Again(LOOK_EVERY_S)


async def begin(services: Services) -> None:
    """Forget who was connected to processes that are gone; where several may run, again and again from now on."""
    async with services.database.transaction() as session:
        if services.database.serves_one_process:
            await owners.nobody(session)
            await stations.nobody_connected(session)
        else:
            await services.work.add(session, _WORK, "all")


async def take_from_the_dead(services: Services) -> int:
    """Note that the stations of processes which were not heard of lately have no connection; returns how many."""
    taken = 0
    while True:
        async with services.database.transaction() as session:
            some = await _take(session, services)
        taken += some
        if some < _AT_ONCE:
            return taken


async def _take(session: AsyncSession, services: Services) -> int:
    now = services.clock.now()
    orphans = await owners.orphans(session, now - DEAD_AFTER, _AT_ONCE)
    for station_id in orphans:
        log.warning("station %s was connected to a process that is gone", station_id)
        await stations.note_link(session, station_id, now, connected=False)
        await expect_interruptions(session, services, station_id)
    return len(orphans)
