"""A Japanese area's power today (でんき予報, juyo-j.csv): hourly forecast with capacity, and what was every 5 minutes.

Several tables stand below each other, with other lines between them at each operator: their headers tell them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from konsento.grid import areas
from konsento.grid.errors import ChangedHeader, ChangedUnit, CutOff, ShiftedTime, Unreadable, WrongDay
from konsento.grid.readers import header
from konsento.grid.readers.cells import day, filled, in_japan, kwh, minute_of_day, number, plain, shown, updated
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.naming import day_of_name, region_of
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply

FORMAT: Final = "jp_forecast_today"
_HOUR: Final = 60
_FIVE: Final = 5
_DAY_MINUTES: Final = 24 * 60
_ACTUAL: Final = "当日実績"
_EVERY_FIVE: Final = "5分間隔値"
_CORRECTED: Final = "修正後"
"""Marks a row that takes the place of the one above it."""
_MEGAWATTS: Final = {"万kW": 10, "MW": 1}
_UNIT: Final = re.compile(r"\(([^()]*)\)$")


@dataclass(frozen=True, kw_only=True)
class _Table:
    line: int
    """Of its header."""
    head: Sequence[str]
    rows: Sequence[tuple[int, list[str]]]
    minutes: int


@dataclass(kw_only=True)
class _Line:
    """What a table says of a slot; None where it says nothing yet."""

    line: int
    on: date
    minute: int
    values: list[Decimal | None]
    """MW, in the order in which columns were asked for."""


def is_it(file: File) -> bool:
    """Tell whether a file is of this family, by the headers of its tables."""
    return header.find(file.rows, "DATE", "TIME", _ACTUAL, within=100) is not None


def read(file: File) -> Reading:
    """Return the hourly forecast and what was every five minutes. Raises Unreadable."""
    issued_at = updated(file.text)
    top = " ".join(plain(cell) for row in file.rows[:3] for cell in row)
    region = region_of(file, areas.in_japanese_text(top))
    tables = list(_tables(file.rows))
    hourly = next((table for table in tables if table.minutes == _HOUR), None)
    fine = next((table for table in tables if table.minutes == _FIVE), None)
    if hourly is None:
        raise ChangedHeader(expected="DATE,TIME,当日実績(万kW),予測値(万kW)", found=file.beginning)
    gathered = Gathered(file, FORMAT, sized=True)
    on = day_of_name(file)
    hours = _lines(file, hourly, _columns(hourly, r"予[測想]値?\(", r"供給力(想定値)?\("), on)
    if len(hours) < _DAY_MINUTES // _HOUR:
        raise CutOff(line=hours[-1].line if hours else hourly.line, have=len(hours), expected=_DAY_MINUTES // _HOUR)
    for one in hours:
        demand, capacity = one.values
        _add(gathered, one, _HOUR, region, issued_at, demand=demand, capacity=capacity or None)
    measured = fine or hourly
    wanted = _columns(measured, rf"{_ACTUAL}.*\(", r"太陽光発電実績.*\(")
    found = _lines(file, measured, wanted, hours[0].on)
    if fine is not None and file.ends_open and found:
        found.pop()  # its last number may be cut
        file.warn("the last line has no end; it was left out")
    while found and not found[-1].values[0]:  # not observed yet
        found.pop()
    for one in found:
        demand, solar = one.values
        _add(gathered, one, measured.minutes, region, issued_at, demand=demand, solar=solar, series=Series.ACTUAL)
    return gathered.reading(region)


def _tables(rows: Sequence[list[str]]) -> Iterator[_Table]:
    """Give the tables with a header DATE, TIME, 当日実績…; each ends with an empty line or another header."""
    heads = [
        index
        for index, row in enumerate(rows)
        if len(row) > 2 and plain(row[0]) == "DATE" and plain(row[1]) == "TIME" and plain(row[2]).startswith(_ACTUAL)
    ]
    for head in heads:
        body: list[tuple[int, list[str]]] = []
        for index, row in enumerate(rows[head + 1 :], start=head + 1):
            if not any(plain(cell) for cell in row) or plain(row[0]) == "DATE":
                break
            body.append((index + 1, row))
        minutes = _FIVE if _EVERY_FIVE in plain(rows[head][2]) else _HOUR
        yield _Table(line=head + 1, head=rows[head], rows=body, minutes=minutes)


def _columns(table: _Table, *patterns: str) -> list[tuple[int, int] | None]:
    """Return place and MW per unit of columns by their headings; the first has to be there. Raises ChangedHeader."""
    found: list[tuple[int, int] | None] = []
    for pattern in patterns:
        place = header.match(table.head, lambda heading, this=pattern: bool(re.match(this, heading)))  # type: ignore[misc]
        if place is None:
            if not found:
                raise ChangedHeader(expected=pattern, found=shown(",".join(table.head)))
            found.append(None)
            continue
        unit = _UNIT.search(plain(table.head[place]))
        if unit is None or unit[1] not in _MEGAWATTS:
            raise ChangedUnit(expected="万kW", found=shown(table.head[place]))
        found.append((place, _MEGAWATTS[unit[1]]))
    return found


def _lines(file: File, table: _Table, columns: Sequence[tuple[int, int] | None], expected: date | None) -> list[_Line]:
    found: list[_Line] = []
    for line, row in table.rows:
        if file.ends_open and line == len(file.rows) and len(row) < len(table.head):
            raise CutOff(line=line - 1, have=len(found), expected=_DAY_MINUTES // table.minutes)
        corrected = any(_CORRECTED in plain(cell) for cell in row)
        values = [
            None if column is None else _power(filled(row, column[0]), column[1], line, lenient=corrected)
            for column in columns
        ]
        if corrected:
            if not found:
                raise ShiftedTime(line=line, slot=1, expected="0:00", found=_CORRECTED)
            file.warn(f"line {line} corrects the line above it")
            before = found[-1]
            before.values = [old if new is None else new for old, new in zip(before.values, values, strict=True)]
            continue
        on, minute = day(row[0], line), minute_of_day(filled(row, 1), line)
        expected = expected or on
        if on != expected:
            raise WrongDay(expected=expected.isoformat(), line=line, found=on.isoformat())
        if minute % table.minutes or minute == _DAY_MINUTES:
            raise ShiftedTime(line=line, slot=minute // table.minutes, expected="0:00 …", found=shown(row[1]))
        found.append(_Line(line=line, on=on, minute=minute, values=values))
    return found


def _power(cell: str, megawatts: int, line: int, *, lenient: bool) -> Decimal | None:
    try:
        value = number(cell, line, grouped=True)
    except Unreadable:
        if lenient:  # the word that marks the row stands there
            return None
        raise
    return None if value is None else value * megawatts


def _add(
    gathered: Gathered,
    one: _Line,
    minutes: int,
    region: str,
    issued_at: datetime | None,
    *,
    demand: Decimal | None,
    capacity: Decimal | None = None,
    solar: Decimal | None = None,
    series: Series = Series.FORECAST,
) -> None:
    begin = in_japan(one.on, one.minute)
    if not demand:  # what is to come is empty, or 0
        gathered.miss(region, begin)
        return
    slot = BalanceSlot(
        region=region,
        begin=begin,
        minutes=minutes,
        demand_kwh=kwh(demand, minutes),
        supply_kwh=None if capacity is None else kwh(capacity, minutes),
        supply=None if capacity is None else Supply.CAPACITY,
        first_kwh=None if solar is None else kwh(solar, minutes),
        first=None if solar is None else FirstType.SOLAR,
        series=series,
        issued_at=issued_at,
    )
    gathered.add(slot, one.line)
