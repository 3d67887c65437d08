"""Fetching what a source publishes: one request, bounded in time and size, never into the operator's own network."""

import logging
import secrets
from datetime import date, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Final
from urllib.parse import urljoin, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp

from konsento.feeds import places, taking
from konsento.feeds.errors import UnknownSource
from konsento.feeds.sources import find_source
from konsento.feeds.taking import Came
from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError, PublicResolver
from konsento.kit.work import Again, Job
from konsento.models import GridRegion, GridSource, SourceState
from konsento.services import Services

log = logging.getLogger(__name__)

WORK: Final = "fetch"
PLACES: Final = 4
"""Fetches side by side, in places of their own: a source that hangs keeps no other work waiting."""
TIMEOUT_S: Final = 60.0
LARGEST: Final = 20_000_000
"""Bytes of one answer."""
REDIRECTS: Final = 3
TROUBLE_S: Final = 900.0
"""After trouble it is tried again this soon, or at its own interval if that is shorter."""
_SPREAD: Final = 0.1
"""Share of the wait by which it varies: not everybody asks at the full hour."""
_MOVED: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)


class _TroubleError(Exception):
    """Nothing came; the message says why, without the key."""


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(WORK, places=PLACES)
    async def fetch_one(job: Job) -> Again | None:
        return await fetch(services, UUID(job.key))


async def fetch(services: Services, source_id: UUID) -> Again | None:
    """Fetch a source's file of today and take it in; returns when to do so again, None where that is not wanted."""
    try:
        async with services.database.transaction() as session:
            source = await find_source(session, source_id)
            region = await session.get(GridRegion, source.region) if source.region is not None else None
    except UnknownSource:
        return None
    if not source.url or source.state is SourceState.OFF:
        return None
    zone = ZoneInfo(region.time_zone if region is not None else services.settings.time_zone)
    url = places.filled(source.url, _today(services.clock.now(), zone), source.secret)
    try:
        content = await _get(services, source, url)
    except _TroubleError as trouble:
        await taking.note_trouble(services, source_id, str(trouble))
        return Again(_spread(min(TROUBLE_S, source.every_s)))
    # The name may tell area and day; what stands behind the question mark may be the key.
    unreadable = await taking.take(services, source_id, Came(name=url.partition("?")[0], content=content))
    return Again(_spread(source.every_s if unreadable is None else min(TROUBLE_S, source.every_s)))


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def _spread(seconds: float) -> float:
    return seconds * (1 - _SPREAD + 2 * _SPREAD * secrets.randbelow(1000) / 1000)


async def _get(services: Services, source: GridSource, url: str) -> bytes:
    loopback = services.settings.feeds_to_loopback
    connector = aiohttp.TCPConnector(
        resolver=PublicResolver(loopback=loopback), use_dns_cache=False, force_close=True, limit=1
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"User-Agent": f"Konsento/{version('konsento')} (+{services.settings.public_url})"},
    ) as client:
        try:
            return await _follow(client, source, url, loopback=loopback)
        except TimeoutError:
            raise _TroubleError("the source does not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _TroubleError(f"the source cannot be reached ({type(error).__name__})") from None


async def _follow(client: aiohttp.ClientSession, source: GridSource, url: str, *, loopback: bool) -> bytes:
    origin = urlsplit(url)[:2]
    for _ in range(REDIRECTS + 1):
        try:
            addresses.check(url, loopback=loopback)
        except NotAllowedError:
            raise _TroubleError("the source leads to an address that is not public, or not https") from None
        # To whom the key belongs, and to nobody else.
        headers = _key(source) if urlsplit(url)[:2] == origin else {}
        async with client.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _MOVED:
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            if answer.status != HTTPStatus.OK:
                raise _TroubleError(f"the source answers {answer.status}")
            content = await answer.content.read(LARGEST + 1)
            while len(content) <= LARGEST and (more := await answer.content.read(LARGEST + 1)):
                content += more
            if len(content) > LARGEST:
                raise _TroubleError(f"the source sends more than {LARGEST // 1_000_000} MB")
            return content
    raise _TroubleError("the source leads from one address to the next")


def _key(source: GridSource) -> dict[str, str]:
    """Return the headers with the key, where the address has no place for it."""
    if not source.secret or f"{{{places.KEY}}}" in source.url:
        return {}
    if source.format == "electricity_maps":
        return {"auth-token": source.secret}
    return {"Authorization": f"Bearer {source.secret}"}
