"""News: whoever waits for a key is woken when something about it has changed, in this process or in another."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import batched
from typing import Final
from uuid import UUID

from konsento.kit.nats import Nats

SUBJECT: Final = "konsento.changed"
TELL_EVERY_S: Final = 0.25
"""However much happens, other processes are told at most so often: all that has changed, in one message."""
MOST_KEYS: Final = 16_384
"""In one message; a key takes 16 bytes, a message may have a mebibyte."""
LOOK_EVERY_S: Final = 3.0
"""While other processes cannot be heard, whoever waits is woken so often, to look."""


class Bus:
    """Wakes those who wait. Carries no data: the woken one reads what is true now."""

    def __init__(self) -> None:
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)

    def publish(self, key: UUID) -> None:
        """Wake everyone who listens to `key`."""
        for waiting in self._waiting.get(key, ()):
            waiting.set()

    @asynccontextmanager
    async def listening(self, key: UUID) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set at every `publish`; the listener clears it before it reads."""
        woken = asyncio.Event()
        self._waiting[key].add(woken)
        try:
            yield woken
        finally:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]

    def wake_all(self) -> None:
        """Wake everyone."""
        for key in list(self._waiting):
            Bus.publish(self, key)


class NatsBus(Bus):
    """Also wakes those who wait in other processes."""

    def __init__(self, nats: Nats) -> None:
        super().__init__()
        self._nats = nats
        self._changed: set[UUID] = set()
        self._telling: asyncio.Task[None] | None = None
        nats.listen(SUBJECT, self._heard)
        nats.when_up(self.wake_all)

    def publish(self, key: UUID) -> None:
        """Wake everyone who listens to `key`; in other processes a quarter of a second later at most."""
        super().publish(key)
        if not self._nats.connected:
            return
        self._changed.add(key)
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def run(self) -> None:
        """While NATS is away, have everyone look from time to time; until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self._nats.connected:
                self.wake_all()

    async def _tell(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, set()
                for some in batched(changed, MOST_KEYS, strict=False):
                    await self._nats.publish(SUBJECT, b"".join(key.bytes for key in some))
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            self._telling = None

    async def _heard(self, content: bytes) -> None:
        # What this process said itself comes back as well; it finds nobody who has not been woken.
        for start in range(0, len(content) - 15, 16):
            super().publish(UUID(bytes=content[start : start + 16]))
