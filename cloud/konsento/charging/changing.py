"""Another limit while a session runs.

The driver's wish is kept as a `LimitChange`; the site gets it in the answer to its next event (OCPP 2.1, E16), for
which it is asked at once, and confirms it by telling the limits that it has. Until then the old limit is in force and
the dearer one is held for: more money is held before more is allowed, and given back only when less can flow.
A station of OCPP 2.0.1 or 1.6 knows no such limits: there this server watches the meter, so the new one is in force at
once.
"""

import logging
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento import pricing
from konsento.charging import remote, repository
from konsento.charging.enforcement import cut_off_s
from konsento.charging.errors import AlreadyUsedUp, NotRunning, UnknownSession
from konsento.charging.limits import MOST_S, RequestedLimit
from konsento.charging.quote import Quote, agreed_price, agreed_terms, quoted
from konsento.kit.db import after_commit
from konsento.kit.ids import new_id
from konsento.models import ChargingSession, LimitChange, SessionState, Site
from konsento.ocpp import Version, version_of
from konsento.ocpp.messages import TransactionLimit
from konsento.services import Services
from konsento.settlement import service as settlement

log = logging.getLogger(__name__)

ASK_AGAIN_S = 20.0
"""When the due work takes over from a request that died with this process."""


async def quote_of_change(
    session: AsyncSession, services: Services, driver_id: UUID, session_id: UUID, requested: RequestedLimit
) -> Quote:
    """Return what another limit of a driver's running session would come to. Raises as `change_limit`."""
    return await _quote(session, services, await _changeable(session, driver_id, session_id), requested)


async def change_limit(services: Services, driver_id: UUID, session_id: UUID, requested: RequestedLimit) -> None:
    """Give a driver's running session another limit, counted from its start. Opens its own transactions.

    Returns when the site has been asked for an event, or could not be: it learns the limit with its next one. Raises
    `UnknownSession`, `NotRunning`, `AlreadyUsedUp`, the other reasons of `BadLimit`, `BalanceTooLow`, `CardDeclined`.
    """
    async with services.database.transaction() as session:
        charging = await _changeable(session, driver_id, session_id)
        if charging.limit_change_id is None and requested == RequestedLimit(
            kind=charging.limit_kind, amount=charging.limit_amount
        ):
            return
        quote = await _quote(session, services, charging, requested)
        now = services.clock.now()
        if quote.hold_minor > charging.hold_minor:
            await settlement.change_hold(session, charging, quote.hold_minor, now)
        change = _change(charging, quote, now)
        session.add(change)
        await session.flush()
        charging.limit_change_id = change.id
        after_commit(session, lambda: services.live.publish(session_id))
        if await _nothing_to_tell(session, charging, change):
            _put_in_force(charging, change, now)
            return
        await services.work.add(session, "limit", str(session_id), after_s=ASK_AGAIN_S)
    log.info("session %s: the site is asked for another limit", session_id)
    await remote.send_for_event(services, charging)


async def pending(session: AsyncSession, charging: ChargingSession) -> LimitChange | None:
    """Return the change that the site has not confirmed yet."""
    return await session.get(LimitChange, charging.limit_change_id) if charging.limit_change_id is not None else None


def told(change: LimitChange) -> TransactionLimit:
    """Return what the site is told. Both limits always: one that is left out would stay as it was."""
    return TransactionLimit(max_energy=Decimal(change.energy_cap_wh), max_time=change.time_limit_s or MOST_S)


async def note_told(session: AsyncSession, charging: ChargingSession, limit: TransactionLimit, at: datetime) -> None:
    """Take note of the limits that the site says it has: the change is in force when they are those of it."""
    change = await pending(session, charging)
    if change is None:
        return
    wanted = told(change)
    if (limit.max_energy, limit.max_time or MOST_S) == (wanted.max_energy, wanted.max_time):
        _put_in_force(charging, change, at)
        await _give_back(session, charging, change, at)


async def _changeable(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ChargingSession:
    charging = await repository.session_to_change(session, driver_id, session_id)
    if charging is None:
        raise UnknownSession
    running = charging.state in {SessionState.CHARGING, SessionState.SUSPENDED}
    if not running or charging.stop_requested_at is not None or charging.stop_reason:
        raise NotRunning
    return charging


async def _quote(
    session: AsyncSession, services: Services, charging: ChargingSession, requested: RequestedLimit
) -> Quote:
    funds = await settlement.funds_with_hold(session, services.settings, charging)
    quote = quoted(agreed_terms(charging), requested, funds)
    over = quote.time_limit_s is not None and charging.seconds >= quote.time_limit_s
    if over or charging.delivered_mwh >= quote.energy_cap_wh * 1000:
        raise AlreadyUsedUp
    return quote


def _change(charging: ChargingSession, quote: Quote, now: datetime) -> LimitChange:
    return LimitChange(
        id=new_id(),
        session_id=charging.id,
        kind=quote.requested.kind,
        amount=quote.requested.amount,
        energy_limit_wh=quote.energy_limit_wh,
        energy_cap_wh=quote.energy_cap_wh,
        time_limit_s=quote.time_limit_s,
        hold_minor=quote.hold_minor,
        asked_at=now,
    )


async def _nothing_to_tell(session: AsyncSession, charging: ChargingSession, change: LimitChange) -> bool:
    if await version_of(session, charging.outlet.site.station_id) in {Version.V201, Version.V16}:
        return True
    return (change.energy_cap_wh, change.time_limit_s) == (charging.energy_cap_wh, charging.time_limit_s)


def _put_in_force(charging: ChargingSession, change: LimitChange, at: datetime) -> None:
    charging.limit_kind = change.kind
    charging.limit_amount = change.amount
    charging.energy_limit_wh = change.energy_limit_wh
    charging.energy_cap_wh = change.energy_cap_wh
    charging.time_limit_s = change.time_limit_s
    charging.limit_change_id = None
    change.confirmed_at = at
    log.info("session %s: another limit is in force", charging.id)


async def _give_back(session: AsyncSession, charging: ChargingSession, change: LimitChange, at: datetime) -> None:
    """Hold less, where the site itself keeps to less now; what flowed while the change was on its way stays held."""
    site = await session.get_one(Site, charging.site_id)
    beyond_s = cut_off_s(ours=site.ours)
    flowed = charging.delivered_mwh // 1000 + pricing.cut_off_slack_wh(charging.rated_w, beyond_s)
    worst = pricing.worst(agreed_price(charging), charging.created_at)
    hold = min(charging.hold_minor, max(change.hold_minor, worst.most_minor(flowed, charging.seconds + beyond_s)))
    if hold != charging.hold_minor:
        await settlement.change_hold(session, charging, hold, at)
