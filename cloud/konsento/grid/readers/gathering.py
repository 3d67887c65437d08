"""Gathers what a file says about slots: nothing twice, nothing that cannot be, and what is missing is listed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from konsento.grid.areas import AREAS
from konsento.grid.errors import (
    BadArchive,
    Contradiction,
    Impossible,
    ImpossiblePrice,
    ImpossibleShare,
    NoData,
    NoDemand,
    NoSupply,
    OtherSize,
    Overlap,
    TooMuchOfFirstType,
)
from konsento.grid.readers.file import File
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, Series, SpotSlot, Supply

_MOST_MW: Final = 2_000_000
"""More than any grid of the world has."""
_TOO_SMALL: Final = 100
"""Demand that is so many times below an area's peak is in another unit: MW taken for kWh of half an hour is 500."""
_TOO_LARGE: Final = 10
_MOST_PRICE: Final = Decimal(1_000)
"""Major units per kWh: above the cap of every market (yen: 999 at JEPX)."""
_LONGEST_GAP: Final = timedelta(days=40)
"""What is missing for longer is told in one sentence."""


class Gathered:
    """The slots and prices of a file, as they are read."""

    def __init__(self, file: File, word: str, *, sized: bool = False) -> None:
        """Begin with nothing. `sized`: demand is held against the size of its area (`_check_sizes`)."""
        self._sized = sized
        self._fitting = 0
        self._odd: tuple[int, BalanceSlot] | None = None
        self._file = file
        self._format = word
        self._slots: dict[tuple[str, Series, datetime], BalanceSlot] = {}
        self._prices: dict[tuple[str, datetime], SpotSlot] = {}
        self._missing: dict[tuple[str, datetime], None] = {}

    def add(self, slot: BalanceSlot, line: int) -> None:
        """Add what `line` says about a slot. Raises Unreadable for numbers that cannot be."""
        _check(slot, line)
        if self._sized:
            self._note_size(slot, line)
        key = slot.region, slot.series, slot.begin
        before = self._slots.setdefault(key, slot)
        if before is not slot:
            if before != slot:
                raise Contradiction(line=line, begin=f"{slot.begin:%Y-%m-%d %H:%M} UTC", region=slot.region)
            self._file.warn(f"line {line}: the slot {slot.begin.isoformat()} of {slot.region} stands there twice")

    def add_price(self, slot: SpotSlot, line: int) -> None:
        """Add what `line` says about a price. Raises Unreadable for a price that cannot be."""
        if abs(slot.price) > _MOST_PRICE:
            raise ImpossiblePrice(line=line, price=f"{slot.price} {slot.currency}")
        key = slot.region, slot.begin
        before = self._prices.setdefault(key, slot)
        if before is not slot:
            if before != slot:
                raise Contradiction(line=line, begin=f"{slot.begin:%Y-%m-%d %H:%M} UTC", region=slot.region)
            self._file.warn(f"line {line}: the price of {slot.begin.isoformat()} of {slot.region} stands there twice")

    def miss(self, region: str, begin: datetime) -> None:
        """Note a slot that should be there, or is not observed yet."""
        self._missing[region, begin] = None

    def miss_gaps(self) -> None:
        """Note the slots that are missing between the first and the last of each region."""
        for before, after in self._neighbours():
            if after.begin - before.end > _LONGEST_GAP:
                self._file.warn(f"there is nothing from {before.end.isoformat()} to {after.begin.isoformat()}")
                continue
            at = before.end
            while at < after.begin:
                self.miss(before.region, at)
                at += timedelta(minutes=before.minutes)

    def _neighbours(self) -> Iterator[tuple[BalanceSlot, BalanceSlot] | tuple[SpotSlot, SpotSlot]]:
        """Give each two slots of a region and series that follow each other."""
        slots = [self._slots[key] for key in sorted(self._slots)]
        prices = [self._prices[key] for key in sorted(self._prices)]
        yield from (two for two in pairwise(slots) if (two[0].region, two[0].series) == (two[1].region, two[1].series))
        yield from (two for two in pairwise(prices) if two[0].region == two[1].region)

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet."""
        return not self._slots and not self._prices

    def _note_size(self, slot: BalanceSlot, line: int) -> None:
        fits = _fits(slot)
        if fits:
            self._fitting += 1
        elif fits is False and self._odd is None:
            self._odd = (line, slot)

    def _check_sizes(self) -> None:
        """Refuse a demand that is out of all proportion to the others; where all are, another unit is only likely.

        All numbers of a file in one other unit give the same surplus and the same shares.
        """
        if self._odd is None:
            return
        line, slot = self._odd
        if self._fitting:
            raise OtherSize(line=line, demand=slot.demand_kwh, region=slot.region)
        self._file.warn(
            f"line {line}: a demand of {slot.demand_kwh} kWh is far from what {slot.region} needs; all may be in"
            " another unit"
        )

    def reading(self, region: str | None = None, *, may_be_empty: bool = False) -> Reading:
        """Return all of it. Raises NoData where there is nothing, unless that may be; Overlap, OtherSize."""
        self._check_sizes()
        if self.empty and not may_be_empty:
            raise NoData(said=self._file.beginning)
        for before, after in self._neighbours():
            if before.end > after.begin:
                raise Overlap(region=after.region, begin=f"{after.begin:%Y-%m-%d %H:%M} UTC")
        regions = {key[0] for key in self._slots} | {key[0] for key in self._prices} | {key[0] for key in self._missing}
        if region is None and len(regions) == 1:
            region = next(iter(regions))
        return Reading(
            format=self._format,
            region=region,
            slots=tuple(self._slots[key] for key in sorted(self._slots)),
            prices=tuple(self._prices[key] for key in sorted(self._prices)),
            missing=tuple(sorted(self._missing)),
            warnings=tuple(self._file.warnings),
        )


def _check(slot: BalanceSlot, line: int) -> None:
    """Refuse numbers that cannot be."""
    most = _MOST_MW * 1000 * slot.minutes // 60
    for value in (slot.demand_kwh, slot.supply_kwh, slot.first_kwh):
        if value is not None and not 0 <= value <= most:
            raise Impossible(line=line, value=value)
    if slot.demand_kwh == 0:
        raise NoDemand(line=line)
    if slot.demand_kwh is not None and slot.supply_kwh == 0:
        raise NoSupply(line=line, demand=slot.demand_kwh)
    if slot.first_share is not None and not 0 <= slot.first_share <= 1:
        raise ImpossibleShare(line=line, percent=slot.first_share * 100)
    if slot.supply is Supply.GENERATION and (slot.first_kwh or 0) > (slot.supply_kwh or 0):
        raise TooMuchOfFirstType(line=line, supply=slot.supply_kwh, first=slot.first_kwh)


def _fits(slot: BalanceSlot) -> bool | None:
    """Tell whether a demand is of the size of its Japanese area; None where that cannot be told."""
    peak = AREAS[slot.region].peak_mw if slot.region in AREAS else None
    if peak is None or slot.demand_kwh is None:
        return None
    kwh = peak * 1000 * slot.minutes // 60
    return kwh <= slot.demand_kwh * _TOO_SMALL and slot.demand_kwh <= kwh * _TOO_LARGE


def joined(readings: Sequence[Reading], file: File) -> Reading:
    """Return several readings of one format as one; there is at least one. Raises Overlap, BadArchive."""
    gathered = Gathered(file, readings[0].format)
    for reading in readings:
        if reading.format != readings[0].format:
            raise BadArchive(why=f"{readings[0].format}, {reading.format}")
        try:
            for slot in reading.slots:
                gathered.add(slot, 0)
            for price in reading.prices:
                gathered.add_price(price, 0)
        except Contradiction as error:
            raise Overlap(region=error.values["region"], begin=error.values["begin"]) from error
        for region, begin in reading.missing:
            gathered.miss(region, begin)
    return gathered.reading(may_be_empty=True)
