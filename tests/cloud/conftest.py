"""The domains on a real, migrated database; only the site at the other end of the wire is played.

What concerns sessions and their money runs on SQLite and on PostgreSQL, the rest on SQLite; with
`TEST_DATABASE=postgresql` in the environment everything runs on PostgreSQL.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Dialect, delete, event, select, update
from sqlalchemy.util import LRUCache

from konsento import provisioning
from konsento.charging import checkout, invoice_mails, notices, presence
from konsento.charging import handlers as charging_handlers
from konsento.charging import service as charging
from konsento.charging import work as charging_work
from konsento.charging.limits import RequestedLimit
from konsento.charging.progress import Progress
from konsento.charging.wish import Wish
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.work import WorkQueue
from konsento.migrations import migrate
from konsento.models import ChargingSession, Driver, LimitKind, OutletStatus, PresenceCheck, Site, StationOwner, Tariff
from konsento.ocpp import Handlers, LinkCallback, StationOffline, Version
from konsento.ocpp.messages import (
    VENDOR_ID,
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    Evse,
    MeterValue,
    Request,
    RequestStartTransaction,
    RequestStartTransactionResponse,
    RequestStopTransaction,
    RequestStopTransactionResponse,
    Response,
    SampledValue,
    StartStopStatus,
    StatusInfo,
    TransactionEvent,
    TransactionEventResponse,
    TransactionEventType,
    TransactionInfo,
    TriggerMessage,
    TriggerMessageResponse,
    TriggerMessageStatus,
)
from konsento.ocpp.raw_calls import check_raw
from konsento.payments import balance, cards, driving, hints, reconciling
from konsento.payments.desk import Desk
from konsento.payments.port import ExternalProvider
from konsento.pricing import Band, Component, Price, Rate
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import invoicing
from konsento.settlement import work as settlement_work
from konsento.sites import stations
from rig.engines import Postgres

from .databases import Template, command, on

STATION = "sakura-mall"
CODES = ("K7F29Q", "M4XR8T")
AT = datetime(2026, 11, 22, 1, 58, tzinfo=UTC)

PROVISIONING = f"""
[[tariffs]]
name = "demo"
unit_price = "3850"
power_type = "solar"
supplier = "Sakura Energy"
supplier_code = "A0269"

[[sites]]
name = "Sakura Mall car park"
station_id = "{STATION}"
password = "station-password-1"
time_zone = "Asia/Tokyo"
place = "Setagaya, Tokyo"
latitude = 35.6461
longitude = 139.6532

[[sites.outlets]]
evse_id = 1
code = "{CODES[0]}"
name = "Outlet 1, north wall"
rated_w = 3000
volts = 200
tariff = "demo"

[[sites.outlets]]
evse_id = 2
code = "{CODES[1]}"
name = "Outlet 2, north wall"
rated_w = 3000
volts = 200
tariff = "demo"
"""

type Answer = Response | Exception


async def reprice(services: Services, *rates: Rate, **columns: object) -> None:
    """Have every tariff cost something else from the beginning, whatever was said before."""
    price = Price(currency=services.settings.currency, tax_rate=services.settings.tax_rate, rates=rates)
    async with services.database.transaction() as session:
        values = {"rates": [rate.to_dict() for rate in rates], "unit_price": price.unit_price}
        await session.execute(update(Tariff).values(**values, **columns))


def rate(component: str, price: str, band: Band | None = None, free_s: int = 0) -> Rate:
    """Return a rate of a price."""
    return Rate(component=Component(component), price=Decimal(price), band=band, free_s=free_s)


class PlayedRouter:
    """Plays the site: answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request[Any]] = []
        self.answers: dict[type[Request[Any]], Callable[[Any], Answer]] = {
            RequestStartTransaction: lambda request: accepted(f"TX-{request.remote_start_id}"),
            RequestStopTransaction: lambda _: RequestStopTransactionResponse(status=StartStopStatus.ACCEPTED),
            TriggerMessage: lambda _: TriggerMessageResponse(status=TriggerMessageStatus.ACCEPTED),
            DataTransfer: lambda _: DataTransferResponse(status=DataTransferStatus.ACCEPTED),
        }
        self.asked_raw: list[tuple[str, dict[str, Any]]] = []
        self.raw_answer: dict[str, Any] | Exception = {"status": "Accepted"}
        self.online = True
        self.connecting: list[LinkCallback] = []
        self.leaving: list[LinkCallback] = []
        self.before_answer: Callable[[], Any] | None = None

    async def call[R: Response](self, station_id: str, request: Request[R], *, timeout_s: float = 30) -> R:
        if station_id != STATION or not self.online:
            raise StationOffline(station_id, type(request).__name__)
        self.asked.append(request)
        if self.before_answer is not None:
            await self.before_answer()
        answer: Any = self.answers[type(request)](request)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def call_raw(
        self, station_id: str, action: str, payload: dict[str, Any], *, timeout_s: float = 30
    ) -> dict[str, Any]:
        assert station_id == STATION
        if not self.online:
            raise StationOffline(station_id, action)
        check_raw(station_id, action, payload, Version.V21)
        self.asked_raw.append((action, payload))
        if isinstance(self.raw_answer, Exception):
            raise self.raw_answer
        return self.raw_answer

    def on_connect(self, callback: LinkCallback) -> None:
        self.connecting.append(callback)

    def on_disconnect(self, callback: LinkCallback) -> None:
        self.leaving.append(callback)

    async def connect(self) -> None:
        """Connect the site, as after an outage."""
        self.online = True
        for callback in self.connecting:
            await callback(STATION)


def accepted(transaction_id: str | None) -> RequestStartTransactionResponse:
    """Return a site's yes to a start."""
    return RequestStartTransactionResponse(status=StartStopStatus.ACCEPTED, transaction_id=transaction_id)


def rejected(code: str) -> RequestStartTransactionResponse:
    """Return a site's no to a start."""
    return RequestStartTransactionResponse(status=StartStopStatus.REJECTED, status_info=StatusInfo(reason_code=code))


@dataclass
class Core:
    """The wired domains, a driver with a balance, and the site."""

    services: Services
    router: PlayedRouter
    handlers: Handlers
    clock: ManualClock
    driver_id: UUID
    other_driver_id: UUID
    sent: list[TransactionEvent] = field(default_factory=list)

    async def start(self, kind: str = "energy", amount: int = 10, code: str = CODES[0]) -> ChargingSession:
        """Start a session as the driver; `amount` in Wh, seconds or minor units."""
        requested = RequestedLimit(kind=LimitKind(kind), amount=amount)
        return await charging.start(
            self.services, Wish(driver_id=self.driver_id, outlet_code=code, requested=requested)
        )

    async def tell(self, event: TransactionEvent) -> TransactionEventResponse:
        """Have the site send an event; returns the answer."""
        answer = await self.handlers.answer(STATION, event)
        assert isinstance(answer, TransactionEventResponse)
        return answer

    async def send(self, event: TransactionEvent) -> None:
        """Have the site send an event."""
        self.sent.append(event)
        await self.tell(event)

    async def work(self) -> None:
        """Have all due work done."""
        await self.services.work.drain()

    async def progress(self, session_id: UUID) -> Progress:
        """Return what the driver sees."""
        async with self.services.database.transaction() as session:
            return await charging.progress(session, self.driver_id, session_id)

    async def available(self) -> int:
        """Return what the driver can spend."""
        async with self.services.database.transaction() as session:
            return await balance.available(session, self.driver_id)

    async def sites_ask_for(self, check: PresenceCheck) -> None:
        """Have the operator want drivers to show that they are there."""
        async with self.services.database.transaction() as session:
            await session.execute(update(Site).values(presence=check))

    async def press(self, evse_id: object = 1, at: datetime | str | None = None) -> DataTransferStatus:
        """Have the site tell that an outlet's button was pressed; returns the answer."""
        at = at if isinstance(at, str) else (at or self.clock.now()).isoformat()
        data = {"evseId": evse_id, "timestamp": at}
        message = DataTransfer(vendor_id=VENDOR_ID, message_id="ButtonPressed", data=data)
        answer = await self.handlers.answer(STATION, message)
        assert isinstance(answer, DataTransferResponse)
        return answer.status

    async def outlet_status(self, status: OutletStatus, reason: str = "", evse_id: int = 1) -> None:
        """Have the site say something about an outlet."""
        async with self.services.database.transaction() as session:
            await stations.note_status(session, STATION, evse_id, status, reason=reason, at=self.clock.now())


def event_of(
    session: ChargingSession,
    seq_no: int,
    wh: str | None,
    *,
    kind: TransactionEventType = TransactionEventType.UPDATED,
    seconds: int | None = None,
    **more: Any,
) -> TransactionEvent:
    """Return an event of a session; `wh` is the outlet's register, `seconds` the supply so far."""
    seconds = seq_no * 4 if seconds is None else seconds
    at = AT + timedelta(seconds=seconds)
    reason = more.pop("reason", "EnergyLimitReached" if kind is TransactionEventType.ENDED else None)
    remote_start_id = more.pop(
        "remote_start_id", session.remote_start_id if kind is TransactionEventType.STARTED else None
    )
    return TransactionEvent(
        event_type=kind,
        timestamp=at,
        trigger_reason="MeterValuePeriodic",
        seq_no=seq_no,
        evse=Evse(id=1, connector_id=1) if kind is TransactionEventType.STARTED else None,
        transaction_info=TransactionInfo(
            transaction_id=f"TX-{session.remote_start_id}",
            charging_state=more.pop("charging_state", "Charging"),
            time_spent_charging=seconds,
            stopped_reason=reason,
            remote_start_id=remote_start_id,
        ),
        meter_value=[
            MeterValue(
                timestamp=at,
                sampled_value=[
                    SampledValue(value=Decimal(wh)),
                    SampledValue(value=Decimal(3000), measurand="Power.Active.Import"),
                ],
            )
        ]
        if wh is not None
        else None,
        **more,
    )


STARTED, UPDATED, ENDED = TransactionEventType.STARTED, TransactionEventType.UPDATED, TransactionEventType.ENDED


def whole_session(session: ChargingSession) -> list[TransactionEvent]:
    """Return the events of an ordinary session of 10.2 Wh."""
    return [
        event_of(session, 0, "1000", kind=STARTED),
        event_of(session, 1, "1003.333"),
        event_of(session, 2, "1006.667"),
        event_of(session, 3, "1010.2", kind=ENDED),
    ]


ON_BOTH = (
    "charging",
    "settlement",
    "payments",
    "rewards",
    "ledger",
    "kit",
    "ocpp",
    "operations",
    "webhooks",
    "invoices",
    "statements",
)
"""Folders whose tests run on both kinds of database."""


def pytest_collection_finish() -> None:
    """Leave what was imported out of each search for garbage, which took a fifth of the time."""
    gc.freeze()
    gc.set_threshold(50_000)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say on which kinds of database a test runs that does not say so itself."""
    said = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    if "database_kind" not in metafunc.fixturenames or "database_kind" in said:
        return
    folder = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
    kinds = ["sqlite", "postgresql"] if folder in ON_BOTH else ["postgresql"] if folder == "scale" else ["sqlite"]
    only = os.environ.get("TEST_DATABASE")
    metafunc.parametrize("database_kind", [only] if only else kinds, scope="session")


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    """Let the databases of all tests share what SQLAlchemy has compiled, as one database does from its second use."""
    compiled: dict[str, tuple[Dialect, LRUCache[Any, Any]]] = {}
    make = Database.__init__

    def made(database: Database, *arguments: Any, **options: Any) -> None:
        make(database, *arguments, **options)
        engine = database.engine.sync_engine

        # From its first connection on, which completes its dialect.
        @event.listens_for(engine.pool, "first_connect", once=True)
        def share(*_: object) -> None:
            first = compiled.setdefault(engine.name, (engine.dialect, LRUCache(10_000)))
            engine.dialect, engine._compiled_cache = first

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", made)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server; gives the folder of its socket."""
    server = Postgres()
    try:
        # No test that shares it cuts the power.
        yield server.set(fsync="off", full_page_writes="off", synchronous_commit="off", autovacuum="off").socket
    finally:
        server.close()


@pytest.fixture(scope="session")
def migrated(database_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A database with all tables, made once and copied."""
    if database_kind == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('migrated') / 'konsento.sqlite3'}"
    else:
        server = on(request.getfixturevalue("postgres"), "migrated")
        asyncio.run(command(server, "CREATE DATABASE migrated"))
        url = server.render_as_string()
    migrate(url)
    return Template(url)


@pytest.fixture(scope="session")
def furnished(migrated: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A database with a connected site, two outlets and two drivers with a balance, made once and copied."""
    with asyncio.Runner() as runner:
        copied = migrated.copied(tmp_path_factory.mktemp("furnished"))
        url = runner.run(copied.__aenter__())
        runner.run(_furnish(url))
        yield Template(url)
        runner.run(copied.__aexit__(None, None, None))


async def _furnish(url: str) -> None:
    database = Database(url)
    async with database.transaction() as session:
        await provisioning.apply(session, provisioning.parse(PROVISIONING), Settings(), AT)
        for name in ("first", "second"):
            driver = Driver(
                id=new_id(), email=f"{name}@example.com", name=name, locale="en", password_hash="-", created_at=AT
            )
            session.add(driver)
            await session.flush()
            await balance.top_up(session, Settings(), driver.id, 5000, AT)
        await stations.note_link(session, STATION, AT, connected=True)
        for evse_id in (1, 2):
            await stations.note_status(session, STATION, evse_id, OutletStatus.AVAILABLE, reason="", at=AT)
    await database.close()


async def speaks(database: Database, version: Version | None) -> None:
    """Have the site be connected with that version of OCPP; None: not at all."""
    async with database.transaction() as session:
        await session.execute(delete(StationOwner))
        if version is not None:
            session.add(StationOwner(station_id=STATION, replica_id=new_id(), epoch=1, version=version, since=AT))


@asynccontextmanager
async def opened(template: Template, folder: Path) -> AsyncIterator[Database]:
    """Give a copy of a database."""
    async with template.copied(folder) as url:
        database = Database(url)
        yield database
        await database.close()


@pytest.fixture
async def database(migrated: Template, tmp_path: Path) -> AsyncIterator[Database]:
    """An own, empty database."""
    async with opened(migrated, tmp_path) as database:
        yield database


async def wired(
    database: Database, settings: Settings | None = None, external: Sequence[ExternalProvider] = ()
) -> Core:
    """Wire the domains on a furnished database."""
    clock = ManualClock(AT)
    router = PlayedRouter()
    services = Services(
        database=database,
        settings=settings or Settings(),
        clock=clock,
        router=router,
        live=Bus(),
        work=WorkQueue(database, clock),
        desk=Desk(external),
    )
    handlers = Handlers(clock)
    charging_handlers.install(services, handlers)
    charging_work.install(services)
    notices.install(services)
    invoice_mails.install(services)
    presence.install(services)
    checkout.install(services)
    settlement_work.install(services)
    for part in (balance, driving, hints, cards, reconciling, invoicing):
        part.install(services)
    async with database.transaction() as session:
        first, second = await session.scalars(select(Driver.id).order_by(Driver.email))
    return Core(
        services=services, router=router, handlers=handlers, clock=clock, driver_id=first, other_driver_id=second
    )


@pytest.fixture
async def core(furnished: Template, tmp_path: Path) -> AsyncIterator[Core]:
    """The wired domains, with a site that is connected and two drivers with 5,000 yen each."""
    async with opened(furnished, tmp_path) as database:
        yield await wired(database)
