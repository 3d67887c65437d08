"""The due work of data sources: fetching, the watched folder, deciding, and forgetting what is old."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import delete

from konsento.feeds import deciding, fetching, folder
from konsento.feeds.deciding import Listener
from konsento.grid import series, spot
from konsento.kit.work import Again, Job
from konsento.models import Work, WorkState
from konsento.services import Services

LOOK: Final = "feeds"
"""Kind of due work: looking for sources and regions whose work nobody has begun; `ALL`."""
FOLDER: Final = "feeds-folder"
"""Kind of due work: looking into the watched folder."""
OLD: Final = "feeds-old"
"""Kind of due work: forgetting data of long ago."""
ALL: Final = "all"
LOOK_S: Final = 60.0
FOLDER_S: Final = 10.0
OLD_S: Final = 86_400.0
DECIDED_KEPT: Final = timedelta(days=7)
"""How long work that is done keeps its row: there is one for each day of each region."""


def install(services: Services, listeners: Collection[Listener] = ()) -> None:
    """Register the handlers; `listeners` hear of every decision."""
    fetching.install(services)
    deciding.install(services, listeners)

    @services.work.on(LOOK)
    async def look(_job: Job) -> Again:
        async with services.database.transaction() as session:
            await fetching.begin_new(session, services)
            await deciding.wind_up(session, services)
        return Again(LOOK_S)

    # Reading a large file takes a while.
    @services.work.on(FOLDER, places=1)
    async def look_into_folder(_job: Job) -> Again | None:
        if services.settings.feeds_folder is None:
            return None
        return Again(0.0 if await folder.look(services) else FOLDER_S)

    @services.work.on(OLD)
    async def forget_old(_job: Job) -> Again:
        await forget(services)
        return Again(OLD_S)


async def begin(services: Services) -> None:
    """Have everything done from now on."""
    async with services.database.transaction() as session:
        await fetching.begin_all(session, services)
        for kind in (LOOK, OLD):
            await services.work.add(session, kind, ALL)
        if services.settings.feeds_folder is not None:
            await services.work.add(session, FOLDER, ALL)


async def forget(services: Services) -> None:
    """Forget data that are older than `KONSENTO_FEEDS_DAYS`. Decisions stay, with all that went into them."""
    now = services.clock.now()
    before = now - timedelta(days=services.settings.feeds_days)
    async with services.database.transaction() as session:
        await series.forget(session, before)
        await spot.forget(session, before)
        await session.execute(
            delete(Work).where(
                Work.kind == deciding.WORK, Work.state == WorkState.DONE, Work.due_at < now - DECIDED_KEPT
            )
        )
