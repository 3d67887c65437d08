"""The fuel mix of one area in half hours, whatever file it came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Final

from konsento.environment.computation.reading import Told

HALF_HOUR: Final = timedelta(minutes=30)
GENERATED: Final = (
    "solar", "wind", "hydro", "geothermal", "biomass", "nuclear", "gas", "coal", "oil", "other",
)  # fmt: skip
IMPORTED: Final = "import"
STORED: Final = "storage"
"""What pumped hydro and batteries give back."""
SOURCES: Final = (*GENERATED, IMPORTED, STORED)


@dataclass(frozen=True, kw_only=True)
class MixSlot:
    """What fed an area's grid in one half hour."""

    start: datetime
    """UTC, on the half hour."""
    kwh: Mapping[str, int]
    """By source, none below zero; what was exported, pumped or loaded is not subtracted: it has the same mix."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What a file says about one area."""

    slots: Sequence[MixSlot]
    """In order of time, each half hour once."""
    told: Sequence[Told] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Average powers over a stretch of time, from one row."""

    row: int
    start: datetime
    megawatts: Mapping[str, Decimal]


def joined(readings: Iterable[Reading], step: timedelta, told: list[Told]) -> list[MixSlot]:
    """Return half hours from readings of 15, 30 or 60 minutes, told about what is missing, repeated or re-issued.

    The later row of a time wins. A half hour that is not wholly covered is left out, and nothing is guessed for it.
    """
    by_start: dict[datetime, Reading] = {}
    for reading in readings:
        if reading.start.timestamp() % step.total_seconds():
            detail = f"{reading.start.isoformat()} is no beginning of {step.seconds // 60} minutes"
            told.append(Told(row=reading.row, reason="OffTheClock", detail=detail, refused=True))
            continue
        start = reading.start.astimezone(UTC)
        earlier = by_start.get(start)
        if earlier is not None:
            same = earlier.megawatts == reading.megawatts
            detail = f"the same time as row {earlier.row}, " + ("with the same values" if same else "this row counts")
            told.append(Told(row=reading.row, reason="Repeated" if same else "Reissued", detail=detail))
        by_start[start] = reading
    ordered = sorted(by_start)
    for before, after in pairwise(ordered):
        if after - before > step:
            detail = f"nothing from {(before + step).isoformat()} to {after.isoformat()}"
            told.append(Told(row=by_start[after].row, reason="Missing", detail=detail))
    return _half_hours(by_start, step)


def _half_hours(by_start: Mapping[datetime, Reading], step: timedelta) -> list[MixSlot]:
    pieces = max(1, HALF_HOUR // step)
    slots = []
    for start in sorted(by_start):
        if step >= HALF_HOUR:
            parts = [by_start[start].megawatts]
            starts = [start + n * HALF_HOUR for n in range(step // HALF_HOUR)]
        else:
            if start.timestamp() % HALF_HOUR.total_seconds():
                continue
            covered = [by_start.get(start + n * step) for n in range(pieces)]
            parts = [reading.megawatts for reading in covered if reading is not None]
            starts = [start] if len(parts) == pieces else []
        kwh = {s: _kwh([part.get(s, Decimal(0)) for part in parts]) for s in SOURCES}
        kwh = {source: value for source, value in kwh.items() if value}
        slots += [MixSlot(start=s, kwh=kwh) for s in starts]
    return slots


def _kwh(megawatts: Sequence[Decimal]) -> int:
    mean = sum((max(value, Decimal(0)) for value in megawatts), Decimal(0)) / len(megawatts)
    return int((mean * 500).to_integral_value(rounding=ROUND_HALF_EVEN))
