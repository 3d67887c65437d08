"""Supply and demand as Japan's ten grid operators disclose it (系統の需給に関する情報, by the imbalance price rules).

One day of one area: 48 rows with demand, generation, and wind and solar generation in kWh per half hour. Every operator
words the header its own way, so columns are taken by their place, and the header only has to agree.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from konsento.grid import areas
from konsento.grid.errors import ChangedHeader, ChangedUnit, CutOff, NotATime, ShiftedTime, Unreadable, WrongDay
from konsento.grid.readers.cells import day, filled, in_japan, minute_of_day, number, plain, updated, whole
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.naming import day_of_name, region_of, series_of
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply

FORMAT: Final = "jp_area"
_SLOTS: Final = 48
_MINUTES: Final = 30
_DAY, _SLOT, _FROM, _UNTIL, _DEMAND, _SUPPLY, _FIRST = range(7)
_COLUMNS: Final = 7
_NAMES: Final[Mapping[int, tuple[str, str, str]]] = {
    _DEMAND: ("エリア総需要量", "需要", "発電|風力|太陽光"),
    _SUPPLY: ("エリア総発電量", "発電", "需要|風力|太陽光"),
    _FIRST: ("エリア風力・太陽光発電量", "風力|太陽光", "需要|総発電"),
}
"""By column: what it is called, what its name has to hold, and what it must not hold."""
_NAMED: Final = re.compile("需要|発電|コマ")
_UNITS: Final = re.compile(r"万?kwh?(?:/h)?|mwh?|gwh?", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d{1,2}:\d\d)(?::([0-5]\d))?")
_LATE: Final = 2
"""So many slots may be missing at the end of a forecast before it counts as cut off."""


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What stands above the data."""

    region: str
    series: Series
    day: date | None
    """The one that the file should be about."""
    issued_at: datetime | None


def is_it(file: File) -> bool:
    """Tell whether a file is of this family: by its header, or by its rows where the header has changed."""
    return any(_is_data(row) and len(row) >= _COLUMNS for row in file.rows) or any(
        "総需要" in (text := "".join(map(plain, row))) and "総発電" in text for row in file.rows[:10]
    )


def read(file: File) -> Reading:
    """Return the day of an area. Raises Unreadable."""
    rows = file.rows
    first = next((index for index, row in enumerate(rows) if _is_data(row)), len(rows))
    _check_names(rows[:first])
    if first == len(rows):
        raise CutOff(line=len(rows), have=0, expected=_SLOTS)
    head = _head(file, rows[:first])
    gathered = Gathered(file, FORMAT, sized=True)
    seen: set[int] = set()
    on = head.day or day(rows[first][_DAY], first + 1)
    for line, row in enumerate(rows[first:], start=first + 1):
        if not _is_data(row):
            continue
        if len(row) < _COLUMNS:
            raise CutOff(line=line - 1, have=len(seen), expected=_SLOTS)
        if (told := day(row[_DAY], line)) != on:
            raise WrongDay(expected=on.isoformat(), line=line, found=told.isoformat())
        slot = int(plain(row[_SLOT]))
        _check_time(row, slot, line)
        seen.add(slot)
        begin = in_japan(on, (slot - 1) * _MINUTES)
        balance = _balance(row, line, begin, head)
        if balance is None:
            gathered.miss(head.region, begin)
        else:
            gathered.add(balance, line)
    _check_end(file, seen, head.series, len(rows))
    for slot in set(range(1, _SLOTS + 1)) - seen:
        gathered.miss(head.region, in_japan(on, (slot - 1) * _MINUTES))
    return gathered.reading(head.region, may_be_empty=head.series is Series.ACTUAL)


def _is_data(row: list[str]) -> bool:
    """Tell whether a row holds a slot: a day, then a number from 1 to 48."""
    if len(row) < 2 or not any(sign.isdecimal() for sign in row[_DAY]):
        return False
    slot = plain(row[_SLOT])
    return slot.isdecimal() and len(slot) <= 2 and 1 <= int(slot) <= _SLOTS


def _check_names(head: list[list[str]]) -> None:
    """Refuse a header that does not name the columns as they always were, and units other than kWh."""
    names = next((row for row in reversed(head) if _NAMED.search("".join(map(plain, row)))), [])
    for column, (expected, holds, without) in _NAMES.items():
        found = plain(filled(names, column))
        if not re.search(holds, found) or re.search(without, found):
            raise ChangedHeader(expected=expected, found=found)
    for unit in _UNITS.findall(unicodedata.normalize("NFKC", " ".join(cell for row in head for cell in row))):
        if unit.lower() != "kwh":
            raise ChangedUnit(expected="kWh", found=unit)


def _head(file: File, head: list[list[str]]) -> _Head:
    text = unicodedata.normalize("NFKC", "\n".join(",".join(row) for row in head))
    target: date | None = None
    issued_at = updated(file.text)
    for line, (names, values) in enumerate(pairwise(head), start=2):
        columns = [plain(name) for name in names]
        for column, name in enumerate(columns):
            if name.startswith("対象年月日") and plain(filled(values, column)):
                target = day(values[column], line)
        if columns and columns[0].startswith("ファイル更新日"):
            issued_at = _moment(filled(values, 0), filled(values, 1), line)
    named = day_of_name(file)
    if target is not None and named not in {None, target}:
        raise WrongDay(expected=f"{named}", line=1, found=target.isoformat())
    return _Head(
        region=region_of(file, areas.in_japanese_text(text)),
        series=series_of(file, text),
        day=target or named,
        issued_at=issued_at,
    )


def _moment(on: str, at: str, line: int) -> datetime | None:
    """Return when the file was made; None where it does not say so readably, for nothing depends on it."""
    clock = _CLOCK.fullmatch(plain(at))
    if clock is None:
        return None
    try:
        return in_japan(day(on, line), minute_of_day(clock[1], line)) + timedelta(seconds=int(clock[2] or 0))
    except Unreadable:
        return None


def _check_time(row: list[str], slot: int, line: int) -> None:
    """Refuse a row whose times are not those of its slot: times may be ends, or the rows shifted."""
    begin = (slot - 1) * _MINUTES
    if minute_of_day(row[_FROM], line) != begin:
        raise ShiftedTime(line=line, slot=slot, expected=f"{begin // 60}:{begin % 60:02}", found=row[_FROM])
    end = begin + _MINUTES
    if minute_of_day(row[_UNTIL], line) not in {end, end % (24 * 60)}:
        raise NotATime(line=line, seen=row[_UNTIL])


def _balance(row: list[str], line: int, begin: datetime, head: _Head) -> BalanceSlot | None:
    """Return what a row says; None where it says nothing yet: empty cells, or zeros in all three."""
    values = [number(row[column], line, grouped=True) for column in (_DEMAND, _SUPPLY, _FIRST)]
    demand, supply, first = values
    if demand is None or supply is None or first is None or not any(values):
        return None
    return BalanceSlot(
        region=head.region,
        begin=begin,
        minutes=_MINUTES,
        demand_kwh=whole(demand),
        supply_kwh=whole(supply),
        supply=Supply.GENERATION,
        first_kwh=whole(first),
        first=FirstType.WIND_SOLAR,
        series=head.series,
        issued_at=head.issued_at,
    )


def _check_end(file: File, seen: set[int], series: Series, lines: int) -> None:
    """Refuse a file that stops before its day ends. A day's actual values may stop where they are not known yet."""
    lacking = _SLOTS - max(seen, default=0)
    if lacking and (file.ends_open or (series is not Series.ACTUAL and lacking > _LATE)):
        raise CutOff(line=lines, have=len(seen), expected=_SLOTS)
    if file.ends_open:
        # What could be lost is digits of the last wind and solar value: the slot is advised less, never more.
        file.warn("the last line has no end; its last number may be cut")
