"""Documents of the European transparency platform (ENTSO-E): load, generation, wind and solar, day-ahead prices.

Which document it is, its type and its process say. Points hold mean power in MW, or a price per MWh. With curve type
A03 a point that is left out is like the one before it; with any other it is missing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

from konsento.grid import areas
from konsento.grid.errors import (
    ChangedUnit,
    Contradiction,
    NoData,
    NotANumber,
    NotATime,
    OddPeriod,
    OtherArea,
    UnknownDocument,
    UnknownZone,
)
from konsento.grid.readers.cells import kwh, moment, number, shown
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.xml import line_of, parsed, said
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, SpotSlot, Supply

FORMAT: Final = "entsoe"
_LOAD, _GENERATION, _WIND_SOLAR, _BY_TYPE, _WIND_SOLAR_ACTUAL, _PRICES = "A65", "A71", "A69", "A75", "A74", "A44"
_SERIES: Final[Mapping[str, Series]] = MappingProxyType(
    {"A01": Series.FORECAST, "A18": Series.FORECAST, "A40": Series.FORECAST, "A16": Series.ACTUAL}
)
"""By process: day ahead, current, intraday, realised. Others tell the extremes of weeks, months and years."""
_KNOWN: Final = "A65, A69, A71, A74, A75 (A01, A16, A18, A40); A44"
_FIRST_TYPES: Final = frozenset({"B16", "B18", "B19"})
"""Solar, wind offshore, wind onshore."""
_MINUTES: Final = {"PT5M": 5, "PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}
_VARIABLE_BLOCKS: Final = "A03"
_MOST_POINTS: Final = 40_000
"""In a period; a year of quarter hours has 35,136."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_AUCTION: Final = "classificationSequence_AttributeInstanceComponent.position"


@dataclass(frozen=True, kw_only=True)
class _Point:
    begin: datetime
    minutes: int
    value: Decimal | None
    """None where it is missing."""
    line: int


def is_it(file: File) -> bool:
    """Tell whether a file is XML; which one is told when it is read."""
    return file.text.lstrip().startswith("<")


def read(file: File) -> Reading:
    """Return what a document tells. Raises Unreadable."""
    root = parsed(file.raw.strip())
    kind = said(root, "type")
    if root.tag == "Acknowledgement_MarketDocument":
        raise NoData(said=shown(" ".join((root.findtext("Reason/text") or "").split())))
    gathered = Gathered(file, FORMAT)
    if root.tag == "Publication_MarketDocument" and kind == _PRICES:
        _read_prices(file, root, gathered)
    elif root.tag == "GL_MarketDocument" and said(root, "process.processType") in _SERIES:
        _read_balance(file, root, kind, gathered)
    else:
        raise UnknownDocument(kind=shown(f"{root.tag} {kind} {said(root, 'process.processType')}"), known=_KNOWN)
    gathered.miss_gaps()
    return gathered.reading(file.region)


def _read_prices(file: File, root: Element, gathered: Gathered) -> None:
    all_series = list(root.iter("TimeSeries"))
    # Of several auctions of a day, the first is the one that couples the markets.
    first = [series for series in all_series if said(series, _AUCTION) in {"", "1"}]
    if len(first) < len(all_series):
        file.warn("several auctions are in the document; the first of them counts")
    for series in first:
        if said(series, "price_Measure_Unit.name") != "MWH":
            raise ChangedUnit(expected="MWH", found=shown(said(series, "price_Measure_Unit.name")))
        currency = said(series, "currency_Unit.name")
        if not re.fullmatch("[A-Z]{3}", currency):
            raise ChangedUnit(expected="EUR", found=shown(currency))
        region = _region(file, said(series, "in_Domain.mRID"))
        for point in _points(series, "price.amount"):
            if point.value is None:
                gathered.miss(region, point.begin)
                continue
            gathered.add_price(
                SpotSlot(
                    region=region,
                    begin=point.begin,
                    minutes=point.minutes,
                    price=point.value / 1000,
                    currency=currency,
                ),
                point.line,
            )


def _read_balance(file: File, root: Element, kind: str, gathered: Gathered) -> None:
    """Add powers: those of several types of generation together, where all of them are told."""
    if kind not in {_LOAD, _GENERATION, _WIND_SOLAR, _BY_TYPE, _WIND_SOLAR_ACTUAL}:
        raise UnknownDocument(kind=shown(kind), known=_KNOWN)
    issued_at = _moment(said(root, "createdDateTime"), line_of(root))
    told_as = _SERIES[said(root, "process.processType")]
    told: dict[str, dict[str, list[_Point]]] = {}
    for series in root.iter("TimeSeries"):
        taken = said(series, "outBiddingZone_Domain.mRID")
        zone = taken if kind == _LOAD else said(series, "inBiddingZone_Domain.mRID")
        if kind != _LOAD and taken:
            continue  # what pumps and plants take for themselves
        unit = said(series, "quantity_Measure_Unit.name")
        if unit != "MAW":
            raise ChangedUnit(expected="MAW", found=shown(unit))
        region = _region(file, zone)
        what = said(series, "MktPSRType/psrType")
        told.setdefault(region, {}).setdefault(what, []).extend(_points(series, "quantity"))
    for region, of_types in told.items():
        for (begin, minutes), points in _together(region, of_types).items():
            values = {what: point.value for what, point in points.items() if point.value is not None}
            if values.keys() != of_types.keys():  # a sum without one of its parts is no sum
                gathered.miss(region, begin)
                continue
            slot = _slot(kind, values, minutes, region=region, begin=begin, series=told_as, issued_at=issued_at)
            gathered.add(slot, next(iter(points.values())).line)


def _together(region: str, of_types: Mapping[str, list[_Point]]) -> dict[tuple[datetime, int], dict[str, _Point]]:
    """Return the points of all types by the shortest of their slots: the mean of an hour holds in its quarters too."""
    minutes = min((point.minutes for points in of_types.values() for point in points), default=60)
    found: dict[tuple[datetime, int], dict[str, _Point]] = {}
    for what, points in of_types.items():
        for point in points:
            for part in range(point.minutes // minutes):
                begin = point.begin + timedelta(minutes=part * minutes)
                before = found.setdefault((begin, minutes), {}).setdefault(what, point)
                if before.value != point.value:
                    raise Contradiction(line=point.line, begin=f"{begin:%Y-%m-%d %H:%M} UTC", region=region)
    return found


def _slot(
    kind: str,
    megawatts: Mapping[str, Decimal],
    minutes: int,
    *,
    region: str,
    begin: datetime,
    series: Series,
    issued_at: datetime,
) -> BalanceSlot:
    if kind not in {_LOAD, _GENERATION}:  # plants that take power for themselves at night are told below zero
        megawatts = {what: max(value, Decimal(0)) for what, value in megawatts.items()}
    whole = kwh(sum(megawatts.values(), Decimal(0)), minutes)
    of_first_type = [value for what, value in megawatts.items() if what in _FIRST_TYPES]
    generated = kind in {_GENERATION, _BY_TYPE}
    return BalanceSlot(
        region=region,
        begin=begin,
        minutes=minutes,
        demand_kwh=whole if kind == _LOAD else None,
        supply_kwh=whole if generated else None,
        supply=Supply.GENERATION if generated else None,
        first_kwh=kwh(sum(of_first_type, Decimal(0)), minutes) if of_first_type else None,
        first=FirstType.WIND_SOLAR if of_first_type else None,
        series=series,
        issued_at=issued_at,
    )


def _points(series: Element, value: str) -> Iterator[_Point]:
    carried = said(series, "curveType") == _VARIABLE_BLOCKS
    for period in series.iter("Period"):
        line = line_of(period)
        begin = _moment(said(period, "timeInterval/start"), line)
        end = _moment(said(period, "timeInterval/end"), line)
        minutes = _MINUTES.get(said(period, "resolution"))
        if minutes is None:
            raise ChangedUnit(expected=", ".join(_MINUTES), found=shown(said(period, "resolution")))
        step = timedelta(minutes=minutes)
        count, rest = divmod(end - begin, step)
        if rest or not 0 < count <= _MOST_POINTS:
            raise OddPeriod(line=line, begin=begin.isoformat(), end=end.isoformat(), position=count, minutes=minutes)
        told = _told(period, value)
        for position, point in told.items():
            if not 1 <= position <= count:
                raise OddPeriod(
                    line=point[1], begin=begin.isoformat(), end=end.isoformat(), position=position, minutes=minutes
                )
        latest: tuple[Decimal | None, int] = (None, line)
        for position in range(1, count + 1):
            latest = told.get(position, latest if carried else (None, line))
            yield _Point(begin=begin + (position - 1) * step, minutes=minutes, value=latest[0], line=latest[1])


def _told(period: Element, value: str) -> dict[int, tuple[Decimal | None, int]]:
    """Return value and line of the points of a period, by their positions. Raises Contradiction."""
    told: dict[int, tuple[Decimal | None, int]] = {}
    for point in period.iter("Point"):
        line = line_of(point)
        position = said(point, "position")
        if not re.fullmatch("[0-9]{1,6}", position):
            raise NotANumber(line=line, seen=shown(position))
        this = number(said(point, value), line), line
        if told.setdefault(int(position), this)[0] != this[0]:
            raise Contradiction(line=line, begin=position, region="Period")
    return told


def _region(file: File, eic: str) -> str:
    """Return the region of an Energy Identification Code. Raises UnknownZone, OtherArea."""
    known = areas.of_eic(eic)
    if file.region is None:
        if not known:
            raise UnknownZone(zone=shown(eic))
        return known[0]
    if known and file.region not in known:
        raise OtherArea(found=known[0], wanted=file.region)
    return file.region


def _moment(text: str, line: int) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise NotATime(line=line, seen=shown(text))
    return moment(text, line).astimezone(UTC)
