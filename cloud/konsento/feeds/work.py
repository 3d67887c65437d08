"""The due work of data sources: what is not under way yet is started, folders are looked at, the old is forgotten."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from konsento.feeds import deciding, fetching, folder
from konsento.feeds.deciding import Listener
from konsento.grid import series
from konsento.kit.work import Again, Job
from konsento.models import GridSource, SourceState
from konsento.services import Services

LOOK: Final = "feeds"
LOOK_S: Final = 30.0
FORGET: Final = "feeds-old"
FORGET_S: Final = 86_400.0
KEPT: Final = timedelta(days=400)
"""Balance data are kept for so long: a year can be compared with the one before."""
_ALL: Final = "all"


def install(services: Services, listeners: Collection[Listener] = ()) -> None:
    """Register the handlers; `listeners` hear of every decision."""
    fetching.install(services)
    deciding.install(services, listeners)

    @services.work.on(LOOK)
    async def look_around(_job: Job) -> Again:
        await look(services)
        return Again(LOOK_S)

    @services.work.on(FORGET)
    async def forget(_job: Job) -> Again:
        async with services.database.transaction() as session:
            await series.forget(session, services.clock.now() - KEPT)
        return Again(FORGET_S)


async def begin(services: Services) -> None:
    """Have sources looked after from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, LOOK, _ALL)
        await services.work.add(session, FORGET, _ALL, after_s=FORGET_S)


async def look(services: Services) -> None:
    """Start fetching what nobody fetches yet, take in what lies in folders, decide what is due."""
    await folder.look(services)
    async with services.database.transaction() as session:
        # Those that were never tried; the others have their own due work.
        query = select(GridSource).where(
            GridSource.url != "", GridSource.tried_at.is_(None), GridSource.state != SourceState.OFF
        )
        new = [str(source.id) for source in await session.scalars(query)]
        await services.work.add_all(session, fetching.WORK, new)
        await deciding.ask_on_schedule(session, services)
