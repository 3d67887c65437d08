"""Tables as files for a spreadsheet: written while they are read, so that their length does not matter."""

import csv
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Final
from zoneinfo import ZoneInfo

from starlette.responses import Response, StreamingResponse

from konsento.kit.i18n import Language

type Rows = Iterable[Sequence[object]]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), some of full-width signs too."""
_NUMBER: Final = re.compile(r"\s*\d[\d.,]*(?:[eE]\d+)?\s*")


def csv_file(name: str, columns: Sequence[str], parts: AsyncIterable[Rows]) -> Response:
    """Return a CSV file (RFC 4180, UTF-8 with a mark that spreadsheets look for)."""
    return StreamingResponse(
        _text(columns, parts),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def headings(language: Language, columns: Iterable[str]) -> list[str]:
    """Return the names of columns as the reader calls them."""
    return [language.text(name) for name in columns]


def local(at: datetime | None, time_zone: str = "UTC") -> str:
    """Return a moment as the clock there shows it, in a form that spreadsheets take for a time; empty for none."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


async def _text(columns: Sequence[str], parts: AsyncIterable[Rows]) -> AsyncIterator[str]:
    yield "\ufeff" + _lines([columns])
    async for rows in parts:
        yield _lines(rows)


def _lines(rows: Rows) -> str:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"  # never 1E+3
    text = "" if value is None else str(value)
    if not isinstance(value, str):
        return text
    # A spreadsheet would take what a person typed for a formula, and a name of many digits for a rounded number.
    return f"'{text}" if text.startswith(_FORMULA) or _NUMBER.fullmatch(text) else text
