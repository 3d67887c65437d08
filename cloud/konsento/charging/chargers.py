"""Chargers that are not ours: what their events lack is put right before they are kept.

OCPP leaves them much freedom, and some take more. One gives its transactions the names of old ones after a reboot, one
says only by an idToken whose transaction it is, one tells its meter in MeterValues instead of in events. Here each such
event becomes one like any other; nothing is added that was not measured.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import meter, repository, watch
from konsento.charging.cost import total_cost
from konsento.charging.quote import agreed_price
from konsento.kit.db import after_commit
from konsento.models import (
    ACTIVE,
    AGAIN,
    ChargingSession,
    MeterEvent,
    Outlet,
    OutletStatus,
    SideReading,
    Site,
    TransactionName,
)
from konsento.ocpp import Handlers
from konsento.ocpp.messages import (
    AuthorizationStatus,
    Authorize,
    AuthorizeResponse,
    BootNotification,
    IdTokenInfo,
    MeterValue,
    MeterValues,
    ReadingContext,
    SampledValue,
    StatusNotification,
    TransactionEvent,
    TransactionEventResponse,
    TransactionEventType,
)
from konsento.services import Services
from konsento.settlement.measurement import measure
from konsento.sites import chargers, outlets
from konsento.sites import service as sites

log = logging.getLogger(__name__)

type Ingest = Callable[[str, TransactionEvent], Awaitable[TransactionEventResponse]]
_LONGEST_OLD_NAME: Final = 30
"""Names that come again are counters; a longer one is a random one, and leaves no room for a mark."""
_WH: Final = 1000
"""In mWh."""


def install(services: Services, handlers: Handlers) -> None:
    """Register the handlers of what only chargers of others send."""

    @handlers.on(Authorize)
    async def authorize(station_id: str, message: Authorize) -> AuthorizeResponse:
        async with services.database.transaction() as session:
            site = await sites.site_of_station(session, station_id)
            known = await by_token(session, site.id, message.id_token.id_token) if site is not None else None
        may = known is not None and known.state in ACTIVE
        status = AuthorizationStatus.ACCEPTED if may else AuthorizationStatus.UNKNOWN
        return AuthorizeResponse(id_token_info=IdTokenInfo(status=status))

    @handlers.on(MeterValues)
    async def meter_values(station_id: str, message: MeterValues) -> None:
        await take_readings(services, station_id, message)


class Makes:
    """Which stations are ours. Asked for at every event, so it is remembered while a station is connected."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ours: dict[str, bool] = {}

    async def is_ours(self, station_id: str) -> bool:
        """Tell whether a station is one of ours."""
        ours = self._ours.get(station_id)
        if ours is None:
            async with self._services.database.transaction() as session:
                site = await sites.site_of_station(session, station_id)
            if site is None:
                return True  # removed: nothing is made of what it says
            ours = self._ours[station_id] = site.ours
        return ours

    async def forget(self, station_id: str) -> None:
        """Ask again at the next event: it has started anew, or is gone."""
        self._ours.pop(station_id, None)


async def by_token(session: AsyncSession, site_id: UUID, token: str) -> ChargingSession | None:
    """Return the session of a start token, locked. Some chargers write it in small letters."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.id_token == token.upper(), ChargingSession.site_id == site_id)
        .with_for_update()
    )
    return await session.scalar(query)


async def _named(session: AsyncSession, site: Site, event: TransactionEvent) -> TransactionEvent:
    """Return the event with the name that its transaction has here: its own, or one that tells it from an older one."""
    info = event.transaction_info
    if len(info.transaction_id) > _LONGEST_OLD_NAME:
        return event
    row = await session.get(TransactionName, (site.id, info.transaction_id))
    name = row.name if row is not None and event.timestamp >= row.since else info.transaction_id
    if await _is_another(session, site, event, name):
        name = _next_name(info.transaction_id, row)
        if row is None:
            row = TransactionName(site_id=site.id, transaction_id=info.transaction_id, name=name, since=event.timestamp)
            session.add(row)
        row.name, row.since = name, event.timestamp
        log.warning("station %s: transaction %r is not the old one of that name", site.station_id, info.transaction_id)
    if name == info.transaction_id:
        return event
    return replace(event, transaction_info=replace(info, transaction_id=name))


async def _is_another(session: AsyncSession, site: Site, event: TransactionEvent, name: str) -> bool:
    begins = event.event_type is TransactionEventType.STARTED
    if not begins and event.transaction_info.remote_start_id is None and event.id_token is None:
        return False
    wanted = await _asked_for(session, site, event)
    known = await repository.by_transaction(session, site.id, name)
    if wanted is not None and known is not None:
        return wanted.id != known.id
    ended = select(MeterEvent.at).where(
        MeterEvent.site_id == site.id,
        MeterEvent.transaction_id == name,
        MeterEvent.event_type == TransactionEventType.ENDED.value,
    )
    ended_at = await session.scalar(ended)
    # The start of one that is over comes late, or again; one after its end is the start of another.
    return begins and ended_at is not None and ended_at < event.timestamp


def _next_name(transaction_id: str, row: TransactionName | None) -> str:
    count = int(row.name.rpartition(AGAIN)[2]) + 1 if row is not None else 2
    return f"{transaction_id}{AGAIN}{count}"


async def _asked_for(session: AsyncSession, site: Site, event: TransactionEvent) -> ChargingSession | None:
    """Return the session that an event itself names, by the number of the start or by its token."""
    number = event.transaction_info.remote_start_id
    if number is not None:
        found = await repository.by_remote_start_ids(session, [(site.id, number)])
        return found[0] if found else None
    if event.id_token is None:
        return None
    return await by_token(session, site.id, event.id_token.id_token)


async def take_in(
    services: Services, station_id: str, event: TransactionEvent, ingest: Ingest
) -> TransactionEventResponse:
    """Have an event of a charger that is not ours taken in by `ingest`, made whole before, and followed up after.

    Each step commits; a station that gets no answer sends the event again, and each step bears that.
    """
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is not None:
            event = await _whole(session, site, event)
    answer = await ingest(station_id, event)
    async with services.database.transaction() as session:
        charging = (
            await repository.by_transaction(session, site.id, event.transaction_info.transaction_id) if site else None
        )
        if charging is None:
            return answer
        await _follow(session, services, charging, event)
    # A site of ours shows no prices; another charger may have a display (2.1 part 2, I02).
    cost = total_cost(agreed_price(charging), charging.delivered_mwh, charging.priced, charging.hold_minor)
    return replace(answer, total_cost=cost)


async def _whole(session: AsyncSession, site: Site, event: TransactionEvent) -> TransactionEvent:
    """Return the event with what it leaves out: whose it is, seconds of supply, a register that was told beside it."""
    event = await _named(session, site, event)
    info = event.transaction_info
    charging = await repository.by_transaction(session, site.id, info.transaction_id)
    if charging is None:
        wanted = await _asked_for(session, site, event) if info.remote_start_id is None else None
        if wanted is None:
            return event
        return replace(event, transaction_info=replace(info, remote_start_id=wanted.remote_start_id))
    if info.time_spent_charging is None and charging.started_at is not None:
        seconds = max(0, int((event.timestamp - charging.started_at).total_seconds()))
        event = replace(event, transaction_info=replace(info, time_spent_charging=seconds))
    return replace(event, meter_value=await _with_register(session, charging, event) or None)


async def _with_register(session: AsyncSession, charging: ChargingSession, event: TransactionEvent) -> list[MeterValue]:
    values = list(event.meter_value or ())
    told = meter.read(values)
    register = told.register_mwh
    if register is not None:
        last_mwh = (charging.begin_mwh or 0) + charging.delivered_mwh
        if 0 < last_mwh - register < _WH:
            # The register of the end comes in whole Wh (1.6), those before may be finer: it has not run backwards.
            newest = max(event.timestamp, *(value.timestamp for value in values))
            values.append(_energy(last_mwh, newest, ReadingContext.TRANSACTION_END))
        return values
    beside = await session.get(SideReading, charging.id)
    if beside is None or told.begin_mwh is not None:
        return values
    if beside.last_at > event.timestamp and event.event_type is not TransactionEventType.ENDED:
        return values  # it comes late, and was before
    if charging.begin_mwh in {None, beside.first_mwh}:
        # No event has told where it began.
        values.append(_energy(beside.first_mwh, beside.last_at, ReadingContext.TRANSACTION_BEGIN))
    values.append(_energy(beside.last_mwh, beside.last_at, ReadingContext.SAMPLE_PERIODIC))
    return values


def _energy(mwh: int, at: datetime, context: ReadingContext) -> MeterValue:
    return MeterValue(timestamp=at, sampled_value=[SampledValue(value=Decimal(mwh) / 1000, context=context)])


async def _follow(
    session: AsyncSession, services: Services, charging: ChargingSession, event: TransactionEvent
) -> None:
    """Draw the consequences of a kept event that only a charger of others needs."""
    limit = event.transaction_info.transaction_limit
    if limit is not None and charging.limit_change_id is None:
        charging.limits_kept = limit.max_energy == charging.energy_cap_wh and (
            charging.time_limit_s is None or limit.max_time == charging.time_limit_s
        )
    if event.event_type is not TransactionEventType.UPDATED:
        outlet = await session.get(Outlet, charging.outlet_id)
        if outlet is not None and outlet.status is OutletStatus.OCCUPIED:
            outlet.status_reason = "" if charging.state in ACTIVE else sites.PLUGGED
    await watch.plan(session, services, charging)


async def take_readings(services: Services, station_id: str, message: MeterValues) -> None:
    """Take the meter of an EVSE, told in a message that names no transaction, for the session that is on there.

    It counts when the session's events bring no register themselves (see `_with_register`), and for the limit at once.
    """
    _, register, power = meter.read(message.meter_value)
    async with services.database.transaction() as session:
        site = await sites.site_of_station(session, station_id)
        if site is None or site.ours:
            return
        outlet = await sites.outlet_of_site(session, site.id, message.evse_id)
        active = await repository.active_at(session, outlet.id) if outlet is not None else None
        charging = await repository.session_by_id(session, active.id) if active is not None else None
        if charging is None or charging.transaction_id is None or charging.started_at is None:
            return
        if power is not None:
            charging.power_w = power
        if register is not None:
            at = max(value.timestamp for value in message.meter_value)
            beside = await session.get(SideReading, charging.id)
            if beside is None:
                beside = SideReading(session_id=charging.id, first_mwh=register, last_mwh=register, last_at=at)
                session.add(beside)
            if register >= beside.last_mwh and at >= beside.last_at:
                _count(charging, beside, register, at)
        charging.heard_at = services.clock.now()
        await watch.plan(session, services, charging)
        session_id = charging.id
        after_commit(session, lambda: services.live.publish(session_id))


def _count(charging: ChargingSession, beside: SideReading, register: int, at: datetime) -> None:
    """Show what has been delivered by a reading, if an outlet can have; the bill counts kept events only."""
    begin = charging.begin_mwh if charging.begin_mwh is not None else beside.first_mwh
    start = MeterEvent(seq_no=0, at=charging.started_at, seconds=None, register_mwh=begin)
    measured = measure([start, MeterEvent(seq_no=1, at=at, seconds=None, register_mwh=register)], charging.rated_w)
    if measured.doubtful:
        return
    beside.last_mwh, beside.last_at = register, at
    charging.begin_mwh = begin
    charging.delivered_mwh = max(charging.delivered_mwh, measured.mwh)


async def note_state(
    session: AsyncSession, station_id: str, message: StatusNotification, status: OutletStatus
) -> tuple[OutletStatus, str]:
    """Return state and reason of the outlet that a message is about, as the whole EVSE is and drivers can use it."""
    reason = str(message.vendor_data().get("reason") or "")
    site = await sites.site_of_station(session, station_id)
    if site is None or site.ours:
        return status, reason
    status = await chargers.note_connector(session, site, message.evse_id, message.connector_id, status)
    if status is not OutletStatus.OCCUPIED or message.vendor_data().get("inUse"):
        return status, reason
    outlet = await sites.outlet_of_site(session, site.id, message.evse_id)
    active = await repository.active_at(session, outlet.id) if outlet is not None else None
    return status, sites.PLUGGED if active is None else reason


async def note_start(session: AsyncSession, services: Services, station_id: str, message: BootNotification) -> bool:
    """Note what a station says it is; returns whether it is a charger of others."""
    site = await sites.site_of_station(session, station_id)
    if site is None:
        return False
    about = message.charging_station
    told = chargers.About(
        make=about.vendor_name,
        model=about.model,
        serial=about.serial_number or "",
        firmware=about.firmware_version or "",
    )
    await chargers.note_start(session, site, told, services.clock.now())
    if not site.ours:
        await outlets.assume_charger(session, site)
    return not site.ours
