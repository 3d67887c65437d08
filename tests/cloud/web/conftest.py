"""The real application on a real database; only the site at the other end of the wire is played."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import update

from konsento import provisioning
from konsento.advice import work as advice_work
from konsento.api import sessions as api_sessions
from konsento.api import work as api_work
from konsento.app import pages
from konsento.charging import checkout, invoice_mails, notices, presence
from konsento.charging import work as charging_work
from konsento.charging.ingest import Ingest
from konsento.feeds import work as feeds_work
from konsento.kit import hashing
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.work import WorkQueue
from konsento.models import Outlet, OutletStatus, PresenceCheck, Site, StationOwner
from konsento.notifications import mail
from konsento.ocpp import Version
from konsento.ocpp.messages import (
    Evse,
    IdToken,
    MeterValue,
    ReadingContext,
    RequestStartTransaction,
    RequestStartTransactionResponse,
    SampledValue,
    TransactionEvent,
    TransactionEventType,
    TransactionInfo,
)
from konsento.partners import work as partner_work
from konsento.payments import balance, cards, driving, hints, reconciling
from konsento.payments.desk import Desk
from konsento.payments.port import ExternalProvider
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import bills, invoicing
from konsento.settlement import work as settlement_work
from konsento.webhooks import work as webhook_work

from ..conftest import AT, CODES, PROVISIONING, STATION, PlayedRouter, accepted, rejected
from ..databases import Template

CODE, OTHER_CODE = CODES
PASSWORD = "correct horse battery"
ORIGIN = "http://konsento.test"


class PlayedSite(PlayedRouter):
    """A site with a car that does as it is told. Its answers go the way that real ones go."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.refuses = ""
        """Reason code for refusing a start."""
        self.services: Services | None = None
        self.answers[RequestStartTransaction] = self._started
        self._start: RequestStartTransaction | None = None
        self._seq_no = 0
        self._seconds = 0

    def _started(self, request: RequestStartTransaction) -> RequestStartTransactionResponse:
        if self.refuses:
            return rejected(self.refuses)
        self._start, self._seq_no, self._seconds = request, 0, 0
        return accepted(self._transaction)

    @property
    def _transaction(self) -> str:
        assert self._start is not None
        return f"T{self._start.remote_start_id}"

    async def reports(
        self, wh: str, *, watts: int = 3000, seconds: int = 0, ended: str = "", state: str = "Charging"
    ) -> None:
        """Send a meter event: the energy of the session so far."""
        assert self.services is not None
        assert self._start is not None
        self.clock.advance(timedelta(seconds=max(0, seconds - self._seconds)))
        self._seconds = max(self._seconds, seconds)
        kind = TransactionEventType.UPDATED if self._seq_no else TransactionEventType.STARTED
        register = SampledValue(value=Decimal(1204318) + Decimal(wh), context=ReadingContext.SAMPLE_PERIODIC.value)
        power = SampledValue(value=Decimal(watts), measurand="Power.Active.Import")
        event = TransactionEvent(
            event_type=TransactionEventType.ENDED if ended else kind,
            timestamp=self.clock.now(),
            trigger_reason="MeterValuePeriodic",
            seq_no=self._seq_no,
            transaction_info=TransactionInfo(
                transaction_id=self._transaction,
                charging_state="Idle" if ended else state,
                time_spent_charging=seconds,
                stopped_reason=ended or None,
                remote_start_id=self._start.remote_start_id,
            ),
            meter_value=[MeterValue(timestamp=self.clock.now(), sampled_value=[register, power])],
            evse=Evse(id=self._start.evse_id or 1, connector_id=1),
            id_token=IdToken(id_token=self._start.id_token.id_token, type="Central"),
        )
        self._seq_no += 1
        await Ingest(self.services).take(STATION, event)

    async def charges(self, wh: str = "10", *, seconds: int = 12, reason: str = "EnergyLimitReached") -> None:
        """Charge from the beginning to the end, and let the server settle."""
        assert self.services is not None
        await self.reports("0")
        await self.reports(str(Decimal(wh) / 2), seconds=seconds // 2)
        await self.reports(wh, watts=0, seconds=seconds, ended=reason)
        await self.services.work.drain()


@dataclass
class Bench:
    """The application, its services, and the site."""

    app: FastAPI
    services: Services
    site: PlayedSite
    clock: ManualClock

    @asynccontextmanager
    async def browser(self, language: str = "en", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser without cookies."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        sent = {"Accept-Language": language, "Origin": ORIGIN, **headers}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=sent) as client:
            yield client

    @asynccontextmanager
    async def driver(self, email: str = "ann@example.com", language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser in which a new driver is signed in."""
        async with self.browser(language) as browser:
            answer = await browser.post("/signup", data={"email": email, "password": PASSWORD, "name": "Ann Example"})
            assert answer.status_code == 303, answer.text
            yield browser

    async def outlet_is(self, status: OutletStatus, reason: str = "", *, connected: bool = True) -> None:
        """Have the site say something about all its outlets."""
        async with self.services.database.transaction() as session:
            await session.execute(update(Outlet).values(status=status, status_reason=reason, last_seen=AT))
            await session.execute(update(Site).values(connected=connected, last_seen=AT))

    async def sites_ask_for(self, check: PresenceCheck) -> None:
        """Have the operator want drivers to show that they are there."""
        async with self.services.database.transaction() as session:
            await session.execute(update(Site).values(presence=check))

    async def press(self, evse_id: int = 1) -> None:
        """Have somebody press an outlet's button now."""
        data = {"evseId": evse_id, "timestamp": self.clock.now().isoformat()}
        await presence.note_press(self.services, STATION, data)

    async def start(
        self, browser: httpx.AsyncClient, amount: str = "10", unit: str = "Wh", kind: str = "energy"
    ) -> str:
        """Start a session at the first outlet; returns the address of its page."""
        answer = await browser.post(f"/o/{CODE}/start", data={"kind": kind, "amount": amount, "unit": unit})
        assert answer.status_code == 303, self.words(answer)
        return str(answer.headers["location"])

    async def balance(self, browser: httpx.AsyncClient) -> str:
        """Return the balance that the driver reads."""
        found = re.search(r"Your balance (\S+)", self.words(await browser.get("/history")))
        assert found is not None
        return found[1]

    @staticmethod
    def words(answer: httpx.Response) -> str:
        """Return what a person reads of a page."""
        body = re.sub(r"<(style|script|head|noscript).*?</\1>", " ", answer.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").split())


def cheap_hashing() -> PasswordHasher:
    """Return a hasher that does little work: these tests make hundreds of drivers."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def template(migrated: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A database with tables and two outlets at a usual price, to be copied."""

    async def fill(url: str) -> None:
        database = Database(url)
        async with database.transaction() as session:
            content = provisioning.parse(PROVISIONING.replace('"3850"', '"38.5"'))
            await provisioning.apply(session, content, Settings(), AT - timedelta(days=1))
            session.add(StationOwner(station_id=STATION, replica_id=new_id(), epoch=1, version=Version.V21, since=AT))
        await database.close()

    with asyncio.Runner() as runner:
        copied = migrated.copied(tmp_path_factory.mktemp("template"))
        url = runner.run(copied.__aenter__())
        runner.run(fill(url))
        yield Template(url)
        runner.run(copied.__aexit__(None, None, None))


@pytest.fixture
async def settings(template: Template, tmp_path: Path) -> AsyncIterator[Settings]:
    async with template.copied(tmp_path) as url:
        yield Settings(database_url=url, public_url=ORIGIN, operator_name="Sakura Energy", welcome_credit_minor=3000)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little work; the hash itself is tested with the accounts."""
    monkeypatch.setattr(hashing, "_hasher", cheap_hashing())


@asynccontextmanager
async def wired(settings: Settings, external: Sequence[ExternalProvider] = ()) -> AsyncIterator[Bench]:
    """Wire the application on a database that has tables and outlets; `external` are payment providers outside."""
    clock = ManualClock(AT)
    database = Database(settings.database_url)
    site = PlayedSite(clock)
    work = WorkQueue(database, clock)
    services = Services(
        database=database, settings=settings, clock=clock, router=site, live=Bus(), work=work, desk=Desk(external)
    )
    site.services = services
    charging_work.install(services)
    notices.install(services)
    invoice_mails.install(services)
    presence.install(services)
    checkout.install(services)
    settlement_work.install(services)
    for part in (driving, hints, cards, reconciling, balance, invoicing, bills):
        part.install(services)
    mail.install(services)
    webhook_work.install(services, api_sessions.describe)
    api_work.install(services)
    partner_work.install(services)
    feeds_work.install(services, [advice_work.listener(services)])
    advice_work.install(services)
    bench = Bench(pages(services), services, site, clock)
    await bench.outlet_is(OutletStatus.AVAILABLE)
    yield bench
    await database.close()


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench
