"""Start-up and wiring: everything is made here, handed to each other, and shut down in the reverse order."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from konsento.advice import work as advice_work
from konsento.api import sessions as api_sessions
from konsento.api import work as api_work
from konsento.api.install import install as install_api
from konsento.backoffice import work as back_office_work
from konsento.backoffice.install import install as install_back_office
from konsento.charging import checkout, doors, invoice_mails, links, notices, outlet_labels, passwords, presence
from konsento.charging import handlers as charging_handlers
from konsento.charging import work as charging_work
from konsento.feeds import work as feeds_work
from konsento.kit import sqlite
from konsento.kit.bus import Bus, NatsBus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.measured import Measured
from konsento.kit.metrics import Metrics, Sample
from konsento.kit.metrics_door import MetricsDoor
from konsento.kit.nats import Nats
from konsento.kit.readiness import Readiness
from konsento.kit.serving import PageServer, open_door, server_config, spare_collections, stop_on_signals
from konsento.kit.work import WorkQueue
from konsento.kit.work_news import WorkNews
from konsento.migrations import migrate, revisions
from konsento.notifications import mail
from konsento.ocpp import (
    Gateway,
    Handlers,
    Journal,
    Lines,
    LocalStationRouter,
    NatsStationRouter,
    Owners,
    StationRouter,
    TlsFiles,
    Transactions,
    Version,
)
from konsento.operations import replicas
from konsento.operations.gauges import Gauges
from konsento.operations.replicas import Facts, Heart
from konsento.partners import work as partner_work
from konsento.payments import balance, cards, driving, hints, reconciling
from konsento.payments.desk import Desk
from konsento.payments.stripe import StripeProvider
from konsento.services import Services
from konsento.settings import Role, Settings
from konsento.settlement import bills, expiry, invoicing
from konsento.settlement import work as settlement_work
from konsento.sites import holidays
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
    readiness: Readiness
    journal: Journal | None
    lines: Lines
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
    metrics = Metrics()
    work = WorkQueue(database, clock, metrics=metrics)
    router: StationRouter = local
    live = Bus()
    beside: list[Callable[[], Coroutine[Any, Any, None]]] = []
    links_between: Callable[[], dict[str, Any]] | None = None
    if settings.nats_url:
        nats = Nats(settings.nats_url, name=f"konsento {replica_id}", ca_file=settings.nats_ca_file)
        router = NatsStationRouter(nats, local, owners)
        live = NatsBus(nats)
        WorkNews(nats, work, works=Role.WORK in settings.roles)
        beside += [nats.run, live.run]
        links_between = partial(_nats_state, nats)
    services = Services(
        database=database,
        settings=settings,
        clock=clock,
        router=router,
        live=live,
        work=work,
        metrics=metrics,
        desk=Desk([StripeProvider(settings)] if settings.stripe_secret_key.get_secret_value() else []),
    )
    handlers = Handlers(clock)
    handlers = Handlers(clock, heartbeat_interval_s=settings.ocpp_heartbeat_s)
    charging_handlers.install(services, handlers)
    charging_work.install(services)
    links.install(services)
    notices.install(services)
    invoice_mails.install(services)
    presence.install(services)
    outlet_labels.install(services)
    checkout.install(services)
    settlement_work.install(services)
    for part in (expiry, invoicing, bills, balance, driving, hints, cards, reconciling):
        part.install(services)
    mail.install(services)
    back_office_work.install(services)
    webhook_work.install(services, api_sessions.describe)
    partner_work.install(services)
    feeds_work.install(services, [advice_work.listener(services)])
    advice_work.install(services)
    api_work.install(services)
    journal = Journal(database, clock) if settings.ocpp_journal_days else None
    lines = Lines(clock, metrics)

    doors.install(services)
    passwords.install(services)
    door = doors.Doors(services)

    def facts() -> Facts:
        return Facts(
            stations=len(local.connections),
            journal_waiting=journal.waiting if journal else 0,
            journal_dropped=journal.dropped if journal else 0,
        )

    readiness = Readiness(database, revisions(), links_between)
    gateway = Gateway(
        handlers,
        local,
        door.admit,
        register=door.register,
        retry_s=settings.ocpp_retry_s,
        path=urlsplit(settings.public_ocpp_url).path,
        tls=_tls(settings),
        sockets_per_address=settings.ocpp_sockets_per_address,
        trusted_proxies=settings.proxies,
        journal=journal,
        lines=lines,
        readiness=readiness,
        v16=Transactions(database),
    )
    metrics.look(lambda: _looked_at(local, journal))
    return Parts(
        services=services,
        router=local,
        gateway=gateway,
        readiness=readiness,
        journal=journal,
        lines=lines,
        heart=Heart(database, clock, facts, replica_id=replica_id, roles=" ".join(sorted(settings.roles))),
        beside=tuple(beside),
    )


def _tls(settings: Settings) -> TlsFiles | None:
    if settings.ocpp_tls_certificate is None or settings.ocpp_tls_key is None:
        return None
    return TlsFiles(
        certificate=settings.ocpp_tls_certificate, key=settings.ocpp_tls_key, client_ca=settings.ocpp_client_ca
    )


def _nats_state(nats: Nats) -> dict[str, Any]:
    return {"nats": "ok" if nats.connected else "away"}


def _looked_at(router: LocalStationRouter, journal: Journal | None) -> Iterator[Sample]:
    connected = Counter(connection.version.value for connection in router.connections)
    for version in Version:
        yield "konsento_ocpp_stations", "Connected stations.", {"version": version.value}, connected[version.value]
    yield "konsento_info", "Which version runs.", {"version": replicas.own_version()}, 1
    if journal is not None:
        yield "konsento_journal_waiting_frames", "Frames that are not written yet.", {}, journal.waiting
        yield "konsento_journal_written_total", "Frames that were kept.", {}, journal.written
        yield "konsento_journal_dropped_total", "Frames that the database could not take.", {}, journal.dropped


def observe(services: Services) -> MetricsDoor:
    """Return the door at which Prometheus reads what this process counts."""
    gauges = Gauges(services.database, services.clock)
    services.metrics.look(gauges.samples)
    return MetricsDoor(services.metrics, gauges.refresh)


def pages(services: Services, readiness: Readiness | None = None) -> FastAPI:
    """Return the application that serves the browsers of drivers and of the staff; `readiness` of its process."""
    app = FastAPI(title="Konsento", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services

    _install_health(app, readiness or Readiness(services.database, revisions()))
    install_pages(app, services.settings)
    install_back_office(app)
    install_api(app, services)
    # Added last, so outermost: what the guards refuse is counted as well.
    app.add_middleware(Measured, metrics=services.metrics)
    return app


def health(readiness: Readiness) -> FastAPI:
    """Return the application of a process that serves no pages: it says how it is."""
    app = FastAPI(title="Konsento", openapi_url=None, docs_url=None, redoc_url=None)
    _install_health(app, readiness)
    return app


def _install_health(app: FastAPI, readiness: Readiness) -> None:
    app.state.readiness = readiness
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.add_api_route("/readyz", _readyz, include_in_schema=False)


# Not within a function: FastAPI remembers every function that it has looked at, and what that one holds.
async def _healthz() -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    is_ready, facts = await request.app.state.readiness.look()
    return JSONResponse(facts, 200 if is_ready else 503)


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
    app = pages(services, parts.readiness) if Role.PAGES in roles else health(parts.readiness)
    metrics_door = observe(services)
    server = PageServer(server_config(app, settings.host, settings.port, settings.proxies))
    stop = stop_on_signals()
    door = open_door(settings.host, settings.port)
    beside: list[asyncio.Task[None]] = []
    runner: asyncio.Task[None] | None = None
    serving: asyncio.Task[None] | None = None
    try:
        await _begin(parts)
        beside += _beside(parts)
        if settings.metrics_port:
            await metrics_door.start(settings.metrics_host, settings.metrics_port)
        if Role.GATEWAY in roles:
            await parts.gateway.start(settings.ocpp_host, settings.ocpp_port)
        if Role.WORK in roles:
            runner = asyncio.create_task(services.work.run(), name="due work")
        serving = asyncio.create_task(server.serve(sockets=[door]), name="pages")
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        log.info("ready: %s", ", ".join(_served(settings, parts)))
        spare_collections()
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
        await metrics_door.stop()
        door.close()
        await services.desk.close()
        await services.database.close()


async def _begin(parts: Parts) -> None:
    services = parts.services
    # Before a station connects here: whose process is not known counts as away.
    await parts.heart.beat()
    for part in (
        links,
        back_office_work,
        settlement_work,
        api_work,
        doors,
        passwords,
        expiry,
        invoicing,
        bills,
        balance,
        reconciling,
        partner_work,
        feeds_work,
        advice_work,
    ):
        await part.begin(services)


def _beside(parts: Parts) -> list[asyncio.Task[None]]:
    """Start what runs beside all else."""
    runs = {"heart": parts.heart.run()} | {f"beside {number}": run() for number, run in enumerate(parts.beside)}
    # Or the first question for a holiday would hold everybody up.
    runs["holidays"] = asyncio.to_thread(holidays.load)
    if Role.GATEWAY in parts.services.settings.roles:
        runs |= {"owners": parts.router.run(), "lines": parts.lines.run(parts.services.database)}
        if parts.journal is not None:
            # The last: it is cancelled after those that still say something.
            runs["journal"] = parts.journal.run()
    return [asyncio.create_task(run, name=name) for name, run in runs.items()]


def _served(settings: Settings, parts: Parts) -> list[str]:
    what = "pages" if Role.PAGES in settings.roles else "health"
    served = [f"{what} on http://{settings.host}:{settings.port}"]
    if Role.GATEWAY in settings.roles:
        scheme = "ws" if settings.ocpp_tls_certificate is None else "wss"
        served.append(f"stations on {scheme}://{settings.ocpp_host}:{parts.gateway.port}/ocpp/STATION_ID")
    if Role.WORK in settings.roles:
        served.append("due work")
    return served
