"""How often what is measured becomes a state: each is a row in the recorder's database and a message to browsers."""

import math
from time import monotonic

COUNTS_S = 30.0
"""What merely counts on or trembles is shown so often."""
STEP_W = 20.0
STEP_SHARE = 0.02
"""A change of the power of at least both is a step."""


class Pace:
    """Lets through what happens and every step of the power at once, everything else every COUNTS_S seconds."""

    def __init__(self) -> None:
        self._essence: object = None
        self._power_w = 0.0
        self._let_through = -math.inf

    def is_due(self, essence: object, power_w: float) -> bool:
        """Return whether it is to be shown now; `essence` is what is news when it differs."""
        now = monotonic()
        step = abs(power_w - self._power_w) >= max(STEP_W, STEP_SHARE * self._power_w)
        if not step and essence == self._essence and now - self._let_through < COUNTS_S:
            return False
        self._essence, self._power_w, self._let_through = essence, power_w, now
        return True
