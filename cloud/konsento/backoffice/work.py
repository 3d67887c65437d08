"""The due work of operations: looking for what is wrong, and forgetting what is old."""

from datetime import timedelta
from typing import Final

from konsento.backoffice import alarm_mails
from konsento.kit.work import Again, Job
from konsento.operations import alarms, repository
from konsento.services import Services

WATCH_EVERY_S: Final = 30.0
FIRST_WATCH_S: Final = 60.0
"""After a start sites connect again first."""
FORGET_EVERY_S: Final = 60.0
"""Where much goes on the journal is full again soon."""
_AT_ONCE: Final = 500
"""Frames that one transaction deletes: short enough for whoever waits behind it."""
LINKS_KEPT: Final = timedelta(days=30)
_MOST_TIMES: Final = 400
"""Transactions of one call, well within its lease."""


def install(services: Services) -> None:
    """Register the handlers; `begin` has them called."""
    started_at = services.clock.now()

    @services.work.on("watch")
    async def watch(_job: Job) -> Again:
        up_s = (services.clock.now() - started_at).total_seconds()
        if up_s < FIRST_WATCH_S:
            # Left due by the process before: the sites could not be connected to nobody.
            return Again(FIRST_WATCH_S - up_s)
        async with services.database.transaction() as session:
            await alarms.watch(session, services.clock.now())
            await alarm_mails.tell(session, services)
        return Again(WATCH_EVERY_S)

    @services.work.on("forget-frames")
    async def forget_frames(_job: Job) -> Again:
        deleted = await forget_old_frames(services)
        return Again(0.0 if deleted >= _AT_ONCE * _MOST_TIMES else FORGET_EVERY_S)


async def begin(services: Services) -> None:
    """Have everything looked at from now on; asked again, also by another process, it is one look."""
    async with services.database.transaction() as session:
        await services.work.add(session, "watch", "all", after_s=FIRST_WATCH_S)
        await services.work.add(session, "forget-frames", "all", after_s=FIRST_WATCH_S)


async def forget_old_frames(services: Services) -> int:
    """Delete the frames that are too old, and the oldest beyond the bound of the journal's size; returns how many.

    Not all at once where there are many: then it is to be called again.
    """
    settings = services.settings
    before = services.clock.now() - timedelta(days=settings.ocpp_journal_days)
    deleted = 0
    for _ in range(_MOST_TIMES):
        async with services.database.transaction() as session:
            some = await repository.forget_frames(session, before, _AT_ONCE)
            if some < _AT_ONCE and settings.ocpp_journal_max_rows:
                some += await repository.forget_surplus(session, settings.ocpp_journal_max_rows, _AT_ONCE - some)
        deleted += some
        if some < _AT_ONCE:
            break
    async with services.database.transaction() as session:
        await repository.forget_links(session, services.clock.now() - LINKS_KEPT)
    return deleted
