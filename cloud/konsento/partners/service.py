"""Who the partners are, at which sites they sell, and which sites have which common name."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento.kit import addresses, handover
from konsento.kit.addresses import NotAllowedError
from konsento.kit.ids import new_id
from konsento.kit.offers import COMMON_NAME
from konsento.models import Partner, PartnerKind, PartnerSite, Site
from konsento.partners.errors import (
    BadCommonName,
    BadPartner,
    BadPartnerAddress,
    BadPartnerKey,
    CommonNameTaken,
    PartnerKnown,
    UnknownPartner,
)
from konsento.settings import Settings

LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 200


async def all_of(session: AsyncSession) -> list[Partner]:
    """Return all partners, by name."""
    return list(await session.scalars(select(Partner).order_by(Partner.name)))


async def partner(session: AsyncSession, partner_id: UUID) -> Partner:
    """Return a partner. Raises `UnknownPartner`."""
    found = await session.get(Partner, partner_id)
    if found is None:
        raise UnknownPartner
    return found


async def by_address(session: AsyncSession, base_url: str) -> Partner | None:
    """Return the partner whose pages are at an address, or None."""
    return await session.scalar(select(Partner).where(Partner.base_url == base_url))


async def add(
    session: AsyncSession,
    settings: Settings,
    now: datetime,
    *,
    kind: PartnerKind,
    name: str,
    base_url: str,
    key: str = "",
) -> Partner:
    """Add a partner; without a key one is made, for the partner too. Raises `BadPartner`, `PartnerKnown`."""
    found = Partner(id=new_id(), kind=kind, created_at=now)
    await _set(session, settings, found, name=name, base_url=base_url, key=key or handover.new_key())
    session.add(found)
    await session.flush()
    return found


async def change(
    session: AsyncSession, settings: Settings, found: Partner, *, name: str, base_url: str, key: str = ""
) -> None:
    """Change what is said about a partner; without a key it keeps its own. Raises `BadPartner`, `PartnerKnown`."""
    await _set(session, settings, found, name=name, base_url=base_url, key=key or found.key)
    await session.flush()


async def _set(
    session: AsyncSession, settings: Settings, found: Partner, *, name: str, base_url: str, key: str
) -> None:
    name, base_url = " ".join(name.split()), base_url.strip().rstrip("/")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadPartner
    if len(base_url) > LONGEST_ADDRESS or "?" in base_url:
        raise BadPartnerAddress
    try:
        addresses.check(base_url, loopback=settings.partners_to_loopback)
    except NotAllowedError:
        raise BadPartnerAddress from None
    if base_url == settings.public_url.rstrip("/"):
        raise BadPartnerAddress
    if not handover.is_key(key):
        raise BadPartnerKey
    with session.no_autoflush:
        query = select(Partner.id).where(
            or_(Partner.name == name, Partner.base_url == base_url), Partner.id != found.id
        )
        if await session.scalar(query.limit(1)) is not None:
            raise PartnerKnown
    if found.base_url not in {None, base_url}:
        # What another server said is not this one's word.
        await forget_told(session, found.id)
    found.name, found.base_url, found.key = name, base_url, key


async def remove(session: AsyncSession, found: Partner) -> None:
    """Remove a partner: no driver is sent there, or taken from there, any more."""
    await session.execute(delete(PartnerSite).where(PartnerSite.partner_id == found.id))
    await session.delete(found)


async def forget_told(session: AsyncSession, partner_id: UUID) -> None:
    """Forget what a partner's server has said."""
    for row in await session.scalars(select(PartnerSite).where(PartnerSite.partner_id == partner_id)):
        row.told = row.told_at = row.tried_at = None
        row.problem = ""


async def serve(session: AsyncSession, found: Partner, site_ids: Collection[UUID]) -> bool:
    """Set at which sites a partner sells, a portal at none. Returns whether that is new."""
    wanted = set(site_ids) if found.kind is PartnerKind.SUPPLIER else set()
    rows = {row.site_id: row for row in await links_of(session, found.id)}
    for site_id in rows.keys() - wanted:
        await session.delete(rows[site_id])
    for site_id in wanted - rows.keys():
        session.add(PartnerSite(partner_id=found.id, site_id=site_id, problem=""))
    await session.flush()
    return wanted != rows.keys()


async def links_of(session: AsyncSession, partner_id: UUID) -> list[PartnerSite]:
    """Return the sites at which a partner sells, with what it said last."""
    return list(await session.scalars(select(PartnerSite).where(PartnerSite.partner_id == partner_id)))


async def links_at(session: AsyncSession, site_id: UUID) -> list[PartnerSite]:
    """Return the partners that sell at a site, by name, with what they said last."""
    query = (
        select(PartnerSite)
        .join(PartnerSite.partner)
        .where(PartnerSite.site_id == site_id)
        .options(joinedload(PartnerSite.partner, innerjoin=True))
        .order_by(Partner.name)
    )
    return list(await session.scalars(query))


async def set_common_name(session: AsyncSession, site: Site, name: str) -> bool:
    """Set what all servers call a site, empty for nothing. Returns whether it is new.

    Raises `BadCommonName`, `CommonNameTaken`.
    """
    wanted = name.strip().upper() or None
    if wanted == site.common_name:
        return False
    if wanted is not None:
        if not re.fullmatch(COMMON_NAME, wanted):
            raise BadCommonName
        if await session.scalar(select(Site.id).where(Site.common_name == wanted)) is not None:
            raise CommonNameTaken
    site.common_name = wanted
    for row in await session.scalars(select(PartnerSite).where(PartnerSite.site_id == site.id)):
        row.told = row.told_at = row.tried_at = None
    return True
