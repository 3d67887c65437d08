"""The next hours of a region's power as a picture: bars of its renewable share, windows shaded, the price below.

Drawn here, so that it is there without a script, and says the same in words to who does not see it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.advice.outlook import HALF_HOUR, Offered, Outlook
from konsento.kit.i18n import Language

WIDTH: Final = 320
"""As wide as a card is on a small phone, so that the letters keep their size there."""
BARS: Final = 64
"""Height of a share of `_TOP`, or of the highest one above it."""
PRICE: Final = 22
LEGEND: Final = 16
_TOP: Final = Decimal("0.4")
_GAP: Final = Decimal("0.8")
_LONG: Final = timedelta(hours=30)
"""A longer strip has its times twelve hours apart, a shorter one six."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle."""

    x: str
    y: str
    width: str
    height: str
    inside: bool = False
    """Whether it is in a window."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word below the picture."""

    x: str
    text: str
    anchor: str
    strong: bool
    """A day, rather than an hour."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The picture."""

    height: int
    """Of all of it."""
    floor: int
    """Where the bars stand."""
    shades: tuple[Box, ...]
    bars: tuple[Box, ...]
    marks: tuple[Mark, ...]
    price: str
    """Path of the price, empty where it is always the same."""
    title: str
    description: str


def strip(language: Language, outlook: Outlook, zone: ZoneInfo, said: str, price: Offered | None = None) -> Strip:
    """Draw an outlook by a clock; `said` tells its windows in words."""
    scale = _Scale(outlook.now, end_of(outlook))
    top = max([_TOP, *(min(slot.share, Decimal(1)) for slot in outlook.slots)])
    varies = price is not None and not price.is_flat
    floor = BARS + 2
    return Strip(
        height=floor + (PRICE if varies else 0) + LEGEND,
        floor=floor,
        shades=tuple(_shades(outlook, scale, floor + (PRICE if varies else 0))),
        bars=tuple(_bars(outlook, scale, top, floor)),
        marks=tuple(_marks(language, scale, zone)),
        price=_path(price, scale, floor) if price is not None and varies else "",
        title=language.text("Share of renewable power until {until}", until=language.moment(scale.end, zone)),
        description=said,
    )


def end_of(outlook: Outlook) -> datetime:
    """Return up to when there is something to show: a day at least."""
    known = [slot.end for slot in outlook.slots] + [window.end for window in outlook.windows]
    return min(outlook.until, max([outlook.now + timedelta(hours=24), *known]))


class _Scale:
    """Where a moment is."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.begin, self.end = begin, end

    def x(self, at: datetime) -> Decimal:
        within = min(max(at, self.begin), self.end) - self.begin
        return Decimal(WIDTH) * (within // timedelta(seconds=1)) / ((self.end - self.begin) // timedelta(seconds=1))


def _shades(outlook: Outlook, scale: _Scale, height: int) -> Iterator[Box]:
    for window in outlook.windows:
        left, right = scale.x(window.begin), scale.x(window.end)
        if right > left:
            yield Box(x=_short(left), y="0", width=_short(right - left), height=str(height))


def _bars(outlook: Outlook, scale: _Scale, top: Decimal, floor: int) -> Iterator[Box]:
    for slot in outlook.slots:
        left, right = scale.x(slot.begin), scale.x(slot.end)
        width = right - left - _GAP
        if width <= 0:
            continue
        height = max(Decimal(1), BARS * min(slot.share, Decimal(1)) / top)
        middle = slot.begin + (slot.end - slot.begin) / 2
        yield Box(
            x=_short(left + _GAP / 2),
            y=_short(floor - height),
            width=_short(width),
            height=_short(height),
            inside=any(window.has(middle) for window in outlook.windows),
        )


def _marks(language: Language, scale: _Scale, zone: ZoneInfo) -> Iterator[Mark]:
    step = 12 if scale.end - scale.begin > _LONG else 6
    at = scale.begin.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(scale.begin.tzinfo)
    while at < scale.end:
        local = at.astimezone(zone)
        x = scale.x(at)
        # A word at the edge would be cut off.
        if local.minute == 0 and local.hour % step == 0 and 12 <= x <= WIDTH - 14:
            day = local.hour == 0
            text = language.weekday(at, zone) if day else language.clock(at, zone)
            yield Mark(x=_short(x), text=text, anchor="middle", strong=day)
        at += HALF_HOUR


def _path(price: Offered, scale: _Scale, floor: int) -> str:
    """Return the steps of a price: low is cheap."""
    low, high = min(cost.per_kwh for cost in price.costs), max(cost.per_kwh for cost in price.costs)
    room = PRICE - 10
    steps: list[str] = []
    last: datetime | None = None
    for cost in price.costs:
        left, right = scale.x(cost.begin), scale.x(cost.end)
        if right <= left:
            continue
        y = floor + 5 + (room * (high - cost.per_kwh) / (high - low) if high > low else Decimal(room) / 2)
        joined = last is not None and last == cost.begin
        steps.append(f"{'L' if joined else 'M'}{_short(left)} {_short(y)}H{_short(right)}")
        last = cost.end
    return "".join(steps)


def _short(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.1')).normalize():f}"
