"""News of due work: a process that works it off hears at once of what another one has added."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from konsento.kit.nats import Nats
from konsento.kit.work import WorkQueue

SUBJECT: Final = "konsento.work"
TELL_EVERY_S: Final = 0.05
"""However much is added, the others are told at most so often: when the first of it is due."""


class WorkNews:
    """Tells other processes of new work, or hears of theirs. What is not heard is found at the next look."""

    def __init__(self, nats: Nats, queue: WorkQueue, *, works: bool) -> None:
        self._nats = nats
        self._queue = queue
        self._first: datetime | None = None
        self._telling: asyncio.Task[None] | None = None
        if works:
            nats.listen(SUBJECT, self._heard)
            nats.when_up(queue.wake)
        else:
            queue.tell_others = self._tell

    def _tell(self, due_at: datetime) -> None:
        if not self._nats.connected:
            return
        self._first = due_at if self._first is None else min(self._first, due_at)
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        try:
            while self._first is not None:
                first, self._first = self._first, None
                await self._nats.publish(SUBJECT, str(first.timestamp()).encode())
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            self._telling = None

    async def _heard(self, content: bytes) -> None:
        self._queue.wake_for(datetime.fromtimestamp(float(content), UTC))
