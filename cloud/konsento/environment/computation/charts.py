"""Geometry of the page's pictures. They are drawn on the server as SVG, so they need no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

BLOCKS: Final = {
    "JP-A01": (5, 0), "JP-A02": (5, 1), "JP-A05": (4, 1), "JP-A03": (5, 2), "JP-A04": (4, 2), "JP-A06": (3, 2),
    "JP-A07": (2, 2), "JP-A08": (3, 3), "JP-A09": (1, 3), "JP-A10": (0, 4),
}  # fmt: skip
"""Column and row of each grid area of Japan on a schematic map: neighbours stay neighbours, shapes and sizes do not."""
BLOCK_W: Final = 60
BLOCK_H: Final = 54
GAP: Final = 3
MAP_W: Final = 6 * (BLOCK_W + GAP) - GAP
MAP_H: Final = 5 * (BLOCK_H + GAP) - GAP
SHADES: Final = (150, 300, 400, 500)
"""g CO2e/kWh at which the next shade begins."""
BAR_W: Final = 120
CHART_W: Final = 372
CHART_H: Final = 150
_MOST_COLUMN_W: Final = 40


@dataclass(frozen=True, kw_only=True)
class Block:
    """A grid area on the map."""

    region: str
    x: int
    y: int
    shade: int | None
    """0 (least) to 4; None where there is nothing."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A period in the chart over time."""

    x: float
    y: float
    width: float
    height: float
    label: str


def blocks(grams: dict[str, Decimal | None]) -> list[Block]:
    """Return the map; `grams` are g CO2e/kWh by grid area."""
    return [
        Block(region=region, x=column * (BLOCK_W + GAP), y=row * (BLOCK_H + GAP), shade=_shade(grams.get(region)))
        for region, (column, row) in BLOCKS.items()
    ]


def _shade(grams: Decimal | None) -> int | None:
    return None if grams is None else sum(grams >= limit for limit in SHADES)


def bar(value: int, largest: int) -> float:
    """Return the width of a bar, at least one that can be seen for anything above zero."""
    return round(max(2.0, BAR_W * value / largest), 1) if value > 0 and largest > 0 else 0.0


def columns(values: Sequence[tuple[str, int]]) -> list[Column]:
    """Return the columns of a chart, `values` with their labels."""
    largest = max((value for _, value in values), default=0)
    step = CHART_W / max(1, len(values))
    width = min(step * 0.72, _MOST_COLUMN_W)
    found = []
    for number, (label, value) in enumerate(values):
        height = max(1.0, CHART_H * value / largest) if value > 0 else 0.0
        found.append(
            Column(
                x=round(number * step + (step - width) / 2, 1),
                y=round(CHART_H - height, 1),
                width=round(width, 1),
                height=round(height, 1),
                label=label,
            )
        )
    return found
