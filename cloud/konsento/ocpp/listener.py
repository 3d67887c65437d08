"""The listening socket: who connects has to say soon what they want, and certificates change without a restart."""

import asyncio
import logging
import socket
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from konsento.ocpp.tls import BadCertificateError, TlsFiles

log = logging.getLogger(__name__)

BACKLOG: Final = 1024
"""After an outage all stations connect at once."""
MOST_SILENT: Final = 4_000
"""Sockets that have not sent a whole request yet; beyond, the one that has been silent for longest gives way."""


class Listener:
    """Accepts sockets for a server of aiohttp. A socket without a whole request after `silence_s` is cut.

    aiohttp itself waits for ever for the first request.
    """

    def __init__(
        self, server: web.Server, tls: TlsFiles | None, *, silence_s: float, look_every_s: float = 10.0
    ) -> None:
        self._server = server
        self._tls = tls
        self._silence_s = silence_s
        self._look_every_s = look_every_s
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}
        self._sockets: list[socket.socket] = []
        self._listening: list[asyncio.Server] = []
        self._watching: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; RuntimeError before `start`."""
        if not self._sockets:
            raise RuntimeError("the gateway has not been started")
        return int(self._sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError where it is taken, BadCertificateError."""
        state = self._tls.state() if self._tls is not None else ()
        self._sockets = await _bound(host, port)
        try:
            self._listening = await self._listen()
        except BaseException:
            self._close_sockets()
            raise
        if self._tls is not None:
            self._watching = asyncio.create_task(self._watch(self._tls, state), name="certificates")

    def heard(self, protocol: RequestHandler) -> None:
        """Note that a socket has sent a whole request."""
        timer = self._silent.pop(protocol, None)
        if timer is not None:
            timer.cancel()

    async def stop(self) -> None:
        """Listen no more; sockets that are open stay."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        for server in self._listening:
            server.close()
        self._close_sockets()
        for protocol in list(self._silent):
            self._cut(protocol)

    async def _listen(self) -> list[asyncio.Server]:
        context = self._tls.context() if self._tls is not None else None
        # Each listens on a duplicate: closing the one before leaves the socket, its queue and its connections alone.
        return [
            await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=one.dup(),
                ssl=context,
                backlog=BACKLOG,
                ssl_handshake_timeout=self._silence_s if context is not None else None,
            )
            for one in self._sockets
        ]

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()
        self._sockets = []

    def _protocol(self) -> RequestHandler:
        protocol = self._server()
        loop = asyncio.get_running_loop()
        if len(self._silent) >= MOST_SILENT:
            self._cut(next(iter(self._silent)))
        self._silent[protocol] = loop.call_later(self._silence_s, self._cut, protocol)
        return protocol

    def _cut(self, protocol: RequestHandler) -> None:
        self._silent.pop(protocol).cancel()
        # Without a transport it is in the TLS handshake, which has the same time.
        if protocol.transport is not None:
            protocol.transport.abort()

    async def _watch(self, tls: TlsFiles, state: tuple[tuple[int, int, int], ...]) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            now = await asyncio.to_thread(tls.state)
            if now == state or not now:
                continue
            state = now
            try:
                listening = await self._listen()
            except BadCertificateError as error:
                # Half of the files may be written yet: the next look sees the rest.
                log.warning("the certificates have changed and cannot be used, the old ones stay: %s", error)
                continue
            for server in self._listening:
                server.close()
            self._listening = listening
            log.info("the certificates have changed; new connections get the new ones")


async def _bound(host: str, port: int) -> list[socket.socket]:
    # As asyncio finds addresses for a host: a name may have several.
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    try:
        return [one.dup() for one in server.sockets]
    finally:
        server.close()
