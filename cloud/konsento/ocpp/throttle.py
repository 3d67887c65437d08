"""A brake on guessing passwords."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Throttle:
    """Counts failures per key in a window of seconds; at the limit the key is blocked until the window is over.

    Keeps at most `max_keys` keys (the oldest are forgotten), so that made-up names cannot fill the memory.
    """

    def __init__(
        self,
        limit: int,
        window_s: float,
        *,
        max_keys: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._max_keys = max_keys
        self._now = now
        self._failures: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def blocked_s(self, key: Hashable) -> float:
        """Return for how many seconds the key stays blocked; 0 if it is not."""
        since, count = self._failures.get(key, (0.0, 0))
        return max(0.0, since + self._window_s - self._now()) if count >= self._limit else 0.0

    def fail(self, key: Hashable) -> None:
        """Count a failure."""
        now = self._now()
        since, count = self._failures.pop(key, (now, 0))
        if now - since >= self._window_s:
            since, count = now, 0
        self._failures[key] = (since, count + 1)
        while len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)

    def succeed(self, key: Hashable) -> None:
        """Forget the failures of the key."""
        self._failures.pop(key, None)
