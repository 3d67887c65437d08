"""Finding outlets and telling whether they can be used."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.errors import KonsentoError
from konsento.models import Outlet, OutletStatus, Site
from konsento.sites import codes, repository
from konsento.sites.errors import OutletBusy, OutletDisabled, OutletFaulty, OutletOffline, UnknownOutlet


async def outlet_by_code(session: AsyncSession, code: str) -> Outlet:
    """Return the outlet with this code however it was typed, its site loaded. Raises `UnknownOutlet`."""
    normalised = codes.normal(code[:64])
    outlet = await repository.outlet_by_code(session, normalised) if codes.is_code(normalised) else None
    if outlet is None:
        raise UnknownOutlet
    return outlet


async def outlet_by_id(session: AsyncSession, outlet_id: UUID) -> Outlet:
    """Return the outlet with this id, its site loaded; there is one."""
    return await repository.outlet_by_id(session, outlet_id)


async def outlet_of_site(session: AsyncSession, site_id: UUID, evse_id: int) -> Outlet | None:
    """Return outlet number `evse_id` of a site, or None."""
    return await repository.outlet_by_evse(session, site_id, evse_id)


async def outlets_of(session: AsyncSession, site_id: UUID) -> list[Outlet]:
    """Return all outlets of a site, by number."""
    return await repository.outlets_of(session, site_id)


async def find(session: AsyncSession, words: str, after: str | None, most: int) -> list[Outlet]:
    """Return outlets, by code, in whose code, names or place a text occurs, their sites loaded; empty finds all.

    `after` is the code of the one that was given last.
    """
    return await repository.outlets_with(session, words, after, most)


async def site_of_station(session: AsyncSession, station_id: str) -> Site | None:
    """Return the site with this OCPP identity, or None."""
    return await repository.site_by_station(session, station_id)


def obstacle(outlet: Outlet) -> KonsentoError | None:
    """Return why nothing can be started at an outlet now, or None where nothing speaks against it.

    Only by what the site has said; sessions are not this floor's business. The site has the last word at the start.
    """
    if not outlet.site.connected:
        return OutletOffline()
    match outlet.status:
        case OutletStatus.AVAILABLE:
            return None
        case OutletStatus.OCCUPIED | OutletStatus.RESERVED:
            return OutletBusy()
        case OutletStatus.FAULTED:
            return OutletFaulty()
        case OutletStatus.UNAVAILABLE:
            return OutletDisabled() if outlet.status_reason == "disabled" else OutletOffline()
        case OutletStatus.UNKNOWN:
            return OutletOffline()
