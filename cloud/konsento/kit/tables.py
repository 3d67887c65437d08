"""Tables as text for a spreadsheet (RFC 4180)."""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Final

MARK: Final = "\ufeff"
"""What spreadsheets look for at the beginning of UTF-8."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), some of full-width signs too."""
_NUMBER: Final = re.compile(r"\s*\d[\d.,]*(?:[eE]\d+)?\s*")


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as lines; numbers keep all their digits, and what a person typed stays text."""
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
