"""Waiting for something that is told by callbacks."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes those who wait for a condition once it was fulfilled.

    Conditions are looked at with each change, not only when those who wait get their turn: on a busy machine several
    changes come at once, and what was true between them has been seen all the same.
    """

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def told(self) -> None:
        """Say that something has changed."""
        for waiting, condition in self._waiting.items():
            if waiting.done():
                continue
            try:
                is_fulfilled = condition()
            except Exception as error:  # noqa: BLE001  # it is of the one who waits, and goes there
                waiting.set_exception(error)
            else:
                if is_fulfilled:
                    waiting.set_result(None)

    async def until(self, condition: Callable[[], bool], patience: float) -> None:
        """Wait until a condition is, or for a moment was, fulfilled; raises TimeoutError after `patience` seconds."""
        if condition():
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[waiting] = condition
        try:
            async with asyncio.timeout(patience):
                await waiting
        finally:
            del self._waiting[waiting]
