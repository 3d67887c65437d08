"""Who is asking, and what the pages work with."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import service as accounts
from konsento.models.driver import Driver
from konsento.services import Services
from konsento.web.errors import PageNotFound, SignInNeeded
from konsento.web.security import cookie_name

_COOKIE: Final = "konsento_driver"


def services_of(request: Request) -> Services:
    """Return what the application was wired with."""
    services: Services = request.app.state.services
    return services


def driver_cookie(services: Services) -> str:
    """Return the name of the cookie that says who is signed in."""
    return cookie_name(_COOKIE, services.settings.public_url)


def known_cookie(services: Services) -> str:
    """Return the name of the cookie that says in which browser a driver has signed in before."""
    return cookie_name("konsento_known", services.settings.public_url)


def token_of(request: Request) -> str:
    """Return the token of this browser's sign-in, empty where there is none."""
    return request.cookies.get(driver_cookie(services_of(request)), "")


def address_of(request: Request) -> str:
    """Return the network address of the browser; only ever used hashed, to slow down guessing."""
    return request.client.host if request.client else ""


async def driver_of(session: AsyncSession, request: Request, now: datetime) -> Driver | None:
    """Return who is signed in in the browser of a request, or None."""
    token = token_of(request)
    return await accounts.driver_for_token(session, token, now) if token else None


async def maybe_driver(request: Request) -> Driver | None:
    """Return who is signed in in this browser, or None."""
    if not token_of(request):
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


def site_number(site_id: str) -> UUID:
    """Return the id in an address. Raises `PageNotFound` for what is none."""
    return session_number(site_id)


NextPage = Annotated[str, Query(alias="next")]
"""Where to go on afterwards; `safe_next` decides."""
Wired = Annotated[Services, Depends(services_of)]
MaybeSignedIn = Annotated[Driver | None, Depends(maybe_driver)]
SignedIn = Annotated[Driver, Depends(needed_driver)]
SessionNumber = Annotated[UUID, Depends(session_number)]
SiteNumber = Annotated[UUID, Depends(site_number)]
