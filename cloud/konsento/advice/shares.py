"""How much of each billed session flowed while charging was recommended: counted once, beside settlement."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid import windows
from konsento.grid.finding import day_bounds
from konsento.grid.windows import Window, energy_inside
from konsento.kit.work import Again, Job
from konsento.models import (
    WITH_OUTLET,
    ChargingSession,
    GridRegion,
    Outlet,
    Receipt,
    Site,
    WindowDecision,
    WindowShare,
)
from konsento.services import Services
from konsento.settlement import billing
from konsento.settlement.repository import events_of_all

WORK: Final = "window-shares"
EVERY_S: Final = 300.0
AT_ONCE: Final = 200
"""Sessions of one transaction."""


def install(services: Services) -> None:
    """Register the handler; `begin` has it called."""

    @services.work.on(WORK)
    async def count_all(_job: Job) -> Again:
        return Again(0.0 if await count(services) == AT_ONCE else EVERY_S)


async def begin(services: Services) -> None:
    """Have sessions counted from now on, also those of before."""
    async with services.database.transaction() as session:
        await services.work.add(session, WORK, "all")


async def count(services: Services) -> int:
    """Count some sessions that were billed since the last ones; returns how many. Opens its own transaction."""
    async with services.database.transaction() as session:
        billed = await _billed(session)
        events = await events_of_all(session, [charging for charging, _ in billed])
        by_region: defaultdict[str, list[tuple[ChargingSession, datetime]]] = defaultdict(list)
        for charging, at in billed:
            by_region[str(charging.outlet.site.region)].append((charging, at))
        for code, some in by_region.items():
            region = await session.get_one(GridRegion, code)
            due = [(billing.due(charging, events[charging.id]), at) for charging, at in some]
            told = await _windows(session, region, due)
            session.add_all(_share(region, one, at, told) for one, at in due)
        return len(billed)


async def _billed(session: AsyncSession) -> Sequence[tuple[ChargingSession, datetime]]:
    """Return sessions in regions where something was ever decided, that were billed and not counted yet."""
    since = await session.scalar(select(func.max(WindowShare.billed_at)))
    query = (
        select(ChargingSession, Receipt.issued_at)
        .join(Receipt, Receipt.session_id == ChargingSession.id)
        .join(Outlet, Outlet.id == ChargingSession.outlet_id)
        .join(Site, Site.id == Outlet.site_id)
        .outerjoin(WindowShare, WindowShare.session_id == ChargingSession.id)
        .where(WindowShare.session_id.is_(None), Site.region.in_(select(WindowDecision.region)))
        .options(WITH_OUTLET)
        .order_by(Receipt.issued_at)
        .limit(AT_ONCE)
    )
    if since is not None:
        query = query.where(Receipt.issued_at >= since)
    return [(charging, at) for charging, at in await session.execute(query)]


async def _windows(
    session: AsyncSession, region: GridRegion, due: Sequence[tuple[billing.Due, datetime]]
) -> Sequence[Window]:
    begin = min(_day_of(region, one)[0] for one, _ in due)
    end = max(max(one.usage.end, _day_of(region, one)[1]) for one, _ in due)
    return await windows.in_force(session, region.code, begin, end)


def _day_of(region: GridRegion, due: billing.Due) -> tuple[datetime, datetime]:
    return day_bounds(due.usage.begin.astimezone(ZoneInfo(region.time_zone)).date(), region.time_zone)


def _share(region: GridRegion, due: billing.Due, billed_at: datetime, told: Sequence[Window]) -> WindowShare:
    begin, end = _day_of(region, due)
    return WindowShare(
        session_id=due.charging.id,
        driver_id=due.charging.driver_id,
        region=region.code,
        began_at=due.usage.begin,
        billed_at=billed_at,
        had_windows=any(window.begin < end and window.end > begin for window in told),
        mwh=due.usage.mwh,
        inside_mwh=int(energy_inside(due.usage, told)),
    )
