"""What is sold at outlets, for everybody: other suppliers' servers and portals show it to drivers (contracts, 5)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.api import who
from konsento.api.errors import InvalidRequest, TooManyQuestions
from konsento.api.problems import open_to_all
from konsento.catalogue import service as catalogue
from konsento.catalogue.service import Offer
from konsento.kit.guessing import network_of
from konsento.kit.money import major_from_minor
from konsento.kit.offers import (
    OutletOffers,
    OutletState,
    PartKind,
    PricePart,
    SupplierOffer,
    SupplierOffers,
    outlet_name,
)
from konsento.models import Outlet
from konsento.pricing import Band, Component, Price, Rate
from konsento.pricing.price import EVERY_DAY
from konsento.pricing.schedule import Schedule
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy, OutletOffline, UnknownOutlet
from konsento.web.who import Wired

router = APIRouter(tags=["Offers"])

WHOLE_YEAR: Final = ("01-01", "12-31")
KEPT_S: Final = 20
"""How long whoever asks may keep an answer."""

Place = Annotated[
    str,
    Path(
        max_length=64,
        description="Common name of a site, or of an outlet: its site's, a point, and its number there; or the code on"
        " this server's label.",
        examples=["K3VQ5B2XJ6M7.1"],
    ),
]


@router.get("/offers/{place}", responses=open_to_all(UnknownOutlet, InvalidRequest, TooManyQuestions))
async def get_offers(request: Request, response: Response, services: Wired, place: Place) -> SupplierOffers:
    """Get what is sold at an outlet, or at all outlets of a site.

    Prices, power types and whether the outlets are free. Needs no token; a network address may ask so often a minute.
    """
    now = services.clock.now()
    rate: who.Rate[str] = request.app.state.offers_rate
    request.state.headers.update(rate.count(network_of(request.client.host if request.client else ""), now))
    async with services.database.transaction() as session:
        outlets = await _outlets(session, place)
        on_sale = await catalogue.on_sale(session, now)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    sold = [(outlet, offers) for outlet in outlets if (offers := on_sale.offers_of(outlet))]
    if not sold:
        raise UnknownOutlet
    return SupplierOffers(
        operator=services.settings.operator_name,
        as_of=now,
        outlets=[_told(services, outlet, offers, now) for outlet, offers in sold],
    )


async def _outlets(session: AsyncSession, place: str) -> list[Outlet]:
    """Return the outlets that are meant, their site and offers loaded. Raises `UnknownOutlet`."""
    try:
        return await sites.outlets_named(session, place.upper())
    except UnknownOutlet:
        return [await sites.outlet_by_code(session, place)]


def _told(services: Services, outlet: Outlet, offers: Sequence[Offer], now: datetime) -> OutletOffers:
    name = outlet.site.common_name
    return OutletOffers(
        outlet=outlet_name(name, outlet.evse_id) if name is not None else None,
        number=outlet.evse_id,
        page=f"{services.settings.public_url.rstrip('/')}/o/{outlet.code}",
        state=_state(outlet, now),
        state_as_of=outlet.last_seen,
        offers=[_offer(offer, now) for offer in offers],
    )


def _state(outlet: Outlet, now: datetime) -> OutletState:
    match sites.obstacle(outlet, now):
        case None:
            return OutletState.FREE
        case OutletBusy():
            return OutletState.BUSY
        case OutletOffline():
            return OutletState.UNKNOWN
    return OutletState.UNAVAILABLE


def _offer(offer: Offer, now: datetime) -> SupplierOffer:
    price = offer.price
    energy = Schedule(price).rate_at(Component.ENERGY, now)
    return SupplierOffer(
        name=offer.name,
        supplier=offer.supplier,
        supplier_code=offer.supplier_code,
        power_type=offer.power_type,
        power_names=dict(offer.power.names),
        currency=price.currency,
        per_kwh=price.gross(price.rates[energy]) if energy is not None else None,
        parts=[_part(price, rate) for rate in price.rates],
        minimum=_major(price, price.min_minor),
        maximum=_major(price, price.max_minor),
        tax_rate=price.tax_rate,
        carbon_g_per_kwh=offer.carbon_g_per_kwh,
        valid_until=offer.valid_until,
    )


def _part(price: Price, rate: Rate) -> PricePart:
    band = rate.band or Band()
    return PricePart(
        kind=PartKind(rate.component),
        price=price.gross(rate),
        from_time=_clock(band.from_minute) if rate.band is not None else None,
        to_time=_clock(band.to_minute) if rate.band is not None else None,
        weekdays=sorted(band.weekdays) if band.weekdays != EVERY_DAY else None,
        from_day=band.from_day if (band.from_day, band.to_day) != WHOLE_YEAR else None,
        to_day=band.to_day if (band.from_day, band.to_day) != WHOLE_YEAR else None,
        free_s=rate.free_s,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _major(price: Price, minor: int | None) -> Decimal | None:
    return major_from_minor(minor, price.currency) if minor is not None else None
