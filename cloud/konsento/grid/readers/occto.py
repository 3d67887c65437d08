"""Demand and supply capacity of all ten Japanese areas in one file (OCCTO, 広域予備率Web公表システム).

Rows are named by the end of their half hour (00:30 to 24:00), powers are in MW; `***` stands where nothing is known.
"""

from datetime import date, timedelta
from typing import Final

from konsento.grid import areas
from konsento.grid.errors import ChangedHeader, CutOff, ShiftedTime, UnknownZone
from konsento.grid.readers import header
from konsento.grid.readers.cells import day, filled, in_japan, kwh, minute_of_day, number, plain, shown, updated
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, Series, Supply

FORMAT: Final = "occto"
_MINUTES: Final = 30
_DAY_MINUTES: Final = 24 * 60
_COLUMNS: Final = {
    "day": ("対象年月日",),
    "time": ("時刻",),
    "area": ("エリア名", "エリア"),
    "demand": ("エリア需要(MW)",),
    "supply": ("エリア供給力(MW)",),
}
_UNKNOWN: Final = frozenset("*")
_LATE: Final = 60
"""Minutes that may be missing at the end of the last day before it counts as cut off."""


def is_it(file: File) -> bool:
    """Tell whether a file is of this family, by its header."""
    return header.find(file.rows, "対象年月日", "時刻", "エリア") is not None


def read(file: File) -> Reading:
    """Return the areas' half hours. Raises Unreadable."""
    rows = file.rows
    top = header.find(rows, "対象年月日", "時刻", "エリア")
    if top is None:
        raise ChangedHeader(expected="対象年月日", found=file.beginning)
    where = header.places(rows[top], _COLUMNS)
    issued_at = updated(file.text)
    gathered = Gathered(file, FORMAT, sized=True)
    seen: set[tuple[date, int, str]] = set()
    for line, row in enumerate(rows[top + 1 :], start=top + 2):
        if not any(plain(cell) for cell in row):
            continue
        if len(row) <= max(where.values()) + (file.ends_open and line == len(rows)):
            raise CutOff(line=line - 1, have=len(seen), expected=len(seen) + 1)
        region = areas.of_japanese_name(row[where["area"]])
        if region is None:
            raise UnknownZone(zone=shown(row[where["area"]]))
        on, end = day(row[where["day"]], line), minute_of_day(row[where["time"]], line)
        if end == 0 or end % _MINUTES:
            raise ShiftedTime(line=line, slot=end // _MINUTES, expected="0:30 … 24:00", found=row[where["time"]])
        seen.add((on, end, region))
        if file.region not in {None, region}:
            continue
        begin = in_japan(on, end - _MINUTES)
        cells = [filled(row, where[word]) for word in ("demand", "supply")]
        values = [None if set(plain(cell)) == _UNKNOWN else number(cell, line) for cell in cells]
        demand, supply = values
        if demand is None or supply is None or not any(values):
            gathered.miss(region, begin)
            continue
        slot = BalanceSlot(
            region=region,
            begin=begin,
            minutes=_MINUTES,
            demand_kwh=kwh(demand, _MINUTES),
            supply_kwh=kwh(supply, _MINUTES),
            supply=Supply.CAPACITY,
            series=Series.FORECAST,
            issued_at=issued_at,
        )
        gathered.add(slot, line)
    _check_whole(file, gathered, seen)
    return gathered.reading(file.region)


def _check_whole(file: File, gathered: Gathered, seen: set[tuple[date, int, str]]) -> None:
    """Refuse a file that stops before its last day ends, and note what is missing in each of its days and areas."""
    days = sorted({on for on, _, _ in seen})
    last = max((end for on, end, _ in seen if on == days[-1]), default=0) if days else 0
    if days and last < _DAY_MINUTES - (0 if file.ends_open else _LATE):
        raise CutOff(line=len(file.rows), have=last // _MINUTES, expected=_DAY_MINUTES // _MINUTES)
    for region in areas.JAPAN if file.region is None else (file.region,):
        if days and not any(area == region for _, _, area in seen):
            file.warn(f"there is no row of {region}")
        for on in days:
            for end in range(_MINUTES, _DAY_MINUTES + 1, _MINUTES):
                if (on, end, region) not in seen:
                    gathered.miss(region, in_japan(on, 0) + timedelta(minutes=end - _MINUTES))
