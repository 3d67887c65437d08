"""What is sold at outlets, for everybody: other suppliers' servers and portals show it to drivers (contracts, 5)."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.api.errors import InvalidRequest, TooManyQuestions
from konsento.api.problems import open_to_all
from konsento.api.who import Rate
from konsento.catalogue import service as catalogue
from konsento.kit.guessing import network_of
from konsento.kit.offers import (
    OutletOffers,
    OutletState,
    PartKind,
    PricePart,
    SupplierOffer,
    SupplierOffers,
    outlet_name,
)
from konsento.models import Outlet, Tariff
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy, OutletOffline, UnknownOutlet
from konsento.web.who import Wired

router = APIRouter(tags=["Offers"])

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
    rate: Rate[str] = request.app.state.offers_rate
    request.state.headers.update(rate.count(network_of(request.client.host if request.client else ""), now))
    async with services.database.transaction() as session:
        outlets = await _outlets(session, place)
        tariffs = await catalogue.tariffs_in_force(session, now)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    sold = [(outlet, tariffs[outlet.tariff_name]) for outlet in outlets if outlet.tariff_name in tariffs]
    if not sold:
        raise UnknownOutlet
    return SupplierOffers(
        operator=services.settings.operator_name,
        as_of=now,
        outlets=[_told(services, outlet, tariff, now) for outlet, tariff in sold],
    )


async def _outlets(session: AsyncSession, place: str) -> list[Outlet]:
    """Return the outlets that are meant, their site loaded. Raises `UnknownOutlet`."""
    try:
        return await sites.outlets_named(session, place.upper())
    except UnknownOutlet:
        return [await sites.outlet_by_code(session, place)]


def _told(services: Services, outlet: Outlet, tariff: Tariff, now: datetime) -> OutletOffers:
    name = outlet.site.common_name
    return OutletOffers(
        outlet=outlet_name(name, outlet.evse_id) if name is not None else None,
        number=outlet.evse_id,
        page=f"{services.settings.public_url.rstrip('/')}/o/{outlet.code}",
        state=_state(outlet, now),
        state_as_of=outlet.last_seen,
        offers=[_offer(tariff)],
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


def _offer(tariff: Tariff) -> SupplierOffer:
    return SupplierOffer(
        name=tariff.name,
        supplier=tariff.supplier,
        supplier_code=tariff.supplier_code,
        power_type=tariff.power_type,
        currency=tariff.currency,
        per_kwh=tariff.unit_price,
        parts=[PricePart(kind=PartKind.ENERGY, price=tariff.unit_price)],
        tax_rate=tariff.tax_rate,
        valid_until=tariff.valid_to,
    )
