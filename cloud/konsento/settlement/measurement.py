"""How much energy a session's meter events prove: pure, and the same whatever the order in which they arrived.

A register reading counts only where it cannot harm the driver:
- one below an earlier one is ignored (a meter never runs backwards, and a meter that started anew has lost its past);
- one above an earlier one by more than the outlet can supply in the time between is ignored;
- a zero at the start that is followed by such a jump is a placeholder, and the session begins at the next reading;
- an event without energy changes nothing.
So what is counted is never more than the last accepted register less the first one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

PLAUSIBLE_PER_MILLE: Final = 1500
"""More than this share of its rating no outlet supplies: its breaker opens before."""
ALLOWANCE_MWH: Final = 10_000
"""Readings and their times are taken one after the other; 10 Wh are beyond any such difference."""

STARTED: Final = "Started"
"""OCPP's word for the first event of a transaction."""


class Reading(Protocol):
    """What is read of a meter event."""

    seq_no: int
    event_type: str
    at: datetime
    seconds: int | None
    begin_mwh: int | None
    register_mwh: int | None


class Point(NamedTuple):
    """A register reading."""

    mwh: int
    at: datetime
    """By the site's clock."""
    seconds: int | None
    """Of supply, by the site's count."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What the events of one session prove."""

    points: tuple[Point, ...]
    """The readings that count, in order; none where no energy was reported at all."""
    doubtful: int
    """How many readings were ignored: something for the operator to look at."""

    @property
    def first(self) -> Point | None:
        """The first reading that counts; None where no energy was reported at all."""
        return self.points[0] if self.points else None

    @property
    def last(self) -> Point | None:
        """The last reading that counts."""
        return self.points[-1] if self.points else None

    @property
    def begin_mwh(self) -> int | None:
        """The register at the start."""
        return self.first.mwh if self.first is not None else None

    @property
    def end_mwh(self) -> int | None:
        """The register at the end."""
        return self.last.mwh if self.last is not None else None

    @property
    def mwh(self) -> int:
        """The measured energy."""
        return self.last.mwh - self.first.mwh if self.first is not None and self.last is not None else 0


def measure(events: Iterable[Reading], rated_w: int) -> Measurement:
    """Return what the events prove for an outlet of that rating, W. Their order does not matter."""
    points: list[Point] = []
    doubtful = 0
    for point in _points(events):
        if not points or counts(points[-1], point, rated_w):
            points.append(point)
        else:
            doubtful += 1
            if len(points) == 1 and points[0].mwh == 0:
                points = [point]
    return Measurement(points=tuple(points), doubtful=doubtful)


def counts(before: Point, after: Point, rated_w: int) -> bool:
    """Tell whether a reading counts after the last one that did: it is not below it, nor above what can have flowed."""
    return 0 <= after.mwh - before.mwh <= _most(before, after, rated_w)


def missing(events: Iterable[Reading]) -> bool:
    """Tell whether the event that began the session, or one between it and the last that arrived, is missing."""
    ordered = sorted(events, key=lambda event: event.seq_no)
    if not ordered or ordered[0].event_type != STARTED:
        return True
    return any(after.seq_no - before.seq_no > 1 for before, after in pairwise(ordered))


def _points(events: Iterable[Reading]) -> Iterable[Point]:
    ordered = sorted(events, key=lambda event: event.seq_no)
    begin = next((event for event in ordered if event.begin_mwh is not None), None)
    if begin is not None and begin.begin_mwh is not None:
        # A site may name the first register only in its last event; it belongs to the time of the first one.
        yield Point(begin.begin_mwh, ordered[0].at, 0 if begin is not ordered[0] else begin.seconds)
    for event in ordered:
        if event.register_mwh is not None:
            yield Point(event.register_mwh, event.at, event.seconds)


def _most(before: Point, after: Point, rated_w: int) -> int:
    elapsed_s = (after.at - before.at).total_seconds()
    if before.seconds is not None and after.seconds is not None:
        # The site's clock may have been set meanwhile; its count of seconds was not.
        elapsed_s = max(elapsed_s, after.seconds - before.seconds)
    # W × s × 1000 / 3600 = mWh, and the thousand is in the share.
    return rated_w * PLAUSIBLE_PER_MILLE * int(max(0.0, elapsed_s) + 1) // 3600 + ALLOWANCE_MWH
