"""When windows are decided: after every file that brings new data, and twice a day by each region's clock."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.decisions import decide
from konsento.kit.work import Again, Job
from konsento.models import GridRegion, WindowDecision
from konsento.services import Services

log = logging.getLogger(__name__)

WORK: Final = "decide"
SOON_S: Final = 5.0
"""After a file: others of the same hour are taken in first."""
AT: Final = (time(6, 30), time(19, 50))
"""By the region's clock: before people leave, and after all operators have published the next day."""
DAYS: Final = 2
"""Today and tomorrow."""

type Listener = Callable[[AsyncSession, GridRegion, WindowDecision], Awaitable[None]]
"""Hears of every decision, in its transaction, so that it can add due work."""


def install(services: Services, listeners: Collection[Listener] = ()) -> None:
    """Register the handler; it tells the listeners."""

    @services.work.on(WORK)
    async def decide_day(job: Job) -> Again | None:
        code, _, day = job.key.partition(":")
        await _decide(services, code, date.fromisoformat(day), listeners)
        return None


async def ask(session: AsyncSession, services: Services, codes: Iterable[str], after_s: float = SOON_S) -> None:
    """Have today and tomorrow of these regions decided, as far as windows are found in them."""
    now = services.clock.now()
    query = select(GridRegion).where(GridRegion.code.in_(set(codes)), GridRegion.advises)
    for region in await session.scalars(query):
        keys = [f"{region.code}:{day}" for day in _days(region, now)]
        await services.work.add_all(session, WORK, keys, after_s=after_s)


async def ask_on_schedule(session: AsyncSession, services: Services) -> None:
    """Have those regions decided of which nothing was decided since the last moment of `AT`."""
    now = services.clock.now()
    query = select(WindowDecision.region, func.max(WindowDecision.decided_at)).group_by(WindowDecision.region)
    last = dict((await session.execute(query)).tuples().all())
    regions = list(await session.scalars(select(GridRegion).where(GridRegion.advises)))
    waiting = [region.code for region in regions if (at := last.get(region.code)) is None or at < _due(region, now)]
    await ask(session, services, waiting, after_s=0)


def _days(region: GridRegion, now: datetime) -> list[date]:
    today = now.astimezone(ZoneInfo(region.time_zone)).date()
    return [today + timedelta(days=ahead) for ahead in range(DAYS)]


def _due(region: GridRegion, now: datetime) -> datetime:
    """Return the last moment of `AT` by a region's clock."""
    zone = ZoneInfo(region.time_zone)
    today = now.astimezone(zone).date()
    moments = (datetime.combine(today - timedelta(days=back), at, zone) for back in (0, 1) for at in AT)
    return max(moment for moment in moments if moment <= now)


async def _decide(services: Services, code: str, day: date, listeners: Collection[Listener]) -> None:
    now = services.clock.now()
    async with services.database.transaction() as session:
        region = await session.get(GridRegion, code, with_for_update=True)
        if region is None or not region.advises:
            return
        decision = await decide(session, region, day, now)
        if decision.decided_at == now:  # not one that stands
            for listener in listeners:
                await listener(session, region, decision)
    log.info("windows of %s on %s: %s %s", code, day, decision.outcome, decision.reason)
