"""Months by the operator's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from konsento.statements.errors import BadMonth


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month: from its begin until, not including, its end."""

    begin: datetime
    end: datetime
    time_zone: str

    @property
    def name(self) -> str:
        """Return it as 2026-11."""
        return f"{self.local:%Y-%m}"

    @property
    def local(self) -> datetime:
        """Return its begin by the operator's clock."""
        return self.begin.astimezone(ZoneInfo(self.time_zone))

    def before(self) -> Month:
        """Return the month before."""
        return month_at(self.begin - timedelta(days=1), self.time_zone)


def month_at(at: datetime, time_zone: str) -> Month:
    """Return the month of a moment."""
    zone = ZoneInfo(time_zone)
    begin = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return Month(begin=begin.astimezone(UTC), end=end.astimezone(UTC), time_zone=time_zone)


def month_of(name: str, time_zone: str) -> Month:
    """Return the month of a name as 2026-11. Raises `BadMonth`."""
    try:
        year, month = name.split("-")
        if len(year) != 4 or len(month) != 2:
            raise BadMonth
        return month_at(datetime(int(year), int(month), 1, 12, tzinfo=ZoneInfo(time_zone)), time_zone)
    except ValueError, OverflowError:
        raise BadMonth from None
