"""Our own simple layout, as CSV and as JSON, for sources that no other reader knows (docs/grid-data.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from konsento.grid.areas import AREAS
from konsento.grid.errors import (
    ChangedHeader,
    NoSuchTime,
    NotAWord,
    OddLength,
    OtherArea,
    UnknownArea,
    UnknownColumn,
    UnknownTimeZone,
)
from konsento.grid.readers.cells import day, kwh, minute_of_day, moment, number, plain, shown, whole
from konsento.grid.readers.file import File
from konsento.grid.readers.gathering import Gathered
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, FirstType, Series, SpotSlot, Supply

_FIRST: Final = {one.value: one for one in FirstType}
"""Columns with generation of the first type; which of them is there says what the first type is."""
_VALUES: Final = ("demand", "supply", *_FIRST, "renewable_percent", "price")
COLUMNS: Final = (
    "region", "begin", "end", "minutes", "unit", "demand", "supply", "supply_is", *_FIRST, "renewable_percent",
    "series", "issued_at", "price", "currency",
)  # fmt: skip
_UNITS: Final = ("kWh", "MW")
_REGION: Final = 12
"""Longest code of a region."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is said about one slot: by column, empty where nothing is said."""

    line: int
    said: Mapping[str, str]

    def get(self, column: str) -> str:
        """Return what a column says, empty for nothing."""
        return self.said.get(column, "").strip()

    def number(self, column: str) -> Decimal | None:
        """Return the number in a column; None where it is empty. Raises NotANumber."""
        return number(self.get(column), self.line)

    def word[Word: StrEnum](self, column: str, words: type[Word], default: Word) -> Word:
        """Return one of a few words; the default where nothing is said. Raises NotAWord."""
        said = self.get(column).lower()
        if not said:
            return default
        try:
            return words(said)
        except ValueError as error:
            raise NotAWord(line=self.line, seen=shown(said), words=", ".join(words)) from error


def check_columns(columns: Iterable[str]) -> None:
    """Refuse names that the layout does not have, and a layout without times or values. Raises Unreadable."""
    names = set(columns)
    for name in sorted(names - set(COLUMNS)):
        raise UnknownColumn(found=shown(name), known=", ".join(COLUMNS))
    if "begin" not in names or not names & {"end", "minutes"}:
        raise ChangedHeader(expected="begin, minutes", found=shown(", ".join(sorted(names))))
    if not names & set(_VALUES):
        raise ChangedHeader(expected=", ".join(_VALUES), found=shown(", ".join(sorted(names))))


def gathered(file: File, word: str, rows: Iterable[Row]) -> Reading:
    """Return what rows say. Raises Unreadable."""
    result = Gathered(file, word)
    clock = _Clock(file)
    for row in rows:
        region = _region(file, row)
        series = row.word("series", Series, Series.FORECAST)
        begin = clock.begin(row, region, series)
        minutes = clock.minutes(row, region, begin)
        issued_at = clock.moment(row, "issued_at", region) if row.get("issued_at") else None
        slot = _balance(row, minutes, region=region, begin=begin, series=series, issued_at=issued_at)
        price = row.number("price")
        if slot is not None:
            result.add(slot, row.line)
        if price is not None:
            currency = row.get("currency").upper()
            if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
                raise NotAWord(line=row.line, seen=shown(currency), words="ISO 4217")
            result.add_price(
                SpotSlot(region=region, begin=begin, minutes=minutes, price=price, currency=currency), row.line
            )
        if slot is None and price is None:
            result.miss(region, begin)
    result.miss_gaps()
    return result.reading(file.region)


def _region(file: File, row: Row) -> str:
    said = row.get("region")
    if not said and file.region is None:
        raise UnknownArea(name=file.name)
    if said and file.region is not None and said != file.region:
        raise OtherArea(found=shown(said), wanted=file.region)
    region = said or file.region or ""
    if len(region) > _REGION or not region.isascii() or not region.replace("-", "").isalnum():
        raise UnknownArea(name=shown(region))
    return region


def _balance(
    row: Row, minutes: int, *, region: str, begin: datetime, series: Series, issued_at: datetime | None
) -> BalanceSlot | None:
    """Return the balance that a row tells; None where it tells none: empty, or 0 as what is to come."""
    unit = row.get("unit") or "kWh"
    if unit not in _UNITS:
        raise NotAWord(line=row.line, seen=shown(unit), words=", ".join(_UNITS))

    def energy(column: str) -> int | None:
        value = row.number(column)
        if value is None:
            return None
        return kwh(value, minutes) if unit == "MW" else whole(value)

    demand, supply = energy("demand"), energy("supply")
    told = [name for name in _FIRST if row.get(name)]
    if len(told) > 1:
        raise NotAWord(line=row.line, seen=", ".join(told), words=" / ".join(_FIRST))
    first = energy(told[0]) if told else None
    percent = row.number("renewable_percent")
    if not any((demand, supply, first, percent)) and (demand is not None or (first is None and percent is None)):
        return None
    kind = _FIRST[told[0]] if told else None if percent is None else FirstType.RENEWABLE
    return BalanceSlot(
        region=region,
        begin=begin,
        minutes=minutes,
        demand_kwh=demand,
        supply_kwh=supply,
        supply=None if supply is None else row.word("supply_is", Supply, Supply.GENERATION),
        first_kwh=first,
        first_share=None if percent is None else percent / 100,
        first=kind,
        series=series,
        issued_at=issued_at,
    )


class _Clock:
    """Reads times; those without an offset by the clock of their region, which may go forward and back."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._latest: dict[tuple[str, Series], datetime] = {}

    def begin(self, row: Row, region: str, series: Series) -> datetime:
        """Return when a slot begins. Of an hour that there is twice, rows in order tell which it is."""
        latest = self._latest.get((region, series))
        begin = self.moment(row, "begin", region, after=latest)
        self._latest[region, series] = begin
        return begin

    def minutes(self, row: Row, region: str, begin: datetime) -> int:
        """Return how long a slot is: 5 to 60 minutes. Raises OddLength."""
        if said := row.get("minutes"):
            minutes = int(said) if said.isascii() and said.isdecimal() and len(said) < 4 else 0
            shown_as = shown(said)
        else:
            length = self.moment(row, "end", region, after=begin) - begin
            minutes, rest = divmod(length, timedelta(minutes=1))
            minutes, shown_as = (0 if rest else minutes), f"{length / timedelta(minutes=1):g}"
        if not 5 <= minutes <= 60:
            raise OddLength(line=row.line, minutes=shown_as)
        return minutes

    def moment(self, row: Row, column: str, region: str, *, after: datetime | None = None) -> datetime:
        """Return a moment in UTC. Raises NotATime, NoSuchTime, UnknownTimeZone."""
        said = row.get(column)
        told = _parsed(said, row.line)
        if told.tzinfo is not None:
            return told.astimezone(UTC)
        zone = self._zone(region)
        first, second = (told.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(zone).replace(tzinfo=None) != told:
            raise NoSuchTime(line=row.line, time=shown(said), zone=zone.key)
        return second if after is not None and first <= after < second else first

    def _zone(self, region: str) -> ZoneInfo:
        name = self._file.time_zone or (AREAS[region].time_zone if region in AREAS else None)
        if name is None:
            raise UnknownTimeZone(region=region)
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UnknownTimeZone(region=shown(name)) from error


def _parsed(said: str, line: int) -> datetime:
    """Return a time as ISO 8601 writes it, or `2026/4/1 0:30` as a spreadsheet leaves it."""
    on, _, at = said.partition(" ")
    if "/" not in on or not at:
        return moment(said, line)
    date = day(on, line)
    midnight = datetime(date.year, date.month, date.day)  # noqa: DTZ001  # by the clock of its region
    return midnight + timedelta(minutes=minute_of_day(at, line))


def name_of(cell: str) -> str:
    """Return the name of a column as the layout has it."""
    return plain(cell).lower()
