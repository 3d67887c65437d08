"""Start-up and wiring of the platform."""

from typing import Final

import aiohttp
from fastapi import FastAPI

from konsento.environment import delivery, web
from konsento.environment.access import Role
from konsento.environment.base import Office, Trees
from konsento.environment.platform import endpoints, service, work
from konsento.environment.platform.models import Measurement, Outlet, RegionEntry, Seen, Supplier, Token, Work
from konsento.environment.platform.sending import Computation
from konsento.environment.platform.settings import PlatformSettings
from konsento.kit.clock import Clock, SystemClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue

DESCRIPTION: Final = """\
Takes anonymous measurements of charging, keeps them by region, integrates them by region, power type and supplier, and
forwards them to the computation system. Energy is in whole Wh, times are RFC 3339 in UTC.
"""


def wire(settings: PlatformSettings, clock: Clock) -> Office:
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


def made(office: Office, settings: PlatformSettings) -> FastAPI:
    """Return the application."""
    routers = [delivery.router((Role.SITE,), service.keep), endpoints.router]
    app = web.made(office, "Konsento platform", DESCRIPTION, routers, https=settings.is_https)
    endpoints.install(app.state, settings.forward, settings.time_zone)
    return app


async def serve(settings: PlatformSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    office = wire(settings, SystemClock())
    async with aiohttp.ClientSession() as http:
        computation = Computation(settings=settings, database=office.database, clock=office.clock, http=http)
        work.install(office, settings, computation)
        await web.serve(
            office,
            made(office, settings),
            host=settings.host,
            port=settings.port,
            begin=lambda: work.begin(office, settings),
        )
