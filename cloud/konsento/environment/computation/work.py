"""When is computed: regularly where something has come in, after an import, and when somebody asks."""

import logging
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import Office
from konsento.environment.computation.keeping import first_slot, forget_measurements, slot_start
from konsento.environment.computation.library import add_shipped
from konsento.environment.computation.models import Measurement, Run, SumDelivery
from konsento.environment.computation.runs import compute, spans
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.intake import forget
from konsento.kit.work import Again, Job

log = logging.getLogger(__name__)

KIND: Final = "compute"
REGULARLY: Final = "regularly"


class Reason(StrEnum):
    """Why a run was made."""

    MEASUREMENTS = "measurements"
    FACTORS = "factors"
    MIX = "mix"
    ASKED = "asked"


def install(office: Office, settings: ComputationSettings) -> None:
    """Register what is due from time to time."""

    @office.work.on(KIND)
    async def run(job: Job) -> Again | None:
        now = office.clock.now()
        async with office.database.transaction() as session:
            if job.key == REGULARLY:
                await forget(session, office, now)
                await forget_measurements(session, now - timedelta(days=settings.keep_days))
            if job.key != REGULARLY or await _is_new(session, settings, now):
                reason = Reason.MEASUREMENTS if job.key == REGULARLY else Reason(job.key)
                made = await compute(session, settings, await office.trees.now(session), now, reason)
                log.info("run %d (%s): %d Wh in all", made.id, reason, made.wh)
        return Again(settings.run_minutes * 60) if job.key == REGULARLY else None


async def begin(office: Office, settings: ComputationSettings) -> None:
    """Have the shipped factors in the table, and the regular computation due."""
    async with office.database.transaction() as session:
        if await add_shipped(session, office.clock.now()):
            await ask(session, office, Reason.FACTORS)
        await office.work.add(session, KIND, REGULARLY)
    log.info("periods are %ss in %s, published with k of %s", settings.period, settings.time_zone, settings.privacy)


async def ask(session: AsyncSession, office: Office, reason: Reason) -> None:
    """Have everything computed anew after this transaction."""
    await office.work.add(session, KIND, reason)


async def _is_new(session: AsyncSession, settings: ComputationSettings, now: datetime) -> bool:
    """Tell whether something has come in since the latest run, or a period may be published since."""
    latest = await session.scalar(select(Run).order_by(Run.id.desc()).limit(1))
    if latest is None:
        return True
    for column in (Measurement.received_at, SumDelivery.received_at):
        newest = await session.scalar(select(func.max(column)))
        if newest is not None and newest >= latest.at:
            return True
    if latest.open_from is None:
        return False
    _, after = next(spans(latest.open_from, latest.open_from, settings.period))
    return slot_start(first_slot(after, settings.zone)) + timedelta(hours=settings.settle_hours) <= now
