"""How late a measuring program itself is."""

import asyncio
from time import monotonic


class Lag:
    """How late this program's own loop is: a state may have waited so long before its arrival was noted."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []
        self.worst = 0.0

    async def watch(self) -> None:
        """Measure for ever."""
        pause = 0.01
        while True:
            began = monotonic()
            await asyncio.sleep(pause)
            late = monotonic() - began - pause
            self.worst = max(self.worst, late)
            self._seen = [*(each for each in self._seen if each[0] > began - 3), (began, late)]

    def lately(self) -> float:
        """Return the worst of the last 3 s, in s."""
        return max((late for _, late in self._seen), default=0.0)
