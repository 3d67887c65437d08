"""The due work of partners: their servers are asked what they sell, again and again, so that pages have it at hand."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import aiohttp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError, PublicResolver
from konsento.kit.asking import NoAnswer, ask
from konsento.kit.offers import SupplierOffers
from konsento.kit.work import Again, Job
from konsento.models import Partner, PartnerSite, Site
from konsento.services import Services

log = logging.getLogger(__name__)

WORK: Final = "offers"
"""Kind of due work: asking a partner's server what it sells at a site; `ALL`: looking for what nobody asks yet."""
ALL: Final = "all"
NEW_S: Final = 60.0
"""How often that is looked for: partners that a command has added."""
EVERY_S: Final = 300.0
"""How often a partner is asked about a site without anybody looking."""
AGAIN_S: Final = 30.0
"""Likewise, where it told nothing: it may be away, or not know the site's common name yet."""
PLACES: Final = 4
"""Questions side by side, in places of their own: a partner that hangs keeps no other work waiting."""
TIMEOUT_S: Final = 10.0
"""For one question, from the look-up of the name to the end of the answer."""
LOOKED_AT_S: Final = 60.0
"""What is older when somebody looks is asked for anew, for whoever looks next."""
NOTHING_TOLD_S: Final = 10.0
"""Likewise, where nothing was told."""


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(WORK, places=PLACES)
    async def offers(job: Job) -> Again | None:
        if job.key == ALL:
            await ask_new(services)
            return Again(NEW_S)
        return await refresh(services, UUID(job.key[:32]), UUID(job.key[32:]))


async def begin(services: Services) -> None:
    """Have partners asked from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, WORK, ALL)


async def ask_new(services: Services) -> None:
    """Have those asked who never were."""
    async with services.database.transaction() as session:
        never = select(PartnerSite).where(PartnerSite.tried_at.is_(None))
        await looked_at(session, services, list(await session.scalars(never)))


async def looked_at(session: AsyncSession, services: Services, links: Iterable[PartnerSite]) -> None:
    """Have partners asked soon whose word is not new, because somebody looks at it; the page does not wait."""
    now = services.clock.now()
    for link in links:
        enough = timedelta(seconds=LOOKED_AT_S if link.told is not None else NOTHING_TOLD_S)
        if link.tried_at is None or now - link.tried_at >= enough:
            link.tried_at = now  # one look is enough
            await services.work.add(session, WORK, f"{link.partner_id.hex}{link.site_id.hex}")


async def refresh(services: Services, partner_id: UUID, site_id: UUID) -> Again | None:
    """Ask a partner's server what it sells at a site; returns when to ask again, None where it sells there no more."""
    async with services.database.transaction() as session:
        partner, site = await session.get(Partner, partner_id), await session.get(Site, site_id)
        link = await session.get(PartnerSite, (partner_id, site_id))
    if partner is None or site is None or link is None:
        return None
    told, problem = await _asked(services, partner.base_url, site.common_name)
    now = services.clock.now()
    async with services.database.transaction() as session:
        link = await session.get(PartnerSite, (partner_id, site_id), with_for_update=True)
        if link is not None:
            _note(link, told, problem, now)
    if problem:
        log.info("a partner's server told nothing about a site: %s", problem)
    return Again(EVERY_S if told is not None else AGAIN_S)


def _note(link: PartnerSite, told: SupplierOffers | None, problem: str, now: datetime) -> None:
    link.tried_at, link.problem = now, problem
    if not problem:
        link.told_at = now
        link.told = told.to_json() if told is not None else None


async def _asked(services: Services, base_url: str, common_name: str | None) -> tuple[SupplierOffers | None, str]:
    """Return the answer, and why there is none; empty where there is."""
    if common_name is None:
        return None, "NoName"
    loopback = services.settings.partners_to_loopback
    try:
        addresses.check(base_url, loopback=loopback)  # the setting may have changed since
    except NotAllowedError:
        return None, "NotAllowed"
    connector = aiohttp.TCPConnector(
        resolver=PublicResolver(loopback=loopback), use_dns_cache=False, force_close=True, limit=1
    )
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        try:
            return await ask(client, base_url, common_name, TIMEOUT_S), ""
        except NoAnswer as error:
            return None, str(error)
