"""News inside one process: whoever waits for a key is woken when something about it has changed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Bus:
    """Wakes those who wait. Carries no data: the woken one reads what is true now."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Event]] = defaultdict(set)

    def publish(self, key: Hashable) -> None:
        """Wake everyone who listens to `key`."""
        for waiting in self._waiting.get(key, ()):
            waiting.set()

    @asynccontextmanager
    async def listening(self, key: Hashable) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set at every `publish`; the listener clears it before it reads."""
        woken = asyncio.Event()
        self._waiting[key].add(woken)
        try:
            yield woken
        finally:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]
