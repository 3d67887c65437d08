"""Recommended windows as all others read them: what is in force, whoever decided it and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import GridWindow
from konsento.pricing import Usage

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
    query = (
        select(GridWindow)
        .where(GridWindow.region == region, GridWindow.begin < until, GridWindow.end > begin)
        .order_by(GridWindow.begin)
    )
    return [window_of(row) for row in await session.scalars(query)]


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
