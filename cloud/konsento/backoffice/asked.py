"""What somebody typed into the filters and forms of the back office, read without ever refusing a page."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from konsento.kit.money import minor_from_major
from konsento.operations.errors import ReasonNeeded

SHORTEST_REASON = 5
LONGEST_REASON = 300


class GivenBack(BaseModel):
    """What a driver is given back, as typed, and why; `once` names the form, so that sent twice it gives once."""

    amount: str = ""
    reason: str = ""
    once: UUID | None = None


def day(text: str, time_zone: str = "UTC", *, following: bool = False) -> datetime | None:
    """Return the moment at which a day (2026-11-23) begins, or `following` the next one; None for what is none."""
    try:
        begin = date.fromisoformat(text) + timedelta(days=1 if following else 0)
    except ValueError, OverflowError:
        return None
    return datetime(begin.year, begin.month, begin.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def moment(text: str, time_zone: str = "UTC") -> datetime | None:
    """Return a moment as a field for it writes it (2026-11-23T09:30), by the clock there; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or ZoneInfo(time_zone)).astimezone(UTC)
    except ValueError, OverflowError:
        return None


def usual_zone(zones: Collection[str], otherwise: str = "UTC") -> str:
    """Return the time zone that most sites have, by whose clock times are typed that belong to no site."""
    in_order = sorted(zones)
    return max(in_order, key=in_order.count) if in_order else otherwise


def number(text: str) -> UUID | None:
    """Return an id, or None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def minor(text: str, currency: str) -> int:
    """Return a typed amount (major units) in minor units; 0 for what is none."""
    try:
        return minor_from_major(Decimal(normalize("NFKC", text).strip().replace(",", "")), currency)
    except InvalidOperation, ValueError, OverflowError:
        return 0


def reason(text: str) -> str:
    """Return why somebody does something, as it goes into the log. Raises `ReasonNeeded`."""
    plain = " ".join(text.split())[:LONGEST_REASON]
    if len(plain) < SHORTEST_REASON:
        raise ReasonNeeded
    return plain
