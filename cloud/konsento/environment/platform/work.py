"""What the platform does by itself: forward on the schedule and when asked, send, and tidy up."""

import logging
from datetime import UTC, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update

from konsento.environment.base import Office
from konsento.environment.intake import forget
from konsento.environment.platform.forwarding import FORWARD, collect_all
from konsento.environment.platform.models import Delivery, Measurement, Refusal, Work
from konsento.environment.platform.sending import Computation, UnreachableError
from konsento.environment.platform.settings import PlatformSettings
from konsento.kit.work import LONGEST_BACK_OFF_S, Again, Job
from konsento.kit.work_table import WorkState

log = logging.getLogger(__name__)

SCHEDULE: Final = "schedule"
ASK: Final = "ask"
TIDY: Final = "tidy"
TIDY_EVERY_S: Final = 86_400.0
REFUSALS_KEPT: Final = timedelta(days=90)


def install(office: Office, settings: PlatformSettings, computation: Computation) -> None:
    """Register the handlers."""

    @office.work.on(FORWARD, places=2)
    async def forward(job: Job) -> Again | None:
        async with office.database.transaction() as session:
            delivery = await session.get(Delivery, UUID(job.key))
        if delivery is None or delivery.answered_at is not None:
            return None
        if not computation.configured:
            return Again(LONGEST_BACK_OFF_S)
        try:
            await computation.deliver(delivery)
        except UnreachableError:
            # Not a failure of the work, which would be given up after some hours: a system can be away for days.
            return Again(min(LONGEST_BACK_OFF_S, 2.0 ** min(delivery.attempts + 1, 20)))
        return None

    @office.work.on(SCHEDULE)
    async def on_schedule(_job: Job) -> Again | None:
        every = settings.forward_every.seconds
        if every is None or not computation.configured:
            return None
        await collect_all(office, settings.forward)
        return Again(_until_next(office, every))

    @office.work.on(ASK)
    async def ask(_job: Job) -> Again | None:
        if not computation.configured:
            return None
        try:
            if await computation.wants():
                found = await collect_all(office, settings.forward)
                log.info("the computation system asked; %d measurements go to it", found.measurements)
        except UnreachableError as error:
            log.warning("the computation system could not be asked whether it wants anything: %s", error)
        return Again(settings.ask_every_s)

    @office.work.on(TIDY)
    async def tidy(_job: Job) -> Again | None:
        await tidy_up(office, settings)
        return Again(TIDY_EVERY_S)


async def begin(office: Office, settings: PlatformSettings) -> None:
    """Have due what repeats, according to the settings of today."""
    every = settings.forward_every.seconds
    async with office.database.transaction() as session:
        # Under other settings than at the last start, another time is the next.
        await session.execute(delete(Work).where(Work.kind.in_((SCHEDULE, ASK))))
        if every is not None:
            await office.work.add(session, SCHEDULE, SCHEDULE, after_s=_until_next(office, every))
        await office.work.add(session, ASK, ASK)
        await office.work.add(session, TIDY, TIDY)


async def tidy_up(office: Office, settings: PlatformSettings) -> None:
    """Delete measurements that went on long enough ago, and what nobody needs any more."""
    now = office.clock.now()
    gone = now - timedelta(days=settings.keep_days)
    answered = select(Delivery.id).where(Delivery.answered_at < gone)
    async with office.database.transaction() as session:
        await session.execute(
            delete(Measurement).where(Measurement.delivery_id.in_(answered), Measurement.refusal.is_(None))
        )
        await session.execute(delete(Refusal).where(Refusal.at < now - REFUSALS_KEPT))
        await session.execute(
            delete(Work).where(Work.kind == FORWARD, Work.state == WorkState.DONE, Work.due_at < gone)
        )
        await forget(session, office, now)


async def revive(office: Office) -> int:
    """Have deliveries that were given up tried again; returns how many."""
    now = office.clock.now()
    async with office.database.transaction() as session:
        rows = await session.scalars(
            update(Work)
            .where(Work.kind == FORWARD, Work.state == WorkState.DEAD)
            .values(state=WorkState.DUE, attempts=0, due_at=now)
            .returning(Work.key)
        )
        count = len(rows.all())
    office.work.wake()
    return count


def _until_next(office: Office, every: int) -> float:
    """Return the seconds to the next full hour, half day or day of UTC."""
    return every - office.clock.now().astimezone(UTC).timestamp() % every
