"""How a bill is called, and how a transfer names it."""

import re
from zoneinfo import ZoneInfo

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

from konsento.models import Bill


def label(bill: Bill) -> str:
    """Return the number as it is printed: `B-2026-000123`."""
    return f"B-{bill.issued_at.astimezone(ZoneInfo(bill.time_zone)).year}-{bill.number:06}"


def reference(bill: Bill) -> str:
    """Return the creditor reference of ISO 11649, whose two digits after RF find most slips of the pen."""
    digits = f"{bill.number:09}"
    # The standard moves `RF` and the digits behind the number before it divides.
    return f"RF{mod_97_10.calc_check_digits(digits + 'RF')}{digits}"


def written_reference(bill: Bill) -> str:
    """Return the reference in groups of four, as it is printed."""
    return iso11649.format(reference(bill))


def number_in(text: str) -> int | None:
    """Return the number that somebody typed from a bank's statement: label, reference or sender; None for none."""
    text = iso11649.compact(text)
    if iso11649.is_valid(text):
        return int(text[4:]) if text[4:].isdecimal() else None
    digits = re.search(r"\d{1,18}(?=\D*$)", text)
    number = digits[0] if digits else ""
    # A label without its signs: the year, then the number.
    return int(number[4:] if re.match(r"B\d{10}", text) else number) if number else None
