"""Great Britain's Carbon Intensity API (National Energy System Operator): the mix of half hours, in percent.

The share of hydro, solar, wind and biomass is taken. Regions are forecast for 48 hours; the mix of the whole country
(`/generation`) is told of what has been.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from konsento.grid import areas
from konsento.grid.errors import (
    ImpossibleShare,
    NoData,
    OddLength,
    OnlyIntensity,
    OtherArea,
    UnknownColumn,
    UnknownZone,
)
from konsento.grid.readers.cells import shown
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.json_values import decimal, mapping, mappings, moment, text
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series

FORMAT: Final = "uk_carbon"
_RENEWABLE: Final = frozenset({"biomass", "hydro", "solar", "wind"})
_FUELS: Final = _RENEWABLE | {"coal", "gas", "imports", "nuclear", "other"}
_ROUNDED: Final = Decimal(2)
"""Percent by which the parts may be off 100."""
_SHORTEST, _LONGEST = 5, 60


def is_it(file: File) -> bool:
    """Tell whether a file is an answer of this API, by its fields."""
    if not file.text.lstrip().startswith("{"):
        return False
    return any("generationmix" in one or "intensity" in one for _, one in _told(file.document))


def read(file: File) -> Reading:
    """Return the share of renewable power. Raises Unreadable."""
    gathered = Gathered(file, FORMAT)
    intensity_only = 0
    for place, (number, told) in enumerate(_told(file.document), start=1):
        region = "GB" if number is None else areas.of_uk_number(text(number))
        if region is None:
            raise UnknownZone(zone=shown(repr(number)))
        if file.region not in {None, region}:
            if not mapping(file.document.get("data")) and number is not None:
                continue  # one of all the regions of an answer
            raise OtherArea(found=region, wanted=file.region)
        if "generationmix" not in told:
            intensity_only += 1
            continue
        begin = moment(told.get("from"), place)
        minutes, rest = divmod(moment(told.get("to"), place) - begin, timedelta(minutes=1))
        if rest or not _SHORTEST <= minutes <= _LONGEST:
            raise OddLength(line=place, minutes=minutes)
        share = _share(told["generationmix"], place)
        if share is None:
            gathered.miss(region, begin)
            continue
        gathered.add(
            BalanceSlot(
                region=region,
                begin=begin,
                minutes=minutes,
                first_share=share,
                first=FirstType.RENEWABLE,
                series=Series.FORECAST if "forecast" in mapping(told.get("intensity")) else Series.ACTUAL,
            ),
            place,
        )
    if gathered.empty:
        if intensity_only:
            raise OnlyIntensity
        raise NoData(said=file.beginning)
    gathered.miss_gaps()
    return gathered.reading(file.region)


def _told(document: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Give the number of the region (None: the whole country) and what is told of a half hour.

    Half hours stand in regions, regions in half hours, or half hours alone, depending on the address that was asked.
    """
    for outer in mappings(mapping(document).get("data")):
        number = outer.get("regionid")
        inner = [*mappings(outer["data"])] if "data" in outer else []
        regions = [*mappings(outer["regions"])] if "regions" in outer else []
        for half_hour in inner:
            yield number, half_hour
        for region in regions:
            yield region.get("regionid", ""), {**region, "from": outer.get("from"), "to": outer.get("to")}
        if not inner and not regions and "from" in outer:
            yield number, outer


def _share(mix: Any, place: int) -> Decimal | None:
    """Return the share of renewable power; None where the mix is not told. Raises ImpossibleShare."""
    told = {text(one.get("fuel")): decimal(one.get("perc"), place) for one in mappings(mix)}
    if not told or any(percent is None for percent in told.values()):
        return None
    known = {fuel: percent for fuel, percent in told.items() if percent is not None}
    for fuel in known.keys() - _FUELS:
        raise UnknownColumn(found=shown(fuel), known=", ".join(sorted(_FUELS)))
    total = sum(known.values(), Decimal(0))
    if not total:
        return None
    if abs(total - 100) > _ROUNDED or min(known.values()) < 0:
        raise ImpossibleShare(line=place, percent=total)
    return min(sum((known.get(fuel, Decimal(0)) for fuel in _RENEWABLE), Decimal(0)) / 100, Decimal(1))
