"""Start-up and wiring: everything is made here, handed to each other, and shut down in the reverse order."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from konsento.api import sessions as api_sessions
from konsento.api import work as api_work
from konsento.api.install import install as install_api
from konsento.backoffice import work as back_office_work
from konsento.backoffice.install import install as install_back_office
from konsento.charging import handlers as charging_handlers
from konsento.charging import notices, presence
from konsento.charging import work as charging_work
from konsento.kit.bus import Bus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue
from konsento.migrations import migrate
from konsento.notifications import mail
from konsento.ocpp import Gateway, Handlers, Journal, LocalStationRouter
from konsento.operations.replicas import Facts, Heart
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work as settlement_work
from konsento.sites import stations
from konsento.web.install import install as install_pages
from konsento.webhooks import work as webhook_work

log = logging.getLogger(__name__)

GRACE_S: Final = 5
"""Seconds that open pages get at shutdown; live views are cut after it."""

PROXIES: Final = frozenset({"127.0.0.1", "::1"})
"""Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""


def wire(settings: Settings) -> tuple[Services, Gateway, Journal | None, Heart]:
    """Make the services of one process, the gateway that its stations dial, its journal, and the process's heart."""
    clock = SystemClock()
    database = Database(settings.database_url)
    router = LocalStationRouter()
    services = Services(
        database=database,
        settings=settings,
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
    mail.install(services)
    back_office_work.install(services)
    webhook_work.install(services, api_sessions.describe)
    api_work.install(services)
    journal = Journal(database, clock) if settings.ocpp_journal_days else None

    async def authenticate(station_id: str, password: str) -> bool:
        return await stations.authenticate(database, station_id, password)

    def facts() -> Facts:
        return Facts(
            stations=len(router.connections),
            journal_waiting=journal.waiting if journal else 0,
            journal_dropped=journal.dropped if journal else 0,
        )

    gateway = Gateway(handlers, router, authenticate, trusted_proxies=PROXIES, journal=journal)
    return services, gateway, journal, Heart(database, clock, facts)


def pages(services: Services) -> FastAPI:
    """Return the application that serves the browsers of drivers and of the staff."""
    app = FastAPI(title="Konsento", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services

    @app.get("/healthz", include_in_schema=False)
    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    install_pages(app, services.settings)
    install_back_office(app)
    install_api(app, services)
    return app


class PageServer(uvicorn.Server):
    """Says when it listens, and leaves signals to its caller, which has more to shut down."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()


async def serve(settings: Settings) -> None:
    """Run pages, gateway and due work in this event loop until SIGTERM or SIGINT. Raises OSError for a taken port."""
    # Alembic runs a loop of its own.
    await asyncio.to_thread(migrate, settings.database_url)
    services, gateway, journal, heart = wire(settings)
    config = uvicorn.Config(
        pages(services),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(PROXIES),
        timeout_graceful_shutdown=GRACE_S,
    )
    server = PageServer(config)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    door = _door(settings.host, settings.port)
    beside: list[asyncio.Task[None]] = []
    runner: asyncio.Task[None] | None = None
    serving: asyncio.Task[None] | None = None
    try:
        async with services.database.transaction() as session:
            await stations.nobody_connected(session)
        await back_office_work.begin(services)
        await api_work.begin(services)
        beside.append(asyncio.create_task(heart.run(), name="heart"))
        if journal is not None:
            beside.append(asyncio.create_task(journal.run(), name="journal"))
        await gateway.start(settings.ocpp_host, settings.ocpp_port)
        runner = asyncio.create_task(services.work.run(), name="due work")
        serving = asyncio.create_task(server.serve(sockets=[door]), name="pages")
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        log.info(
            "ready: pages on http://%s:%d, stations on ws://%s:%d/ocpp/STATION_ID",
            settings.host,
            settings.port,
            settings.ocpp_host,
            gateway.port,
        )
        # What was made until now stays to the end; looking through it for garbage took a fifth of every request.
        gc.collect()
        gc.freeze()
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, serving, runner}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        log.info("ending")
    finally:
        server.should_exit = True
        if serving is not None:
            await serving
        await gateway.stop()
        # The journal after the gateway: it writes what was said last.
        for task in [*([runner] if runner is not None else []), *beside]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        door.close()
        await services.database.close()


def _door(host: str, port: int) -> socket.socket:
    # Not uvicorn's own, which ends the process with a code of its own where the port is taken.
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)


def configure_log(settings: Settings) -> None:
    """Log to standard error, one line each."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    # Queries and their parameters hold what people typed.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
