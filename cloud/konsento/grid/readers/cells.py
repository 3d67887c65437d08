"""What cells say: names, numbers, days and times as publishers and spreadsheets write them."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.grid.errors import NotADay, NotANumber, NotATime, Unreadable

JAPAN: Final = ZoneInfo("Asia/Tokyo")
YEARS: Final = range(1990, 2100)
"""What a file can be about."""
_DAY: Final = re.compile(r"(\d{4})(?:/(\d{1,2})/|-(\d{1,2})-|年(\d{1,2})月|(\d\d))(\d{1,2})日?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?::00)?|(\d{1,4})")
_UPDATE: Final = re.compile(r"(\d{4}/\d{1,2}/\d{1,2}) (\d{1,2}):(\d\d)(?::(\d\d))? ?UPDATE", re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:[eE]\+?[0-9]{1,2})?")
_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_DIGITS: Final = 40
"""Longest number that is looked at."""


def plain(cell: str) -> str:
    """Return what a cell says with full-width forms made ordinary ones and without white space."""
    if not cell.isascii():
        cell = unicodedata.normalize("NFKC", cell).replace("−", "-").replace("‐", "-")
    return "".join(cell.split())


def number(cell: str, line: int, *, grouped: bool = False) -> Decimal | None:
    """Return the number in a cell, None for an empty one; `1.669E+07` is a number.

    `grouped` takes `12,038,000` too; elsewhere `0,123` may be a decimal comma, and is none.
    """
    text = plain(cell)
    if not text or text == "-":
        return None
    if grouped and _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if len(text) > _DIGITS or not _NUMBER.fullmatch(text):
        raise NotANumber(line=line, seen=shown(cell))
    return Decimal(text)


def whole(value: Decimal) -> int:
    """Return kWh without decimals, rounded to the nearest."""
    return int(value.to_integral_value())


def day(cell: str, line: int) -> date:
    """Return the day in a cell: `20250415`, `2025/4/17`, `2025/04/16`, `2025-04-16`, `2025年4月16日`.

    No other order of day and month is guessed: in `4/5/2025` they cannot be told apart.
    """
    found = _DAY.fullmatch(plain(cell))
    if found is None or (found[5] and len(found[6]) != 2):
        raise NotADay(line=line, seen=shown(cell))
    month = next(part for part in found.groups()[1:5] if part)
    try:
        told = date(int(found[1]), int(month), int(found[6]))
    except ValueError as error:
        raise NotADay(line=line, seen=shown(cell)) from error
    if told.year not in YEARS:
        raise NotADay(line=line, seen=shown(cell))
    return told


def minute_of_day(cell: str, line: int) -> int:
    """Return the minute in a cell: `0:30`, `00:30:00`, `0030`, or `30` as a spreadsheet leaves it; 24:00 is 1440."""
    found = _TIME.fullmatch(plain(cell))
    if found is None:
        raise NotATime(line=line, seen=shown(cell))
    hours, minutes = (int(found[1]), int(found[2])) if found[1] else divmod(int(found[3]), 100)
    if minutes > 59 or hours * 60 + minutes > 1440:
        raise NotATime(line=line, seen=shown(cell))
    return hours * 60 + minutes


def kwh(megawatts: Decimal, minutes: int) -> int:
    """Return the energy of a power that holds for so many minutes."""
    return whole(megawatts * 1000 * minutes / 60)


def moment(said: str, line: int) -> datetime:
    """Return a moment as ISO 8601 writes it; by what clock, where it has no offset, is for the caller to say."""
    try:
        told = datetime.fromisoformat(said)
    except ValueError as error:
        raise NotATime(line=line, seen=shown(said)) from error
    if told.year not in YEARS:
        raise NotATime(line=line, seen=shown(said))
    return told


def in_japan(on: date, minute: int) -> datetime:
    """Return a moment of a Japanese day in UTC; Japan's clock never goes forward or back."""
    return (datetime(on.year, on.month, on.day, tzinfo=JAPAN) + timedelta(minutes=minute)).astimezone(UTC)


def updated(text: str) -> datetime | None:
    """Return the moment of a line `2025/4/15 22:51 UPDATE` at the beginning of a Japanese file, UTC."""
    found = _UPDATE.match(unicodedata.normalize("NFKC", text).lstrip())
    if found is None:
        return None
    try:
        return in_japan(day(found[1], 1), minute_of_day(f"{found[2]}:{found[3]}", 1)) + timedelta(
            seconds=min(int(found[4] or 0), 59)
        )
    except Unreadable:
        return None


def shown(cell: str, longest: int = 40) -> str:
    """Return the beginning of a text of a file, for an error; it can be printed and kept whatever it holds."""
    return "".join(sign if sign.isprintable() else " " for sign in cell.strip()[:longest])


def filled(row: Sequence[str], column: int) -> str:
    """Return a cell of a row that may be shorter."""
    return row[column] if column < len(row) else ""
