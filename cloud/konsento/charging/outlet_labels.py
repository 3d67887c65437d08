"""The sites learn what stands on their outlets' labels, so that their owners can print them (contracts, 2)."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging.site_messages import tell_by_work, tell_site
from konsento.kit.work import WorkQueue
from konsento.models import Site
from konsento.services import Services
from konsento.sites import codes
from konsento.sites import service as sites
from konsento.sites.labels.label import address_of

WORK: Final = "tell-labels"
MESSAGE: Final = "OutletLabels"
MOST: Final = 1000
"""Outlets in one message (contracts, 2)."""


def install(services: Services) -> None:
    """Register the due work, and tell a site whenever it connects."""
    tell_by_work(services, WORK, tell)


async def after_change(session: AsyncSession, work: WorkQueue, station_ids: Collection[str]) -> None:
    """Have sites told after the commit that their outlets may have other codes; at their next connection else."""
    query = select(Site.station_id).where(Site.station_id.in_(station_ids), Site.ours, Site.connected)
    await work.add_all(session, WORK, list(await session.scalars(query)))


async def tell(services: Services, station_id: str) -> None:
    """Tell a site code and page of each of its outlets, in place of those of before. Opens its own transaction."""
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is None or not site.ours:
            return
        outlets = await sites.outlets_of(session, site.id)
    told = [
        {
            "evseId": outlet.evse_id,
            "code": codes.label(outlet.code),
            "url": address_of(outlet.code, services.settings.public_url),
        }
        for outlet in outlets[:MOST]
    ]
    await tell_site(services, station_id, MESSAGE, {"outlets": told})
