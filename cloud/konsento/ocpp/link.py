"""A WebSocket as the link of a connection: nobody waits for ever for a peer that does not read."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Final

from aiohttp import web

SMALL: Final = 8 * 1024
"""Characters: at most 32 KiB, half of what asyncio lets wait before it has its writer wait."""


class SocketLink:
    """Sends and closes within `patience_s`; then the socket is cut, and whoever waited for it goes on."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, patience_s: float) -> None:
        self._socket = socket
        self._transport = transport
        self._patience_s = patience_s

    async def send(self, text: str) -> None:
        """Send a frame; raises ConnectionError where the link is gone, or the peer does not read."""
        if len(text) < SMALL and not self._transport.get_write_buffer_size():
            # It fits into what may wait unread, so nobody waits; a timer for each would cost as much as the answer.
            await self._socket.send_str(text)
        else:
            await self._within(self._socket.send_str(text))

    async def pong(self, message: bytes) -> None:
        """Answer a ping; raises as `send` does."""
        await self._within(self._socket.pong(message))

    async def ping(self, message: bytes) -> None:
        """Send a ping; raises as `send` does."""
        await self._within(self._socket.ping(message))

    async def close(self, code: int, reason: str) -> None:
        """Close with a WebSocket close code. A peer that does not answer the close is cut."""
        try:
            async with asyncio.timeout(self._patience_s):
                with contextlib.suppress(ConnectionError):
                    await self._socket.close(code=code, message=reason.encode())
        except TimeoutError:
            self._transport.abort()

    async def _within(self, sending: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await sending
        except TimeoutError:
            self._transport.abort()
            raise ConnectionResetError("the peer does not read") from None
