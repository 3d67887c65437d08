"""The servers that `tests.bench.ingest` measures, each in a process of its own that is bound to one core.

`python -m tests.bench.ingest_server KIND CORE [URL JOURNAL]`; KIND is `konsento`, `echo` or `ocpp`. Prints one line of
JSON when it listens and one for every line of its standard input, and ends with that.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from typing import Any
from uuid import UUID

from aiohttp import WSMsgType, web
from sqlalchemy import select

from konsento.charging import handlers as charging_handlers
from konsento.charging import notices, presence
from konsento.charging import service as charging
from konsento.charging import work as charging_work
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.kit.bus import Bus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.serving import spare_collections
from konsento.kit.work import WorkQueue
from konsento.models import Driver, LimitKind
from konsento.ocpp import Entry, Gateway, Handlers, Journal, LocalStationRouter, Shown
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work as settlement_work
from tests.bench.stations import PASSWORD

type Answer = Callable[[dict[str, Any]], Any]


@asynccontextmanager
async def konsento(url: str, *, journalled: bool) -> AsyncIterator[tuple[int, Answer]]:
    """Serve stations as the real process does; only the password is not hashed, which is slow on purpose."""
    clock = SystemClock()
    database = Database(url)
    router = LocalStationRouter()
    services = Services(
        database=database,
        settings=Settings(),
        clock=clock,
        router=router,
        live=Bus(),
        work=WorkQueue(database, clock),
    )
    handlers = Handlers(clock)
    charging_handlers.install(services, handlers)
    charging_work.install(services)
    notices.install(services)
    presence.install(services)
    settlement_work.install(services)
    journal = Journal(database, clock) if journalled else None

    async def authenticate(_station_id: str, shown: Shown) -> Entry:
        return Entry.ADMITTED if shown.password == PASSWORD else Entry.REFUSED

    async def answer(asked: dict[str, Any]) -> Any:
        if "start" in asked:
            return await _start(services, asked["start"])
        # What follows a connection is done beside it.
        await router.settle()
        return {"dropped": journal.dropped if journal else 0}

    gateway = Gateway(handlers, router, authenticate, journal=journal)
    writing = asyncio.create_task(journal.run()) if journal else None
    await gateway.start("127.0.0.1", 0)
    spare_collections()
    try:
        yield gateway.port, answer
    finally:
        await gateway.stop()
        if writing is not None:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
        await database.close()


async def _start(services: Services, code: str) -> float:
    """Start a session; returns when that was asked for, by the machine's clock."""
    async with services.database.transaction() as session:
        driver_id: UUID = (await session.scalars(select(Driver.id))).one()
    began = perf_counter()
    await charging.start(
        services,
        Wish(driver_id=driver_id, outlet_code=code, requested=RequestedLimit(kind=LimitKind.ENERGY, amount=100)),
    )
    return began


@asynccontextmanager
async def bare(serve: Callable[[web.WebSocketResponse, str], Any]) -> AsyncIterator[tuple[int, Answer]]:
    """Serve WebSockets by aiohttp alone."""

    async def station(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("ocpp2.1",), compress=False)
        await socket.prepare(request)
        await serve(socket, request.match_info["station_id"])
        return socket

    async def answer(_asked: dict[str, Any]) -> Any:
        return {}

    app = web.Application()
    app.router.add_get("/ocpp/{station_id}", station)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    spare_collections()
    try:
        yield runner.addresses[0][1], answer
    finally:
        await runner.cleanup()


async def echo(socket: web.WebSocketResponse, _station_id: str) -> None:
    """Send every frame back."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)


async def with_the_library(socket: web.WebSocketResponse, station_id: str) -> None:
    """Answer by the `ocpp` library, which checks every message against its schema; nothing is kept."""
    # Only here: it is a library of the development environment.
    from ocpp.routing import on  # type: ignore[import-untyped]  # noqa: PLC0415
    from ocpp.v21 import ChargePoint  # type: ignore[import-untyped]  # noqa: PLC0415
    from ocpp.v201 import call_result  # type: ignore[import-untyped]  # noqa: PLC0415
    from ocpp.v201.datatypes import IdTokenInfoType  # type: ignore[import-untyped]  # noqa: PLC0415

    class Central(ChargePoint):  # type: ignore[misc]  # the library has no types
        @on("TransactionEvent")  # type: ignore[untyped-decorator]
        def transaction_event(self, **_event: Any) -> Any:
            return call_result.TransactionEvent(id_token_info=IdTokenInfoType(status="Accepted"))

    class Wire:
        async def recv(self) -> str:
            return await socket.receive_str()

        async def send(self, text: str) -> None:
            await socket.send_str(text)

    with suppress(TypeError):  # what aiohttp raises when the socket is closed
        await Central(station_id, Wire()).start()


async def main(kind: str, core: str, url: str = "", journalled: str = "") -> None:
    """Serve until the standard input ends."""
    os.sched_setaffinity(0, {int(core)})
    logging.disable(logging.INFO)
    match kind:
        case "konsento":
            serving = konsento(url, journalled=journalled == "journal")
        case "echo":
            serving = bare(echo)
        case _:
            serving = bare(with_the_library)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with serving as (port, answer):
        _say({"port": port})
        while line := await reader.readline():
            _say(await answer(json.loads(line)))


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
