"""When a driver is told something, and when not. Pure; the reasons stand in docs/advice.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from konsento.grid.windows import Window

EVENING: Final = time(20, 0)
"""By the region's clock, of the day before: after its last decision about tomorrow (`feeds.deciding.AT`)."""
MORNING: Final = time(6, 45)
"""By the region's clock, of the day itself: after its first decision."""
A_WEEK: Final = 3
"""Advices to one driver in any seven days in a row."""
WEEK: Final = timedelta(days=7)
RESTED: Final = timedelta(hours=24)
"""Who charged within that needs no advice."""
LATELY: Final = timedelta(days=90)
"""Where a driver charged within that, there they are advised."""
PATIENCE: Final = 5
"""Advices in a row that a driver followed none of, after which nothing more comes."""
CHANGED: Final = timedelta(hours=1)
"""So much of what was told is lost, or added, when it is worth a word in the morning."""
LEFT: Final = timedelta(hours=1)
"""So much of a window is still to come when it is worth telling of it."""


class Dropped(StrEnum):
    """Why a message was not sent."""

    OFF = "off"
    """The driver has turned it off, paused it or left meanwhile."""
    CHARGED = "charged"
    """The driver has charged meanwhile."""
    WITHDRAWN = "withdrawn"
    """The windows were withdrawn meanwhile."""
    OVER = "over"
    """It came too late to be of use."""
    GONE = "gone"
    """None of the driver's browsers takes notices any more."""


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An advice that a driver was given before."""

    at: datetime
    """When it went out, or will."""
    followed: bool
    """Whether the driver opened it, or charged in its windows."""


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when a clock in that zone shows that time on that day."""
    return datetime.combine(day, at, zone)


def due(at: datetime, quiet_from: int, quiet_until: int, zone: ZoneInfo) -> datetime:
    """Return when something may be sent that is ready at `at`: then, or when the quiet hours end; minutes of the day.

    So in the night that the clock is put forward they may end an hour early, and never late.
    """
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    over_midnight = quiet_from > quiet_until
    quiet = (minute >= quiet_from or minute < quiet_until) if over_midnight else quiet_from <= minute < quiet_until
    if not quiet:
        return at
    ends_on = local.date() + timedelta(days=1 if over_midnight and minute >= quiet_from else 0)
    ends = moment(ends_on, time(*divmod(quiet_until, 60)), zone)
    # In the hour that comes twice the end may lie behind.
    return max(at, ends.astimezone(at.tzinfo))


def of_use_until(windows: Iterable[Window]) -> datetime | None:
    """Return until when it helps to be told of these windows; None without any."""
    last = max(windows, key=lambda window: window.end, default=None)
    return None if last is None else last.end - min(LEFT, last.end - last.begin)


def has_changed(told: Sequence[Window], now: Sequence[Window]) -> bool:
    """Tell whether windows differ so much from those that were told that drivers should know."""
    both = sum((_overlap(one, other) for one in told for other in now), timedelta())
    return max(_length(told), _length(now)) - both >= min(CHANGED, _length(told) or CHANGED)


def has_had_enough(earlier: Iterable[Earlier], at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether one more advice at `at` would be the second of a day, or more than `A_WEEK` of a week."""
    day = at.astimezone(zone).date()
    days = [one.at.astimezone(zone).date() for one in earlier]
    recent = [other for other in days if day - WEEK < other <= day]
    return day in days or len(recent) >= A_WEEK


def follows_none(earlier: Iterable[Earlier], since: datetime) -> bool:
    """Tell whether a driver followed none of the last `PATIENCE` advices since they wanted any."""
    last = sorted((one for one in earlier if one.at >= since), key=lambda one: one.at)[-PATIENCE:]
    return len(last) == PATIENCE and not any(one.followed for one in last)


def _length(windows: Iterable[Window]) -> timedelta:
    return sum((window.end - window.begin for window in windows), timedelta())


def _overlap(one: Window, other: Window) -> timedelta:
    return max(timedelta(), min(one.end, other.end) - max(one.begin, other.begin))
