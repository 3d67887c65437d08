"""Finding outlets and telling whether they can be used."""

import re
from collections.abc import Collection
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.errors import KonsentoError
from konsento.kit.offers import COMMON_NAME
from konsento.models import FloorPlan, Outlet, OutletStatus, Site
from konsento.sites import codes, hours, repository
from konsento.sites.errors import (
    NotOnSaleYet,
    OutletBusy,
    OutletDisabled,
    OutletFaulty,
    OutletOffline,
    OutletOutOfOrder,
    OutletOutOfOrderFor,
    SiteClosed,
    SiteClosedForLong,
    UnknownOutlet,
)
from konsento.sites.holidays import holidays_in
from konsento.sites.hours import Opening

GONE = "gone"
"""`Outlet.status_reason` of an outlet that the site's report does not list any more."""

PLUGGED = "plugged"
"""`Outlet.status_reason` of an occupied outlet of a charger that is not ours where nobody charges: a car is plugged in
and waits for its start."""


async def outlet_by_code(session: AsyncSession, code: str) -> Outlet:
    """Return the outlet with this code however it was typed, site and offers loaded. Raises `UnknownOutlet`."""
    normalised = codes.normal(code[:64])
    outlet = await repository.outlet_by_code(session, normalised) if codes.is_code(normalised) else None
    if outlet is None:
        raise UnknownOutlet
    return outlet


async def outlets_named(session: AsyncSession, name: str) -> list[Outlet]:
    """Return the outlets that a common name means (contracts, 5), of a site or of one outlet, with their offers.

    Raises `UnknownOutlet` for no such name here.
    """
    common, dot, number = name.partition(".")
    # Not any text into the database: PostgreSQL takes no NUL.
    site = await repository.site_by_common_name(session, common) if re.fullmatch(COMMON_NAME, common) else None
    if site is None:
        raise UnknownOutlet
    if not dot:
        return await repository.outlets_at(session, site.id)
    outlet = (
        await repository.outlet_at(session, site.id, int(number)) if re.fullmatch(r"[1-9]\d{0,3}", number) else None
    )
    if outlet is None:
        raise UnknownOutlet
    return [outlet]


async def outlet_by_id(session: AsyncSession, outlet_id: UUID) -> Outlet:
    """Return the outlet with this id, site and offers loaded; there is one."""
    return await repository.outlet_by_id(session, outlet_id)


async def outlet_of_site(session: AsyncSession, site_id: UUID, evse_id: int) -> Outlet | None:
    """Return outlet number `evse_id` of a site, or None."""
    return await repository.outlet_by_evse(session, site_id, evse_id)


async def outlets_of(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return all outlets of a site, by number."""
    return await repository.outlets_of(session, site_id)


async def find(session: AsyncSession, words: str, after: str | None, most: int) -> list[Outlet]:
    """Return outlets, by code, in whose code, names or place a text occurs, sites and offers loaded; empty finds all.

    `after` is the code of the one that was given last.
    """
    return await repository.outlets_with(session, words, after, most)


async def floor_plan(session: AsyncSession, site_id: UUID) -> FloorPlan | None:
    """Return the floor plan of a site, or None where it has none."""
    return await repository.floor_plan(session, site_id)


async def site_of_station(session: AsyncSession, station_id: str) -> Site | None:
    """Return the site with this OCPP identity, or None."""
    return await repository.site_by_station(session, station_id)


async def sites_of_stations(session: AsyncSession, station_ids: Collection[str]) -> dict[str, Site]:
    """Return the sites with these OCPP identities, by identity; one without a site is left out."""
    return {site.station_id: site for site in await repository.sites_by_stations(session, station_ids)}


def opening(site: Site, at: datetime) -> Opening:
    """Tell whether a site is open, and until or from when."""
    return hours.opening(hours.parse(site.opening_hours), at, ZoneInfo(site.time_zone), holidays_in(site.time_zone))


def obstacle(outlet: Outlet, at: datetime) -> KonsentoError | None:
    """Return why nothing can be started at an outlet at this moment, or None where nothing speaks against it.

    Its site and offers are loaded.

    By what the operator has set, then by what the site has said; sessions are not this floor's business. The site has
    the last word at the start.
    """
    return _by_operator(outlet, at) or _by_site(outlet)


def _by_operator(outlet: Outlet, at: datetime) -> KonsentoError | None:
    if not outlet.offers:
        return NotOnSaleYet()
    if outlet.closed_note is not None:
        return OutletOutOfOrderFor(note=outlet.closed_note) if outlet.closed_note else OutletOutOfOrder()
    now = opening(outlet.site, at)
    if now.is_open:
        return None
    if now.opens is None:
        return SiteClosedForLong()
    return SiteClosed(opens=now.opens.astimezone(ZoneInfo(outlet.site.time_zone)))


def _by_site(outlet: Outlet) -> KonsentoError | None:
    if not outlet.site.connected:
        return OutletOffline()
    match outlet.status:
        case OutletStatus.AVAILABLE:
            return None
        case OutletStatus.OCCUPIED if not outlet.site.ours and outlet.status_reason == PLUGGED:
            return None
        case OutletStatus.OCCUPIED | OutletStatus.RESERVED:
            return OutletBusy()
        case OutletStatus.FAULTED:
            return OutletFaulty()
        case OutletStatus.UNAVAILABLE:
            return OutletDisabled() if outlet.status_reason in {"disabled", GONE} else OutletOffline()
        case OutletStatus.UNKNOWN:
            return OutletOffline()
