"""A bar chart of shares by month, as numbers for an SVG: the page's policy allows no styles in it, only classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_LEFT: Final = 38
"""Space of the scale, px."""
_MONTH: Final = 27
_BAR: Final = 9
_GAP: Final = 2
_TOP: Final = 8
_HEIGHT: Final = 120
"""Of a bar of 100 %."""
_LABELS: Final = 32
_SHORTEST: Final = 1
"""So that a share of nothing is seen to be one, and differs from no bar."""
_LEAST_MONTHS: Final = 6
"""So wide is the chart at least."""
SCALE: Final = (0, 25, 50, 75, 100)
"""Percent."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share to be drawn."""

    share: Decimal | None
    """0 to 1; None: no bar."""
    few: bool
    """Of too few sessions to say much: drawn as an outline."""
    says: str
    """What it shows, in words."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """Bars side by side, and what stands below them."""

    label: str
    year: str
    bars: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A bar where it is drawn, px."""

    bar: Bar
    number: int
    """Which one of its month, from 0 on."""
    x: float
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text below the bars."""

    x: float
    text: str
    year: str
    """Empty where it is that of the label before."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What is drawn."""

    width: int
    height: int
    left: int
    bar: int
    """Width of a bar."""
    lines: list[tuple[int, float]]
    """Lines of the scale: percent, and where."""
    bars: list[Drawn]
    labels: list[Label]


def drawn(months: Sequence[Month]) -> Chart:
    """Return the chart of some months, the oldest first."""
    bars: list[Drawn] = []
    labels: list[Label] = []
    for number, month in enumerate(months):
        begin = _LEFT + number * _MONTH
        width = len(month.bars) * (_BAR + _GAP) - _GAP
        for place, bar in enumerate(month.bars):
            if bar.share is not None:
                height = max(float(bar.share) * _HEIGHT, _SHORTEST)
                x = begin + (_MONTH - width) / 2 + place * (_BAR + _GAP)
                bars.append(Drawn(bar=bar, number=place, x=x, y=_y(0) - height, height=height))
        same_year = number > 0 and months[number - 1].year == month.year
        labels.append(Label(x=begin + _MONTH / 2, text=month.label, year="" if same_year else month.year))
    return Chart(
        width=_LEFT + max(len(months), _LEAST_MONTHS) * _MONTH,
        height=_TOP + _HEIGHT + _LABELS,
        left=_LEFT,
        bar=_BAR,
        lines=[(percent, _y(percent)) for percent in SCALE],
        bars=bars,
        labels=labels,
    )


def _y(percent: int) -> float:
    return _TOP + _HEIGHT * (1 - percent / 100)
