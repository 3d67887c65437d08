"""Sessions whose events are not complete: their sites are asked, and waited for, but not without end.

A site that has nothing more to tell, or does not answer for `GAP_PATIENCE` after its last event came, is not waited for
any longer: the session is billed by the registers that are there. What comes after that corrects the bill
(`settlement.correcting`).
"""

import logging
from typing import Final
from uuid import UUID

from konsento.kit.work import Again
from konsento.models import transaction_at_station
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import GetTransactionStatus
from konsento.services import Services
from konsento.settlement import repository
from konsento.settlement.settling import more_may_come, settle

log = logging.getLogger(__name__)

ASK_AGAIN_S: Final = 10.0


async def ask(services: Services, session_id: UUID) -> Again | None:
    """Ask the site of an ended session for what is missing; bill it when there is nothing more to wait for."""
    async with services.database.transaction() as session:
        ended = await repository.ended(session, [session_id])
        events = await repository.events_of_all(session, ended)
        now = services.clock.now()
        if not ended or not more_may_come(ended[0], events[session_id], now):
            await settle(session, services, [session_id], wait=False)
            return None
        station_id = ended[0].outlet.site.station_id
        transaction_id = transaction_at_station(ended[0].transaction_id or "")
    if await _more_to_come(services, station_id, transaction_id):
        return Again(ASK_AGAIN_S)
    async with services.database.transaction() as session:
        log.warning("session %s: events are missing, and the site has no more", session_id)
        await settle(session, services, [session_id], wait=False)
    return None


async def _more_to_come(services: Services, station_id: str, transaction_id: str) -> bool:
    try:
        answer = await services.router.call(station_id, GetTransactionStatus(transaction_id=transaction_id))
    except CallRefused:
        return False  # it knows no such question; the registers at both ends have to do
    except CallError:
        return True  # not to be reached; it may still hold them
    return answer.messages_in_queue
