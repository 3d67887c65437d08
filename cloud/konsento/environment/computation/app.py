"""Start-up and wiring of the computation system."""

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment import delivery, web
from konsento.environment.access import Role
from konsento.environment.base import Office, TokenRow, Trees
from konsento.environment.computation.models import Measurement, Outlet, RegionEntry, Seen, Supplier, Token, Work
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.intake import Taken
from konsento.kit.clock import Clock, SystemClock
from konsento.kit.db import Database
from konsento.kit.work import WorkQueue

DESCRIPTION = "Takes anonymous measurements and computes greenhouse gases by region, power type and supplier."


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
    routers = [delivery.router((Role.SITE, Role.PLATFORM), _keep)]
    return web.made(office, "Konsento computation system", DESCRIPTION, routers, https=settings.is_https)


async def _keep(_session: AsyncSession, _office: Office, _token: TokenRow, _taken: Taken) -> None:
    """Nothing beside the measurements themselves."""


async def serve(settings: ComputationSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    office = wire(settings, SystemClock())
    await web.serve(office, made(office, settings), host=settings.host, port=settings.port)
