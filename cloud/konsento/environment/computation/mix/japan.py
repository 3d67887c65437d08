"""Japan's area supply and demand (エリア需給実績, `eria_jukyu_YYYYMM_NN.csv`) of the ten grid operators.

All ten have the same columns, with dialects: UTF-8 or Shift JIS, quoted or bare cells, ordinary or full-width brackets,
`2026/4/1`, `2026/04/01` or `20260401`, 20 or 22 columns, half hours named by their start or (Kyushu) their end, the
tie line positive for import or (Kyushu) for export, empty rows for what is to come. Columns are found by name.
The sum of all sources has to be 合計, and 合計 the demand: that tells the tie line's sign, and which rows are wrong.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.environment.computation.mix.slots import HALF_HOUR, IMPORTED, STORED, Mix, Reading, joined
from konsento.environment.computation.reading import BadFileError, Told, number, plain

_JAPAN: Final = ZoneInfo("Asia/Tokyo")
_SOURCES: Final = {
    "原子力": "nuclear", "火力(LNG)": "gas", "火力(石炭)": "coal", "火力(石油)": "oil", "火力(その他)": "other",
    "水力": "hydro", "地熱": "geothermal", "バイオマス": "biomass", "太陽光発電実績": "solar", "風力発電実績": "wind",
    "その他": "other",
}  # fmt: skip
_STORES: Final = ("揚水", "蓄電池")
_TIE: Final = "連系線"
_DEMAND: Final = "エリア需要"
_TOTAL: Final = "合計"
_NEEDED: Final = ("DATE", "TIME", _DEMAND, *_SOURCES, *_STORES, _TIE, _TOTAL)
_CURTAILED: Final = "出力制御量"
"""What was not generated: in no sum."""
_DATE: Final = re.compile(r"(\d{4})[/-]?(\d{1,2})[/-]?(\d{1,2})")
_TIME: Final = re.compile(r"(\d{1,2}):?(\d{2})(?::00)?")
_OFF_MW: Final = Decimal(5)
_OFF_SHARE: Final = Decimal("0.005")
"""How far sums may be off: each column is rounded to MW, demand is metered elsewhere."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    line: int
    label: datetime
    """Japanese time, as it stands there: the start of the half hour or its end."""
    closes_day: bool
    """It is called 24:00."""
    values: Mapping[str, Decimal]

    def off(self, tie: int) -> bool:
        """Tell whether the sources, with the tie line counted `tie` (1 or -1), are not the total."""
        parts = sum((self.values[name] for name in (*_SOURCES, *_STORES)), tie * self.values[_TIE])
        return abs(parts - self.values[_TOTAL]) > self.slack

    @property
    def slack(self) -> Decimal:
        """MW by which a sum may be off."""
        return max(_OFF_MW, abs(self.values[_TOTAL]) * _OFF_SHARE)


def is_japanese(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a file is of this family, by its heading."""
    return any(_DEMAND in [plain(cell) for cell in row] for row in rows[:5])


def read(rows: Sequence[Sequence[str]]) -> Mix:
    """Return the mix of a file. Raises BadFileError where the layout is another."""
    told: list[Told] = []
    start, where = _heading(rows)
    readable = _readable(rows[start + 1 :], start + 2, where, told)
    if not readable:
        raise BadFileError(start + 2, "no row holds values")
    by_end = _labelled_by_end(readable, told)
    tie = _sign_of_tie(readable, told)
    readings = []
    negative = 0
    for row in readable:
        why = "合計" if row.off(tie) else "需要" if _off_demand(row) else ""
        if why:
            detail = {
                "合計": f"the sources do not add up to 合計 {row.values[_TOTAL]}",
                "需要": f"合計 {row.values[_TOTAL]} is not エリア需要 {row.values[_DEMAND]}",
            }[why]
            told.append(Told(row=row.line, reason="SumIsNotDemand", detail=detail, refused=True))
            continue
        megawatts: dict[str, Decimal] = {}
        for name, source in _SOURCES.items():
            negative += row.values[name] < 0
            megawatts[source] = megawatts.get(source, Decimal(0)) + max(row.values[name], Decimal(0))
        megawatts[STORED] = sum((max(row.values[name], Decimal(0)) for name in _STORES), Decimal(0))
        megawatts[IMPORTED] = max(tie * row.values[_TIE], Decimal(0))
        at = row.label - (HALF_HOUR if by_end else timedelta())
        readings.append(Reading(row=row.line, start=at, megawatts=megawatts))
    if negative:
        detail = f"{negative} generations below zero, a plant's own use, count as 0"
        told.append(Told(row=0, reason="BelowZero", detail=detail))
    return Mix(slots=joined(readings, HALF_HOUR, told), told=told)


def _heading(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    for index, row in enumerate(rows[:5]):
        names = [plain(cell) for cell in row]
        if _DEMAND not in names:
            continue
        missing = [name for name in _NEEDED if name not in names]
        unknown = [name for name in names if name and name not in _NEEDED and _CURTAILED not in name]
        if missing:
            raise BadFileError(index + 1, f"columns are missing: {', '.join(missing)}")
        if unknown:
            raise BadFileError(index + 1, f"unknown columns, which the sum may need: {', '.join(unknown)}")
        return index, {name: names.index(name) for name in _NEEDED}
    raise BadFileError(1, f"no heading with {_DEMAND} stands in the first five rows")


def _readable(rows: Sequence[Sequence[str]], first: int, where: Mapping[str, int], told: list[Told]) -> list[_Row]:
    readable: list[_Row] = []
    empty = 0
    for line, cells in enumerate(rows, start=first):
        if not any(plain(cell) for cell in cells):
            continue
        got = {name: cells[at] if at < len(cells) else "" for name, at in where.items()}
        numbers = [name for name in _NEEDED if name not in {"DATE", "TIME"}]
        if not any(plain(got[name]) for name in numbers):
            empty += 1
            continue
        try:
            values = {name: number(got[name]) for name in numbers}
            label, closes_day = _label(got["DATE"], got["TIME"])
        except ValueError as error:
            told.append(Told(row=line, reason="BadRow", detail=str(error), refused=True))
            continue
        lacking = [name for name, value in values.items() if value is None]
        if lacking:
            told.append(Told(row=line, reason="BadRow", detail=f"{', '.join(lacking)} is empty", refused=True))
            continue
        whole = {name: value for name, value in values.items() if value is not None}
        readable.append(_Row(line=line, label=label, closes_day=closes_day, values=whole))
    if empty:
        told.append(Told(row=0, reason="NotYet", detail=f"{empty} rows without values: half hours to come"))
    return readable


def _label(day: str, time: str) -> tuple[datetime, bool]:
    """Return the moment that a row is named by, and whether it is called 24:00, which is 0:00 of the next day."""
    date, clock = _DATE.fullmatch(plain(day)), _TIME.fullmatch(plain(time))
    if date is None or clock is None:
        raise ValueError(f"{day} {time} is no date and time")
    hours, minutes = int(clock[1]), int(clock[2])
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(f"{time} is no time of a day")
    midnight = datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=_JAPAN)
    return midnight + timedelta(hours=hours, minutes=minutes), hours == 24


def _labelled_by_end(rows: Sequence[_Row], told: list[Told]) -> bool:
    """Tell whether half hours are named by their end.

    Then there is a 24:00, or the file goes from 0:30 to a last 0:00. A file that only lacks its first half hour begins
    with 0:30 as well, but ends with a 23:30.
    """
    closing = [row for row in rows if row.closes_day]
    opening = [row for row in rows if not row.closes_day and (row.label.hour, row.label.minute) == (0, 0)]
    if closing and opening:
        raise BadFileError(opening[0].line, "half hours are named both by their start (0:00) and by their end (24:00)")
    first, last = min(row.label for row in rows), max(row.label for row in rows)
    from_half_past = (first.hour, first.minute) == (0, 30) and (last.hour, last.minute) == (0, 0)
    if not closing and not from_half_past:
        return False
    told.append(Told(row=0, reason="EndLabels", detail="half hours named by their end were moved to their start"))
    return True


def _sign_of_tie(rows: Sequence[_Row], told: list[Told]) -> int:
    """Return 1 where import is positive, -1 where export is, as most rows that can tell say."""
    as_import = sum(not row.off(1) and row.off(-1) for row in rows)
    as_export = sum(not row.off(-1) and row.off(1) for row in rows)
    if as_export > as_import:
        detail = "連系線 counts export as positive here; it was turned round"
        told.append(Told(row=0, reason="InvertedTie", detail=detail))
        return -1
    return 1


def _off_demand(row: _Row) -> bool:
    return abs(row.values[_TOTAL] - row.values[_DEMAND]) > row.slack
