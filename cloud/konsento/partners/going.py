"""Drivers who go over: what the others sell at an outlet, the way there, and those who come from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import handover
from konsento.kit.handover import BadLink, Handover, OldLink, Wish
from konsento.kit.offers import OutletOffers, SupplierOffers, outlet_name
from konsento.models import Outlet, Partner, PartnerSite
from konsento.partners import service, work
from konsento.partners.errors import UnknownPartner
from konsento.services import Services

STALE: Final = timedelta(minutes=30)
"""Prices that were told longer ago are not shown."""


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another supplier at an outlet."""

    partner_id: UUID
    name: str
    outlet: OutletOffers | None
    """What it sells there; None while that is not known, or too old."""
    told_at: datetime | None
    """When its server said so."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A driver who has come from a partner."""

    name: str
    """The partner's, as drivers read it."""
    back: str
    """Address from which the driver came."""
    wish: Wish
    over: bool = False
    """The link was made too long ago: what was chosen there is not carried over."""


async def others_at(session: AsyncSession, services: Services, outlet: Outlet) -> list[Other]:
    """Return the other suppliers that sell at an outlet, and have what is not new asked for anew.

    By name, those with nothing to show last. One whose server does not know the outlet is left out.
    """
    links = await service.links_at(session, outlet.site_id)
    await work.looked_at(session, services, links)
    now = services.clock.now()
    others = [other for link in links if (other := _other(link, outlet.evse_id, now)) is not None]
    return sorted(others, key=lambda other: other.outlet is None)


def _other(link: PartnerSite, number: int, now: datetime) -> Other | None:
    found = told_of(link, now)
    outlet = found.of(number) if found is not None else None
    if outlet is None and _is_fresh(link, now):
        return None
    return Other(partner_id=link.partner_id, name=link.partner.name, outlet=outlet, told_at=link.told_at)


def told_of(link: PartnerSite, now: datetime) -> SupplierOffers | None:
    """Return what a partner said about a site, None where that is too old or nothing."""
    return SupplierOffers.model_validate(link.told) if link.told is not None and _is_fresh(link, now) else None


def _is_fresh(link: PartnerSite, now: datetime) -> bool:
    return link.told_at is not None and now - link.told_at <= STALE


async def way_to(session: AsyncSession, services: Services, outlet: Outlet, partner_id: UUID, wish: Wish) -> str:
    """Return the address of a partner's page of the same outlet, with what the driver has chosen here.

    Raises `UnknownPartner` where it does not sell there, or its prices are too old to be led to.
    """
    links = await service.links_at(session, outlet.site_id)
    link = next((one for one in links if one.partner_id == partner_id), None)
    other = _other(link, outlet.evse_id, services.clock.now()) if link is not None else None
    if link is None or other is None or other.outlet is None or outlet.site.common_name is None:
        raise UnknownPartner
    here = services.settings.public_url.rstrip("/")
    signed = Handover(
        sender=here,
        receiver=link.partner.base_url,
        outlet=outlet_name(outlet.site.common_name, outlet.evse_id),
        back=f"{here}/o/{outlet.code}",
        wish=wish,
        expires=handover.expiry(services.clock.now()),
    ).signed(link.partner.key)
    return f"{other.outlet.page}?{handover.PARAMETER}={signed}"


async def arrival(session: AsyncSession, services: Services, outlet: Outlet, token: str) -> Arrival:
    """Read with what a driver has come to the page of an outlet. Raises `BadLink`, also for another outlet's."""
    partners: Sequence[Partner] = list(await session.scalars(select(Partner)))
    by_address = {partner.base_url: partner for partner in partners}
    over = False
    try:
        found = Handover.read(
            token,
            receiver=services.settings.public_url.rstrip("/"),
            key_of=lambda sender: by_address[sender].key if sender in by_address else None,
            now=services.clock.now(),
        )
    except OldLink as error:
        found, over = error.handover, True
    name = outlet.site.common_name
    if name is None or found.outlet != outlet_name(name, outlet.evse_id):
        raise BadLink
    wish = Wish() if over else found.wish
    return Arrival(name=by_address[found.sender].name, back=found.back, wish=wish, over=over)
