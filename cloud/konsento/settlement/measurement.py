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
from decimal import Decimal
from itertools import pairwise
from typing import Final, Protocol

PLAUSIBLE_POWER: Final = Decimal("1.5")
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


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What the events of one session prove."""

    begin_mwh: int | None
    """The first register that counts; None where no energy was reported at all."""
    end_mwh: int | None
    doubtful: int
    """How many readings were ignored: something for the operator to look at."""

    @property
    def mwh(self) -> int:
        """The measured energy."""
        return self.end_mwh - self.begin_mwh if self.begin_mwh is not None and self.end_mwh is not None else 0


@dataclass(frozen=True)
class _Point:
    mwh: int
    at: datetime
    seconds: int | None


def measure(events: Iterable[Reading], rated_w: int) -> Measurement:
    """Return what the events prove for an outlet of that rating, W. Their order does not matter."""
    first: _Point | None = None
    last: _Point | None = None
    doubtful = 0
    for point in _points(events):
        if first is None or last is None:
            first = last = point
        elif point.mwh < last.mwh:
            doubtful += 1
        elif point.mwh - last.mwh > _most(last, point, rated_w):
            doubtful += 1
            if last is first and first.mwh == 0:
                first = last = point
        else:
            last = point
    return Measurement(begin_mwh=first.mwh if first else None, end_mwh=last.mwh if last else None, doubtful=doubtful)


def missing(events: Iterable[Reading]) -> bool:
    """Tell whether the event that began the session, or one between it and the last that arrived, is missing."""
    ordered = sorted(events, key=lambda event: event.seq_no)
    if not ordered or ordered[0].event_type != STARTED:
        return True
    return any(after.seq_no - before.seq_no > 1 for before, after in pairwise(ordered))


def _points(events: Iterable[Reading]) -> Iterable[_Point]:
    ordered = sorted(events, key=lambda event: event.seq_no)
    begin = next((event for event in ordered if event.begin_mwh is not None), None)
    if begin is not None and begin.begin_mwh is not None:
        # A site may name the first register only in its last event; it belongs to the time of the first one.
        yield _Point(begin.begin_mwh, ordered[0].at, 0 if begin is not ordered[0] else begin.seconds)
    for event in ordered:
        if event.register_mwh is not None:
            yield _Point(event.register_mwh, event.at, event.seconds)


def _most(before: _Point, after: _Point, rated_w: int) -> int:
    elapsed_s = (after.at - before.at).total_seconds()
    if before.seconds is not None and after.seconds is not None:
        # The site's clock may have been set meanwhile; its count of seconds was not.
        elapsed_s = max(elapsed_s, after.seconds - before.seconds)
    # W × s × 1000 / 3600 = mWh
    return int(rated_w * PLAUSIBLE_POWER * 1000 * int(max(0.0, elapsed_s) + 1) / 3600) + ALLOWANCE_MWH
