"""The driver's tokens for programs: see them, make one, end one."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.accounts import tokens
from konsento.accounts.errors import NoScope
from konsento.accounts.tokens import Scope
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import ApiToken, Driver
from konsento.services import Services
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()

WORDS: Final = {
    Scope.OUTLETS_READ: marked("See outlets and prices"),
    Scope.SESSIONS_READ: marked("See your charging"),
    Scope.SESSIONS_WRITE: marked("Start, change and stop charging, with your money"),
    Scope.RECEIPTS_READ: marked("See your receipts"),
    Scope.BALANCE_READ: marked("See your balance"),
    Scope.ACCOUNT_READ: marked("See your name, addresses and phone number"),
    Scope.ACCOUNT_WRITE: marked("Change your name, postal address, phone number and notices"),
    Scope.ACCOUNT_EXPORT: marked("Take along everything that is kept of you"),
    Scope.WEBHOOKS_READ: marked("See your webhooks"),
    Scope.WEBHOOKS_WRITE: marked("Change your webhooks"),
    Scope.TOKENS_READ: marked("See your tokens"),
    Scope.TOKENS_WRITE: marked("Make and end tokens"),
}
"""What a token may do, as its driver reads it."""
DAYS: Final = (7, 30, tokens.DEFAULT_DAYS, tokens.MOST_DAYS)
UTC_ZONE: Final = ZoneInfo("UTC")


class NewToken(BaseModel):
    """What a driver chooses for a token. Nothing is refused here: the accounts say why in the driver's language."""

    name: str = ""
    scopes: list[str] = []
    days: str = str(tokens.DEFAULT_DAYS)


def part_number(number: str) -> UUID:
    """Return the id in an address. Raises `PageNotFound` for what is none."""
    try:
        return UUID(number)
    except ValueError:
        raise PageNotFound from None


Number = Annotated[UUID, Depends(part_number)]


@router.get("/account/tokens")
async def tokens_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """List the driver's tokens and offer to make one."""
    return await _page(request, services, driver, NewToken())


@router.post("/account/tokens")
async def make_token(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[NewToken, Form()]
) -> Response:
    """Make a token and show it, this once."""
    known = {word for word in form.scopes if word in set(Scope)}
    days = int(form.days) if form.days.isascii() and form.days.isdecimal() and len(form.days) < 6 else 0
    try:
        if len(known) < len(set(form.scopes)):
            raise NoScope  # none that is offered
        async with services.database.transaction() as session:
            _, token = await tokens.make(
                session,
                driver.id,
                name=form.name,
                scopes=[Scope(word) for word in known],
                days=days,
                now=services.clock.now(),
            )
    except KonsentoError as error:
        return await _page(request, services, driver, form, error=error)
    return await _page(request, services, driver, NewToken(), token=token)


@router.get("/account/tokens/{number}/end")
async def end_page(request: Request, number: Number, services: Wired, driver: SignedIn) -> Response:
    """Ask whether a token is really to end."""
    async with services.database.transaction() as session:
        row = await tokens.own(session, driver.id, number)
    text = language_of(request).text
    return page(
        request,
        "sure.html",
        driver=driver,
        question=text("End the token “{name}”?", name=row.name),
        meaning=text("Programs that use it are let in no more. Charging that is running goes on to its limit."),
        yes=text("End the token"),
        no=text("Keep it"),
        back="/account/tokens",
        action=f"/account/tokens/{number}/end",
    )


@router.post("/account/tokens/{number}/end")
async def end_token(number: Number, services: Wired, driver: SignedIn) -> Response:
    """End a token."""
    async with services.database.transaction() as session:
        await tokens.end(session, driver.id, number)
    return RedirectResponse("/account/tokens", 303)


async def _page(
    request: Request,
    services: Services,
    driver: Driver,
    form: NewToken,
    *,
    error: KonsentoError | None = None,
    token: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        rows = await tokens.of_driver(session, driver.id)
    return page(
        request,
        "tokens.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        token=token,
        tokens=[_row(language, row, now) for row in rows],
        scopes=[(scope.value, language.text(word), scope.value in form.scopes) for scope, word in WORDS.items()],
        days=[(str(days), language.text("{days} days", days=days)) for days in DAYS],
        chosen=form.days,
        name=form.name[:100],
    )


def _row(language: Language, row: ApiToken, now: datetime) -> dict[str, object]:
    text = language.text
    until = language.day(row.expires_at, UTC_ZONE)
    used = row.last_used_at
    return {
        "id": row.id,
        "name": row.name,
        "scopes": [text(WORDS[scope]) for scope in WORDS if scope in tokens.scopes_of(row)],
        "expired": row.expires_at <= now,
        "until": text("Expired on {day}", day=until) if row.expires_at <= now else text("Until {day}", day=until),
        "used": text("Last used on {day}", day=language.day(used, UTC_ZONE)) if used else text("Not used yet"),
    }
