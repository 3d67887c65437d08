"""The sites' own side: who may dial in, who is connected, what they say about their outlets."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.models import OutletStatus, Site
from konsento.sites import proofs, repository
from konsento.sites.outlets import Told, adopt, take_inventory

log = logging.getLogger(__name__)

OUR_VENDOR: Final = "Konsento"
"""What a site of this project calls its make (contracts, 2)."""

AWAY: Final = "offline"
"""The reason for `Unavailable` of an outlet that its site cannot reach (contracts, 2)."""


async def authenticate(database: Database, station_id: str, password: str) -> bool:
    """Tell whether a station may dial in; an unknown one takes the same time as a wrong password."""
    async with database.transaction() as session:
        site = await repository.site_by_station(session, station_id)
        stored = site.password_hash if site else None
    # Outside of the transaction: slow on purpose.
    return await proofs.matches(password, stored)


async def nobody_connected(session: AsyncSession) -> None:
    """Forget who was connected to the process before this one."""
    await session.execute(update(Site).values(connected=False))


async def note_link(session: AsyncSession, station_id: str, at: datetime, *, connected: bool) -> None:
    """Note that a site is, or is no more, connected; to whichever process."""
    site = await repository.site_by_station(session, station_id, for_update=True)
    if site is None:
        return
    site.last_seen = at
    # With the site in hand: another process to which it has connected meanwhile says so before or after, not between.
    site.connected = connected or await repository.has_owner(session, station_id)


async def note_vendor(session: AsyncSession, station_id: str, vendor: str) -> None:
    """Note whose make a site says it is."""
    site = await repository.site_by_station(session, station_id)
    if site is not None:
        site.ours = vendor == OUR_VENDOR


async def note_status(
    session: AsyncSession, station_id: str, evse_id: int, status: OutletStatus, *, reason: str, at: datetime
) -> bool:
    """Note what a site says about an outlet; returns whether the outlet has appeared, or is back at the site.

    One that is new here gets its row, up to as many as a site may add.
    """
    site = await repository.site_by_station(session, station_id)
    if site is None:
        return False
    site.last_seen = at
    known = await repository.outlet_by_evse(session, site.id, evse_id)
    outlet = known or await adopt(session, site, evse_id, Told())
    if outlet is None:
        log.warning("station %s tells of outlet %d, which is beyond what it may add by itself", station_id, evse_id)
        return False
    appeared = reason != AWAY and (known is None or known.status_reason == AWAY)
    outlet.status = status
    outlet.status_reason = reason[:50]
    outlet.last_seen = at
    return appeared


async def note_inventory(
    session: AsyncSession, station_id: str, listed: Mapping[int, Told], *, whole: bool, at: datetime
) -> None:
    """Note which outlets a site reports, and what it says of them. `whole`: what it does not list is not there."""
    site = await repository.site_by_station(session, station_id)
    if site is not None:
        site.last_seen = at
        await take_inventory(session, site, listed, whole=whole)
