"""From an outlet to a running session: how much, what it costs, how it is paid, start.

The price is for everybody to see; only the start needs somebody who pays.
"""

from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from konsento.advice import planned
from konsento.advice.errors import NeedsNobody, TooManyPlans, WindowGone
from konsento.catalogue.errors import OfferGone
from konsento.charging import checkout, metering, presence
from konsento.charging import service as charging
from konsento.charging import wish as wishes
from konsento.charging.errors import (
    AmountNeeded,
    BadLimit,
    MeteringNotAgreed,
    PresenceNeeded,
    PresenceTaken,
    PriceChanged,
    failure,
)
from konsento.charging.quote import Quote
from konsento.grid import windows
from konsento.grid.windows import Window
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.kit.ids import new_id
from konsento.models import Driver, DriverKind, SessionState
from konsento.payments.errors import (
    BalanceTooLow,
    CardDeclined,
    PaymentAway,
    PaymentRefused,
    TooMuchLater,
    UnknownCard,
    UnknownMethod,
)
from konsento.payments.ways import Method
from konsento.rewards.errors import CannotDiscount
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web import problems
from konsento.web.discounts import OffView, off_view
from konsento.web.language import language_of
from konsento.web.outlet_view import Standing, closes_before, standing
from konsento.web.outlook_view import when_text
from konsento.web.paying import pay_address, saved_cards
from konsento.web.place import Place, balance_text, meter_text, place_of, view
from konsento.web.planning import chosen_window, last_start, window_key
from konsento.web.power import choose_power
from konsento.web.quote_view import (
    Estimate,
    QuoteView,
    estimate_text,
    kinds,
    method_views,
    most_text,
    price_button,
    quote_view,
)
from konsento.web.render import page
from konsento.web.who import MaybeSignedIn, SignedIn, Wired
from konsento.web.wish import PaidWish, Wish

router = APIRouter()

_SOON: Final = timedelta(days=1)
"""A recommended time that begins within that is offered beside a start at once."""


@router.get("/o/{code}/choose")
async def choose_page(
    request: Request, code: str, services: Wired, driver: MaybeSignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Ask how much."""
    try:
        place, window = await _planned_place(services, driver, code, wish)
    except WindowGone:
        return RedirectResponse(f"/outlook?outlet={code}", 303)
    if standing(place.outlet, services.clock.now(), mine=place.mine is not None) is not Standing.FREE:
        return RedirectResponse(f"/o/{place.outlet.code}", 303)
    if place.gone:
        return _choose_again(request, services, place, wish)
    if not wish.offer and len(place.offers) > 1:
        return RedirectResponse(wish.address(f"/o/{place.outlet.code}/power"), 303)
    return _choose(request, services, place, wish, window=window)


@router.get("/o/{code}/estimate")
async def estimate(
    request: Request, code: str, services: Wired, driver: MaybeSignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Answer what the form shows while somebody types: the other two of energy, time and money, or what is wrong."""
    place, _ = await _planned_place(services, driver, code, wish)
    return JSONResponse(asdict(_estimate(language_of(request), place, wish)))


@router.get("/o/{code}/confirm")
async def confirm_page(
    request: Request, code: str, services: Wired, driver: MaybeSignedIn, wish: Annotated[Wish, Query()]
) -> Response:
    """Show the price before anything starts."""
    try:
        place, window = await _planned_place(services, driver, code, wish)
    except WindowGone:
        return RedirectResponse(f"/outlook?outlet={code}", 303)
    obstacle = sites.obstacle(place.outlet, services.clock.now())
    if obstacle is not None:
        raise obstacle
    if place.gone:
        return _choose_again(request, services, place, wish)
    if not wish.offer and len(place.offers) > 1:
        return RedirectResponse(wish.address(f"/o/{place.outlet.code}/power"), 303)
    return await _confirm(request, services, place, wish, window=window)


async def _confirm(
    request: Request,
    services: Services,
    place: Place,
    wish: Wish,
    problem: KonsentoError | None = None,
    *,
    window: Window | None = None,
) -> Response:
    """Show the price; `problem` says why it is shown once more. `window` is the one in which it is to start."""
    try:
        quotes = place.quotes(wish.read(place.tariff.currency))
    except KonsentoError as error:
        return _choose(request, services, place, wish, problem or error, window=window)
    language = language_of(request)
    saved, are_away = await saved_cards(services, place.driver, place.methods)
    offered = method_views(language, quotes, saved)
    if window is not None and place.driver is not None:
        able: list[tuple[Method | None, Quote]] = [
            (way, quote) for way, quote in quotes if way is not None and planned.needs_nobody(way, card=True)
        ]
        quotes = able or quotes
        offered = [one for one in method_views(language, able, saved) if not one.is_new_card]
        problem = problem or (None if offered else NeedsNobody())
    # Until full, the most that can come depends on how one pays: the page names the most of all.
    dearest = max((quote for _, quote in quotes), key=lambda quote: quote.hold_minor)
    off = await off_view(services, language, place, wish, dearest)
    problem = problem or (off.problem if off is not None else None)
    if problem is not None:
        problems.note(request, problem)
    return page(
        request,
        "confirm.html",
        driver=place.driver,
        status=problem.status if problem else 200,
        problem=language.error(problem) if problem else None,
        outlet=view(request, services, place),
        quote=_quote_view(language, dearest, off, _begins(language, place, window)),
        window=_window_texts(language, place, window),
        off=off,
        price=dearest.price.fingerprint,
        closes_before=closes_before(language, place.outlet, services.clock.now(), dearest.estimated_s),
        methods=offered,
        later=None if window is not None else await _later(services, language, place, wish),
        cards_away=are_away,
        may_save=place.driver is not None and place.driver.kind is DriverKind.ACCOUNT,
        once=new_id(),
        nothing_charged=not isinstance(problem, PaymentAway),
        balance=balance_text(request, place),
        guests=bool(place.methods),
        change=wish.address(f"/o/{place.outlet.code}/choose"),
        here=wish.address(f"/o/{place.outlet.code}/confirm"),
        wish=wish,
        meter=meter_text(language, place),
        metering_version=metering.VERSION,
    )


def _quote_view(language: Language, quote: Quote, off: OffView | None, begins: str) -> QuoteView:
    """Describe a quote: its lines come before what is taken off, its sentence and its button after it."""
    full = quote_view(language, quote, begins)
    return full if off is None else replace(quote_view(language, off.quote, begins), lines=full.lines)


async def _later(services: Services, language: Language, place: Place, wish: Wish) -> dict[str, str] | None:
    """Return the way to the same in the recommended time that comes next; None where none comes within a day."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        coming = await windows.in_force(session, place.outlet.site.region, now, now + _SOON)
    window = next((one for one in coming if one.begin > now), None)
    if window is None:
        return None
    then = wish.model_copy(update={"window": window_key(window)})
    return {
        "when": when_text(language, window, now, ZoneInfo(place.outlet.site.time_zone)),
        "address": then.address(f"/o/{place.outlet.code}/confirm"),
    }


def _begins(language: Language, place: Place, window: Window | None) -> str:
    """Return the time of the day from which on it starts by itself; empty for a start now."""
    return "" if window is None else language.clock(window.begin, ZoneInfo(place.outlet.site.time_zone))


def _window_texts(language: Language, place: Place, window: Window | None) -> dict[str, object] | None:
    if window is None:
        return None
    zone = ZoneInfo(place.outlet.site.time_zone)
    return {
        "begin": window.begin.astimezone(zone),
        "end": language.clock(window.end, zone),
        "last": language.clock(last_start(window), zone),
    }


@router.post("/o/{code}/start")
async def start(
    request: Request, code: str, services: Wired, driver: SignedIn, wish: Annotated[PaidWish, Form()]
) -> Response:
    """Start; answers when the outlet has. The session's own page shows what follows."""
    return await started(request, services, driver, code, wish)


async def started(request: Request, services: Services, driver: Driver, code: str, wish: PaidWish) -> Response:
    """Start, and lead to the session; or to where the driver first shows that they stand before the outlet."""
    # Straight to the start: a driver stands in front of the outlet.
    way = wish.way
    try:
        async with services.database.transaction() as session:
            window = await chosen_window(session, services, code, wish)
        requested = wish.read(services.settings.currency)
        off = wish.wanted()
        wanted = wishes.Wish(
            driver_id=driver.id,
            outlet_code=code,
            requested=requested,
            offer=wish.offer or None,
            agreed=wish.price,
            agreed_metering=wish.metering or None,
            coupon=off.coupon,
            points=off.points,
        )
        if window is not None:
            by_itself = planned.Asked(wish=wanted, way=way, window_begin=window.begin, inside=wish.inside)
            plan = await planned.plan(services, by_itself, plan_id=wish.once)
            return RedirectResponse(f"/planned/{plan.id}", 303)
        if way.provider in services.desk.external:
            asked = checkout.Asked(
                wish=wanted,
                provider=way.provider,
                method=way.method,
                card=way.card,
                save_card=wish.save_card and not way.card and driver.kind is DriverKind.ACCOUNT,
                return_url=pay_address(services),
            )
            opened = await checkout.begin(services, asked, checkout_id=wish.once)
            return RedirectResponse(f"/pay/{opened.checkout.id}", 303)
        begun = await charging.start(services, wanted, way.provider)
    except WindowGone:
        return RedirectResponse(f"/outlook?outlet={code}&gone=1", 303)
    except OfferGone:
        place, _ = await _planned_place(services, driver, code, wish)
        return _choose_again(request, services, place, wish)
    except (
        PriceChanged,
        CannotDiscount,
        MeteringNotAgreed,
        CardDeclined,
        PaymentRefused,
        PaymentAway,
        UnknownCard,
        TooMuchLater,
        NeedsNobody,
        TooManyPlans,
    ) as error:
        place, window = await _planned_place(services, driver, code, wish)
        return await _confirm(request, services, place, wish, error, window=window)
    except (BadLimit, BalanceTooLow, AmountNeeded, UnknownMethod) as error:
        place, window = await _planned_place(services, driver, code, wish)
        return _choose(request, services, place, wish, error, window=window)
    except PresenceNeeded:
        with suppress(PresenceTaken):  # that page says so, and asks again
            await presence.ask(services, driver.id, code)
        return RedirectResponse(wish.address(f"/o/{code}/presence"), 303)
    if begun.state is SessionState.FAILED:
        raise failure(begun.failure)
    return RedirectResponse(f"/s/{begun.id}", 303)


async def _planned_place(
    services: Services, driver: Driver | None, code: str, wish: Wish
) -> tuple[Place, Window | None]:
    """Return the outlet as it is when the wish begins, and the window in which that is to be; None for now.

    Raises `WindowGone`.
    """
    async with services.database.transaction() as session:
        window = await chosen_window(session, services, code, wish)
        begins = window.begin if window is not None else None
        return await place_of(session, services, code, driver, wish.offer, begins=begins), window


def _choose_again(request: Request, services: Services, place: Place, wish: Wish) -> Response:
    """Say that what was chosen is not sold any more, and show what is."""
    gone, wish = OfferGone(), wish.with_offer("")
    if len(place.offers) > 1:
        return choose_power(request, services, place, wish, gone)
    return _choose(request, services, place, wish, gone)


def _choose(
    request: Request,
    services: Services,
    place: Place,
    wish: Wish,
    error: KonsentoError | None = None,
    *,
    window: Window | None = None,
) -> Response:
    """Show the form, with what was typed and what is wrong with it."""
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    offered = kinds(language, place.terms, place.funds_minor)
    chosen = next((choice for choice in offered if choice.kind == wish.kind), offered[1])
    amount = wish.amount[:12] or chosen.usual
    estimate = Estimate(text="", button=language.text("See the price"))
    if error is None:  # else the problem says it already
        shown = Wish(kind=chosen.kind, amount=amount, unit=wish.unit, offer=wish.offer)
        estimate = _estimate(language, place, shown)
    return page(
        request,
        "choose.html",
        driver=place.driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        outlet=view(request, services, place),
        balance=balance_text(request, place),
        most=most_text(language, place.terms),
        kinds=offered,
        kind=chosen.kind,
        amount=amount,
        estimate=estimate,
        window=_window_texts(language, place, window),
        wish=wish,
    )


def _estimate(language: Language, place: Place, wish: Wish) -> Estimate:
    """Return what an amount comes to, or what is wrong with it: nobody has sent it yet, so nothing is refused."""
    try:
        if place.gone:
            raise OfferGone
        quote = place.quote(wish.read(place.tariff.currency))
    except KonsentoError as error:
        return Estimate(ok=False, text=language.error(error), button=language.text("See the price"))
    return Estimate(text=estimate_text(language, quote), button=price_button(language, quote))
