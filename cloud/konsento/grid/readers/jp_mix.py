"""What Japan's areas generated, by source (エリア需給実績, eria_jukyu_YYYYMM_NN.csv): half hours of a month, mean MW.

Columns are found by name. Kyushu quotes cells, writes full-width brackets, names half hours by their end and counts
export positive on the tie line. The sources have to add up to 合計, and 合計 to the demand: that tells wrong rows.
Supply is generation alone: what storage and tie line give or take is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from konsento.grid import areas
from konsento.grid.errors import ChangedHeader, ChangedUnit, CutOff, ShiftedTime, SumsDiffer
from konsento.grid.readers import header
from konsento.grid.readers.cells import day, filled, in_japan, kwh, minute_of_day, number, plain, shown
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.readers.naming import region_of
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply

FORMAT: Final = "jp_mix"
_MINUTES: Final = 30
_DEMAND, _TOTAL, _TIE = "エリア需要", "合計", "連系線"
_SOLAR, _WIND = "太陽光発電実績", "風力発電実績"
_GENERATORS: Final = (
    "原子力", "火力(LNG)", "火力(石炭)", "火力(石油)", "火力(その他)", "水力", "地熱", "バイオマス",
    _SOLAR, _WIND, "その他",
)  # fmt: skip
_STORES: Final = ("揚水", "蓄電池")
_NAMES: Final = ("DATE", "TIME", _DEMAND, *_GENERATORS, *_STORES, _TIE, _TOTAL)
_NUMBERS: Final = _NAMES[2:]
_CURTAILED: Final = "出力制御量"
"""What was not generated: in no sum."""
_OFF_MW: Final = Decimal(5)
_OFF_SHARE: Final = Decimal("0.005")
"""How far sums may be off: each column is rounded to MW, demand is metered elsewhere."""
_MOST_OFF: Final = Decimal("0.1")
"""Share of the rows that may be off; with more of them the columns mean something else."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    line: int
    minute: int
    """Of the day, as the row is named."""
    label: datetime
    """The same with the day, UTC."""
    values: Mapping[str, Decimal]

    def off(self, tie: int) -> bool:
        """Tell whether the sources, with the tie line counted `tie` (1 or -1), are not the total and the demand."""
        total = self.values[_TOTAL]
        slack = max(_OFF_MW, abs(total) * _OFF_SHARE)
        parts = sum((self.values[name] for name in (*_GENERATORS, *_STORES)), tie * self.values[_TIE])
        return abs(parts - total) > slack or abs(total - self.values[_DEMAND]) > slack


def is_it(file: File) -> bool:
    """Tell whether a file is of this family, by its header."""
    return header.find(file.rows, _DEMAND, "原子力") is not None


def read(file: File) -> Reading:
    """Return demand, generation, and wind and solar generation of the half hours. Raises Unreadable."""
    rows = file.rows
    top = header.find(rows, _DEMAND, "原子力")
    if top is None:
        raise ChangedHeader(expected=_DEMAND, found=file.beginning)
    where = header.places(rows[top], {name: (name,) for name in _NAMES})
    others = [cell for cell in map(plain, rows[top]) if cell and cell not in _NAMES and _CURTAILED not in cell]
    if others:  # the sum may need it
        raise ChangedHeader(expected=", ".join(_NAMES), found=shown(", ".join(others)))
    above = " ".join(plain(cell) for row in rows[:top] for cell in row)
    if "MW平均" not in above:
        raise ChangedUnit(expected="MW平均", found=shown(above))
    region = region_of(file, areas.in_japanese_text(above))
    known, waiting = _rows(file, top + 1, where)
    back = _MINUTES if _named_by_end([*known, *waiting]) else 0
    if back:
        file.warn("half hours are named by their end here; they were moved to their start")
    gathered = Gathered(file, FORMAT, sized=True)
    tie = _sign_of_tie(file, known)
    wrong = [row for row in known if row.off(tie)]
    if len(wrong) > len(known) * _MOST_OFF:
        raise SumsDiffer(line=wrong[0].line, count=len(wrong), rows=len(known))
    for row in known:
        begin = row.label - timedelta(minutes=back)
        if row in wrong:
            file.warn(
                f"line {row.line}: the sources do not add up to {_TOTAL} and {_DEMAND}; the half hour is left out"
            )
            gathered.miss(region, begin)
            continue
        slot = _slot(region, begin, row.values)
        gathered.add(slot, row.line)
    for row in waiting:
        gathered.miss(region, row.label - timedelta(minutes=back))
    gathered.miss_gaps()
    return gathered.reading(region, may_be_empty=bool(waiting))


def _slot(region: str, begin: datetime, values: Mapping[str, Decimal]) -> BalanceSlot:
    # Below zero is what a kind of plant takes for itself.
    megawatts = {name: max(values[name], Decimal(0)) for name in _GENERATORS}
    return BalanceSlot(
        region=region,
        begin=begin,
        minutes=_MINUTES,
        demand_kwh=kwh(values[_DEMAND], _MINUTES),
        supply_kwh=kwh(sum(megawatts.values(), Decimal(0)), _MINUTES),
        supply=Supply.GENERATION,
        first_kwh=kwh(megawatts[_SOLAR] + megawatts[_WIND], _MINUTES),
        first=FirstType.WIND_SOLAR,
        series=Series.ACTUAL,
    )


def _rows(file: File, first: int, where: Mapping[str, int]) -> tuple[list[_Row], list[_Row]]:
    """Return the rows with values, and those of half hours that are not known yet."""
    known: list[_Row] = []
    waiting: list[_Row] = []
    for line, row in enumerate(file.rows[first:], start=first + 1):
        if not any(plain(cell) for cell in row):
            continue
        values = {name: number(filled(row, where[name]), line, grouped=True) for name in _NUMBERS}
        lacking = [name for name, value in values.items() if value is None]
        if lacking and len(row) <= max(where.values()) and line == len(file.rows):
            raise CutOff(line=line - 1, have=len(known), expected=len(known) + 1)
        on, minute = day(filled(row, where["DATE"]), line), minute_of_day(filled(row, where["TIME"]), line)
        if minute % _MINUTES:
            raise ShiftedTime(line=line, slot=minute // _MINUTES, expected="0:00, 0:30 …", found=row[where["TIME"]])
        told = {name: value for name, value in values.items() if value is not None}
        made = _Row(line=line, minute=minute, label=in_japan(on, minute), values=told)
        if file.ends_open and line == len(file.rows):
            file.warn("the last line has no end; it was left out")
            waiting.append(made)
        elif lacking or not any(told.values()):
            if told and any(told.values()):
                file.warn(f"line {line}: {', '.join(lacking)} is empty; the half hour is left out")
            waiting.append(made)
        else:
            known.append(made)
    return known, waiting


def _named_by_end(rows: Sequence[_Row]) -> bool:
    """Tell whether half hours are named by their end. Raises ShiftedTime where some are and some are not.

    Then there is a 24:00, or the file goes from 0:30 to a last 0:00. A file that only lacks its first half hour begins
    with 0:30 as well, but ends with a 23:30.
    """
    if not rows:
        return False
    closing = any(row.minute == 24 * 60 for row in rows)
    opening = next((row for row in rows if row.minute == 0), None)
    if closing and opening is not None:
        raise ShiftedTime(line=opening.line, slot=1, expected="0:30 … 24:00", found="0:00")
    first, last = min(rows, key=lambda row: row.label), max(rows, key=lambda row: row.label)
    return closing or (first.minute == _MINUTES and last.minute == 0)


def _sign_of_tie(file: File, rows: Sequence[_Row]) -> int:
    """Return 1 where import is positive, -1 where export is, as most rows that can tell say."""
    as_import = sum(not row.off(1) and row.off(-1) for row in rows)
    as_export = sum(not row.off(-1) and row.off(1) for row in rows)
    if as_export > as_import:
        file.warn(f"{_TIE} counts export as positive here")
        return -1
    return 1
