"""What the building draws beside the outlets, as a meter tells it."""

import math
from collections import deque

SILENT_S = 300.0
"""A meter that tells nothing for so long is silent."""
LAG_S = 10.0
"""A meter of everything shows what an outlet does at most so much later."""
STEADY_W = 100.0
STEADY_SHARE = 0.1
"""The outlets are steady while their power stays within the larger of both."""
STALE_S = 60.0
"""Readings are used after so long even if the outlets were never steady."""


class BuildingMeter:
    """Readings of one meter. Times are of a monotonic clock, s.

    `whole`: it counts the outlets too. What they draw is then taken off, which is only right while that does not change:
    a meter shows a change later than the outlets do, and the difference would be taken for somebody else's.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._rest_w: float | None = None
        self._taken_at = -math.inf
        self._heard_at = -math.inf
        self._outlets: deque[tuple[float, float]] = deque()

    def outlets(self, now: float, power_w: float) -> None:
        """Note what all outlets draw together, W."""
        self._outlets.append((now, power_w))
        # One reading from before stays: what it says held until the next.
        while len(self._outlets) > 1 and self._outlets[1][0] <= now - LAG_S:
            self._outlets.popleft()

    def read(self, now: float, power_w: float | None) -> None:
        """Take a reading of the meter, W; None = it says that it does not know."""
        if power_w is None:
            self._rest_w, self._taken_at, self._heard_at = None, -math.inf, -math.inf
            return
        self._heard_at = now
        if self._whole:
            if self._rest_w is not None and not self._is_steady() and now - self._taken_at < STALE_S:
                return
            power_w -= self._outlets[-1][1] if self._outlets else 0.0
        self._taken_at = now
        # What the building feeds in may be gone in the next moment.
        self._rest_w = max(0.0, power_w)

    def rest_w(self, now: float) -> float | None:
        """Return what the building draws beside the outlets, W; None when the meter is silent."""
        return self._rest_w if now - self._heard_at < SILENT_S else None

    def _is_steady(self) -> bool:
        powers = [power for _, power in self._outlets]
        return not powers or max(powers) - min(powers) <= max(STEADY_W, STEADY_SHARE * max(powers))
