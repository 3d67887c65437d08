"""Opening hours: pure. Kept as text in a subset of OpenStreetMap's opening_hours, reckoned by the site's clock.

    Mo-Fr 08:00-20:00; Sa 09:00-12:00,13:00-18:00; PH off

Rules of days and spans; of several that name a day the last one counts; days that no rule names are closed. A span that
ends at or before its begin ends on the next day, and belongs to the day on which it begins. `PH` are public holidays:
without a rule they are as the day of the week. No text is no hours: always open.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOLIDAY: Final = "PH"
DAY_MIN: Final = 1440
LONGEST_TEXT: Final = 500
_LOOK_AHEAD_DAYS: Final = 60
"""Beyond it nobody plans: a site without an opening until then is closed until further notice."""
_NEVER_CLOSES_DAYS: Final = 8
"""Open throughout for so long is open always."""
_RULE: Final = re.compile(r"(?:(?P<days>[A-Z][A-Za-z,\- ]*?)\s+)?(?P<times>off|closed|24/7|[\d:,\- ]+)")
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


class BadHoursError(ValueError):
    """The text is none of the subset, or a span cannot be."""


@dataclass(frozen=True, order=True)
class Span:
    """From `opens` to `closes`, in minutes by the clock after midnight of the day on which it begins."""

    opens: int
    """0 to 1439."""
    closes: int
    """More than `opens`, by a day at most: beyond 1440 it is on the next day."""

    def __post_init__(self) -> None:
        if not 0 <= self.opens < DAY_MIN or not self.opens < self.closes <= self.opens + DAY_MIN:
            raise BadHoursError(f"no span of a day: {self.opens} to {self.closes}")

    @staticmethod
    def of(opens: int, closes: int) -> Span:
        """Return the span between two times of the clock; one that ends at or before its begin ends the next day."""
        return Span(opens, closes if closes > opens else closes + DAY_MIN)

    def __str__(self) -> str:
        closes = self.closes if self.closes <= DAY_MIN else self.closes - DAY_MIN
        return f"{_clock(self.opens)}-{_clock(closes)}"


type Day = tuple[Span, ...]
"""What a day has; empty: closed."""
type IsHoliday = Callable[[date], bool]


@dataclass(frozen=True)
class OpeningHours:
    """The hours of a week, by the site's clock."""

    week: tuple[Day, Day, Day, Day, Day, Day, Day]
    """From Monday."""
    holidays: Day | None = None
    """None: as the day of the week."""

    def __str__(self) -> str:
        rules: list[tuple[str, Day]] = []
        first = 0
        for day in range(1, len(DAYS) + 1):
            if day < len(DAYS) and self.week[day] == self.week[first]:
                continue
            if self.week[first]:
                names = DAYS[first] if day - first == 1 else f"{DAYS[first]}-{DAYS[day - 1]}"
                rules.append((names, self.week[first]))
            first = day
        if not rules:
            rules.append(("Mo-Su", ()))
        if self.holidays is not None:
            rules.append((HOLIDAY, self.holidays))
        return "; ".join(f"{names} {','.join(map(str, spans)) or 'off'}" for names, spans in rules)


def parse(text: str) -> OpeningHours | None:
    """Read hours; None for always open. Raises `BadHoursError`."""
    if not text.strip():
        return None
    if len(text) > LONGEST_TEXT:
        raise BadHoursError("too long")
    week: list[Day] = [()] * len(DAYS)
    holidays: Day | None = None
    for rule in text.split(";"):
        match = _RULE.fullmatch(rule.strip())
        if match is None:
            raise BadHoursError(f"no rule: {rule.strip()!r}")
        spans = _spans(match["times"])
        for name in (match["days"] or "Mo-Su").split(","):
            if name.strip() == HOLIDAY:
                holidays = spans
            else:
                for day in _days(name.strip()):
                    week[day] = spans
    mo, tu, we, th, fr, sa, su = week
    return OpeningHours((mo, tu, we, th, fr, sa, su), holidays)


def _spans(text: str) -> Day:
    if text in {"off", "closed"}:
        return ()
    if text == "24/7":
        return (Span(0, DAY_MIN),)
    spans = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise BadHoursError(f"no span of times: {part.strip()!r}")
        opens, closes = (_minutes(*pair) for pair in ((match[1], match[2]), (match[3], match[4])))
        spans.append(Span.of(opens, closes))
    return tuple(sorted(spans))


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > DAY_MIN:
        raise BadHoursError(f"no time of day: {hours}:{minutes}")
    return total


def _days(text: str) -> Iterator[int]:
    begin, _, end = text.partition("-")
    try:
        first, last = DAYS.index(begin), DAYS.index(end or begin)
    except ValueError:
        raise BadHoursError(f"no days: {text!r}") from None
    # Sa-Mo goes over the end of the week.
    yield from ((first + i) % len(DAYS) for i in range((last - first) % len(DAYS) + 1))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """When a site is open, at one moment."""

    is_open: bool
    closes: datetime | None = None
    """When, in UTC, for one that is open; None for one that does not close."""
    opens: datetime | None = None
    """When next, in UTC, for one that is closed; None where no opening is in sight."""


def opening(hours: OpeningHours | None, at: datetime, zone: ZoneInfo, holiday: IsHoliday) -> Opening:
    """Tell whether a site is open at a moment, and until or from when."""
    if hours is None:
        return Opening(is_open=True)
    for begin, end in _open_times(hours, at, zone, holiday):
        if end <= at:
            continue
        if begin > at:
            return Opening(is_open=False, opens=begin)
        return Opening(is_open=True, closes=end if end - at < timedelta(days=_NEVER_CLOSES_DAYS) else None)
    return Opening(is_open=False)


def _open_times(
    hours: OpeningHours, at: datetime, zone: ZoneInfo, holiday: IsHoliday
) -> Iterator[tuple[datetime, datetime]]:
    """Give the times in which it is open, in UTC and in order, from before `at` on; what touches is one time."""
    today = at.astimezone(zone).date()
    current: tuple[datetime, datetime] | None = None
    # From two days before: a span may end on the next day, and a day begins at another date elsewhere.
    for number in range(-2, _LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=number)
        spans = hours.week[day.weekday()]
        if hours.holidays is not None and holiday(day):
            spans = hours.holidays
        for span in spans:
            # A time that the clock shows twice: opens at the first, closes at the second; one that it skips counts as
            # an hour later.
            begin = _moment(day, span.opens, zone, 0)
            end = max(_moment(day, span.closes, zone, fold) for fold in (0, 1))
            if current is None:
                current = begin, end
            elif begin <= current[1]:
                current = current[0], max(current[1], end)
            else:
                yield current
                current = begin, end
            if current[1] - at >= timedelta(days=_NEVER_CLOSES_DAYS) and current[0] <= at:
                yield current
                return
    if current is not None:
        yield current


def _moment(day: date, minutes: int, zone: ZoneInfo, fold: int) -> datetime:
    days, minutes = divmod(minutes, DAY_MIN)
    clock = time(minutes // 60, minutes % 60, fold=fold)
    return datetime.combine(day + timedelta(days=days), clock, tzinfo=zone).astimezone(UTC)
