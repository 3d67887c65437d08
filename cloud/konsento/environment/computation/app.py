"""Start-up and wiring of the computation system."""

from typing import Final

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment import delivery, web
from konsento.environment.access import Role
from konsento.environment.base import Office, TokenRow, Trees
from konsento.environment.computation import endpoints, operation, page, work
from konsento.environment.computation.keeping import keep
from konsento.environment.computation.models import Measurement, Outlet, RegionEntry, Seen, Supplier, Token, Work
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.intake import Taken
from konsento.kit.clock import Clock, SystemClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue

DESCRIPTION: Final = """\
Takes anonymous measurements of charging and computes greenhouse gases by region, power type, supplier, use and period,
after the GHG Protocol. Energy is in whole Wh, masses in whole mg CO2e, times RFC 3339 in UTC. How: docs/environment.md.
"""


def wire(settings: ComputationSettings, clock: Clock) -> Office:
    """Make what the application works with."""
    database = Database(settings.database_url)
    return Office(
        database=database,
        clock=clock,
        work=WorkQueue(database, clock, Work),
        tokens=Token,
        seen=Seen,
        outlets=Outlet,
        measurements=Measurement,
        suppliers=Supplier,
        trees=Trees(RegionEntry),
        any_supplier=settings.any_supplier,
    )


def made(office: Office, settings: ComputationSettings) -> FastAPI:
    """Return the application."""

    async def take(session: AsyncSession, _office: Office, _token: TokenRow, taken: Taken) -> None:
        await keep(session, settings.zone, taken)

    routers = [
        delivery.router((Role.SITE, Role.PLATFORM), take),
        endpoints.router,
        operation.router,
        page.router,
    ]
    app = web.made(office, "Konsento computation system", DESCRIPTION, routers, https=settings.is_https)
    page.install(app, settings)
    return app


async def serve(settings: ComputationSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    office = wire(settings, SystemClock())
    work.install(office, settings)
    await web.serve(
        office,
        made(office, settings),
        host=settings.host,
        port=settings.port,
        begin=lambda: work.begin(office, settings),
    )
