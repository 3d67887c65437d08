"""Two processes' worth of parts on one PostgreSQL database and one NATS server, in this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.nats import Nats
from konsento.ocpp import Gateway, Handlers, LocalStationRouter, NatsStationRouter, Owners
from rig.engines import NatsServer

from ..databases import Template
from ..ocpp.conftest import NOW, PASSWORD, Station, basic


class Replica:
    """What one process of several has: a gateway, a router, a connection to the database and one to NATS."""

    def __init__(self, database_url: str, nats_url: str) -> None:
        self.id = new_id()
        self.clock = ManualClock(NOW)
        self.database = Database(database_url, connections=4)
        self.nats = Nats(nats_url, name="test")
        self.owners = Owners(self.database, self.clock, self.id)
        self.local = LocalStationRouter(self.owners)
        self.router = NatsStationRouter(self.nats, self.local, self.owners)
        self.came: list[str] = []
        self.went: list[str] = []
        self.gateway = Gateway(Handlers(self.clock), self.local, self._authenticate)
        self.client = ClientSession()
        self.running: asyncio.Task[None] | None = None
        self.up = asyncio.Event()
        self.nats.when_up(self.up.set)

        @self.router.on_connect
        async def came(station_id: str) -> None:
            self.came.append(station_id)

        @self.router.on_disconnect
        async def went(station_id: str) -> None:
            self.went.append(station_id)

    async def _authenticate(self, _station_id: str, password: str) -> bool:
        return password == PASSWORD

    async def start(self) -> None:
        await self.gateway.start("127.0.0.1", 0)
        self.running = asyncio.create_task(self.nats.run())
        await asyncio.wait_for(self.up.wait(), 60)

    async def stop(self) -> None:
        await self.gateway.stop(grace_s=1)
        if self.running is not None:
            self.running.cancel()
            with suppress(asyncio.CancelledError):
                await self.running
        await self.client.close()
        await self.database.close()

    async def connect(self, station_id: str = "SITE-1", version: str = "ocpp2.1") -> Station:
        """Connect a station to this process, and wait until that is noted."""
        url = f"http://127.0.0.1:{self.gateway.port}/ocpp/{station_id}"
        station = Station(await self.client.ws_connect(url, protocols=(version,), headers=basic(station_id)))
        await self.local.settle()
        return station


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def database_url(migrated: Template, tmp_path: Path) -> AsyncIterator[str]:
    async with migrated.copied(tmp_path) as url:
        yield url


@pytest.fixture
async def make_replica(database_url: str, nats: NatsServer) -> AsyncIterator[Callable[[], Awaitable[Replica]]]:
    replicas: list[Replica] = []

    async def make() -> Replica:
        replica = Replica(database_url, nats.url)
        replicas.append(replica)
        await replica.start()
        return replica

    yield make
    for replica in replicas:
        await replica.stop()


@pytest.fixture
async def one(make_replica: Callable[..., Awaitable[Replica]]) -> Replica:
    return await make_replica()


@pytest.fixture
async def other(make_replica: Callable[..., Awaitable[Replica]]) -> Replica:
    return await make_replica()


async def answer(station: Station, payload: dict[str, Any]) -> list[Any]:
    """Have a station answer the next call; returns the call."""
    call = await station.receive()
    await station.send([3, call[1], payload])
    return call
