"""The due work of sessions: what was asked of a site and not answered, and sessions that went silent."""

import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import inventory, remote, repository, sampling, watch
from konsento.charging.events import INTERRUPTED_S
from konsento.charging.life import Happening, step
from konsento.kit.db import after_commit
from konsento.kit.work import Again, Job
from konsento.models import ACTIVE, ChargingSession, SessionState, transaction_at_station
from konsento.ocpp import CallError, CallRefused
from konsento.ocpp.messages import GetTransactionStatus, RequestStopTransaction
from konsento.services import Services
from konsento.sites import service as sites
from konsento.webhooks import service as webhooks
from konsento.webhooks.service import EventType

log = logging.getLogger(__name__)

ASK_AGAIN_S: Final = 10.0
"""Between two questions to a site that did not answer; when it connects it is asked at once."""
AFTER_CONNECTING_S: Final = 1.0
"""A site that has just connected delivers its journal first, which may answer the question."""
LOOK_FOR_SILENT_S: Final = 300.0
"""Between two looks for sessions that their connected sites do not mention any more."""
LOST: Final = timedelta(days=8)
"""A site that is away so long after the start of a session is not waited for any more."""
LOOK_FOR_LOST_S: Final = 86_400.0
SILENT_S: Final = 90.0
"""A connected site that has said nothing about a running session for so long is asked about it."""

WAITING: Final = frozenset({"EVConnected", "Idle"})
"""Charging states in which nothing can flow (2.1 part 2, ChargingStateEnumType)."""


def install(services: Services) -> None:
    """Register the handlers."""

    @services.work.on("start")
    async def start(job: Job) -> Again | None:
        return await find_out_start(services, UUID(job.key), job.payload.get(remote.ACCEPTED_AT))

    @services.work.on("stop")
    async def stop(job: Job) -> Again | None:
        return None if await remote.ask_to_stop(services, UUID(job.key)) else Again(ASK_AGAIN_S)

    @services.work.on("check")
    async def check(job: Job) -> Again | None:
        return await check_silent(services, UUID(job.key), gone_before=bool(job.payload.get("gone")))

    @services.work.on("limit")
    async def limit(job: Job) -> Again | None:
        return None if await remote.ask_for_event(services, UUID(job.key)) else Again(ASK_AGAIN_S)

    @services.work.on("longest")
    async def longest(job: Job) -> Again | None:
        return await end_overlong(services, UUID(job.key))

    @services.work.on("stray")
    async def stray(job: Job) -> Again | None:
        return await stop_stray(services, str(job.payload["station_id"]), str(job.payload["transaction_id"]))

    @services.work.on("silent")
    async def silent(_job: Job) -> Again | None:
        await ask_about_silent(services)
        return Again(LOOK_FOR_SILENT_S)

    async def connected(station_id: str) -> None:
        await ask_after_connecting(services, station_id)

    services.router.on_connect(connected)
    inventory.install(services)
    sampling.install(services)
    watch.install(services)


async def find_out_start(services: Services, session_id: UUID, waiting_since: str | None) -> Again | None:
    """Find out what has become of a start whose outcome is not known.

    A site of ours is asked again. Any other would take that for a new wish, at whatever time: it is waited for, and
    that anew whenever it connects, because it may have journalled what it did meanwhile.
    """
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state is not SessionState.STARTING or charging.transaction_id is not None:
            return None
        site = charging.outlet.site
        if waiting_since is None and not site.ours:
            payload = {remote.ACCEPTED_AT: services.clock.now().isoformat()}
            await services.work.add(session, "start", str(session_id), payload=payload, after_s=remote.NEVER_STARTED_S)
            return None
    if waiting_since is None:
        return None if await remote.ask_to_start(services, session_id, sent_before=True) else Again(ASK_AGAIN_S)
    waited_s = (services.clock.now() - datetime.fromisoformat(waiting_since)).total_seconds()
    if waited_s < remote.NEVER_STARTED_S:
        return Again(remote.NEVER_STARTED_S - waited_s)
    if not site.connected:
        return Again(remote.NEVER_STARTED_S)
    await remote.give_up_start(services, session_id)
    return None


async def ask_after_connecting(services: Services, station_id: str) -> None:
    """Have everything found out that a site could not be asked while it was away."""
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is None:
            return
        await services.work.add(session, "silent", "all", after_s=LOOK_FOR_SILENT_S)
        for charging in await repository.unfinished_at_site(session, site.id):
            key = str(charging.id)
            if charging.state is SessionState.ENDED:
                await services.work.add(session, "settle", key, after_s=AFTER_CONNECTING_S)
                continue
            if charging.transaction_id is None:
                payload: dict[str, Any] | None = None if site.ours else {}
                await services.work.add(session, "start", key, payload=payload, after_s=AFTER_CONNECTING_S)
                continue
            await services.work.add(session, "check", key, payload={}, after_s=SILENT_S)
            if charging.limit_change_id is not None:
                await services.work.add(session, "limit", key, after_s=AFTER_CONNECTING_S)
            if charging.stop_requested_at is not None:
                await services.work.add(session, "stop", key, after_s=AFTER_CONNECTING_S)


async def note_interruption(services: Services, station_id: str) -> None:
    """Have the drivers told, who want to know, if a site does not come back soon."""
    async with services.database.transaction() as session:
        await expect_interruptions(session, services, station_id)


async def expect_interruptions(session: AsyncSession, services: Services, station_id: str) -> None:
    """Do as `note_interruption`, in a transaction in hand."""
    site = await sites.site_of_station(session, station_id)
    for charging in await repository.unfinished_at_site(session, site.id) if site is not None else []:
        if charging.state in ACTIVE:
            await services.work.add(session, "interrupted", str(charging.id), after_s=INTERRUPTED_S)


async def check_silent(services: Services, session_id: UUID, *, gone_before: bool) -> Again | None:
    """Ask a site about a session that it has not mentioned since it connected.

    Only the site can say that a transaction is over. Where it does so twice and has nothing more to deliver, the
    session ends with what was measured.
    """
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE or charging.transaction_id is None:
            return None
        station_id = charging.outlet.site.station_id
        transaction_id = transaction_at_station(charging.transaction_id)
    try:
        answer = await services.router.call(station_id, GetTransactionStatus(transaction_id=transaction_id))
    except CallRefused as error:
        log.warning("session %s: %s; the operator has to look", session_id, error)
        return None
    except CallError:
        return None  # when it connects again the check is due again
    if answer.messages_in_queue:
        return Again(SILENT_S)
    if answer.ongoing_indicator is not False:
        return None
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE:
            return None
        if not gone_before:
            await services.work.add(session, "check", str(session_id), payload={"gone": True}, after_s=ASK_AGAIN_S)
            return None
        log.warning("session %s: the site knows it no more; it ends with what was measured", session_id)
        await _end(session, services, charging, Happening.FORGOTTEN)
    return None


async def ask_about_silent(services: Services) -> None:
    """Have sites that are connected asked about sessions that they have not mentioned for long."""
    async with services.database.transaction() as session:
        for charging in await repository.silent_since(session, services.clock.now() - timedelta(seconds=SILENT_S)):
            if charging.outlet.site.connected and charging.transaction_id is not None:
                await services.work.add(session, "check", str(charging.id), payload={})


async def end_overlong(services: Services, session_id: UUID) -> Again | None:
    """Have a session stopped that has run for longer than any may; the site says when it is over.

    A site that does not come back is not waited for without end: its outlet has kept to its limits long ago.
    """
    async with services.database.transaction() as session:
        charging = await repository.session_by_id(session, session_id)
        if charging is None or charging.state not in ACTIVE:
            return None
        away_for_good = not charging.outlet.site.connected and services.clock.now() - charging.created_at >= LOST
        if not away_for_good:
            log.warning("session %s: it should have ended long ago", session_id)
            charging.stop_requested_at = charging.stop_requested_at or services.clock.now()
            charging.stop_reason = charging.stop_reason or "TimeLimitReached"
            await services.work.add(session, "stop", str(session_id))
            await services.work.add(session, "check", str(session_id), payload={}, after_s=SILENT_S)
            return Again(LOOK_FOR_LOST_S)
        if charging.transaction_id is not None:
            log.error("session %s: its site does not come back; it ends with what was measured", session_id)
            await _end(session, services, charging, Happening.LOST)
            return None
    log.error("session %s: its site does not come back; nobody knows that it ever started", session_id)
    await remote.give_up_start(services, session_id, Happening.LOST)
    return None


async def _end(session: AsyncSession, services: Services, charging: ChargingSession, happening: Happening) -> None:
    """End a session with what was measured, without a word of its site's about the end."""
    if not step(charging, happening):
        return
    charging.limit_change_id = None
    charging.end_reason = "Other"
    charging.ended_at = charging.last_update or services.clock.now()
    await webhooks.emit(session, services, charging, EventType.ENDED)
    await services.work.add(session, "settle", str(charging.id))
    after_commit(session, lambda: services.live.publish(charging.id))


async def stop_stray(services: Services, station_id: str, transaction_id: str) -> Again | None:
    """Stop a transaction that no session is known for: power that nobody would pay.

    It comes from a database that was restored from a backup, or from a start that did not go through this server.
    """
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is None or await repository.by_transaction(session, site.id, transaction_id) is not None:
            return None
        events = await repository.events_of_transaction(session, site.id, transaction_id)
        if events and events[-1].charging_state in WAITING:
            return None  # a car was plugged in, and no power is asked for; its next event has it looked at again
    try:
        request = RequestStopTransaction(transaction_id=transaction_at_station(transaction_id))
        await services.router.call(station_id, request)
    except CallRefused:
        return None
    except CallError:
        return Again(ASK_AGAIN_S)
    log.warning("station %s: transaction %r has no session and was told to stop", station_id, transaction_id)
    return None
