"""What an event means: it is kept, and what follows for its session is drawn.

Events come late, twice, out of order, or not at all. What a session has delivered is therefore worked out from all
stored events (`settlement.measurement`); an event that is simply the next one is added without reading the others.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import changing, repository
from konsento.charging.cost import priced_anew, priced_next
from konsento.charging.life import Happening, step
from konsento.charging.meter import Readings, seconds
from konsento.charging.quote import agreed_price
from konsento.charging.running import DRAWN_MWH, PAUSED
from konsento.kit.db import after_commit
from konsento.models import ACTIVE, ChargingSession, MeterEvent, SessionState, Site
from konsento.ocpp.messages import (
    AuthorizationStatus,
    IdTokenInfo,
    TransactionEvent,
    TransactionEventResponse,
    TransactionEventType,
    TransactionLimit,
)
from konsento.services import Services
from konsento.settlement import correcting
from konsento.settlement.measurement import Point, counts, measure
from konsento.sites import service as sites
from konsento.webhooks import service as webhooks
from konsento.webhooks.service import EventType

log = logging.getLogger(__name__)

INTERRUPTED_S: Final = 60.0
"""How long supply may be interrupted before the driver, who wants to know, is told."""
OVER_LIMIT_STOP_S: Final = 5.0
"""How long a site may take to end a session beyond its limit by itself before it is told to."""
STRAY_S: Final = 30.0
"""How long a transaction may run whose session is not known before the site is told to stop it."""
_NOTHING_MWH: Final = 1_000
"""Who has been given less has seen no charging at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An event as it came from a station, and what it says of the meter."""

    station_id: str
    event: TransactionEvent
    read: Readings

    @property
    def transaction(self) -> tuple[str, str]:
        """Whose event it is: station and transaction id."""
        return self.station_id, self.event.transaction_info.transaction_id


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the database knows about a batch of events."""

    sites: dict[str, Site]
    sessions: dict[tuple[UUID, str], ChargingSession]
    by_request: dict[tuple[UUID, int], ChargingSession]
    kept: set[tuple[UUID, str, int]]


async def take(
    session: AsyncSession, services: Services, batch: Sequence[Told]
) -> list[tuple[TransactionEventResponse, ChargingSession | None]]:
    """Keep events and draw the consequences; returns the answer to each, and its session as it is then.

    Never refuses for a business reason: that would lose the event.
    """
    known = await _look_up(session, batch)
    return [await _take(session, services, known, told) for told in batch]


async def _look_up(session: AsyncSession, batch: Sequence[Told]) -> _Known:
    at = await sites.sites_of_stations(session, {told.station_id for told in batch})
    of_sites = [(at[told.station_id].id, told.event) for told in batch if told.station_id in at]
    found = await repository.by_transactions(
        session, {(site, e.transaction_info.transaction_id) for site, e in of_sites}
    )
    sessions = {(one.site_id, one.transaction_id or ""): one for one in found}
    requests = {
        (site, event.transaction_info.remote_start_id)
        for site, event in of_sites
        if event.transaction_info.remote_start_id is not None
        and (site, event.transaction_info.transaction_id) not in sessions
    }
    return _Known(
        sites=at,
        sessions=sessions,
        by_request={
            (one.site_id, one.remote_start_id): one for one in await repository.by_remote_start_ids(session, requests)
        },
        kept=await repository.kept(
            session, {(site, event.transaction_info.transaction_id, event.seq_no) for site, event in of_sites}
        ),
    )


async def _take(
    session: AsyncSession, services: Services, known: _Known, told: Told
) -> tuple[TransactionEventResponse, ChargingSession | None]:
    event = told.event
    site = known.sites.get(told.station_id)
    if site is None:
        # Removed while it was connected. Nothing can be billed for it, and asking again would not help.
        log.error("station %s sends events but is no site (any more)", told.station_id)
        return TransactionEventResponse(), None
    site.last_seen = services.clock.now()
    charging = await _session_of(session, known, site, event)
    transaction_id = event.transaction_info.transaction_id
    key = (site.id, transaction_id, event.seq_no)
    if key not in known.kept:
        kept = _kept(services, site, charging, told)
        session.add(kept)
        known.kept.add(key)
        if charging is None:
            log.warning("station %s: transaction %r belongs to no session", told.station_id, transaction_id)
            await _stop_stray(session, services, site, event)
        else:
            limit = event.transaction_info.transaction_limit
            if limit is not None and charging.limit_change_id is not None:
                await changing.note_told(session, charging, limit, services.clock.now())
            await _apply(session, services, charging, kept)
    return await _answer(session, charging, event), charging


async def _session_of(
    session: AsyncSession, known: _Known, site: Site, event: TransactionEvent
) -> ChargingSession | None:
    """Return whose transaction this is. Only one event of a transaction has to say its request number."""
    info = event.transaction_info
    charging = known.sessions.get((site.id, info.transaction_id))
    if charging is not None or info.remote_start_id is None:
        return charging
    charging = known.by_request.get((site.id, info.remote_start_id))
    if charging is None:
        return None
    # The answer to the start may have been noted between the two looks, by another process.
    if charging.transaction_id not in {None, info.transaction_id} or charging.state is SessionState.FAILED:
        log.error("session %s: the site runs a transaction for it that nobody asked for", charging.id)
        return None
    charging.transaction_id = info.transaction_id
    known.sessions[site.id, info.transaction_id] = charging
    await session.flush()
    await repository.adopt_events(session, charging)
    return charging


async def _stop_stray(session: AsyncSession, services: Services, site: Site, event: TransactionEvent) -> None:
    if event.offline or event.event_type is TransactionEventType.ENDED:
        return
    transaction_id = event.transaction_info.transaction_id
    payload = {"station_id": site.station_id, "transaction_id": transaction_id}
    key = str(uuid5(site.id, transaction_id))
    await services.work.add(session, "stray", key, payload=payload, after_s=STRAY_S)


def _kept(services: Services, site: Site, charging: ChargingSession | None, told: Told) -> MeterEvent:
    event, info = told.event, told.event.transaction_info
    return MeterEvent(
        site_id=site.id,
        transaction_id=info.transaction_id,
        seq_no=event.seq_no,
        session_id=charging.id if charging else None,
        event_type=event.event_type.value,
        at=event.timestamp,
        received_at=services.clock.now(),
        offline=event.offline,
        trigger=event.trigger_reason,
        charging_state=info.charging_state or "",
        stopped_reason=info.stopped_reason or "",
        remote_start_id=info.remote_start_id,
        evse_id=event.evse.id if event.evse else None,
        seconds=seconds(info.time_spent_charging),
        begin_mwh=told.read.begin_mwh,
        register_mwh=told.read.register_mwh,
        power_w=told.read.power_w,
    )


async def _apply(session: AsyncSession, services: Services, charging: ChargingSession, event: MeterEvent) -> None:
    after_commit(session, lambda: services.live.publish(charging.id))
    if charging.state is SessionState.SETTLED:
        log.warning("session %s: event %d came after the bill", charging.id, event.seq_no)
        await services.work.add(session, correcting.WORK, str(charging.id), after_s=correcting.AFTER_S)
        return
    if _is_simply_next(charging, event):
        events, ended = [event], None
        _add(charging, event)
    else:
        events = await repository.events_of_transaction(session, event.site_id, event.transaction_id)
        ended = next((e for e in events if e.event_type == TransactionEventType.ENDED), None)
        _recount(charging, events)
    newest = events[-1]
    charging.last_seq_no = newest.seq_no
    charging.last_update = newest.at
    charging.heard_at = services.clock.now()
    if newest.power_w is not None:
        charging.power_w = newest.power_w
    if ended is not None:
        await _end(session, services, charging, ended)
    elif charging.state in ACTIVE:
        before = charging.state
        step(charging, Happening.PAUSED if newest.charging_state == PAUSED else Happening.SUPPLIES)
        await _tell(session, services, charging, before)
        if charging.state is SessionState.SUSPENDED and before is not SessionState.SUSPENDED:
            await services.work.add(session, "interrupted", str(charging.id), after_s=INTERRUPTED_S)
        _note_drawn(services, charging)
        if not event.offline:
            await _guard(session, services, charging)


async def _tell(session: AsyncSession, services: Services, charging: ChargingSession, before: SessionState) -> None:
    now = charging.state
    if now is before:
        return
    if before is SessionState.STARTING:
        await webhooks.emit(session, services, charging, EventType.STARTED)
    if now is SessionState.SUSPENDED:
        await webhooks.emit(session, services, charging, EventType.INTERRUPTED)
    elif before is SessionState.SUSPENDED:
        await webhooks.emit(session, services, charging, EventType.RESUMED)


def _is_simply_next(charging: ChargingSession, event: MeterEvent) -> bool:
    return (
        event.seq_no == charging.last_seq_no + 1
        and event.event_type == TransactionEventType.UPDATED
        and event.begin_mwh is None
        # While nothing has flowed, a zero may yet turn out to be a placeholder: that takes all events.
        and charging.delivered_mwh > 0
        and charging.state in ACTIVE
    )


def _add(charging: ChargingSession, event: MeterEvent) -> None:
    """Add the next event to what the session has delivered; the bill counts all events again."""
    if event.register_mwh is not None and charging.begin_mwh is not None and charging.metered_at is not None:
        last = Point(charging.begin_mwh + charging.delivered_mwh, charging.metered_at, charging.metered_s)
        told = Point(event.register_mwh, event.at, event.seconds)
        if counts(last, told, charging.rated_w):
            if charging.priced is not None:
                charging.priced = priced_next(agreed_price(charging), charging.priced, last, told)
            charging.delivered_mwh = told.mwh - charging.begin_mwh
            charging.metered_at, charging.metered_s = told.at, told.seconds
    charging.seconds = max(charging.seconds, event.seconds or 0)


def _recount(charging: ChargingSession, events: list[MeterEvent]) -> None:
    measured = measure(events, charging.rated_w)
    charging.begin_mwh = measured.begin_mwh
    charging.delivered_mwh = measured.mwh
    charging.priced = priced_anew(agreed_price(charging), measured)
    if measured.last is not None:
        charging.metered_at, charging.metered_s = measured.last.at, measured.last.seconds
    charging.seconds = max((e.seconds for e in events if e.seconds is not None), default=charging.seconds)
    first = events[0]
    if first.event_type == TransactionEventType.STARTED or charging.started_at is None:
        charging.started_at = first.at


async def _end(session: AsyncSession, services: Services, charging: ChargingSession, end: MeterEvent) -> None:
    if step(charging, Happening.OVER):
        charging.ended_at = end.at
        charging.limit_change_id = None
        # OCPP leaves the reason out where somebody stopped at the outlet itself.
        charging.end_reason = end.stopped_reason or "Local"
        if charging.end_reason == "Remote" and charging.stop_reason:
            charging.end_reason = charging.stop_reason
        log.info("session %s ended: %s", charging.id, charging.end_reason)
        await webhooks.emit(session, services, charging, EventType.ENDED)
    charging.power_w = 0
    await services.work.add(session, "settle", str(charging.id))


async def _guard(session: AsyncSession, services: Services, charging: ChargingSession) -> None:
    """Have a session stopped whose site does not: a driver's wish that waited for the transaction, or a limit."""
    if charging.stop_requested_at is not None:
        await services.work.add(session, "stop", str(charging.id))
        return
    reached = await _reached(session, charging)
    if reached:
        charging.stop_reason = reached
        await services.work.add(session, "stop", str(charging.id), after_s=OVER_LIMIT_STOP_S)
    elif _is_idle(services, charging):
        charging.stop_reason = "Timeout" if charging.delivered_mwh < _NOTHING_MWH else "EVDisconnected"
        await services.work.add(session, "stop", str(charging.id))


async def _reached(session: AsyncSession, charging: ChargingSession) -> str:
    """Return OCPP's word for the limit that is reached, empty for none. One on its way is the driver's last word."""
    limits = await changing.pending(session, charging) or charging
    if charging.delivered_mwh >= limits.energy_cap_wh * 1000:
        return "EnergyLimitReached"
    if limits.time_limit_s is not None and charging.seconds >= limits.time_limit_s:
        return "TimeLimitReached"
    return ""


def _note_drawn(services: Services, charging: ChargingSession) -> None:
    drawing = charging.delivered_mwh - charging.drawn_mwh >= DRAWN_MWH
    # A pause is not the car's doing.
    if drawing or charging.drawn_at is None or charging.state is SessionState.SUSPENDED:
        charging.drawn_mwh = charging.delivered_mwh
        charging.drawn_at = services.clock.now()


def _is_idle(services: Services, charging: ChargingSession) -> bool:
    minutes = services.settings.idle_minutes
    if not minutes or charging.drawn_at is None:
        return False
    return services.clock.now() - charging.drawn_at >= timedelta(minutes=minutes)


async def _answer(
    session: AsyncSession, charging: ChargingSession | None, event: TransactionEvent
) -> TransactionEventResponse:
    known = charging is not None
    return TransactionEventResponse(
        id_token_info=IdTokenInfo(status=AuthorizationStatus.ACCEPTED if known else AuthorizationStatus.UNKNOWN)
        if event.id_token is not None
        else None,
        transaction_limit=await _limit_to_tell(session, charging, event),
    )


async def _limit_to_tell(
    session: AsyncSession, charging: ChargingSession | None, event: TransactionEvent
) -> TransactionLimit | None:
    if charging is None or charging.state not in ACTIVE:
        return None
    change = await changing.pending(session, charging)
    if change is not None:
        return changing.told(change)
    if event.event_type is not TransactionEventType.STARTED:
        return None
    return TransactionLimit(max_energy=Decimal(charging.energy_cap_wh), max_time=charging.time_limit_s)
