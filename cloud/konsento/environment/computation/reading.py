"""What the readers of files share: encodings, numbers as people publish them, and what is told about rows."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Final

from konsento.kit.errors import KonsentoError

LARGEST_FILE: Final = 32_000_000
"""Bytes; a year of half hours of one area is below 3 MB."""


class BadFileError(KonsentoError):
    """A file is none that can be read as a whole; nothing of it was taken."""

    status: ClassVar[int] = 422
    message: ClassVar[str] = "Nothing was imported. Row {row}: {why}"

    def __init__(self, row: int, why: str) -> None:
        super().__init__(row=str(row), why=why)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something that the person who imports a file should know about one of its rows."""

    row: int
    """Line of the file or row of the sheet, from 1; 0 for the whole file."""
    reason: str
    """One word, the same for the same thing."""
    detail: str
    refused: bool = False
    """The row was left out; otherwise it was taken, mended by a stated rule."""


def decoded(raw: bytes) -> str:
    """Return the text of a file in UTF-8, with or without a mark, or in Windows' Shift JIS (cp932)."""
    if len(raw) > LARGEST_FILE:
        raise BadFileError(0, f"the file is larger than {LARGEST_FILE // 1_000_000} MB")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw[:4096]:
        raise BadFileError(1, "this is UTF-16 or no text at all; UTF-8 and Shift JIS (cp932) are read")
    failed_at = 0
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            failed_at = raw.count(b"\n", 0, error.start) + 1
    raise BadFileError(failed_at, "this is neither UTF-8 nor Shift JIS (cp932)")


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of a CSV file."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadFileError(0, f"this is no CSV file: {error}") from error


def plain(cell: object) -> str:
    """Return what a cell says with full-width forms made ordinary ones and without white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", "" if cell is None else str(cell)))


def number(cell: str) -> Decimal | None:
    """Return the number in a cell, None for an empty one; ValueError for anything else. 1,234 and 1e3 are numbers."""
    text = plain(cell).replace("−", "-").replace(",", "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{cell!r} is no number") from error
    if not value.is_finite():
        raise ValueError(f"{cell!r} is no number")
    return value


def columns(cells: Sequence[object], wanted: dict[str, str]) -> dict[str, int] | None:
    """Return where the columns of a header stand, by their names; None where one of them is missing.

    `wanted` maps a name to the text that its heading has to contain.
    """
    headings = [plain(cell) for cell in cells]
    found: dict[str, int] = {}
    for name, text in wanted.items():
        index = next((i for i, heading in enumerate(headings) if text in heading), None)
        if index is None:
            return None
        found[name] = index
    return found
