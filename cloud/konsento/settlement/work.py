"""The due work that settles a session."""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.invoices import service as invoices
from konsento.kit.db import after_commit
from konsento.kit.work import Again, Job
from konsento.models import ChargingSession, MeterEvent, SessionState, transaction_at_station
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import GetTransactionStatus
from konsento.services import Services
from konsento.settlement import repository, service
from konsento.settlement.measurement import missing
from konsento.webhooks import service as webhooks
from konsento.webhooks.service import EventType

log = logging.getLogger(__name__)

GAP_PATIENCE: Final = timedelta(minutes=15)
"""How long a bill waits for events that are missing in the middle; the registers at both ends are enough for it."""
ASK_AGAIN_S: Final = 10.0


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on("settle")
    async def settle(job: Job) -> Again | None:
        return await settle_session(services, UUID(job.key))


async def settle_session(services: Services, session_id: UUID) -> Again | None:
    """Bill an ended session, once; asks the site first where events are missing."""
    async with services.database.transaction() as session:
        charging = await repository.session_to_settle(session, session_id)
        if charging.state is not SessionState.ENDED:
            return None
        events = await repository.events(session, charging)
        now = services.clock.now()
        waited = now - max((event.received_at for event in events), default=charging.ended_at or now)
        if not missing(events) or waited >= GAP_PATIENCE or charging.transaction_id is None:
            await _settle(services, session, charging, events)
            return None
        station_id = charging.outlet.site.station_id
        transaction_id = transaction_at_station(charging.transaction_id)
    if await _more_to_come(services, station_id, transaction_id):
        return Again(ASK_AGAIN_S)
    async with services.database.transaction() as session:
        charging = await repository.session_to_settle(session, session_id)
        if charging.state is SessionState.ENDED:
            log.warning("session %s: events are missing, and the site has no more", session_id)
            await _settle(services, session, charging, await repository.events(session, charging))
    return None


async def _settle(
    services: Services, session: AsyncSession, charging: ChargingSession, events: list[MeterEvent]
) -> None:
    await service.settle(session, charging, events, services.clock.now())
    await invoices.issue(session, services.settings, [charging.id], services.clock.now())
    await webhooks.emit(session, services, charging, EventType.SETTLED)
    await services.work.add(session, "tell", str(charging.id), payload={"what": "ended"})
    after_commit(session, lambda: services.live.publish(charging.id))
    if charging.ended_at is not None:
        # By two clocks, so it may seem to be billed before it ended.
        lag_s = max(0.0, (services.clock.now() - charging.ended_at).total_seconds())
        after_commit(session, lambda: services.metrics.settlement_lag.observe(lag_s))


async def _more_to_come(services: Services, station_id: str, transaction_id: str) -> bool:
    try:
        answer = await services.router.call(station_id, GetTransactionStatus(transaction_id=transaction_id))
    except CallRefused:
        return False  # it knows no such question; the registers at both ends have to do
    except CallError:
        return True  # not to be reached; it may still hold them
    return answer.messages_in_queue
