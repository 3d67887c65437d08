"""Waiting for something that is told by callbacks."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes those who wait for a condition whenever something has changed."""

    def __init__(self) -> None:
        self._change = asyncio.Event()

    def told(self) -> None:
        """Say that something has changed."""
        change, self._change = self._change, asyncio.Event()
        change.set()

    async def until(self, condition: Callable[[], bool], patience: float) -> None:
        """Wait until a condition is fulfilled; raises TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            while not condition():
                await self._change.wait()
