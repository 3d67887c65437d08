"""What the building draws beside the outlets, as a meter tells it."""

import math
from collections import deque

SILENT_S = 300.0
"""A meter that tells nothing for so long is silent."""
GRACE_S = 30.0
"""One that says that it does not know is believed for so long with what it told last: integrations reload."""
LAG_S = 10.0
"""A meter of everything shows what an outlet does at most so much later."""
STEADY_W = 100.0
STEADY_SHARE = 0.1
"""The outlets are steady while their power stays within the larger of both."""
STALE_S = 60.0
"""A reading is used after so long even if the outlets were never steady."""


class BuildingMeter:
    """Readings of one meter. Times are of a monotonic clock, s.

    `whole`: it counts the outlets too. What they draw is then taken off, which is only right while that does not
    change: a meter shows a change later than the outlets do, and the difference would be taken for somebody else's.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._rest_w: float | None = None
        self._taken_at: float | None = None
        self._heard_at = -math.inf
        self._unknown_since: float | None = None
        self._outlets: deque[tuple[float, float]] = deque()

    def outlets(self, now: float, power_w: float) -> None:
        """Note what all outlets draw together, W."""
        if self._taken_at is None:
            self._taken_at = now
        self._outlets.append((now, power_w))
        # One reading from before stays: what it says held until the next.
        while len(self._outlets) > 1 and self._outlets[1][0] <= now - LAG_S:
            self._outlets.popleft()

    def read(self, now: float, power_w: float | None) -> None:
        """Take a reading of the meter, W; None = it says that it does not know."""
        if power_w is None:
            self._unknown_since = now if self._unknown_since is None else self._unknown_since
            return
        self._unknown_since = None
        self._heard_at = now
        if self._whole:
            if not self._is_steady(now) and now - (now if self._taken_at is None else self._taken_at) < STALE_S:
                return
            power_w -= self._outlets[-1][1] if self._outlets else 0.0
        self._taken_at = now
        # What the building feeds in may be gone in the next moment.
        self._rest_w = max(0.0, power_w)

    def rest_w(self, now: float) -> float | None:
        """Return what the building draws beside the outlets, W; None when the meter is silent."""
        unknown = self._unknown_since is not None and now - self._unknown_since >= GRACE_S
        return None if unknown or now - self._heard_at >= SILENT_S else self._rest_w

    def _is_steady(self, now: float) -> bool:
        if not self._outlets or self._outlets[0][0] > now - LAG_S:
            return False
        powers = [power for _, power in self._outlets]
        return max(powers) - min(powers) <= max(STEADY_W, STEADY_SHARE * max(powers))
