"""Values of JSON documents whose shape is not to be relied on. Numbers are text there, so that no digit is lost."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from konsento.grid.readers import cells


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Give the objects of a list, or the only object that stands in place of a list."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def text(value: Any) -> str:
    """Return a text or number; empty for anything else."""
    return value if isinstance(value, str) else ""


def decimal(value: Any, place: int) -> Decimal | None:
    """Return a number, None for null. Raises NotANumber for anything else."""
    if value is None:
        return None
    return cells.number(value if isinstance(value, str) else repr(value), place)


def moment(value: Any, place: int) -> datetime:
    """Return a moment in UTC; one without an offset is in UTC. Raises NotATime."""
    told = cells.moment(text(value), place)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
