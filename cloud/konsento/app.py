"""Start-up and wiring: everything is made here, handed to each other, and shut down in the reverse order."""

import asyncio
import logging
from contextlib import suppress

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
from konsento.kit.serving import PROXIES, PageServer, open_door, server_config, spare_collections, stop_on_signals
from konsento.kit.work import WorkQueue
from konsento.migrations import migrate
from konsento.notifications import mail
from konsento.ocpp import Gateway, Handlers, Journal, LocalStationRouter
from konsento.operations.replicas import Facts, Heart
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work as settlement_work
from konsento.sites import holidays, stations
from konsento.web.install import install as install_pages
from konsento.webhooks import work as webhook_work

log = logging.getLogger(__name__)


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


async def serve(settings: Settings) -> None:
    """Run pages, gateway and due work in this event loop until SIGTERM or SIGINT. Raises OSError for a taken port."""
    # Alembic runs a loop of its own.
    await asyncio.to_thread(migrate, settings.database_url)
    services, gateway, journal, heart = wire(settings)
    server = PageServer(server_config(pages(services), settings.host, settings.port))
    stop = stop_on_signals()
    door = open_door(settings.host, settings.port)
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
        # Or the first question for a holiday would hold everybody up.
        beside.append(asyncio.create_task(asyncio.to_thread(holidays.load), name="holidays"))
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
        spare_collections()
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
