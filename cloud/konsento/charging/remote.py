"""Asking the site: start and stop, and what its answer, or its silence, means.

A request that was sent and not answered may have been executed. So nothing is undone then: the session stays
`starting`, and due work asks again with the same number until the site says what has become of it.
"""

import logging
from typing import Final
from uuid import UUID

from konsento.charging import repository
from konsento.charging.life import Happening, step
from konsento.kit.db import after_commit
from konsento.models import ACTIVE, ChargingSession, SessionState, transaction_at_station
from konsento.ocpp import CallError, CallRefused, CallTimeout, StationBusy, StationOffline, custom_data
from konsento.ocpp.messages import (
    Evse,
    IdToken,
    RequestStartTransaction,
    RequestStartTransactionResponse,
    RequestStopTransaction,
    StartStopStatus,
    TriggerMessage,
)
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.webhooks import service as webhooks
from konsento.webhooks.service import EventType

log = logging.getLogger(__name__)

NEVER_STARTED_S: Final = 150.0
"""How long a site that is not ours may take from accepting a start to its first event (its EVConnectTimeOut)."""
ACCEPTED_AT: Final = "accepted_at"
"""In the payload of the due work: since when such a site is waited for."""


async def ask_to_start(services: Services, session_id: UUID, *, sent_before: bool = False) -> bool:
    """Ask the site to start and note what it says. Returns whether that is known now.

    `sent_before` says that an earlier request may have reached the site: then silence, or an error, proves nothing.
    """
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state is not SessionState.STARTING or charging.transaction_id is not None:
            return True
    return await send_start(services, charging, sent_before=sent_before)


async def send_start(services: Services, charging: ChargingSession, *, sent_before: bool = False) -> bool:
    """Do as `ask_to_start`, for a session in hand: committed, `starting`, with outlet and site."""
    session_id, station_id, request = charging.id, charging.outlet.site.station_id, _start_request(charging)
    try:
        answer = await services.router.call(station_id, request)
    except (StationOffline, StationBusy) as error:
        log.info("session %s: %s", session_id, error)
        if sent_before:
            return False
        await _fail(services, session_id, "OutletOffline")
        return True
    except CallTimeout as error:
        log.warning("session %s: %s; whether it started is not known yet", session_id, error)
        return False
    except CallRefused as error:
        log.warning("session %s: %s", session_id, error)
        if sent_before:
            return False
        await _fail(services, session_id, "DeviceRefused")
        return True
    await _note_start(services, session_id, answer)
    return True


async def ask_for_event(services: Services, session_id: UUID) -> bool:
    """Ask the site for an event of a session whose new limit waits: the answer to it carries the limit.

    Returns whether there is nothing to ask any more.
    """
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE or charging.limit_change_id is None:
            return True
    return await send_for_event(services, charging)


async def send_for_event(services: Services, charging: ChargingSession) -> bool:
    """Do as `ask_for_event`, for a session in hand. False: to be asked again."""
    request = TriggerMessage(requested_message="TransactionEvent", evse=Evse(id=charging.outlet.evse_id))
    try:
        await services.router.call(charging.outlet.site.station_id, request)
    except CallRefused as error:
        log.info("session %s: %s; the new limit waits for its next event", charging.id, error)
        return True
    except CallError as error:
        log.info("session %s: %s; the new limit waits", charging.id, error)
    return False


async def ask_to_stop(services: Services, session_id: UUID) -> bool:
    """Ask the site to stop. Returns whether it has been asked successfully, or there is nothing to stop any more."""
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE:
            return True
    return await send_stop(services, charging)


async def send_stop(services: Services, charging: ChargingSession) -> bool:
    """Do as `ask_to_stop`, for a session in hand: committed, on, with outlet and site."""
    if charging.transaction_id is None:
        return False  # still starting; as soon as the site has named its transaction it is stopped
    request = RequestStopTransaction(transaction_id=transaction_at_station(charging.transaction_id))
    try:
        answer = await services.router.call(charging.outlet.site.station_id, request)
    except (StationOffline, StationBusy, CallTimeout, CallRefused) as error:
        log.warning("session %s: %s", charging.id, error)
        return False
    if answer.status is not StartStopStatus.ACCEPTED:
        # It runs no such transaction (any more): the Ended event is on its way, or lies in the site's journal.
        log.info("session %s: the site has nothing to stop", charging.id)
    return True


def _start_request(charging: ChargingSession) -> RequestStartTransaction:
    return RequestStartTransaction(
        evse_id=charging.outlet.evse_id,
        remote_start_id=charging.remote_start_id,
        id_token=IdToken(id_token=charging.id_token, type="Central"),
        custom_data=custom_data(
            energyLimitWh=charging.energy_cap_wh,
            timeLimitS=charging.time_limit_s or 0,
            timerStart="relay",
            expiresAt=charging.start_expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            powerType=charging.power_type,
            supplier=charging.supplier,
            supplierCode=charging.supplier_code,
        ),
    )


async def _note_start(services: Services, session_id: UUID, answer: RequestStartTransactionResponse) -> None:
    if answer.status is not StartStopStatus.ACCEPTED:
        await _fail(services, session_id, answer.status_info.reason_code if answer.status_info else "DeviceRefused")
        return
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        # A session whose events were quicker than this answer knows more than the answer does.
        if charging is None or charging.state is not SessionState.STARTING:
            return
        named = answer.transaction_id
        if named is None or await repository.by_transaction(session, charging.site_id, named) is not None:
            # Not one of our sites: accepted means only that it will try, or it begins its names anew. The events tell,
            # or the time runs out.
            payload = {ACCEPTED_AT: services.clock.now().isoformat()}
            await services.work.add(session, "start", str(session_id), payload=payload, after_s=NEVER_STARTED_S)
            return
        charging.transaction_id = named
        await repository.adopt_events(session, charging)
        step(charging, Happening.SUPPLIES)
        await webhooks.emit(session, services, charging, EventType.STARTED)
        charging.started_at = charging.started_at or services.clock.now()
        if charging.stop_requested_at is not None:
            await services.work.add(session, "stop", str(session_id))
        after_commit(session, lambda: services.live.publish(session_id))
    log.info("session %s: the outlet supplies", session_id)


async def _fail(services: Services, session_id: UUID, code: str, happening: Happening = Happening.REFUSED) -> None:
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.transaction_id is not None or not step(charging, happening):
            return
        now = services.clock.now()
        charging.failure = code[:50]
        charging.ended_at = now
        await settlement.release(session, services.work, session_id, now)
        await webhooks.emit(session, services, charging, EventType.FAILED)
        await services.work.add(session, "tell", str(session_id), payload={"what": "failed"})
        after_commit(session, lambda: services.live.publish(session_id))
    log.info("session %s did not start: %s", session_id, code)


async def give_up_start(services: Services, session_id: UUID, happening: Happening = Happening.NEVER_BEGAN) -> None:
    """End a start that never began, as far as anybody knows: the hold is released."""
    await _fail(services, session_id, "NeverStarted", happening)
