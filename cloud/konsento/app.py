"""Start-up and wiring: everything is made here, handed to each other, and shut down in the reverse order."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from konsento.api import sessions as api_sessions
from konsento.api import work as api_work
from konsento.api.install import install as install_api
from konsento.backoffice import work as back_office_work
from konsento.backoffice.install import install as install_back_office
from konsento.charging import handlers as charging_handlers
from konsento.charging import links, notices, presence
from konsento.charging import work as charging_work
from konsento.kit import sqlite
from konsento.kit.bus import Bus, NatsBus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.nats import Nats
from konsento.kit.serving import PageServer, open_door, server_config, stop_on_signals
from konsento.kit.work import WorkQueue
from konsento.kit.work_news import WorkNews
from konsento.migrations import migrate
from konsento.notifications import mail
from konsento.ocpp import Gateway, Handlers, Journal, LocalStationRouter, NatsStationRouter, Owners, StationRouter
from konsento.operations.replicas import Facts, Heart
from konsento.services import Services
from konsento.settings import Role, Settings
from konsento.settlement import work as settlement_work
from konsento.sites import holidays, stations
from konsento.web.install import install as install_pages
from konsento.webhooks import work as webhook_work

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What one process is made of; what is not among its roles is there, and does not run."""

    services: Services
    router: LocalStationRouter
    """Of the stations whose sockets this process holds."""
    gateway: Gateway
    journal: Journal | None
    heart: Heart
    beside: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What runs beside all else until the process ends."""


def wire(settings: Settings) -> Parts:
    """Make the parts of one process."""
    clock = SystemClock()
    database = Database(
        settings.database_url,
        connections=settings.database_connections,
        statement_timeout_s=settings.statement_timeout_s,
    )
    replica_id = new_id()
    owners = Owners(database, clock, replica_id)
    local = LocalStationRouter(owners)
    work = WorkQueue(database, clock)
    router: StationRouter = local
    live = Bus()
    beside: list[Callable[[], Coroutine[Any, Any, None]]] = []
    if settings.nats_url:
        nats = Nats(settings.nats_url, name=f"konsento {replica_id}", ca_file=settings.nats_ca_file)
        router = NatsStationRouter(nats, local, owners)
        live = NatsBus(nats)
        WorkNews(nats, work, works=Role.WORK in settings.roles)
        beside += [nats.run, live.run]
    services = Services(database=database, settings=settings, clock=clock, router=router, live=live, work=work)
    handlers = Handlers(clock)
    charging_handlers.install(services, handlers)
    charging_work.install(services)
    links.install(services)
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
            stations=len(local.connections),
            journal_waiting=journal.waiting if journal else 0,
            journal_dropped=journal.dropped if journal else 0,
        )

    return Parts(
        services=services,
        router=local,
        gateway=Gateway(handlers, local, authenticate, trusted_proxies=settings.proxies, journal=journal),
        journal=journal,
        heart=Heart(database, clock, facts, replica_id=replica_id, roles=" ".join(sorted(settings.roles))),
        beside=tuple(beside),
    )


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


def health() -> FastAPI:
    """Return the application of a process that serves no pages: it says that it lives."""
    app = FastAPI(title="Konsento", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    return app


async def serve(settings: Settings) -> None:
    """Serve what this process's roles say in this event loop until SIGTERM or SIGINT.

    Raises OSError for a taken port, and for an SQLite database that another process serves.
    """
    with sqlite.alone(settings.database_url):
        # Alembic runs a loop of its own.
        await asyncio.to_thread(migrate, settings.database_url)
        await _serve(settings, wire(settings))


async def _serve(settings: Settings, parts: Parts) -> None:
    services, roles = parts.services, settings.roles
    app = pages(services) if Role.PAGES in roles else health()
    server = PageServer(server_config(app, settings.host, settings.port, settings.proxies))
    stop = stop_on_signals()
    door = open_door(settings.host, settings.port)
    beside: list[asyncio.Task[None]] = []
    runner: asyncio.Task[None] | None = None
    serving: asyncio.Task[None] | None = None
    try:
        # Before a station connects here: whose process is not known counts as away.
        await parts.heart.beat()
        await links.begin(services)
        await back_office_work.begin(services)
        await api_work.begin(services)
        beside.append(asyncio.create_task(parts.heart.run(), name="heart"))
        beside += [asyncio.create_task(run()) for run in parts.beside]
        # Or the first question for a holiday would hold everybody up.
        beside.append(asyncio.create_task(asyncio.to_thread(holidays.load), name="holidays"))
        if Role.GATEWAY in roles:
            if parts.journal is not None:
                beside.append(asyncio.create_task(parts.journal.run(), name="journal"))
            beside.append(asyncio.create_task(parts.router.run(), name="owners"))
            await parts.gateway.start(settings.ocpp_host, settings.ocpp_port)
        if Role.WORK in roles:
            runner = asyncio.create_task(services.work.run(), name="due work")
        serving = asyncio.create_task(server.serve(sockets=[door]), name="pages")
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        log.info("ready: %s", ", ".join(_served(settings, parts)))
        # What was made until now stays to the end; looking through it for garbage took a fifth of every request.
        gc.collect()
        gc.freeze()
        stopped = asyncio.create_task(stop.wait())
        ending = {stopped, serving} | ({runner} if runner is not None else set())
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        log.info("ending")
    finally:
        server.should_exit = True
        if serving is not None:
            await serving
        await parts.gateway.stop()
        # The journal after the gateway: it writes what was said last.
        for task in [*([runner] if runner is not None else []), *beside]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        door.close()
        await services.database.close()


def _served(settings: Settings, parts: Parts) -> list[str]:
    what = "pages" if Role.PAGES in settings.roles else "health"
    served = [f"{what} on http://{settings.host}:{settings.port}"]
    if Role.GATEWAY in settings.roles:
        served.append(f"stations on ws://{settings.ocpp_host}:{parts.gateway.port}/ocpp/STATION_ID")
    if Role.WORK in settings.roles:
        served.append("due work")
    return served
