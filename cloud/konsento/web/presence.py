"""Before the start: the driver shows that they stand before the outlet, where its operator wants that."""

from dataclasses import replace
from typing import Annotated, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.advice.errors import WindowGone
from konsento.charging import presence
from konsento.charging.errors import PresenceOver, PresenceTaken, UnknownPresenceCheck
from konsento.kit.errors import KonsentoError
from konsento.models import Driver, Outlet, Presence, PresenceState
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web.language import language_of
from konsento.web.place import place_of, view
from konsento.web.planning import chosen_window
from konsento.web.quote_view import quote_view
from konsento.web.render import page
from konsento.web.start import started
from konsento.web.who import SignedIn, Wired
from konsento.web.wish import PaidWish

router = APIRouter()

TAKEN: Final = "taken"
"""What the page shows while another driver's check keeps the outlet."""
ASK: Final = "ask"
"""Where there is nothing to show yet; otherwise the check's method, or its state."""
GONE: Final = "gone"
"""What its script is told when there is nothing to start any more: looked at again, the page says why."""


class Answer(PaidWish):
    """What the driver says, with what they want."""

    answer: Literal["again", "yes", "no"] = "again"
    check: UUID | None = None
    """Which check is answered; none is for `again`."""

    def wish(self) -> PaidWish:
        """Return what the driver wants."""
        return PaidWish(**self.model_dump(exclude={"answer", "check"}))


@router.get("/o/{code}/presence")
async def presence_page(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[PaidWish, Query()]
) -> Response:
    """Say what shows that the driver is there, and how it stands. Looked at again it goes on by itself."""
    async with services.database.transaction() as session:
        try:
            window = await chosen_window(session, services, code, wish)
        except WindowGone:
            return RedirectResponse(f"/outlook?outlet={code}", 303)
        begins = window.begin if window is not None else None
        place = await place_of(session, services, code, driver, wish.offer, begins=begins)
        obstacle = await presence.obstacle(session, place.outlet, services.clock.now())
    if place.mine is not None:
        return RedirectResponse(f"/s/{place.mine.session_id}", 303)
    if obstacle is not None:
        raise obstacle
    if not presence.needed(place.outlet):
        return RedirectResponse(wish.address(f"/o/{place.outlet.code}/confirm"), 303)
    if place.gone or (not wish.offer and len(place.offers) > 1):
        return RedirectResponse(wish.address(f"/o/{place.outlet.code}/choose"), 303)
    try:
        requested = wish.read(place.tariff.currency)
        quote = next((q for way, q in place.quotes(requested) if way and way.way == replace(wish.way, card="")), None)
    except KonsentoError:
        quote = None
    if quote is None:  # an address that no page of ours leads to, or money that is gone
        return RedirectResponse(f"/o/{place.outlet.code}/choose", 303)
    check, shown = await _now(services, driver, place.outlet)
    language, zone = language_of(request), ZoneInfo(place.outlet.site.time_zone)
    return page(
        request,
        "presence.html",
        driver=driver,
        outlet=view(request, services, place),
        check=check,
        view=shown,
        button=quote_view(language, quote, language.clock(begins, zone) if begins is not None else "").button,
        back=wish.address(f"/o/{place.outlet.code}/confirm"),
        wish=wish,
        blinks_s=presence.BLINKS_S,
        minutes=int(presence.PATIENCE.total_seconds() // 60),
    )


@router.get("/o/{code}/presence/state")
async def presence_state(code: str, services: Wired, driver: SignedIn) -> Response:
    """Answer what the page would show now, for its script."""
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
    _, shown = await _now(services, driver, outlet)
    return JSONResponse({"view": shown})


@router.post("/o/{code}/presence")
async def answer(
    request: Request, code: str, services: Wired, driver: SignedIn, form: Annotated[Answer, Form()]
) -> Response:
    """Take what the driver says: yes starts, no ends it, again asks anew."""
    wish = form.wish()
    here = RedirectResponse(wish.address(f"/o/{code}/presence"), 303)
    try:
        if form.answer == "again" or form.check is None:
            await presence.ask(services, driver.id, code)
            return here
        async with services.database.transaction() as session:
            is_here = form.answer == "yes"
            await presence.answer(session, services, driver.id, form.check, is_here=is_here)
    except PresenceTaken, PresenceOver, UnknownPresenceCheck:
        return here  # the page says how it stands
    return await started(request, services, driver, code, wish) if form.answer == "yes" else here


async def _now(services: Services, driver: Driver, outlet: Outlet) -> tuple[Presence | None, str]:
    """Return the driver's newest check here, and what the page shows of it."""
    async with services.database.transaction() as session:
        if await presence.obstacle(session, outlet, services.clock.now()) is not None:
            return None, GONE
        check = await presence.latest(session, services, driver.id, outlet.id)
        taken = await presence.kept_by_another(session, services, driver.id, outlet.id)
    if taken:
        return check, TAKEN
    if check is None or check.state is PresenceState.USED:
        return None, ASK
    if check.state is PresenceState.WAITING:
        return check, check.method
    return check, check.state
