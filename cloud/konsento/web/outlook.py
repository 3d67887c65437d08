"""When to charge: the next two days, the recommended times, and charging that starts in them with one tap.

Open to everybody for the region of an outlet: it holds nothing about anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.advice import messages
from konsento.advice.fits import wh_that_fit
from konsento.advice.outlook import Outlook, outlets_of, outlook, prices_ahead
from konsento.catalogue.following import Ahead
from konsento.charging.limits import RequestedLimit
from konsento.grid.regions import find_region
from konsento.grid.windows import Window
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.kit.ids import new_id
from konsento.models import Driver, LimitKind
from konsento.payments.ways import CARD
from konsento.services import Services
from konsento.web.language import language_of
from konsento.web.outlook_view import Strip, price_range, strip, window_text
from konsento.web.paying import saved_cards
from konsento.web.place import Place, place_of
from konsento.web.planned import open_views
from konsento.web.render import page
from konsento.web.who import MaybeSignedIn, Wired
from konsento.web.wish import Wish

router = APIRouter()

LEAST_WH: Final = 500
"""What is not worth plugging in for is not offered."""


class Came(BaseModel):
    """How somebody came to the page."""

    outlet: str = ""
    """Code of the outlet whose region is shown; empty for those of the driver."""
    region: str = ""
    window: str = ""
    m: str = ""
    """From which message."""


@dataclass(frozen=True, kw_only=True)
class Tap:
    """Starting at an outlet in a window, with one tap."""

    text: str
    """When to plug in, and how much fits."""
    costs: str
    is_now: bool
    window: str
    """What the form sends; empty for a start at once."""
    wish: Wish
    price: str
    """Fingerprint of what it costs; empty where the driver has to look at the price first."""
    provider: str
    address: str
    """The page with the price."""


@dataclass(frozen=True, kw_only=True)
class OutletCard:
    """An outlet with its windows."""

    code: str
    name: str
    site: str
    taps: list[Tap]


@dataclass(frozen=True, kw_only=True)
class RegionView:
    """A region with the outlets in it."""

    strip: Strip
    outlets: list[OutletCard]


@router.get("/outlook")
async def outlook_page(
    request: Request, services: Wired, driver: MaybeSignedIn, came: Annotated[Came, Query()]
) -> Response:
    """Show when to charge, at one outlet or at those that the driver used last."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        if came.m:
            await messages.opened(session, came.m[:200], now)
        places = await _places(session, services, driver, came)
        regions = [await _region(session, services, request, some, now) for some in _by_region(places)]
        plans = await open_views(session, services, language_of(request), driver.id) if driver is not None else []
    if not regions and driver is None:
        address = f"/outlook?{urlencode(came.model_dump(exclude_defaults=True, exclude={'m'}))}"
        return RedirectResponse(f"/signin?{urlencode({'next': address})}", 303)
    return page(
        request,
        "outlook.html",
        driver=driver,
        regions=regions,
        plans=plans,
        once=new_id,
    )


async def _places(session: AsyncSession, services: Services, driver: Driver | None, came: Came) -> list[Place]:
    if came.outlet:
        places = [await place_of(session, services, came.outlet[:40], driver)]
        return [place for place in places if place.outlet.site.region is not None]
    if driver is None:
        return []
    found: list[Place] = []
    used = await outlets_of(session, driver.id, services.clock.now())
    for outlet in sorted(used, key=lambda one: one.site.region != came.region):
        try:
            found.append(await place_of(session, services, outlet.code, driver))
        except KonsentoError:  # nothing is sold there any more
            continue
    return found


def _by_region(places: Sequence[Place]) -> list[list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        if place.outlet.site.region is not None:
            found.setdefault(place.outlet.site.region, []).append(place)
    return list(found.values())


async def _region(
    session: AsyncSession, services: Services, request: Request, places: Sequence[Place], now: datetime
) -> RegionView:
    language = language_of(request)
    region = await find_region(session, str(places[0].outlet.site.region))
    seen = await outlook(session, region, now)
    prices = [await prices_ahead(session, place.outlet, place.offer.name, seen.begin, seen.until) for place in places]
    cards = [await _card(services, language, place, seen, of_it) for place, of_it in zip(places, prices, strict=True)]
    return RegionView(strip=strip(language, seen, prices[0], now), outlets=cards)


async def _card(
    services: Services, language: Language, place: Place, seen: Outlook, prices: Sequence[Ahead]
) -> OutletCard:
    way = await _way(services, place)
    taps = [_tap(language, place, window, prices, way) for window in seen.windows]
    return OutletCard(
        code=place.outlet.code,
        name=place.outlet.name,
        site=place.outlet.site.name,
        taps=[tap for tap in taps if tap is not None],
    )


async def _way(services: Services, place: Place) -> str:
    """Return the first way to pay that needs nobody when it starts; empty for none."""
    if place.driver is None:
        return ""
    saved, _ = await saved_cards(services, place.driver, place.methods)
    for method in place.methods:
        if not method.external:
            return str(method.way)
        if method.method == CARD and saved.get(method.provider):
            return f"{method.way}:{saved[method.provider][0].reference}"
    return ""


def _tap(language: Language, place: Place, window: Window, prices: Sequence[Ahead], way: str) -> Tap | None:
    outlet, now = place.outlet, place.at
    left = Window(begin=max(window.begin, now), end=window.end)
    wh = min(wh_that_fit(left, outlet.rated_w, outlet.volts), place.terms.most_wh)
    wh -= wh % LEAST_WH
    if wh < LEAST_WH:
        return None
    is_now = window.begin <= now
    wish = Wish(
        kind=LimitKind.ENERGY,
        amount=f"{(Decimal(wh) / 1000).normalize():f}",
        unit="kWh",
        offer=place.offer.name if len(place.offers) > 1 else "",
        window="" if is_now else window.begin.isoformat(),
    )
    costs = price_range(language, prices, window)
    price = ""
    if way and not place.explains_meter and place.mine is None:
        try:
            quote = place.quote(RequestedLimit(kind=LimitKind.ENERGY, amount=wh))
        except KonsentoError:
            pass
        else:
            price = quote.price.fingerprint
            costs = language.text(
                "{energy} for about {amount}, at most {most}.",
                energy=language.energy(wh),
                amount=language.money(quote.estimated_minor, quote.currency),
                most=language.money(quote.hold_minor, quote.currency),
            )
    return Tap(
        text=window_text(language, window, outlet, now),
        costs=costs,
        is_now=is_now,
        window=wish.window,
        wish=wish,
        price=price,
        provider=way,
        address=wish.address(f"/o/{outlet.code}/confirm"),
    )
