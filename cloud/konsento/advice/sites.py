"""The sites learn for when charging is recommended, for their own automations ([0173]; contracts, 2)."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging.site_messages import tell_by_work, tell_site
from konsento.grid import windows
from konsento.models import Site
from konsento.services import Services

WORK: Final = "tell-windows"
MESSAGE: Final = "RecommendedWindows"
AHEAD: Final = timedelta(hours=48)
MOST: Final = 20
"""Windows in one message (contracts, 2)."""


def install(services: Services) -> None:
    """Register the due work, and tell a site whenever it connects."""
    tell_by_work(services, WORK, tell)


async def tell_region(session: AsyncSession, services: Services, region: str) -> None:
    """Have the sites of a region told after the commit; one that is away is told at its next connection."""
    query = select(Site.station_id).where(Site.region == region, Site.ours, Site.connected)
    for station_id in await session.scalars(query):
        await services.work.add(session, WORK, station_id)


async def tell(services: Services, station_id: str) -> None:
    """Tell a site all windows of the next 48 hours, in place of those of before. Opens its own transaction."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        site = await session.scalar(select(Site).where(Site.station_id == station_id))
        if site is None or site.region is None or not site.ours:
            return
        coming = await windows.in_force(session, site.region, now, now + AHEAD)
    told = [{"start": window.begin.isoformat(), "end": window.end.isoformat()} for window in coming[:MOST]]
    await tell_site(services, station_id, MESSAGE, {"windows": told, "issuedAt": now.isoformat()})
