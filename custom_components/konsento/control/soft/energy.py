"""Energy of a plain outlet: from its meter's counter, or from its power, or from both.

With a counter, the counter alone is billed. The power, or without one the pace of the counter's own steps, tells how
far the next step is, so that a limit is kept between two of them. Without a counter, the power is multiplied with the
time between readings, as if it changed in a straight line. Over a silence of more than LONGEST_GAP_S that is not done:
what may have flowed is doubtful. It is not billed, but it counts against the limit.
"""

from dataclasses import dataclass
from typing import Any

LONGEST_GAP_S = 10.0
"""Power is multiplied with the time between two readings of at most this distance."""
MOST_W = 10_000.0
"""No outlet gives more: a counter that rises faster has leapt."""
COARSEST_MWH = 25_000
"""A counter may move by so much at once: more than the step of a counter of hundredths of a kWh."""
_TOLERANCE = 0.1
_ON_ITS_WAY_S = 1.0
"""A reading is so much older than the moment at which it is heard."""
_J_PER_MWH = 3.6


@dataclass(frozen=True, slots=True)
class Flow:
    """Energy in mWh."""

    measured: float = 0.0
    """What the meter says has flowed."""
    counted: float = 0.0
    """What of it belongs to the supply."""
    doubtful: float = 0.0
    """What may have flowed besides."""


class SoftEnergy:
    """Counts from one reading to the next. Times are seconds of a clock that never steps back."""

    def __init__(self, *, has_power: bool, has_counter: bool) -> None:
        self._has_power = has_power
        self._has_counter = has_counter
        self._closed = False
        self._closed_at = 0.0
        self._until = 0.0
        """Up to when the power was taken into account, without a power meter the moment of the last step."""
        self._power_w = 0.0
        self._load_w: float | None = None
        """The power while the relay was closed last; None before a session's first reading."""
        self._unjudged_s = 0.0
        """For how long supply may have gone on unseen before it."""
        self._seen = False
        """Whether the power of this supply was read; without a power meter, whether the counter has stepped in it."""
        self._peak_w = 0.0
        self._total: int | None = None
        self._heard_at = 0.0
        self._odd: tuple[int, float] | None = None
        """A reading that cannot be, and when: followed only when the next one agrees with it."""
        self._estimated = 0.0
        """Since the last step, as the power tells."""
        self._since_heard = 0.0
        """The part of it since the counter was last heard."""
        self._finest: int | None = None
        self._step = 0
        self._pace_w = 0.0
        self._first = False
        """Whether the next step is the first of a session: part of it belongs to the time before."""
        self._first_settled = True
        """Whether the counter was heard before that session began: then it is less than a step that is of before."""
        self._settled = True
        """Whether the counter was heard since the relay last opened."""
        self._connecting = False
        """Whether the next reading may be an old one, said again to who has just connected."""
        self._gap = 0.0
        """What may have flowed while nobody was there, until the counter tells."""

    # --- over a kill

    def memory(self, *, fresh: bool) -> dict[str, Any]:
        """Return what has to outlive a kill; `fresh`: as if another session's supply began now."""
        return {
            "total": self._total,
            "finest": self._finest,
            "load_w": None if fresh else self._load_w,
            "unjudged_s": 0.0 if fresh else self._unjudged_s,
            "pace_w": self._pace_w,
            "settled": self._settled,
            "first": not self._settled if fresh else self._first and not self._first_settled,
        }

    def restore(self, memory: dict[str, Any], saved_at: float) -> None:
        """Go on from what `memory` had returned at `saved_at`."""
        self._total, self._finest = memory["total"], memory["finest"]
        self._load_w, self._pace_w = memory["load_w"], memory["pace_w"]
        self._unjudged_s = memory["unjudged_s"]
        self._settled, self._first = memory["settled"], memory["first"]
        self._first_settled = not self._first
        self._heard_at = saved_at
        self.connecting()

    def unwatched(self, seconds: float) -> Flow:
        """Supply may have gone on for so long without anybody looking."""
        load = self._load_w if self._has_power else self._pace_w
        if self._has_counter:
            self._gap = (load or 0.0) * seconds / _J_PER_MWH
        elif load is not None:
            return Flow(doubtful=load * seconds / _J_PER_MWH)
        else:
            self._unjudged_s += seconds
        return Flow()

    def connecting(self) -> None:
        """Expect the device to say its last reading again, however old that is."""
        self._connecting = True

    # --- the relay

    def close(self, now: float, *, fresh: bool) -> None:
        """Begin a supply; `fresh`: of another session than the one before."""
        self._closed = True
        self._closed_at = self._until = now
        self._seen = False
        self._peak_w = 0.0
        self._pace_w = 0.0
        if fresh:
            self._estimated = self._since_heard = self._gap = self._unjudged_s = 0.0
            self._load_w = None
            self._first = True
            self._first_settled = self._settled
        elif self._first_settled:
            self._first = False

    def adopt(self, since: float, now: float) -> None:
        """Go on with a supply that nobody has watched since `since`."""
        self.close(now, fresh=False)
        self._closed_at = since

    def open(self, now: float) -> Flow:
        """End a supply: without a counter, what has flowed since the last reading counts now."""
        if not self._closed:
            return Flow()
        pending = self._since_reading(now)
        near = now - self._until <= LONGEST_GAP_S
        self._estimate(now)
        self._closed = False
        self._settled = False
        if self._has_counter:
            return Flow()
        self._estimated = 0.0
        return Flow(pending, pending) if near else Flow(doubtful=pending)

    def _estimate(self, now: float) -> None:
        """Note what has flowed up to now, as far as can be told without another reading."""
        since = self._since_reading(now)
        self._estimated += since
        self._since_heard += since
        if self._seen:
            self._until = now

    # --- the meter

    def power(self, watts: float, now: float) -> Flow:
        """Take a reading of the power."""
        first, before = not self._seen, self._power_w if self._seen else 0.0
        self._power_w = watts
        if not self._closed:
            return Flow()
        elapsed = now - self._until
        self._until = now
        self._seen = True
        self._peak_w = max(self._peak_w, watts)
        unjudged = 0.0
        if not first or elapsed > _ON_ITS_WAY_S:  # or it may be from before the relay had closed
            self._load_w = watts
            unjudged, self._unjudged_s = watts * self._unjudged_s / _J_PER_MWH, 0.0
        most = max(before, watts) * elapsed / _J_PER_MWH
        mean = (before + watts) / 2 * elapsed / _J_PER_MWH
        near = elapsed <= LONGEST_GAP_S
        if self._has_counter:
            self._estimated += mean if near and not first else most
            self._since_heard += mean if near and not first else most
            return Flow()
        if not near:
            return Flow(doubtful=most + unjudged)
        # When the load began, after the relay had closed, nobody has seen.
        return Flow(mean, mean, (most - mean if first else 0.0) + unjudged)

    def counter(self, total: int, now: float) -> Flow | None:
        """Take a reading of the counter, mWh; None when it is none."""
        if total < 0 or (total == 0 and self._total and self._closed):
            # Devices say 0 while they start, before they have remembered; behind an open relay nothing is lost by it.
            return None
        if self._total is None:
            self._follow(total, now)
            return Flow()
        if not _follows(self._total, total, now - self._heard_at):
            odd, self._odd = self._odd, (total, now)
            if odd is None or not _follows(odd[0], total, now - odd[1]):
                return None
            return self._begin_again(total, total - odd[0], now)
        if self._has_power:
            self._estimate(now)
        step = total - self._total
        counted = self._take(step, now) if step else 0.0
        gap = self._gap if self._connecting and not step else 0.0
        self._follow(total, now)
        self._gap = gap
        return Flow(step, counted)

    def _take(self, step: int, now: float) -> float:
        """Return what of a step belongs to the supply."""
        counted = min(float(step), self._most_of_first(now)) if self._first else float(step)
        self._first = False
        self._finest = min(step, self._finest or step)
        self._step = step
        if self._has_power:
            # The step was somewhere since the counter was last heard: no more than that, and less than another step,
            # can have come after it.
            rest = max(0.0, self._estimated - step)
            self._estimated = min(rest, self._since_heard, float(self._finest))
        else:
            # The first step after the closing is partly of the time before.
            paced = self._seen and now > self._until
            self._pace_w = min(MOST_W, step * _J_PER_MWH / (now - self._until)) if paced else 0.0
            self._estimated = 0.0
            self._until = now
            self._seen = self._closed
        return counted

    def _most_of_first(self, now: float) -> float:
        if self._has_power and self._seen:
            return self._peak_w * (now - self._closed_at) / _J_PER_MWH
        return float("inf") if self._first_settled else 0.0

    def _begin_again(self, total: int, added: int, now: float) -> Flow:
        """Follow a counter that has started again or leapt; what the power told about the time before is doubtful."""
        doubtful = max(0.0, self.pending(now) - added)
        self._estimated = self._pace_w = 0.0
        self._until = now
        self._first = False
        self._follow(total, now)
        return Flow(added, added, doubtful)

    def _follow(self, total: int, now: float) -> None:
        self._total = total
        self._heard_at = now
        self._odd = None
        self._gap = self._since_heard = 0.0
        if not self._closed and not self._connecting:
            self._settled = True
        self._connecting = False

    def unheard(self, now: float) -> float:
        """Return what can have flowed since the counter was last heard, mWh."""
        load = (self._peak_w if self._has_power else self._pace_w) or MOST_W
        return load * (1 + _TOLERANCE) * (now - max(self._heard_at, self._closed_at) + _ON_ITS_WAY_S) / _J_PER_MWH + (
            self._finest or 0
        )

    def doubt(self) -> Flow:
        """Give up waiting for a counter that stands still: what the power has told stays doubtful."""
        flow = Flow(doubtful=self._estimated)
        self._estimated = 0.0
        return flow

    # --- what is so

    @property
    def settled(self) -> bool:
        """Whether the counter was heard since the relay last opened; True without a counter."""
        return self._settled or not self._has_counter

    def load_w(self, now: float) -> float:
        """Return the power, as the meter told it last or as the counter's steps tell it."""
        if self._has_power:
            return self._power_w
        if not self._closed or now <= self._until:
            return self._pace_w if self._closed else 0.0
        return min(self._pace_w, self._step * _J_PER_MWH / (now - self._until))

    def _since_reading(self, now: float) -> float:
        if not self._closed or not self._seen:
            return 0.0
        if self._has_power:
            return self._power_w * (now - self._until) / _J_PER_MWH
        # A steady load would have made the next step by then.
        return min(self._pace_w * (now - self._until) / _J_PER_MWH, float(self._step))

    def pending(self, now: float) -> float:
        """Return what has flowed, as far as can be told, and is not counted yet, mWh."""
        return max(0.0, self._estimated + self._since_reading(now)) + self._gap

    def reaches(self, left: float, now: float) -> float | None:
        """Return when `pending` will be `left` mWh if the load stays as it is; None when it will not."""
        missing = left - self.pending(now)
        load = self._power_w if self._has_power else self._pace_w
        if missing <= 0:
            return now
        if not self._closed or not self._seen or load <= 0:
            return None
        if not self._has_power and self._since_reading(now) + missing > self._step:
            return None
        return now + missing * _J_PER_MWH / load


def _follows(before: int, after: int, seconds: float) -> bool:
    return 0 <= after - before <= COARSEST_MWH + MOST_W * seconds / _J_PER_MWH
