"""A management server with a real gateway, database and session service, whose clock the test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from aiohttp import ClientSession
from sqlalchemy import select

from konsento.charging import handlers as charging_handlers
from konsento.charging import notices, presence
from konsento.charging import service as charging
from konsento.charging import work as charging_work
from konsento.charging.doors import Doors
from konsento.charging.limits import RequestedLimit
from konsento.kit.bus import Bus
from konsento.kit.clock import ManualClock
from konsento.kit.ids import new_id
from konsento.kit.work import WorkQueue
from konsento.models import WITH_OFFERS, ChargingSession, Driver, LimitKind, MeterEvent, Outlet, Receipt, Site
from konsento.ocpp import Gateway, Handlers, LocalStationRouter, Owners, Transactions
from konsento.services import Services
from konsento.settings import Settings, UnknownStations
from konsento.settlement import work as settlement_work

from ..conftest import AT, CODES, STATION, Template, opened
from .line import Line

PASSWORD = "station-password-1"


@dataclass
class World:
    """The server, and a driver with 5,000 yen; energy costs 3.85 yen per Wh."""

    services: Services
    router: LocalStationRouter
    gateway: Gateway
    handlers: Handlers
    clock: ManualClock
    client: ClientSession
    driver_id: UUID

    async def dial(self, protocol: str, station_id: str = STATION) -> Line:
        """Connect a charger, and wait until the server knows."""
        url = f"http://127.0.0.1:{self.gateway.port}/ocpp/{station_id}"
        line = await Line.dial(self.client, url, station_id, PASSWORD, protocol)
        await self.router.settle()
        return line

    async def start(self, kind: str = "energy", amount: int = 100, code: str = CODES[0]) -> ChargingSession:
        """Start a session as the driver; `amount` in Wh, seconds or minor units."""
        requested = RequestedLimit(kind=LimitKind(kind), amount=amount)
        return await charging.start(self.services, self.driver_id, code, requested)

    async def stop(self, session_id: UUID) -> None:
        """Stop a session as the driver."""
        await charging.stop(self.services, self.driver_id, session_id)

    async def wait(self, seconds: float) -> None:
        """Let time pass, and have done what is due."""
        self.clock.advance(timedelta(seconds=seconds))
        await self.services.work.drain()

    async def session(self, session_id: UUID) -> ChargingSession:
        """Return a session as it is."""
        async with self.services.database.transaction() as session:
            return await session.get_one(ChargingSession, session_id)

    async def billed_wh(self, session_id: UUID) -> int | None:
        """Return what a session's receipt says, None where there is none."""
        async with self.services.database.transaction() as session:
            receipt = await session.get(Receipt, session_id)
            return receipt.billed_wh if receipt is not None else None

    async def events(self, session_id: UUID) -> list[MeterEvent]:
        """Return the kept events of a session, in their order."""
        query = select(MeterEvent).where(MeterEvent.session_id == session_id).order_by(MeterEvent.seq_no)
        async with self.services.database.transaction() as session:
            return list(await session.scalars(query))

    async def outlets(self) -> dict[int, Outlet]:
        """Return the outlets of the site, by number."""
        async with self.services.database.transaction() as session:
            return {row.evse_id: row for row in await session.scalars(select(Outlet).options(WITH_OFFERS))}

    async def site(self) -> Site:
        """Return the site."""
        async with self.services.database.transaction() as session:
            return (await session.scalars(select(Site))).one()


@asynccontextmanager
async def world(furnished: Template, folder: Path) -> AsyncIterator[World]:
    """Run a server on a copy of a furnished database. Unknown stations wait for the operator."""
    async with opened(furnished, folder) as database, ClientSession() as client:
        clock = ManualClock(AT)
        router = LocalStationRouter(Owners(database, clock, new_id()))
        services = Services(
            database=database,
            settings=Settings(ocpp_unknown=UnknownStations.HOLD),
            clock=clock,
            router=router,
            live=Bus(),
            work=WorkQueue(database, clock),
        )
        handlers = Handlers(clock)
        for domain in (charging_work, notices, presence, settlement_work):
            domain.install(services)
        charging_handlers.install(services, handlers)

        doors = Doors(services)
        gateway = Gateway(handlers, router, doors.admit, register=doors.register, v16=Transactions(database))
        await gateway.start("127.0.0.1", 0)
        async with database.transaction() as session:
            driver_id = (await session.scalars(select(Driver.id).order_by(Driver.email))).first()
        assert driver_id is not None
        yield World(services, router, gateway, handlers, clock, client, driver_id)
        await gateway.stop(grace_s=1)
