"""Who is asking, and what the pages work with."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import service as accounts
from konsento.models.driver import Driver
from konsento.services import Services
from konsento.web.errors import PageNotFound, SignInNeeded

COOKIE = "konsento_driver"


def services_of(request: Request) -> Services:
    """Return what the application was wired with."""
    services: Services = request.app.state.services
    return services


async def driver_of(session: AsyncSession, request: Request, now: datetime) -> Driver | None:
    """Return who is signed in in the browser of a request, or None."""
    token = request.cookies.get(COOKIE)
    return await accounts.driver_for_token(session, token, now) if token else None


async def maybe_driver(request: Request) -> Driver | None:
    """Return who is signed in in this browser, or None."""
    if COOKIE not in request.cookies:
        return None
    services = services_of(request)
    async with services.database.transaction() as session:
        return await driver_of(session, request, services.clock.now())


async def needed_driver(driver: Annotated[Driver | None, Depends(maybe_driver)]) -> Driver:
    """Return who is signed in. Raises `SignInNeeded`."""
    if driver is None:
        raise SignInNeeded
    return driver


def session_number(session_id: str) -> UUID:
    """Return the id in an address. Raises `PageNotFound` for what is none: the address is wrong, not a form."""
    try:
        return UUID(session_id)
    except ValueError:
        raise PageNotFound from None


Wired = Annotated[Services, Depends(services_of)]
MaybeSignedIn = Annotated[Driver | None, Depends(maybe_driver)]
SignedIn = Annotated[Driver, Depends(needed_driver)]
SessionNumber = Annotated[UUID, Depends(session_number)]
