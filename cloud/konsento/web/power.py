"""Choosing what to buy: the power types and suppliers of an outlet side by side, before the driver says how much."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from konsento.kit.errors import KonsentoError
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.offer_view import offer_view
from konsento.web.place import Place, place_of, view
from konsento.web.render import page
from konsento.web.who import MaybeSignedIn, Wired
from konsento.web.wish import Wish

router = APIRouter()


@router.get("/o/{code}/power")
async def power_page(
    request: Request, code: str, services: Wired, driver: MaybeSignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Show what can be bought, the driver's last choice chosen already; where that is one thing, go on with it."""
    async with services.database.transaction() as session:
        place = await place_of(session, services, code, driver)
    if len(place.offers) == 1:
        return RedirectResponse(wish.with_offer("").address(f"/o/{place.outlet.code}/choose"), 303)
    return choose_power(request, services, place, wish)


def choose_power(
    request: Request, services: Services, place: Place, wish: Wish, problem: KonsentoError | None = None
) -> Response:
    """Show what can be bought; `problem` says why it is chosen once more."""
    if problem is not None:
        problems.note(request, problem)
    language = language_of(request)
    return page(
        request,
        "power.html",
        driver=place.driver,
        status=problem.status if problem else 200,
        problem=language.error(problem) if problem else None,
        outlet=view(request, services, place),
        offers=[offer_view(language, offer) for offer in place.offers],
        chosen=wish.offer if wish.offer in {offer.name for offer in place.offers} else place.offer.name,
        wish=wish,
    )
