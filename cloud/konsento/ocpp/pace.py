"""How fast one socket is read: a flood of one station is slowed down, so that it does not cost the others."""

import asyncio
from time import monotonic
from typing import Final

IN_A_ROW: Final = 16
"""Frames that one socket may have taken before the others get a turn."""
COUNTS_ONCE: Final = 1024
"""Characters; a frame counts once more for each of them."""


class Pace:
    """Lets `burst` frames through at once and then `per_s` a second; what comes faster waits in the peer's socket.

    A station waits for the answer to each of its calls, so none that speaks OCPP comes near it.
    """

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at = monotonic()
        self._in_a_row = 0

    def due(self, size: int) -> bool:
        """Count a frame of so many characters; tells whether `rest` is due before the next one."""
        # A large one takes long to read, above all one that is made for it: brackets in brackets.
        self._in_a_row += 1 + size // COUNTS_ONCE
        return self._in_a_row >= IN_A_ROW

    async def rest(self) -> None:
        """Give the others a turn, and wait until the next frame may be taken."""
        now = monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s) - self._in_a_row
        self._at, self._in_a_row = now, 0
        # Buffered frames are read without suspending: without this others would wait for all of them.
        await asyncio.sleep(0 if self._left >= 0 else -self._left / self._per_s)
