"""Electricity Maps (API v3, power breakdown): consumption and production of a zone, and how much of it is renewable."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from konsento.grid import areas
from konsento.grid.errors import NoData, OddLength, OnlyIntensity, OtherArea, UnknownZone
from konsento.grid.readers.cells import kwh, shown
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.json_values import decimal, mapping, mappings, moment, text
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply

FORMAT: Final = "electricity_maps"
_LISTS: Final = {"forecast": Series.FORECAST, "history": Series.ACTUAL, "data": Series.ACTUAL}
_MINUTES: Final = {"": 60, "hourly": 60, "15_minutes": 15, "5_minutes": 5}
"""By `temporalGranularity`, which is hourly where it is not told."""
_BALANCE: Final = ("renewablePercentage", "powerConsumptionTotal", "powerProductionTotal")


def is_it(file: File) -> bool:
    """Tell whether a file is an answer of this API, by its fields."""
    if not file.text.lstrip().startswith("{"):
        return False
    document = mapping(file.document)
    if "zone" not in document:
        return False
    return any("carbonIntensity" in one or any(name in one for name in _BALANCE) for one, _ in _told(document))


def read(file: File) -> Reading:
    """Return consumption, production and the renewable share. Raises Unreadable."""
    document = mapping(file.document)
    zone = text(document.get("zone"))
    known = areas.of_zone(zone)
    if file.region is None and known is None:
        raise UnknownZone(zone=shown(zone))
    if file.region is not None and known not in {None, file.region}:
        raise OtherArea(found=known, wanted=file.region)
    region = file.region or known or ""
    granularity = text(document.get("temporalGranularity"))
    if granularity not in _MINUTES:
        raise OddLength(line=1, minutes=shown(granularity))
    minutes = _MINUTES[granularity]
    gathered = Gathered(file, FORMAT)
    intensity_only = 0
    for place, (told, series) in enumerate(_told(document), start=1):
        if not any(name in told for name in _BALANCE):
            intensity_only += 1
            continue
        percent, demand, supply = (decimal(told.get(name), place) for name in _BALANCE)
        begin = moment(told.get("datetime"), place)
        if percent is None and (demand is None or supply is None):
            gathered.miss(region, begin)
            continue
        issued = told.get("updatedAt", document.get("updatedAt"))
        gathered.add(
            BalanceSlot(
                region=region,
                begin=begin,
                minutes=minutes,
                demand_kwh=None if demand is None else kwh(demand, minutes),
                supply_kwh=None if supply is None else kwh(supply, minutes),
                supply=None if supply is None else Supply.GENERATION,
                first_share=None if percent is None else percent / 100,
                first=None if percent is None else FirstType.RENEWABLE,
                series=series,
                issued_at=None if issued is None else moment(issued, place),
            ),
            place,
        )
    if gathered.empty:
        if intensity_only:
            raise OnlyIntensity
        raise NoData(said=file.beginning)
    gathered.miss_gaps()
    return gathered.reading(region)


def _told(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Series]]:
    """Give what is told of each hour: those of a list, or the one of the document itself."""
    lists = [(name, series) for name, series in _LISTS.items() if name in document]
    for name, series in lists:
        for one in mappings(document[name]):
            yield one, series
    if not lists:
        yield document, Series.ACTUAL
