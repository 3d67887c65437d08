"""Limits at chargers that do not keep them by themselves: the server watches the meter and stops in time.

The moment at which a limit will be reached is predicted from the newest reading and power, and the stop is due work of
that moment; every reading corrects it. Power may rise between two readings, so the worst overshoot is what flows from
one to the next and until the charger has stopped: `CHARGER_CUT_OFF_S` at the rated power, which holds are made for.
"""

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import changing, repository
from konsento.charging.enforcement import STOP_S
from konsento.kit.work import Again, Job
from konsento.models import ACTIVE, Charger, ChargingSession, LimitChange, MeterEvent, events_of
from konsento.services import Services

log = logging.getLogger(__name__)

KIND: Final = "reach"
LOOK_AGAIN_S: Final = 10.0
"""While the station is away nothing can be stopped; what it did comes with its events."""
UNKNOWN_SAMPLE_S: Final = 60
"""How often a charger is taken to tell its meter that has not said: the usual setting of a new one."""


def install(services: Services) -> None:
    """Register the due work."""

    @services.work.on(KIND)
    async def reach(job: Job) -> Again | None:
        return await stop_at_limit(services, UUID(job.key))


async def plan(session: AsyncSession, services: Services, charging: ChargingSession) -> None:
    """Have a session stopped when it will have reached its limit, by what is known now."""
    if not _watched(charging):
        if _found_beyond(charging):
            # Ingest gives a site some seconds to end it by itself; this charger does not know the limit.
            await services.work.add(session, "stop", str(charging.id))
        return
    left_s, _ = await _left(session, charging, services.clock.now())
    # Where an earlier moment was planned, the work looks again then.
    await services.work.add(session, KIND, str(charging.id), after_s=max(0.0, left_s))


async def stop_at_limit(services: Services, session_id: UUID) -> Again | None:
    """Stop a session whose limit is reached, or say after how many seconds it will be."""
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.transaction_id is None or not _watched(charging):
            return None
        if not charging.outlet.site.connected:
            return Again(LOOK_AGAIN_S)
        left_s, reason = await _left(session, charging, services.clock.now())
        if left_s > 0:
            return Again(left_s)
        charging.stop_reason = charging.stop_reason or reason
        await services.work.add(session, "stop", str(session_id))
    log.info("session %s: the server stops it: %s", session_id, reason)
    return None


def _watched(charging: ChargingSession) -> bool:
    return _unkept(charging) and not charging.stop_reason


def _found_beyond(charging: ChargingSession) -> bool:
    """Tell whether a reading has shown a limit as reached before it was foreseen."""
    return _unkept(charging) and charging.stop_reason in {"EnergyLimitReached", "TimeLimitReached"}


def _unkept(charging: ChargingSession) -> bool:
    """Tell whether nobody but this server keeps the limits of a session that is on."""
    kept = charging.limits_kept and charging.limit_change_id is None
    return charging.state in ACTIVE and charging.stop_requested_at is None and not kept


async def _left(session: AsyncSession, charging: ChargingSession, now: datetime) -> tuple[float, str]:
    """Return in how many seconds a session reaches its first limit, and OCPP's word for that limit."""
    limits = await changing.pending(session, charging) or charging
    heard_s = (now - (charging.heard_at or now)).total_seconds()
    energy_s = await _energy_left_s(session, charging, limits) - heard_s
    if limits.time_limit_s is None:
        return energy_s, "EnergyLimitReached"
    # By the server's clock; the charger's may be wrong by hours. A start that was told late is made good by its count.
    began = await session.scalar(select(func.min(MeterEvent.received_at)).where(events_of(charging)))
    run_s = max(charging.seconds + heard_s, (now - began).total_seconds() if began is not None else 0.0)
    time_s = limits.time_limit_s - run_s
    return (time_s, "TimeLimitReached") if time_s < energy_s else (energy_s, "EnergyLimitReached")


async def _energy_left_s(
    session: AsyncSession, charging: ChargingSession, limits: ChargingSession | LimitChange
) -> float:
    """Return how long after the newest reading the energy is used up."""
    left_mwh = limits.energy_cap_wh * 1000 - charging.delivered_mwh
    if left_mwh <= 0:
        return 0.0
    rated_s = left_mwh * 3.6 / charging.rated_w
    power = charging.power_w if charging.power_w is not None else await _mean_power_w(session, charging)
    if power is None:
        return rated_s
    # When the next reading does not come, nothing is known of the power any more: from then on the most counts.
    charger = await session.get(Charger, charging.site_id)
    silent_s = 2.0 * ((charger.sample_s if charger is not None else None) or UNKNOWN_SAMPLE_S) + STOP_S
    by_then_mwh = power * silent_s / 3.6
    if power > 0 and by_then_mwh >= left_mwh:
        return left_mwh * 3.6 / power
    return silent_s + (left_mwh - by_then_mwh) * 3.6 / max(power, charging.rated_w)


async def _mean_power_w(session: AsyncSession, charging: ChargingSession) -> int | None:
    """Return the power between the two newest registers of a session whose charger tells none, None without two."""
    query = (
        select(MeterEvent.at, MeterEvent.register_mwh)
        .where(events_of(charging), MeterEvent.register_mwh.is_not(None))
        .order_by(MeterEvent.seq_no.desc())
        .limit(2)
    )
    rows = [(row.at, row.register_mwh) for row in await session.execute(query)]
    if len(rows) < 2:
        return None
    (at, mwh), (before_at, before_mwh) = rows
    seconds = (at - before_at).total_seconds()
    if seconds <= 0 or mwh < before_mwh:
        return None
    return int((mwh - before_mwh) * 3.6 / seconds) + 1
