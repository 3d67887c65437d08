"""Group commit: many who wait for a commit of their own share one.

A durable commit takes milliseconds, and takes the same for one row as for hundreds. So whoever has something to keep
puts it into a queue; one worker takes all that waits, keeps it in one go, and then answers each.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from konsento.kit.db import is_away

log = logging.getLogger(__name__)


class TooManyWaitingError(Exception):
    """More waits than the queue takes. Whoever asked may ask again."""


type _Waiting[Item, Answer] = tuple[Item, asyncio.Future[Answer]]


class Batches[Item, Answer]:
    """A bounded queue, and the worker that is there while anything waits in it.

    `keep` is called with the items of a batch, in the order in which they came. It returns the answers to as many of
    the first of them as it wants to keep at once (one at least), when these are kept: the others come again with the
    next batch. Or it raises, having kept none: then the batch is tried again in halves, so that one item which cannot
    be kept fails alone. A database that is away fails all at once: trying each would take long and help nobody.

    After a batch of `many` the next one begins `pause_s` later at least: where many come there are more in each, and
    others want to write, too. Who sends one after the other does not wait.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        most: int,
        most_waiting: int,
        many: int = 20,
        pause_s: float = 0.02,
    ) -> None:
        self._keep = keep
        self._most = most
        self._most_waiting = most_waiting
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._many = many
        self._pause_s = pause_s
        self._next_at = 0.0
        """When the next batch may begin, by the loop's clock."""
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Items that wait for the next batch."""
        return len(self._waiting)

    def put(self, item: Item) -> asyncio.Future[Answer]:
        """Have an item kept with the next batch; the future is done when it is. Raises TooManyWaitingError."""
        if len(self._waiting) >= self._most_waiting:
            raise TooManyWaitingError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = loop.create_task(self._work(), name="batches")
        return future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # At least once to the loop: first the answers go out, and what they lead to is in the next batch.
                await asyncio.sleep(max(0.0, self._next_at - loop.time()))
                batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                self._next_at = loop.time() + self._pause_s if len(batch) >= self._many else 0.0
                await self._take(batch)
        finally:
            self._worker = None

    async def _take(self, batch: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = await self._keep([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, each of them hears of it
            if len(batch) > 1 and not is_away(error):
                log.warning("a batch of %d was not kept (%s); trying it in halves", len(batch), type(error).__name__)
                half = len(batch) // 2
                await self._take(batch[:half])
                await self._take(batch[half:])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), answer in zip(batch, answers, strict=False):
            if not future.done():
                future.set_result(answer)
        self._waiting.extendleft(reversed(batch[len(answers) :]))
