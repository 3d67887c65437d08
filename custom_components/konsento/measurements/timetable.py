"""When a site sends: on a schedule, at a moment of its own so that not all sites come at once."""

import random
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 3600.0
_LONGEST_WISH_S = 86_400.0
DAY_S = 86_400


class Schedule(StrEnum):
    """How often measurements leave the site."""

    HOURLY = "hourly"
    TWELVE_HOURLY = "twelve_hourly"
    DAILY = "daily"

    @property
    def period_s(self) -> int:
        """Seconds from one time to the next."""
        return {Schedule.HOURLY: 3600, Schedule.TWELVE_HOURLY: 43_200, Schedule.DAILY: DAY_S}[self]

    def last_due(self, now: datetime, offset_s: int) -> datetime:
        """Return the newest moment at which sending was due; `offset_s` (0 to DAY_S) is the site's own."""
        seconds = int(now.timestamp()) - offset_s
        return datetime.fromtimestamp(seconds - seconds % self.period_s + offset_s, UTC)

    def next_due(self, now: datetime, offset_s: int) -> datetime:
        """Return the moment at which sending is due next."""
        return self.last_due(now, offset_s) + timedelta(seconds=self.period_s)


def own_offset() -> int:
    """Choose the moment of a site within the day."""
    return random.SystemRandom().randrange(DAY_S)


def pause_after(failures: int, wish_s: float = 0.0) -> timedelta:
    """Return how long to wait after so many failures in a row: twice as long each time, and never all at once.

    `wish_s`: what the other side has asked for.
    """
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures - 1, 10))
    wish = min(wish_s, _LONGEST_WISH_S)
    return timedelta(seconds=max(random.uniform(longest / 2, longest), wish))  # noqa: S311  # no secret
