"""Signing a browser in and out."""

from datetime import timedelta
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.accounts import service as accounts
from konsento.models import Driver
from konsento.services import Services
from konsento.web.security import cookie_flags
from konsento.web.who import driver_cookie, known_cookie, token_of

_MARK_LIVES: Final = timedelta(days=365)


async def new_token(session: AsyncSession, services: Services, request: Request, driver: Driver) -> str:
    """Make a sign-in for this browser, in place of the one that it had; returns the token for its cookie."""
    browser = accounts.browser_name(request.headers)
    return await accounts.remember(session, driver, services.clock.now(), browser, instead_of=token_of(request) or None)


def sign_in_browser(answer: Response, services: Services, token: str, mark: str = "") -> None:
    """Have the browser keep a sign-in's token, longer than it can count: the server decides when it is over.

    `mark` stays when the browser is signed out (`accounts.known`).
    """
    flags = cookie_flags(services.settings.public_url)
    if mark:
        answer.set_cookie(known_cookie(services), mark, max_age=int(_MARK_LIVES.total_seconds()), **flags)
    answer.set_cookie(driver_cookie(services), token, max_age=int(accounts.ENDS_AFTER.total_seconds()), **flags)


def sign_out_browser(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(driver_cookie(services), **cookie_flags(services.settings.public_url))
