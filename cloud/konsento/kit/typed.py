"""Numbers as people type them."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final
from unicodedata import normalize

_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")

TWO_READINGS: Final = re.compile(r"[+-]?\d{1,3},\d{3}")
"""38,500 is thirty-eight and a half to some and many thousands to others."""
_LONGEST: Final = 20
"""Characters of a number in a field."""


def plain(text: str) -> str:
    """Return a text with half-width digits, letters and signs for the full-width ones of Japanese keyboards."""
    return normalize("NFKC", text).strip()


def without_thousands(text: str) -> str:
    """Return a number without the commas that part its thousands."""
    return _THOUSANDS.sub("", text)


def decimal(text: str) -> Decimal:
    """Read a plain number. Raises ValueError for what is none.

    The point and the comma as decimal sign; with both of them, or several commas, these part the thousands.
    """
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    text = without_thousands(text)
    try:
        # Python's own way of parting thousands.
        number = Decimal(text) if "_" not in text else Decimal("NaN")
    except InvalidOperation:
        raise ValueError("no number") from None
    if not number.is_finite():
        raise ValueError("no number")
    return number


def number(text: str) -> Decimal | None:
    """Return the number in a field, None for what is none; never one with an exponent."""
    # 1e999999 would be reckoned with for a long time. A minus is often typed, or copied, as the longer sign.
    said = plain(text[:_LONGEST]).replace("\u2212", "-")
    if "e" in said.lower():
        return None
    try:
        return decimal(said)
    except ValueError:
        return None
