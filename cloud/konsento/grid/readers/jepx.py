"""Prices of Japan's day-ahead market (JEPX, spot_YYYY.csv): a fiscal year of half hours, nine areas, yen per kWh.

Okinawa has no market. A price may be empty; columns without a name stand between the parts of the table.
"""

from typing import Final

from konsento.grid import areas
from konsento.grid.errors import ChangedHeader, CutOff, NoData, NotATime
from konsento.grid.readers import header
from konsento.grid.readers.cells import day, in_japan, number, plain, shown
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.reading import Reading
from konsento.grid.records import SpotSlot

FORMAT: Final = "jepx"
_MINUTES: Final = 30
_SLOTS: Final = 48
_AREAS: Final = areas.JAPAN[:9]
_COLUMNS: Final = {
    "day": ("年月日", "受渡日"),
    "slot": ("時刻コード",),
    **{code: (f"エリアプライス{areas.AREAS[code].name_ja.removesuffix('エリア')}(円/kWh)",) for code in _AREAS},
}


def is_it(file: File) -> bool:
    """Tell whether a file is of this family, by its header."""
    return header.find(file.rows, "時刻コード", "エリアプライス") is not None


def read(file: File) -> Reading:
    """Return the prices. Raises Unreadable."""
    rows = file.rows
    top = header.find(rows, "時刻コード", "エリアプライス")
    if top is None:
        raise ChangedHeader(expected="時刻コード", found=file.beginning)
    where = header.places(rows[top], _COLUMNS)
    wanted = _AREAS if file.region is None else (file.region,)
    if wanted[0] not in _AREAS:
        raise NoData(said=f"{_AREAS[0]} … {_AREAS[-1]}")
    gathered = Gathered(file, FORMAT)
    code = 0
    for line, row in enumerate(rows[top + 1 :], start=top + 2):
        if not any(plain(cell) for cell in row):
            continue
        if len(row) <= max(where.values()) + (file.ends_open and line == len(rows)):
            raise CutOff(line=line - 1, have=code, expected=_SLOTS)
        said = plain(row[where["slot"]])
        if not said.isdecimal() or len(said) > 2 or not 1 <= int(said) <= _SLOTS:
            raise NotATime(line=line, seen=shown(said))
        code = int(said)
        begin = in_japan(day(row[where["day"]], line), (code - 1) * _MINUTES)
        for region in wanted:
            price = number(row[where[region]], line)
            if price is None:
                gathered.miss(region, begin)
                continue
            gathered.add_price(
                SpotSlot(region=region, begin=begin, minutes=_MINUTES, price=price, currency="JPY"), line
            )
    if code != _SLOTS:  # the market publishes whole days
        raise CutOff(line=len(rows), have=code, expected=_SLOTS)
    gathered.miss_gaps()
    return gathered.reading(file.region)
