"""What a rule would have found in the days before: for those who think about another one."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid import series, windows
from konsento.grid.finding import Found, day_bounds, find
from konsento.grid.rule import TRAILING_DAYS, Rule
from konsento.grid.windows import Window
from konsento.models import GridRegion

DAYS: Final = 30


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A day with what the rule would have found, beside what was in force."""

    day: date
    bounds: tuple[datetime, datetime]
    """UTC."""
    found: Found
    was: tuple[Window, ...]


async def replay(
    session: AsyncSession, region: GridRegion, rule: Rule, until: date, days: int = DAYS
) -> list[Replayed]:
    """Return what a rule would have found in the `days` days that end with `until`, the newest first.

    By the forecasts as they stood last, and for each day by the history that it had.
    """
    all_days = [until - timedelta(days=back) for back in reversed(range(days + TRAILING_DAYS))]
    bounds = [day_bounds(day, region.time_zone) for day in all_days]
    known = await series.between(session, region.code, bounds[0][0], bounds[-1][1], supply=rule.supply)
    slots = series.by_day(known, bounds)
    was = await windows.in_force(session, region.code, bounds[TRAILING_DAYS][0], bounds[-1][1])
    result: list[Replayed] = []
    for at in range(len(all_days) - 1, TRAILING_DAYS - 1, -1):
        begin, end = bounds[at]
        before = [slot for day in slots[at - TRAILING_DAYS : at] for slot in day]
        result.append(
            Replayed(
                day=all_days[at],
                bounds=bounds[at],
                found=find(slots[at], rule, all_days[at], region.time_zone, before),
                was=tuple(window for window in was if begin <= window.begin < end),
            )
        )
    return result
