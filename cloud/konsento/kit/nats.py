"""The connection to NATS, by which the processes of a deployment reach each other.

It only carries: what is true stands in the database. So nothing is kept for later while NATS is away, and whoever needs
to know looks by itself then.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S: Final = 0.25
LONGEST_BACK_OFF_S: Final = 5.0

type Listener = Callable[[bytes], Awaitable[bytes | None]]
"""Called with a message's content; what it returns is the answer to a request."""


class NatsAway(Exception):
    """NATS cannot be reached, or nobody listens there: nothing was sent."""


class NatsLost(Exception):
    """The connection broke, or the time was over, before an answer came: the request may have been heard."""


class Nats:
    """One connection, which is made again whenever it is lost.

    `servers` are URLs separated by commas; name and password of the first that has them count for all. Listeners of one
    subject run beside each other.
    """

    def __init__(self, servers: str, *, name: str, ca_file: Path | None = None) -> None:
        parts = [urlsplit(server.strip()) for server in servers.split(",")]
        self._servers = [f"{part.scheme}://{part.netloc.rpartition('@')[2]}" for part in parts]
        # The library takes them out of the URL as they are written there, with every %.
        known = [(unquote(part.username), unquote(part.password or "")) for part in parts if part.username]
        self._credentials: tuple[str, str] | tuple[None, None] = known[0] if known else (None, None)
        self._name = name
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file is not None else None
        self._listeners: dict[str, Listener] = {}
        self._when_up: list[Callable[[], None]] = []
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether messages reach NATS now."""
        return self._client is not None and self._client.is_connected

    def listen(self, subject: str, listener: Listener) -> None:
        """Have `listener` called with what comes under a subject; before `run`."""
        self._listeners[subject] = listener

    def when_up(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever the connection has been made: what was said until then was not heard."""
        self._when_up.append(callback)

    async def publish(self, subject: str, content: bytes) -> None:
        """Tell whoever listens, if NATS is there."""
        if self._client is not None and self.connected:
            with suppress(Error, OSError):
                await self._client.publish(subject, content)

    async def request(self, subject: str, content: bytes, timeout_s: float) -> bytes:
        """Ask whoever listens, and return the answer. Raises `NatsAway` and `NatsLost`."""
        client, lost = self._client, self._lost
        if client is None or not client.is_connected:
            raise NatsAway
        asking = asyncio.create_task(client.request(subject, content, timeout=timeout_s))
        breaking = asyncio.create_task(lost.wait())
        try:
            await asyncio.wait({asking, breaking}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise NatsLost
            return (await asking).data
        except NoRespondersError as error:
            raise NatsAway from error
        except (Error, OSError) as error:
            raise NatsLost from error
        finally:
            for task in (asking, breaking):
                task.cancel()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        back_off_s = FIRST_BACK_OFF_S
        try:
            while True:
                try:
                    await self._connect()
                except (Error, OSError, TimeoutError) as error:
                    log.warning("NATS cannot be reached (%s); trying again", error or type(error).__name__)
                    await asyncio.sleep(back_off_s)
                    back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)
                    continue
                back_off_s = FIRST_BACK_OFF_S
                log.info("NATS is there")
                for callback in self._when_up:
                    callback()
                await self._lost.wait()
                log.warning("the connection to NATS is lost")
        finally:
            if self._client is not None:
                with suppress(Exception):
                    await self._client.close()
            self._client = None

    async def _connect(self) -> None:
        lost = asyncio.Event()

        async def closed() -> None:
            lost.set()

        async def failed(error: Exception) -> None:
            log.debug("NATS: %r", error)

        # A new client each time: one that reconnects by itself sends later what was meant for now.
        client = await nats.connect(
            self._servers,
            name=self._name,
            allow_reconnect=False,
            connect_timeout=5,
            ping_interval=10,
            max_outstanding_pings=2,
            closed_cb=closed,
            error_cb=failed,
            user=self._credentials[0],
            password=self._credentials[1],
            tls=self._tls,
        )
        for subject, listener in self._listeners.items():
            await client.subscribe(subject, cb=partial(self._heard, listener))
        await client.flush(5)
        self._client, self._lost = client, lost

    async def _heard(self, listener: Listener, message: Msg) -> None:
        # The next message does not wait for the answer to this one.
        task = asyncio.create_task(self._answer(message, listener))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, message: Msg, listener: Listener) -> None:
        try:
            answer = await listener(message.data)
            if answer is not None and message.reply:
                await message.respond(answer)
        except Exception:  # one bad message is not the next one's fault
            log.exception("a message under %s was not taken", message.subject)


def is_nats_url(servers: str) -> bool:
    """Tell whether a setting names NATS servers."""
    parts = [urlsplit(server.strip()) for server in servers.split(",")]
    return all(part.scheme in {"nats", "tls"} and part.hostname for part in parts)
