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
FORGET_EVERY_S: Final = 3600.0
_AT_ONCE: Final = 500
"""Frames that one transaction deletes: short enough for whoever waits behind it."""


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
        await forget_old_frames(services)
        return Again(FORGET_EVERY_S)


async def begin(services: Services) -> None:
    """Have everything looked at from now on; asked again, also by another process, it is one look."""
    async with services.database.transaction() as session:
        await services.work.add(session, "watch", "all", after_s=FIRST_WATCH_S)
        await services.work.add(session, "forget-frames", "all", after_s=FIRST_WATCH_S)


async def forget_old_frames(services: Services) -> int:
    """Delete the frames that the journal does not keep any longer; returns how many."""
    before = services.clock.now() - timedelta(days=services.settings.ocpp_journal_days)
    deleted = 0
    while True:
        async with services.database.transaction() as session:
            some = await repository.forget_frames(session, before, _AT_ONCE)
        deleted += some
        if some < _AT_ONCE:
            return deleted
