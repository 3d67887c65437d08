"""Fetching sources: each by its own interval, and again sooner while it is bad."""

import logging
from datetime import timedelta
from random import SystemRandom
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import getting, places, sources, taking
from konsento.feeds.errors import BadAddress, NotFetched, NothingToFetch, SourceOff, UnknownSource
from konsento.feeds.getting import Got
from konsento.feeds.places import BadPlaceError
from konsento.feeds.taking import Outcome
from konsento.kit.work import Again, Job
from konsento.models import GridSource, SourceState, Work
from konsento.services import Services

log = logging.getLogger(__name__)

WORK: Final = "fetch"
"""Kind of due work: fetching a source; its key is the source's id."""
PLACES: Final = 2
"""Fetches side by side, in places of their own: a server that hangs keeps no other work waiting."""
SOONEST_S: Final = 60.0
"""After a failure."""
_RANDOM: Final = SystemRandom()


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(WORK, places=PLACES)
    async def fetch(job: Job) -> Again | None:
        try:
            return await fetch_source(services, UUID(job.key))
        except UnknownSource, SourceOff:  # meanwhile
            return None


async def soon(session: AsyncSession, services: Services, source: GridSource) -> None:
    """Have a source fetched after this transaction. Raises `NothingToFetch`, `SourceOff`."""
    if not source.url:
        raise NothingToFetch
    if source.state is SourceState.OFF:
        raise SourceOff
    await services.work.add(session, WORK, str(source.id))


async def begin_new(session: AsyncSession, services: Services) -> None:
    """Have those fetched whose fetching nobody has begun: a command may have added them."""
    begun = set(await session.scalars(select(Work.key).where(Work.kind == WORK)))
    keys = {str(source.id) for source in await sources.fetched(session)} - begun
    await services.work.add_all(session, WORK, keys)


async def begin_all(session: AsyncSession, services: Services) -> None:
    """Have all sources fetched at their times from now on, also those whose fetching was given up."""
    now = services.clock.now()
    for source in await sources.fetched(session):
        next_at = source.tried_at + timedelta(seconds=source.every_s) if source.tried_at is not None else now
        after_s = max(0.0, (next_at - now).total_seconds())
        await services.work.add(session, WORK, str(source.id), after_s=after_s)


async def fetch_source(services: Services, source_id: UUID) -> Again | None:
    """Fetch a source and take what comes; returns when to fetch it again, None for not at all.

    Raises `UnknownSource`, `SourceOff` where it was removed or switched off meanwhile.
    """
    now = services.clock.now()
    async with services.database.transaction() as session:
        source = await sources.find_source(session, source_id, lock=True)
        if source.state is SourceState.OFF or not source.url:
            return None
        source.tried_at = now
        zone = await sources.zone_of(session, services.settings, source)
        last = await sources.last_file(session, source_id, good=True)
        known = taking.validators(source, str(zone), last)
    try:
        address = places.filled(source.url, now.astimezone(zone).date())
        same = known.get("validators", {}) if known.get("address") == address else {}
        got = await getting.get(services.settings, address, source.secret, same)
    except BadPlaceError:
        error: NotFetched = BadAddress(host=source.url[:100])
    except NotFetched as not_fetched:
        error = not_fetched
    else:
        if await _taken(services, source_id, address, got):
            return Again(_jittered(source.every_s))
        # What came is bad: it may be mended at any time, or be half a file.
        return Again(await _retry_s(services, source_id))
    log.warning("source %s: %s", source_id, error)
    await taking.failed(services, source_id, error)
    return Again(max(error.after_s, await _retry_s(services, source_id)))


async def _taken(services: Services, source_id: UUID, address: str, got: Got) -> bool:
    if got.content is None:
        await taking.unchanged(services, source_id)
        return True
    origin = {"address": address, "validators": got.validators}
    taken = await taking.take(services, source_id, address, got.content, origin)
    return taken.outcome is not Outcome.BAD


async def _retry_s(services: Services, source_id: UUID) -> float:
    """Return when to try a bad source again: after as long as it has been bad, and not later than usually."""
    async with services.database.transaction() as session:
        source = await sources.find_source(session, source_id)
    bad_s = (services.clock.now() - source.bad_since).total_seconds() if source.bad_since is not None else 0.0
    return _jittered(min(max(bad_s, SOONEST_S), max(source.every_s, SOONEST_S)))


def _jittered(seconds: float) -> float:
    # So that not all servers of the country ask at the same moment.
    return seconds * _RANDOM.uniform(0.9, 1.1)
