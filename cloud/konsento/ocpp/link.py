"""A WebSocket as the link of a connection: nobody waits for ever for a peer that does not read."""

import asyncio
import contextlib
import struct
from collections.abc import Coroutine
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

READS_WITHIN_S: Final = 1.0
"""In which a peer that is turned away reads the reason."""
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
        """Close with a WebSocket close code. At the end the socket is closed, whatever the peer does."""
        try:
            async with asyncio.timeout(self._patience_s):
                with contextlib.suppress(ConnectionError):
                    if code == WSCloseCode.GOING_AWAY:
                        await self._socket.close(code=code, message=reason.encode())
                    else:
                        await self._turn_away(code, reason)
        except TimeoutError:
            self._transport.abort()

    async def _turn_away(self, code: int, reason: str) -> None:
        """Close without reading on: what a peer floods us with until it answers would be read as fast as it comes."""
        self._transport.pause_reading()
        await self._socket.send_frame(struct.pack("!H", code) + reason.encode(), WSMsgType.CLOSE)
        # What is unread at the end resets the socket, and the peer may lose what it has not read by then.
        await asyncio.sleep(min(READS_WITHIN_S, self._patience_s))
        self._transport.abort()

    async def _within(self, sending: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await sending
        except TimeoutError:
            self._transport.abort()
            raise ConnectionResetError("the peer does not read") from None
