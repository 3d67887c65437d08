"""A gateway on a free port, and a station to talk to it: a bare WebSocket client that writes frames by hand."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMessage

from konsento.kit.clock import ManualClock
from konsento.ocpp import Entry, Gateway, Handlers, LocalStationRouter, Shown

PASSWORD = "correct-horse-battery"
NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)


class Station:
    """A station's end of the wire."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def send(self, frame: object) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self) -> list[Any]:
        frame: list[Any] = await self.socket.receive_json(timeout=60)
        return frame

    async def call(self, action: str, payload: dict[str, Any]) -> list[Any]:
        self._count += 1
        await self.send([2, f"call-{self._count}", action, payload])
        return await self.receive()

    async def closed(self) -> WSMessage:
        """Wait until the server closes; the code is then `socket.close_code`."""
        return await self.socket.receive(timeout=60)


def basic(station_id: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the header by which a station shows its password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{station_id}:{password}'.encode()).decode()}"}


class Site:
    """A running gateway with everything that it was built from."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(NOW)
        self.handlers = Handlers(self.clock, heartbeat_interval_s=60)
        self.router = LocalStationRouter()
        self.asked: list[tuple[str, str | None]] = []
        self.shown: list[Shown] = []
        self.entry = Entry.ADMITTED
        self.gateway = Gateway(self.handlers, self.router, self._authenticate, **options)
        self.client = ClientSession()
        self.scheme = "https" if options.get("tls") else "http"

    async def _authenticate(self, station_id: str, shown: Shown) -> Entry:
        self.asked.append((station_id, shown.password))
        self.shown.append(shown)
        known = station_id != "STRANGER" and (shown.password == PASSWORD or station_id in shown.names)
        return self.entry if known else Entry.REFUSED

    def url(self, station_id: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.gateway.port}/ocpp/{quote(station_id, safe='')}"

    def auth(self, station_id: str, password: str = PASSWORD) -> dict[str, str]:
        return basic(station_id, password)

    async def connect(
        self, station_id: str = "SITE-1", *, protocols: tuple[str, ...] = ("ocpp2.1", "ocpp2.0.1"), **options: Any
    ) -> Station:
        options.setdefault("headers", self.auth(station_id))
        return Station(await self.client.ws_connect(self.url(station_id), protocols=protocols, **options))


@pytest.fixture
async def make_site() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    sites: list[Site] = []

    async def make(**options: Any) -> Site:
        site = Site(**options)
        sites.append(site)
        await site.gateway.start("127.0.0.1", 0)
        return site

    yield make
    for site in sites:
        await site.gateway.stop(grace_s=1)
        await site.client.close()


@pytest.fixture
async def site(make_site: Callable[..., Awaitable[Site]]) -> Site:
    return await make_site()


@pytest.fixture
async def station(site: Site) -> AsyncIterator[Station]:
    async with await site.connect() as station:
        yield station
