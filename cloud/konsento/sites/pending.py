"""Stations that dial in although no site is known for them: held until the operator makes them one, or rejects them."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Exists, and_, delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.models import PendingStation, SecurityProfile, Site
from konsento.sites import proofs, repository, setup, stations
from konsento.sites.errors import StationIdTaken
from konsento.sites.setup import SiteDetails

log = logging.getLogger(__name__)

MOST_WAITING: Final = 200
"""Stations that wait at once. Anybody can dial in under any name, so there is an end to it."""
WAITING_FOR: Final = timedelta(days=7)
"""One that waits and is not heard of for so long is forgotten."""
REJECTED_FOR: Final = timedelta(days=90)
"""Likewise one that was rejected."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What a station says about itself when it boots."""

    version: str
    vendor: str
    model: str
    serial: str
    firmware: str


async def known(database: Database, station_id: str) -> bool:
    """Tell whether this station has dialled in before."""
    async with database.transaction() as session:
        return await _by_station(session, station_id) is not None


async def knock(
    database: Database,
    at: datetime,
    station_id: str,
    *,
    password: str | None,
    names: Collection[str],
    encrypted: bool,
    address: str,
) -> bool:
    """Let a station that has no site wait; tells whether it may.

    It comes with what it came with first: whoever takes another's name does not take its place. Raises `TooManyProofs`.
    """
    async with database.transaction() as session:
        row = await _by_station(session, station_id)
    if row is None:
        return await _begin(database, at, station_id, password, names, encrypted=encrypted, address=address)
    if row.security_profile == SecurityProfile.TLS_CERTIFICATE:
        proven = station_id in names
        if not proven:
            await stations.refuse(password)
    else:
        proven = password is not None and await proofs.first_match(password, [row.password_hash]) is not None
    if not proven or (row.security_profile == SecurityProfile.TLS_BASIC and not encrypted):
        return False
    async with database.transaction() as session:
        row = await _by_station(session, station_id)
        if row is not None:
            row.address, row.last_seen = address[:64], at
    return row is not None


async def _begin(
    database: Database,
    at: datetime,
    station_id: str,
    password: str | None,
    names: Collection[str],
    *,
    encrypted: bool,
    address: str,
) -> bool:
    if station_id in names:
        profile, stored = SecurityProfile.TLS_CERTIFICATE, ""
    elif password is None:
        return False
    else:
        profile = SecurityProfile.TLS_BASIC if encrypted else SecurityProfile.BASIC
        stored = await proofs.stored_chosen_aside(password)
    try:
        async with database.transaction() as session:
            waiting = select(func.count()).select_from(PendingStation).where(PendingStation.rejected_at.is_(None))
            if (await session.scalar(waiting) or 0) >= MOST_WAITING:
                log.warning("station %s is unknown, and %d wait for the operator already", station_id, MOST_WAITING)
                return False
            session.add(
                PendingStation(
                    id=new_id(),
                    station_id=station_id,
                    password_hash=stored,
                    security_profile=profile,
                    address=address[:64],
                    first_seen=at,
                    last_seen=at,
                )
            )
    except IntegrityError:
        # It came twice at once; it will come again.
        return False
    log.warning("station %s is unknown; it came from %s and waits for the operator", station_id, address)
    return True


async def booted(session: AsyncSession, at: datetime, station_id: str, about: About) -> bool:
    """Note what a waiting station says about itself; tells whether it still waits (or else is rejected, or gone)."""
    row = await _by_station(session, station_id)
    if row is None:
        return False
    row.version, row.vendor, row.model = about.version, about.vendor, about.model
    row.serial, row.firmware, row.last_seen = about.serial, about.firmware, at
    return row.rejected_at is None


async def listed(session: AsyncSession) -> list[PendingStation]:
    """Return those that wait, the first to come first, then those that were rejected."""
    query = select(PendingStation).where(~_has_site())
    rejected = PendingStation.rejected_at.is_not(None)
    return list(await session.scalars(query.order_by(rejected, PendingStation.first_seen).limit(2 * MOST_WAITING)))


async def waiting(session: AsyncSession) -> int:
    """Return how many wait."""
    query = select(func.count()).select_from(PendingStation).where(PendingStation.rejected_at.is_(None), ~_has_site())
    return await session.scalar(query) or 0


async def one(session: AsyncSession, number: UUID) -> PendingStation | None:
    """Return one of them."""
    return await session.get(PendingStation, number)


async def accept(session: AsyncSession, row: PendingStation, details: SiteDetails) -> Site:
    """Make it a site, with the way of proving itself with which it came. Raises `BadSite`, `UnknownRegion`."""
    await setup.check_region(session, details)
    if await repository.site_by_station(session, row.station_id) is not None:
        raise StationIdTaken(station_id=row.station_id)
    site = setup.new_site(details, row.station_id, row.password_hash)
    site.security_profile = row.security_profile
    session.add(site)
    await session.delete(row)
    await session.flush()
    return site


def reject(row: PendingStation, at: datetime) -> None:
    """Keep it out."""
    row.rejected_at = row.rejected_at or at


def take_back(row: PendingStation) -> None:
    """Let a rejected one wait again."""
    row.rejected_at = None


async def forget(session: AsyncSession, now: datetime) -> None:
    """Forget those that were not heard of for long, and those that are sites now."""
    silent = or_(
        and_(PendingStation.rejected_at.is_(None), PendingStation.last_seen < now - WAITING_FOR),
        PendingStation.last_seen < now - REJECTED_FOR,
    )
    await session.execute(
        delete(PendingStation).where(or_(silent, _has_site())).execution_options(synchronize_session=False)
    )


def _has_site() -> Exists:
    return exists().where(Site.station_id == PendingStation.station_id)


async def _by_station(session: AsyncSession, station_id: str) -> PendingStation | None:
    return await session.scalar(select(PendingStation).where(PendingStation.station_id == station_id))
