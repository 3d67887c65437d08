"""What may be published: cells of enough outlets of which none dominates. Pure.

A cell is region x power type x supplier x use x period. One that is too small, or that one outlet dominates, is not
shown; it goes into the rest of its parent region, and further up until it is in a cell that may be shown. What is too
small even at the root is shown nowhere and counted in no total. Totals are sums of published cells alone, and there is
one period for all of them, so that no subtraction gives a cell that was merged.

One published cell more rule is needed: where a cell is merged into the rest of a region whose rest then may be shown,
nobody publishes that region's own total besides. There is no such total here: `publish` returns a partition.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Preset(StrEnum):
    """How careful the publication is."""

    PILOT = "pilot"
    DEFAULT = "default"
    STRICT = "strict"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What a published cell has to reach."""

    outlets: int
    """At least so many."""
    largest: Decimal
    """No outlet has more than this share of the energy."""


THRESHOLDS: Final[Mapping[Preset, Threshold]] = {
    Preset.PILOT: Threshold(outlets=5, largest=Decimal("0.50")),
    Preset.DEFAULT: Threshold(outlets=10, largest=Decimal("0.25")),
    Preset.STRICT: Threshold(outlets=15, largest=Decimal("0.15")),
}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many outlets are behind some energy, and how much of it is the largest one's."""

    wh: int
    outlets: int
    largest_wh: int

    def beside(self, other: Tally) -> Tally:
        """Return both together where their outlets are different ones: of different regions."""
        return Tally(
            wh=self.wh + other.wh,
            outlets=self.outlets + other.outlets,
            largest_wh=max(self.largest_wh, other.largest_wh),
        )

    def maybe_same(self, other: Tally) -> Tally:
        """Return both together where their outlets may be the same: other months, or sums somebody else made.

        Never more outlets, and never a smaller share of the largest, than there are.
        """
        return Tally(
            wh=self.wh + other.wh,
            outlets=max(self.outlets, other.outlets),
            largest_wh=min(self.largest_wh + other.largest_wh, self.wh + other.wh),
        )

    def enough(self, threshold: Threshold) -> bool:
        """Tell whether a cell with this may be shown."""
        return self.outlets >= threshold.outlets and self.largest_wh <= self.wh * threshold.largest


@dataclass(frozen=True, kw_only=True)
class Cell[K, V]:
    """A published cell."""

    region: str
    key: K
    """Power type, supplier, use, period."""
    rest: bool
    """What is left of the region beside the parts of it that are shown by themselves."""
    merged: int
    """How many smaller cells were put together in it; 0 for one that stands for itself."""
    tally: Tally
    values: V


@dataclass(frozen=True, kw_only=True)
class Published[K, V]:
    """A publication."""

    cells: Sequence[Cell[K, V]]
    left_out: int
    """Cells that were too small even together with all others of their kind in the whole tree."""


def publish[K, V](
    exact: Iterable[tuple[str, K, Tally, V]],
    parent: Callable[[str], str | None],
    add: Callable[[V, V], V],
    threshold: Threshold,
) -> Published[K, V]:
    """Return the cells that may be shown, a partition of the exact ones but for those left out.

    `exact` holds each region and key once; `parent` leads up the tree, to None above the root.
    """
    waiting: dict[K, dict[str, list[tuple[Tally, V]]]] = defaultdict(lambda: defaultdict(list))
    cells: list[Cell[K, V]] = []
    for region, key, tally, values in exact:
        if tally.enough(threshold):
            cells.append(Cell(region=region, key=key, rest=False, merged=0, tally=tally, values=values))
        else:
            waiting[key][region].append((tally, values))
    left_out = 0
    for key, by_region in waiting.items():
        merged, lost = _merged_upward(key, by_region, parent, add, threshold)
        cells += merged
        left_out += lost
    return Published(cells=cells, left_out=left_out)


def _merged_upward[K, V](
    key: K,
    by_region: dict[str, list[tuple[Tally, V]]],
    parent: Callable[[str], str | None],
    add: Callable[[V, V], V],
    threshold: Threshold,
) -> tuple[list[Cell[K, V]], int]:
    cells: list[Cell[K, V]] = []
    left_out = 0
    depth = {region: _depth(region, parent) for region in by_region}
    while by_region:
        # The deepest first: what comes up from below is there before a region is looked at itself.
        region = max(by_region, key=lambda name: (depth[name], name))
        parts = by_region.pop(region)
        tally, values = parts[0]
        for other_tally, other_values in parts[1:]:
            tally, values = tally.beside(other_tally), add(values, other_values)
        above = parent(region)
        if len(parts) > 1 and tally.enough(threshold):
            cells.append(Cell(region=region, key=key, rest=True, merged=len(parts), tally=tally, values=values))
        elif above is None:
            left_out += len(parts)
        else:
            by_region.setdefault(above, []).extend(parts)
            depth.setdefault(above, depth[region] - 1)
    return cells, left_out


def _depth(region: str, parent: Callable[[str], str | None]) -> int:
    depth, above = 0, parent(region)
    while above is not None:
        depth, above = depth + 1, parent(above)
    return depth
