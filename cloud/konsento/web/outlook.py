"""When charging is good in the next days: for the outlets that a driver uses, for one outlet, or for a region.

Nothing personal is needed to see it. Who is signed in has it start by itself with one tap.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.advice import messages, outlook, planned
from konsento.advice.outlook import Outlook
from konsento.charging import service as charging
from konsento.grid import regions
from konsento.grid.regions import name_of
from konsento.grid.windows import Window
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language
from konsento.kit.ids import new_id
from konsento.models import Driver, GridRegion, Outlet
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.sites import service as sites
from konsento.web.language import language_of
from konsento.web.outlook_view import CardView, PlanView, card_view, outlook_view, plan_view, wanted
from konsento.web.paying import saved_cards
from konsento.web.place import Place, place_of
from konsento.web.planning import last_start, window_key
from konsento.web.quote_view import method_views, quote_view
from konsento.web.render import page
from konsento.web.used import LOOKED_BACK, used_last
from konsento.web.who import MaybeSignedIn, Wired
from konsento.web.wish import Wish

router = APIRouter()

LONGEST_TOKEN = 100
"""Characters of what says from which message somebody comes."""
CARD_HOURS = 24
"""How far the card of an outlet looks."""


class Asked(BaseModel):
    """Of what the outlook is wanted, and from where somebody comes."""

    outlet: str = ""
    region: str = ""
    window: str = ""
    """When the window begins that somebody comes for."""
    m: str = ""
    """The token of the message whose link was followed (`advice.messages`)."""
    gone: str = ""
    """Not empty where a window was chosen that is not recommended any more."""


@dataclass(frozen=True, kw_only=True)
class OneTap:
    """What one button plans: all is agreed to that stands beside it."""

    code: str
    fields: dict[str, str]
    button: str
    terms: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An outlet to choose, or a region."""

    name: str
    beside: str
    address: str
    chosen: bool = False


@router.get("/outlook")
async def outlook_page(
    request: Request, services: Wired, driver: MaybeSignedIn, asked: Annotated[Asked, Query()]
) -> Response:
    """Show when charging is good. Open to everybody."""
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        if asked.m and await messages.opened(session, asked.m[:LONGEST_TOKEN], now):
            # The token has done what it is for, and has no place in a history.
            return RedirectResponse(_without_token(asked), 303)
        used = await _used(session, driver)
        outlet = await _chosen(session, asked, used)
        region = await _region(session, asked, outlet)
        if region is None:
            return await _regions_page(request, session, driver, outlet)
        found = await outlook.outlook(session, region, now, outlet=outlet)
        plans = await planned.open_of(session, driver.id) if driver is not None else []
        place = await _place(session, services, driver, outlet, _to_come(found, asked))
    offer = place.offer.name if place is not None else ""
    view = outlook_view(language, found, outlet, plans, offer)
    tap = await _one_tap(services, language, found, place, _to_come(found, asked))
    return page(
        request,
        "outlook.html",
        driver=driver,
        view=view,
        tap=tap,
        tapped=window_key(window) if (window := _to_come(found, asked)) is not None else "",
        gone=bool(asked.gone),
        outlet=outlet,
        benefits=tuple(benefit.text(language) for benefit in place.benefits.get(offer, ())) if place else (),
        choices=[_choice(one, outlet) for one in used] if len(used) > 1 or outlet is None else [],
    )


async def next_card(
    session: AsyncSession, language: Language, outlet: Outlet, now: datetime, *, drawn: bool
) -> CardView | None:
    """Return the card of the next window at an outlet, its site loaded; None where nothing is advised there."""
    region = await session.get(GridRegion, outlet.site.region) if outlet.site.region is not None else None
    if region is None or not region.advises:
        return None
    hours = CARD_HOURS if drawn else outlook.HOURS
    return card_view(language, await outlook.outlook(session, region, now, hours), outlet, drawn=drawn)


async def plan_views(session: AsyncSession, language: Language, driver_id: UUID, now: datetime) -> list[PlanView]:
    """Return what a driver has planned, in short."""
    return [
        plan_view(language, plan, await sites.outlet_by_id(session, plan.outlet_id), now)
        for plan in await planned.open_of(session, driver_id)
    ]


def _without_token(asked: Asked) -> str:
    left = {name: value for name, value in asked.model_dump(exclude={"m"}).items() if value}
    return f"/outlook?{urlencode(left)}" if left else "/outlook"


async def _used(session: AsyncSession, driver: Driver | None) -> list[Outlet]:
    """Return the outlets that a driver used last, those that lie in a region."""
    if driver is None:
        return []
    sessions = used_last(await charging.history(session, driver.id, most=LOOKED_BACK))
    found = [await sites.outlet_by_code(session, progress.outlet_code) for progress in sessions]
    return [outlet for outlet in found if outlet.site.region is not None]


async def _chosen(session: AsyncSession, asked: Asked, used: Sequence[Outlet]) -> Outlet | None:
    if asked.outlet:
        return await sites.outlet_by_code(session, asked.outlet)
    return next((outlet for outlet in used if asked.region in {"", outlet.site.region}), None)


async def _region(session: AsyncSession, asked: Asked, outlet: Outlet | None) -> GridRegion | None:
    """Return the region that is shown; None where it is not known which. Raises `UnknownRegion`."""
    if outlet is not None:
        return await session.get(GridRegion, outlet.site.region) if outlet.site.region is not None else None
    if asked.region:
        return await regions.find_region(session, asked.region)
    advising = [region for region in await regions.all_regions(session) if region.advises]
    return advising[0] if len(advising) == 1 else None


async def _regions_page(
    request: Request, session: AsyncSession, driver: Driver | None, outlet: Outlet | None
) -> Response:
    language = language_of(request)
    return page(
        request,
        "outlook_regions.html",
        driver=driver,
        outlet=outlet,
        choices=[
            Choice(
                name=name_of(region, language.code), beside="", address=f"/outlook?{urlencode({'region': region.code})}"
            )
            for region in await regions.all_regions(session)
            if region.advises
        ],
    )


def _to_come(found: Outlook, asked: Asked) -> Window | None:
    """Return the window that one tap is for: the one that somebody comes for, else the next one to come."""
    coming = [window for window in found.windows if window.begin > found.now]
    return next((window for window in coming if window_key(window) == asked.window), coming[0] if coming else None)


async def _place(
    session: AsyncSession, services: Services, driver: Driver | None, outlet: Outlet | None, window: Window | None
) -> Place | None:
    if outlet is None:
        return None
    begins = window.begin if window is not None else None
    with suppress(KonsentoError):  # it is not sold now: there is nothing to start, and the rest is true
        return await place_of(session, services, outlet.code, driver, begins=begins)
    return None


async def _one_tap(
    services: Services, language: Language, found: Outlook, place: Place | None, window: Window | None
) -> OneTap | None:
    """Return what one button plans; None where more has to be said or chosen first, which the pages ask."""
    if place is None or window is None or place.driver is None or place.mine is not None or place.explains_meter:
        return None
    wish = Wish.model_validate(wanted(found, window, place.outlet) | {"offer": place.offer.name})
    try:
        quotes = place.quotes(wish.read(place.tariff.currency))
    except KonsentoError:
        return None
    saved, _ = await saved_cards(services, place.driver, place.methods)
    able = [(way, quote) for way, quote in quotes if way is not None and planned.needs_nobody(way, card=True)]
    # What is saved at a provider outside comes after the balance, as on the page with the price.
    views = [one for one in method_views(language, [*able], saved) if not one.is_new_card]
    if not views:
        return None
    paid = views[0]
    without_card = replace(Way.read(paid.provider), card="")
    quote = next(quote for way, quote in able if way.way == without_card)
    zone = ZoneInfo(place.outlet.site.time_zone)
    return OneTap(
        code=place.outlet.code,
        fields={
            "kind": wish.kind,
            "amount": wish.amount,
            "unit": wish.unit,
            "offer": wish.offer,
            "window": wish.window,
            "provider": paid.provider,
            "price": quote.price.fingerprint,
            "once": str(new_id()),
        },
        button=quote_view(language, quote, language.clock(window.begin, zone)).button,
        terms=language.text(
            "It starts between {begin} and {last}, at most {amount}. {way}. You can cancel until then.",
            begin=language.clock(window.begin, zone),
            last=language.clock(last_start(window), zone),
            amount=language.money(quote.hold_minor, quote.currency),
            way=paid.title,
        ),
    )


def _choice(outlet: Outlet, chosen: Outlet | None) -> Choice:
    return Choice(
        name=outlet.name,
        beside=outlet.site.name,
        address=f"/outlook?{urlencode({'outlet': outlet.code})}",
        chosen=chosen is not None and chosen.id == outlet.id,
    )
