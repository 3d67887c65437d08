"""What the next two days bring in a region: the first type's share, prices, and the times that are recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.following import Ahead, ahead
from konsento.grid import series, windows
from konsento.grid.records import BalanceSlot, FirstType
from konsento.grid.regions import rule_of
from konsento.grid.series import Told
from konsento.grid.windows import Window
from konsento.models import (
    ChargingSession,
    GridRegion,
    GridSource,
    Outlet,
    SessionState,
    Site,
)
from konsento.sites import service as sites

HOURS: Final = 48
LATELY: Final = timedelta(days=90)
"""A driver's outlets are those at which they have charged in that time."""
MOST_OUTLETS: Final = 3


@dataclass(frozen=True, kw_only=True)
class OutlookSlot:
    """A part of the outlook."""

    begin: datetime
    """UTC."""
    end: datetime
    share: Decimal | None
    """Of the first type in supply, 0 to 1; None if not told."""
    recommended: bool


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The next hours of a region."""

    region: GridRegion
    begin: datetime
    """The full hour that is on, UTC."""
    until: datetime
    slots: tuple[OutlookSlot, ...]
    windows: tuple[Window, ...]
    """That are on or to come, in order."""
    first: FirstType | None
    """What the first type of power is; None where nobody tells any."""
    told_at: datetime | None
    """When the newest of these data was issued; None without data."""
    sources: tuple[str, ...]
    """Names of the sources that they are from."""
    stale: bool
    """Whether the data are older than their sources are believed: then nothing new is decided on them."""


async def outlook(session: AsyncSession, region: GridRegion, now: datetime, hours: int = HOURS) -> Outlook:
    """Return the outlook of a region."""
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    until = begin + timedelta(hours=hours)
    told = await series.told(session, region.code, begin, until)
    known = series.combined(told, rule_of(region).supply)
    # Those that have begun before and are on; and a window that goes on beyond the picture is told to its end.
    coming = [window for window in await windows.in_force(session, region.code, now, until) if window.end > now]
    sources = await _sources(session, told)
    told_at = max((one.age_from for one in told), default=None)
    kinds = {slot.first for slot in known if slot.first is not None}
    return Outlook(
        region=region,
        begin=begin,
        until=until,
        slots=tuple(_slot(slot, coming) for slot in known),
        windows=tuple(coming),
        first=min(kinds) if len(kinds) == 1 else FirstType.RENEWABLE if kinds else None,
        told_at=told_at,
        sources=tuple(source.name for source in sources),
        stale=told_at is not None and all(now - told_at > timedelta(seconds=one.stale_after_s) for one in sources),
    )


async def prices_ahead(
    session: AsyncSession, outlet: Outlet, offer: str, begin: datetime, until: datetime
) -> list[Ahead]:
    """Return what a kWh of an offer costs at an outlet, with site and offers loaded, that is charged in a time."""
    return [one for one in await ahead(session, outlet, begin, until) if one.offer == offer]


async def outlets_of(session: AsyncSession, driver_id: UUID, now: datetime) -> list[Outlet]:
    """Return the outlets in a region at which a driver has charged lately, the newest first, with site and offers."""
    last = func.max(ChargingSession.created_at)
    query = (
        select(Outlet.code)
        .join(ChargingSession, ChargingSession.outlet_id == Outlet.id)
        .join(Site, Site.id == Outlet.site_id)
        .where(
            ChargingSession.driver_id == driver_id,
            ChargingSession.created_at >= now - LATELY,
            ChargingSession.state != SessionState.FAILED,
            Site.region.is_not(None),
        )
        .group_by(Outlet.id, Outlet.code)
        .order_by(last.desc())
        .limit(MOST_OUTLETS)
    )
    return [await sites.outlet_by_code(session, code) for code in list(await session.scalars(query))]


def _slot(slot: BalanceSlot, coming: Sequence[Window]) -> OutlookSlot:
    return OutlookSlot(
        begin=slot.begin,
        end=slot.end,
        share=slot.share,
        recommended=any(window.begin <= slot.begin and slot.end <= window.end for window in coming),
    )


async def _sources(session: AsyncSession, told: Sequence[Told]) -> Sequence[GridSource]:
    query = select(GridSource).where(GridSource.id.in_({one.source_id for one in told})).order_by(GridSource.name)
    return (await session.scalars(query)).all()
