"""The sites' own side: who may dial in, who is connected, what they say about their outlets."""

import logging
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.offers import COMMON_NAME
from konsento.models import OutletStatus, SecurityProfile, Site
from konsento.sites import proofs, repository
from konsento.sites.lookups import Lookups
from konsento.sites.outlets import Told, adopt, take_inventory

log = logging.getLogger(__name__)

OUR_VENDOR: Final = "Konsento"
"""What a site of this project calls its make (contracts, 2)."""

AWAY: Final = "offline"
"""The reason for `Unavailable` of an outlet that its site cannot reach (contracts, 2)."""


async def let_in(
    lookups: Lookups,
    station_id: str,
    *,
    password: str | None,
    names: Collection[str] = (),
    encrypted: bool = False,
    unproven: bool = False,
) -> bool | None:
    """Tell whether a station may dial in; None where no site has this id.

    `names` are those in a certificate of its own that was verified, `encrypted` says that it came over TLS, `unproven`
    that security profile 0 is allowed at all. Raises `TooManyProofs`.
    """
    site = await lookups.find(station_id)
    if site is None:
        return None
    match site.security_profile:
        case SecurityProfile.NONE:
            if not unproven:
                log.warning("station %s is set to no authentication, which the settings do not allow", station_id)
            return unproven
        case SecurityProfile.TLS_CERTIFICATE:
            if station_id not in names:
                log.warning("station %s has to show a certificate with its name, and did not", station_id)
                await refuse(password)
            return station_id in names
        case SecurityProfile.TLS_BASIC if not encrypted:
            log.warning(
                "station %s has to come over TLS; a proxy that has it must say so (X-Forwarded-Proto)", station_id
            )
            await refuse(password)
            return False
    if password is None:
        return False
    stored = [site.password_hash, *site.next_password_hashes]
    index = await proofs.first_match(password, stored)
    if index is None:
        return False
    if index > 0 or proofs.outdated(stored[0]):
        await _settle(lookups.database, station_id, password, stored[index])
    return True


async def refuse(password: str | None) -> None:
    """Take as long as refusing a wrong password takes."""
    if password is not None:
        await proofs.first_match(password, ())


async def _settle(database: Database, station_id: str, password: str, used: str) -> None:
    """Let the password with which a station came be its only one, but for those that were made after it."""
    anew = await proofs.stored_chosen_aside(password) if proofs.outdated(used) else used
    async with database.transaction() as session:
        site = await repository.site_by_station(session, station_id, for_update=True)
        if site is None:
            return
        if used in site.next_password_hashes:
            site.next_password_hashes = site.next_password_hashes[site.next_password_hashes.index(used) + 1 :]
            site.password_hash = anew
            log.info("station %s has its new password", station_id)
        elif used == site.password_hash:
            site.password_hash = anew


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


async def note_common_name(session: AsyncSession, station_id: str, name: str) -> None:
    """Take a site's word for what all its management servers call it, where nobody has said anything before.

    Only of a site of ours, and not the name of another site here: one that was copied with its Home Assistant would
    offer the outlets of the first.
    """
    site = await repository.site_by_station(session, station_id)
    if site is None or not site.ours or site.common_name is not None or not re.fullmatch(COMMON_NAME, name):
        return
    if await repository.site_by_common_name(session, name) is not None:
        log.warning("station %s says that it is called %s in common, as another site here is", station_id, name)
        return
    site.common_name = name
