"""Recommended windows as all others read them: what is in force, whoever decided it and why."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import GridRegion, GridWindow
from konsento.pricing import Usage

LONGEST: Final = timedelta(hours=25)
"""A window lies within one day of its region's clock."""
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A time for which charging is recommended."""

    begin: datetime
    """UTC."""
    end: datetime
    """The first moment after it, UTC."""
    share_most: Decimal | None = None
    """The highest share of the first type's power in it, 0 to 1; None if not known."""
    surplus_most: Decimal | None = None
    """The highest surplus in it, percent of demand; None if not known."""

    def has(self, at: datetime) -> bool:
        """Tell whether a moment is in it."""
        return self.begin <= at < self.end


async def in_force(session: AsyncSession, region: str | None, begin: datetime, until: datetime) -> list[Window]:
    """Return the windows of a region that overlap a time, in order; none for no region."""
    if region is None:
        return []
    return (await by_region(session, begin, until, [region])).get(region, [])


async def by_region(
    session: AsyncSession, begin: datetime, until: datetime, regions: Collection[str] | None = None
) -> dict[str, list[Window]]:
    """Return the windows that overlap a time, in order, by region: of these regions, or of all; one query."""
    query = (
        select(GridWindow)
        # The bound below is for the index: without it all windows that ever were would be looked through.
        .where(GridWindow.begin > begin - LONGEST, GridWindow.begin < until, GridWindow.end > begin)
        .where(GridWindow.region.in_(select(GridRegion.code) if regions is None else regions))
        .order_by(GridWindow.region, GridWindow.begin)
    )
    found: defaultdict[str, list[Window]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.region].append(window_of(row))
    return dict(found)


def window_of(row: GridWindow) -> Window:
    """Return a window as it is read."""
    return Window(begin=row.begin, end=row.end, share_most=row.share_most, surplus_most=row.surplus_most)


def energy_inside(usage: Usage, windows: Iterable[Window]) -> Fraction:
    """Return the energy of a usage that flowed within windows, mWh: exact, each part evenly over its time."""
    chosen, inside = list(windows), Fraction(0)
    for part in usage.parts:
        if part.begin == part.end:
            inside += part.mwh * any(window.has(part.begin) for window in chosen)
            continue
        spans = (min(part.end, window.end) - max(part.begin, window.begin) for window in chosen)
        overlap = sum((span // _TICK for span in spans if span > timedelta(0)), 0)
        inside += part.mwh * Fraction(overlap, (part.end - part.begin) // _TICK)
    return inside
