"""Fuel mixes of anywhere else, as CSV: `start` (ISO 8601 with a zone) and a column of MW for each source.

Columns are named as in `slots.SOURCES`; a column `total`, where there is one, has to be their sum. Rows are 15, 30 or
60 minutes apart.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from konsento.environment.computation.mix.slots import SOURCES, Mix, Reading, joined
from konsento.environment.computation.reading import BadFileError, Told, number

_STEPS: Final = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
_TOTAL: Final = "total"
_OFF_MW: Final = Decimal(5)
_OFF_SHARE: Final = Decimal("0.005")


def read(rows: Sequence[Sequence[str]]) -> Mix:
    """Return the mix of a file. Raises BadFileError where the layout is another."""
    names = [cell.strip() for cell in rows[0]] if rows else []
    unknown = [name for name in names[1:] if name not in (*SOURCES, _TOTAL)]
    if not names or names[0] != "start" or unknown or len(names) < 2 or len(set(names)) < len(names):
        raise BadFileError(1, f"the heading has to be start and some of {', '.join(SOURCES)}, total")
    told: list[Told] = []
    readings = []
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            readings.append(_reading(line, names, cells))
        except ValueError as error:
            told.append(Told(row=line, reason="BadRow", detail=str(error), refused=True))
    if not readings:
        raise BadFileError(2, "no row holds values")
    return Mix(slots=joined(readings, _step(readings), told), told=told)


def _reading(line: int, names: Sequence[str], cells: Sequence[str]) -> Reading:
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} cells under {len(names)} headings")
    start = datetime.fromisoformat(cells[0].strip())
    if start.tzinfo is None:
        raise ValueError(f"{cells[0]} has no time zone")
    values = {name: number(cell) for name, cell in zip(names[1:], cells[1:], strict=True)}
    empty = [name for name, value in values.items() if value is None]
    if empty:
        raise ValueError(f"{', '.join(empty)} is empty")
    megawatts = {name: value for name, value in values.items() if value is not None and name != _TOTAL}
    total = values.get(_TOTAL)
    if total is not None and abs(sum(megawatts.values()) - total) > max(_OFF_MW, abs(total) * _OFF_SHARE):
        raise ValueError(f"the sources add up to {sum(megawatts.values())}, not to {total}")
    below = [name for name, value in megawatts.items() if value < 0]
    if below:
        raise ValueError(f"{', '.join(below)} is below zero")
    return Reading(row=line, start=start.astimezone(UTC), megawatts=megawatts)


def _step(readings: Sequence[Reading]) -> timedelta:
    starts = sorted({reading.start for reading in readings})
    step = min((after - before for before, after in pairwise(starts)), default=timedelta(minutes=30))
    if step not in _STEPS:
        raise BadFileError(0, f"rows are {step} apart; 15, 30 and 60 minutes are read")
    return step
