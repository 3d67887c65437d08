"""When windows are decided: as soon as something new is known about today or tomorrow, and twice a day.

At 19:50 all forecasts of the next day are out, and at 06:30 those of the day itself have been renewed over night.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid import decisions
from konsento.grid.finding import day_bounds
from konsento.grid.records import BalanceSlot, Series
from konsento.kit.clock import Clock
from konsento.kit.work import Again, Job
from konsento.models import GridRegion, WindowDecision, Work, WorkState
from konsento.services import Services

log = logging.getLogger(__name__)

WORK: Final = "decide"
"""Kind of due work: deciding a day of a region; its key is `REGION:YYYY-MM-DD`."""
DAILY: Final = "decide-daily"
"""Kind of due work: the clock of a region; its key is the region's code."""
TIMES: Final = (time(6, 30), time(19, 50))
"""By the region's clock."""

type Listener = Callable[[AsyncSession, GridRegion, WindowDecision], Awaitable[None]]
"""Hears of every decision, in its transaction, so that it can add due work: advice to drivers, messages to sites."""


def install(services: Services, listeners: Collection[Listener] = ()) -> None:
    """Register the handlers; `listeners` hear of every decision."""

    @services.work.on(WORK)
    async def decide(job: Job) -> None:
        region, _, day = job.key.partition(":")
        await decide_day(services, region, date.fromisoformat(day), listeners)

    @services.work.on(DAILY)
    async def daily(job: Job) -> Again | None:
        async with services.database.transaction() as session:
            region = await session.get(GridRegion, job.key)
            if region is None or not region.advises:
                return None
            await soon(session, services, region)
            return Again(_until_next(region, services.clock))


async def soon(session: AsyncSession, services: Services, region: GridRegion) -> None:
    """Have today and tomorrow of a region decided after this transaction: its rule, or its advising, is new."""
    await services.work.add_all(session, WORK, [_key(region, day) for day in _days(region, services.clock)])


async def decide_what_came(session: AsyncSession, services: Services, slots: Iterable[BalanceSlot]) -> None:
    """Have those days decided, after this transaction, that forecasts have just come for: today and tomorrow."""
    came: dict[str, list[datetime]] = {}
    for slot in slots:
        if slot.series is Series.FORECAST:
            came.setdefault(slot.region, []).append(slot.begin)
    query = select(GridRegion).where(GridRegion.code.in_(came), GridRegion.advises)
    keys = [
        _key(region, day)
        for region, day in (
            pair for region in await session.scalars(query) for pair in product([region], _days(region, services.clock))
        )
        if _touches(came[region.code], day, region)
    ]
    await services.work.add_all(session, WORK, keys)


async def decide_day(services: Services, code: str, day: date, listeners: Collection[Listener] = ()) -> None:
    """Decide a day of a region, and have those told who listen; a day that is over stays as it was."""
    async with services.database.transaction() as session:
        # Locked: of two decisions at once the second has to know the first.
        region = await session.get(GridRegion, code, with_for_update=True)
        now = services.clock.now()
        if region is None or not region.advises or day_bounds(day, region.time_zone)[1] <= now:
            return
        decision = await decisions.decide(session, region, day, now)
        if decision.decided_at != now:
            return  # the one that was made before stands: its window has begun
        for listener in listeners:
            await listener(session, region, decision)
        log.info("region %s, %s: %s %s", code, day, decision.outcome, decision.reason)


async def wind_up(session: AsyncSession, services: Services) -> None:
    """Start the clocks of the regions that advise and whose clock does not run."""
    running = select(Work.key).where(Work.kind == DAILY, Work.state == WorkState.DUE)
    query = select(GridRegion).where(GridRegion.advises, GridRegion.code.not_in(running))
    for region in await session.scalars(query):
        # At once the first time: what is there already may do for today.
        await services.work.add(session, DAILY, region.code)


def _days(region: GridRegion, clock: Clock) -> tuple[date, date]:
    today = clock.now().astimezone(ZoneInfo(region.time_zone)).date()
    return today, today + timedelta(days=1)


def _key(region: GridRegion, day: date) -> str:
    return f"{region.code}:{day.isoformat()}"


def _touches(begins: Iterable[datetime], day: date, region: GridRegion) -> bool:
    begin, end = day_bounds(day, region.time_zone)
    return any(begin <= at < end for at in begins)


def _until_next(region: GridRegion, clock: Clock) -> float:
    """Return how many seconds it is to the next of the `TIMES`."""
    now, zone = clock.now(), ZoneInfo(region.time_zone)
    moments = (
        # By way of the wall clock: a day may have 23 or 25 hours.
        (datetime.combine(day, at, zone).astimezone(now.tzinfo) - now).total_seconds()
        for day in _days(region, clock)
        for at in TIMES
    )
    return min(left for left in moments if left > 0)
