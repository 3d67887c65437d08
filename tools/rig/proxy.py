"""A TCP relay between two parts: it can be cut like a cable, be slow, break off, and it keeps what it passed on."""

import asyncio
import contextlib
from collections.abc import Callable

type Follower = Callable[[bytes, bool], None]
"""Told what is about to be passed on, and whether it comes from the target."""


class TcpProxy:
    """Relays `host`:`port` to 127.0.0.1:`target`.

    `received` holds every byte that went from the target back to the side that dialled. While cut, the relay
    passes nothing on and keeps connections open, as a switched-off access point would.
    """

    def __init__(self, port: int, target: int, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self.target = target
        self.received = bytearray()
        self.delay_s = 0.0
        """How long everything takes, each way."""
        self._followers: list[Follower] = []
        self._left: dict[bool, int] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        self.drop()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def follow(self, follower: Follower) -> None:
        """Tell `follower` everything from now on."""
        self._followers.append(follower)

    def cut(self) -> None:
        """Pass nothing on until `mend`."""
        self._open.clear()

    def mend(self) -> None:
        """Pass everything on again; connections from before the cut are dropped."""
        self.drop()
        self._open.set()

    def drop(self) -> None:
        """Drop every connection; new ones are relayed."""
        for relay in self._relays:
            relay.cancel()

    def break_after(self, count: int, *, from_target: bool) -> None:
        """Pass on so many bytes more of this direction, then drop the connection that carried the last of them."""
        self._left[from_target] = count

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this callback as a task
        self._relays.add(task)
        try:
            await self._open.wait()
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError, asyncio.CancelledError:
            writer.close()
            self._relays.discard(task)
            return
        try:
            done, pending = await asyncio.wait(
                [
                    asyncio.ensure_future(self._pump(reader, upstream_writer, from_target=False)),
                    asyncio.ensure_future(self._pump(upstream_reader, writer, from_target=True)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for half in pending:
                half.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        finally:
            writer.close()
            upstream_writer.close()
            self._relays.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_target: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._open.wait()
                if (left := self._left.pop(from_target, None)) is not None:
                    if left <= len(data):
                        writer.write(data[:left])
                        return
                    self._left[from_target] = left - len(data)
                if from_target:
                    self.received += data
                for follower in self._followers:
                    follower(data, from_target)
                writer.write(data)
                await writer.drain()
