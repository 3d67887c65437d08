"""From a code on the wall to a price: the outlet, how much, what it costs, start."""

from dataclasses import dataclass
from io import BytesIO
from typing import Annotated
from unicodedata import normalize
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.catalogue import service as catalogue
from konsento.charging import service as charging
from konsento.charging.errors import BadLimit, failure
from konsento.charging.limits import RequestedLimit, parse_limit
from konsento.charging.progress import Progress
from konsento.charging.quote import Quote, quoted
from konsento.kit.errors import KonsentoError
from konsento.models import Driver, LimitKind, Outlet, SessionState, Tariff
from konsento.payments import balance
from konsento.payments.errors import BalanceTooLow
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.outlet_view import OutletView, Standing, outlet_view, standing
from konsento.web.quote_view import estimate_text, kinds, quote_view
from konsento.web.render import page
from konsento.web.who import MaybeSignedIn, SignedIn, Wired

router = APIRouter()

UNITS: dict[str, str] = {LimitKind.ENERGY: "kWh", LimitKind.TIME: "min", LimitKind.MONEY: "major"}
"""The units of the form."""


class Wish(BaseModel):
    """What the driver wants, as typed. Nothing is refused here: `parse_limit` says why, in the driver's words."""

    kind: str = ""
    amount: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """An outlet, its price now, and what the driver who asks has to do with it."""

    outlet: Outlet
    tariff: Tariff
    available_minor: int | None
    """The driver's balance that is not held; None for nobody."""
    driver: Driver | None
    mine: Progress | None
    """The driver's session that is on at this outlet."""

    def quote(self, wish: Wish) -> Quote:
        """Return the quote for a wish that the balance can pay. Raises `BadLimit`, `BalanceTooLow`."""
        requested = _requested(wish, self.tariff.currency)
        quote = quoted(self.tariff, self.outlet.rated_w, requested)
        if self.available_minor is not None and quote.hold_minor > self.available_minor:
            raise BalanceTooLow
        return quote


@router.get("/")
async def start_page(request: Request, services: Wired, driver: MaybeSignedIn, code: str = "") -> Response:
    """Ask for the code of an outlet, and lead to it."""
    unknown: KonsentoError | None = None
    if code:
        try:
            async with services.database.transaction() as session:
                # Phones with a Japanese keyboard type full-width letters.
                outlet = await sites.outlet_by_code(session, normalize("NFKC", code))
        except KonsentoError as error:
            problems.note(request, error)
            unknown = error
        else:
            return RedirectResponse(f"/o/{outlet.code}", 303)
    running: list[Progress] = []
    available = None
    if driver is not None:
        async with services.database.transaction() as session:
            available = language_of(request).money(
                await balance.available(session, driver.id), services.settings.currency
            )
            running = await charging.running(session, driver.id)
    return page(
        request,
        "home.html",
        driver=driver,
        status=unknown.status if unknown else 200,
        problem=language_of(request).error(unknown) if unknown else None,
        code=code[:16],
        running=running,
        balance=available,
    )


@router.get("/o/{code}")
async def outlet_page(request: Request, code: str, services: Wired, driver: MaybeSignedIn) -> Response:
    """Show an outlet: whether it is free, where it is, what it costs."""
    async with services.database.transaction() as session:
        place = await _place(session, services, code, driver)
    if code != place.outlet.code:
        return RedirectResponse(f"/o/{place.outlet.code}", 303)
    return page(
        request,
        "outlet.html",
        driver=driver,
        outlet=_view(request, services, place),
        balance=_balance(request, place),
        running=place.mine,
    )


@router.get("/o/{code}/qr.svg")
async def outlet_qr(code: str, services: Wired) -> Response:
    """Draw the QR code of an outlet's public address: nothing but the address, so a label never goes stale."""
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
    picture = BytesIO()
    address = f"{services.settings.public_url.rstrip('/')}/o/{outlet.code}"
    segno.make(address, error="m", micro=False).save(picture, kind="svg", scale=8, xmldecl=False, light="#fff")
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/o/{code}/choose")
async def choose_page(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Ask how much."""
    async with services.database.transaction() as session:
        place = await _place(session, services, code, driver)
    if standing(place.outlet, mine=place.mine is not None) is not Standing.FREE:
        return RedirectResponse(f"/o/{place.outlet.code}", 303)
    return _choose(request, services, place, wish)


@router.get("/o/{code}/estimate")
async def estimate(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Answer what the form shows while somebody types: the other two of energy, time and money, or what is wrong."""
    language = language_of(request)
    async with services.database.transaction() as session:
        place = await _place(session, services, code, driver)
    try:
        quote = place.quote(wish)
    except KonsentoError as error:
        # Not an error of the request: somebody is in the middle of typing.
        return JSONResponse({"ok": False, "text": language.error(error), "button": language.text("See the price")})
    amount = language.money(quote.estimated_minor, quote.currency)
    button = language.text("See the price: about {amount}", amount=amount)
    return JSONResponse({"ok": True, "text": estimate_text(language, quote), "button": button})


@router.get("/o/{code}/confirm")
async def confirm_page(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Show the price before anything starts."""
    async with services.database.transaction() as session:
        place = await _place(session, services, code, driver)
    obstacle = sites.obstacle(place.outlet)
    if obstacle is not None:
        raise obstacle
    try:
        quote = place.quote(wish)
    except KonsentoError as error:
        return _choose(request, services, place, wish, error)
    language = language_of(request)
    return page(
        request,
        "confirm.html",
        driver=driver,
        outlet=_view(request, services, place),
        quote=quote_view(language, quote),
        balance=_balance(request, place),
        change=f"/o/{place.outlet.code}/choose?{urlencode({'kind': wish.kind, 'amount': wish.amount})}",
        kind=wish.kind,
        amount=wish.amount,
        unit=wish.unit,
    )


@router.post("/o/{code}/start")
async def start(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[Wish, Form()]
) -> Response:
    """Start; answers when the outlet has. The session's own page shows what follows."""
    # Straight to the start: a driver stands in front of the outlet.
    try:
        requested = _requested(wish, services.settings.currency)
        started = await charging.start(services, driver.id, code, requested)
    except (BadLimit, BalanceTooLow) as error:
        async with services.database.transaction() as session:
            place = await _place(session, services, code, driver)
        return _choose(request, services, place, wish, error)
    if started.state is SessionState.FAILED:
        raise failure(started.failure)
    return RedirectResponse(f"/s/{started.id}", 303)


def _requested(wish: Wish, currency: str) -> RequestedLimit:
    """Read a wish; without a unit in the one that stands beside the field. Raises `BadLimit`."""
    return parse_limit(wish.kind, wish.amount, wish.unit or UNITS.get(wish.kind), currency)


async def _place(session: AsyncSession, services: Services, code: str, driver: Driver | None) -> Place:
    outlet = await sites.outlet_by_code(session, code)
    tariff = await catalogue.tariff_in_force(session, outlet.tariff_name, services.clock.now())
    if driver is None:
        return Place(outlet=outlet, tariff=tariff, available_minor=None, driver=None, mine=None)
    mine = [s for s in await charging.running(session, driver.id) if s.outlet_code == outlet.code]
    available = await balance.available(session, driver.id)
    return Place(outlet=outlet, tariff=tariff, available_minor=available, driver=driver, mine=mine[0] if mine else None)


def _choose(
    request: Request, services: Services, place: Place, wish: Wish, error: KonsentoError | None = None
) -> Response:
    """Show the form, with what was typed and what is wrong with it."""
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    offered = kinds(language, place.outlet, place.tariff, place.available_minor or 0)
    known = [choice for choice in offered if choice.kind == wish.kind]
    chosen = known[0] if known else offered[0]
    return page(
        request,
        "choose.html",
        driver=place.driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        outlet=_view(request, services, place),
        balance=_balance(request, place),
        kinds=offered,
        kind=chosen.kind,
        amount=wish.amount[:12] or chosen.usual,
    )


def _view(request: Request, services: Services, place: Place) -> OutletView:
    now = services.clock.now()
    return outlet_view(language_of(request), place.outlet, place.tariff, now, mine=place.mine is not None)


def _balance(request: Request, place: Place) -> str | None:
    if place.available_minor is None:
        return None
    return language_of(request).money(place.available_minor, place.tariff.currency)
