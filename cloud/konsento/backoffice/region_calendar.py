"""The calendar beside a rule: what it would have found in the last 30 days, drawn and counted. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from konsento.backoffice import region_words as words
from konsento.grid.finding import FoundWindow, Judged, Verdict
from konsento.grid.replay import Replayed
from konsento.kit.i18n import Language

LEVELS: Final = 5
"""Shades, beside that for nothing."""
LEFT: Final = 66
"""Where the day begins, of the drawing's own units; before it stand the dates."""
HOUR: Final = 17
ROW: Final = 16
_CELL: Final = 11
"""Of a row; below it stands what was in force."""
TOP: Final = 20
WIDTH: Final = LEFT + 24 * HOUR + 14
_DAY: Final = 1440
_DATED: Final = 3
"""Every third row has its date beside it."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A window that would have fired, in the drawing."""

    x: str
    y: int
    width: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A day in the table, which says what the drawing shows."""

    day: str
    would: str
    was: str
    missing: int
    """Slots of the day that are missing, or do not tell what the rule asks for."""
    reference: str
    threshold: str
    why: str
    """Why there is no window."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The drawing, the table and the counts."""

    width: int
    height: int
    shades: list[tuple[int, str]]
    """For each level an SVG path of its slots."""
    missing: str
    """The same of what is missing or not told."""
    in_force: str
    outlines: list[Outline]
    dates: list[tuple[int, str]]
    """Where a date stands, and it."""
    hours: list[tuple[int, int]]
    """Where an hour stands, and it."""
    scale: str
    """What the darkest shade is."""
    by_power: bool
    """Shaded by power, as no source tells a share."""
    rows: list[Row]
    """The newest first."""
    counts: list[str]
    """Sentences."""
    reasons: list[tuple[str, int]]
    """Why days have no window, and how many, the most frequent first."""


def calendar(language: Language, days: Sequence[Replayed], time_zone: str) -> Calendar:
    """Return the calendar of days, the newest first, by the region's clock."""
    zone = ZoneInfo(time_zone)
    judged = [one for day in days for one in day.found.judged]
    by_power = not any(one.share is not None for one in judged)
    most = max((value for one in judged if (value := _value(one, by_power=by_power)) is not None), default=Decimal(0))
    shades: defaultdict[int, list[str]] = defaultdict(list)
    missing: list[str] = []
    for number, day in enumerate(days):
        y = TOP + number * ROW
        for begin, minutes, level in _stretches(day, zone, most, by_power=by_power):
            if level is None:
                missing.append(_box(begin, minutes, y + 4, 3))
            else:
                shades[level].append(_box(begin, minutes, y, _CELL))
    return Calendar(
        width=WIDTH,
        height=TOP + len(days) * ROW,
        shades=[(level, " ".join(shades[level])) for level in sorted(shades)],
        missing=" ".join(missing),
        in_force=" ".join(
            _box(*_wall(window.begin, window.end, zone), TOP + number * ROW + _CELL + 1, 3)
            for number, day in enumerate(days)
            for window in day.was
        ),
        outlines=[
            _outline(language, day, window, TOP + number * ROW, zone)
            for number, day in enumerate(days)
            for window in day.found.windows
        ],
        dates=[
            (TOP + number * ROW + 10, _date(language, day)) for number, day in enumerate(days) if number % _DATED == 0
        ],
        hours=[(LEFT + hour * HOUR, hour) for hour in range(0, 25, 6)],
        scale=words.mw(language, most) if by_power else words.percent(language, most * 100, 0),
        by_power=by_power,
        rows=[_row(language, day, zone) for day in days],
        counts=list(_counts(language, days)),
        reasons=[
            (words.reason(language, word), count)
            for word, count in Counter(str(day.found.reason) for day in days if day.found.reason).most_common()
        ],
    )


def _stretches(
    day: Replayed, zone: ZoneInfo, most: Decimal, *, by_power: bool
) -> Iterator[tuple[int, int, int | None]]:
    """Return stretches of one level: minutes of the clock at which they begin, how many, level or None if untold."""
    run: tuple[int, int, int | None] | None = None
    # Of a day without any data all is missing.
    for one in day.found.judged or [Judged(begin=day.bounds[0], end=day.bounds[1], verdict=Verdict.MISSING)]:
        begin, minutes = _wall(one.begin, one.end, zone)
        minutes = min(minutes, (one.end - one.begin) // timedelta(minutes=1))
        level = _level(_value(one, by_power=by_power), most) if _is_told(one) else None
        if run is not None and run[2] == level and run[0] + run[1] == begin:
            run = (run[0], run[1] + minutes, level)
        else:
            if run is not None:
                yield run
            run = (begin, minutes, level)
    if run is not None:
        yield run


def _value(one: Judged, *, by_power: bool) -> Decimal | None:
    return one.first_mw if by_power else one.share


def _is_told(one: Judged) -> bool:
    return one.verdict not in {Verdict.MISSING, Verdict.UNKNOWN}


def _level(value: Decimal | None, most: Decimal) -> int | None:
    if value is None:
        return None
    return int((value / most * LEVELS).to_integral_value(ROUND_CEILING)) if most > 0 else 0


def _wall(begin: datetime, end: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """Return at which minute of the clock something begins, and how many minutes of the drawn day it has.

    The hour that a clock shows twice is drawn once, the one that it leaves out stays empty.
    """
    first, last = begin.astimezone(zone), end.astimezone(zone)
    at = first.hour * 60 + first.minute
    until = last.hour * 60 + last.minute if last.date() == first.date() else _DAY
    return at, until - at if until > at else min(int((end - begin) / timedelta(minutes=1)), _DAY - at)


def _box(begin: int, minutes: int, y: int, height: int) -> str:
    x, width = _units(begin), _units(minutes)
    return f"M{LEFT + x:g} {y}h{width:g}v{height}h-{width:g}z"


def _units(minutes: int) -> float:
    return round(minutes * HOUR / 60, 2)


def _outline(language: Language, day: Replayed, window: FoundWindow, y: int, zone: ZoneInfo) -> Outline:
    at, minutes = _wall(window.begin, window.end, zone)
    return Outline(
        x=f"{LEFT + _units(at):g}",
        y=y,
        width=f"{_units(minutes):g}",
        says=f"{_date(language, day)} {words.clock_span(language, window.begin, window.end, zone)}",
    )


def _date(language: Language, day: Replayed) -> str:
    return str(format_skeleton("MMMd", day.day, locale=language.dates))


def _row(language: Language, day: Replayed, zone: ZoneInfo) -> Row:
    found = day.found
    return Row(
        day=str(format_skeleton("MMMEd", day.day, locale=language.dates)),
        would=words.spans(language, ((window.begin, window.end) for window in found.windows), zone),
        was=words.spans(language, ((window.begin, window.end) for window in day.was), zone),
        missing=sum(not _is_told(one) for one in found.judged),
        reference=words.percent(language, found.reference_percent),
        threshold=words.threshold(language, found.threshold_mw, found.threshold_share),
        why=words.reason(language, found.reason),
    )


def _counts(language: Language, days: Sequence[Replayed]) -> Iterator[str]:
    with_windows = [day for day in days if day.found.windows]
    yield language.text("Windows on {days} of {all} days.", days=len(with_windows), all=len(days))
    if with_windows:
        whole = sum((window.end - window.begin for day in with_windows for window in day.found.windows), timedelta())
        hours = Decimal(whole // timedelta(minutes=1)) / 60 / len(with_windows)
        yield language.text("On average {hours} h on such a day.", hours=words.rounded(language, hours, 1))
    if untold := sum(not day.found.told_enough for day in days):
        yield language.text("Days without enough data: {count}.", count=untold)
    if missing := sum(not _is_told(one) for day in days if day.found.told_enough for one in day.found.judged):
        yield language.text("Slots missing on the other days: {count}.", count=missing)
    yield language.text("Days with windows in force: {count}.", count=sum(bool(day.was) for day in days))
