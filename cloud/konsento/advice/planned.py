"""Charging that starts by itself in a recommended window: planned at the outlet, with the car plugged in.

A plan holds neither the outlet nor money. What could be wrong is looked at when it is planned, while the driver is
there, and again when it starts.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import messages
from konsento.advice.errors import NeedsNobody, PlanOver, TooManyPlans, UnknownPlan, WindowGone
from konsento.charging import presence, repository
from konsento.charging.errors import AlreadyChargingHere
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import quoted
from konsento.charging.wish import Wish, check, look_up
from konsento.grid import windows
from konsento.grid.windows import Window
from konsento.kit.ids import new_id
from konsento.models import LimitKind, Outlet, PlannedCharge, PlannedState
from konsento.payments import later, ways
from konsento.payments.errors import BalanceTooLow, TooMuchLater
from konsento.payments.ways import CARD, Method, Way
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy

log = logging.getLogger(__name__)

WORK: Final = "planned"
AHEAD: Final = timedelta(hours=48)
"""How far ahead windows are shown, and can be planned for."""
APART: Final = timedelta(minutes=10)
"""Starts are spread over so much of a window: else all cars of a region would start in one second."""
MOST: Final = 5
"""Plans of one driver at a time."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be charged, how it is paid, and in which window."""

    wish: Wish
    way: Way
    window_begin: datetime
    inside: bool = False
    """Whether supply ends with the window, whatever is still missing then."""


async def plan(services: Services, asked: Asked, *, plan_id: UUID | None = None) -> PlannedCharge:
    """Plan a charging; what the driver had planned at this outlet before is cancelled. Opens its own transaction.

    Asked again with the same `plan_id` it is the same plan. Raises `WindowGone`, `NeedsNobody`, `TooManyPlans`, and
    what `charging.service.start` raises before it holds anything.
    """
    planned = await services.database.attempt(lambda session: _plan(session, services, asked, plan_id or new_id()))
    log.info("planned %s for %s", planned.id, planned.start_at.isoformat())
    return planned


async def cancel(session: AsyncSession, services: Services, driver_id: UUID, plan_id: UUID) -> PlannedCharge:
    """Cancel an own plan. Raises `UnknownPlan`, and `PlanOver` where it is none any more."""
    planned = await own(session, driver_id, plan_id, for_update=True)
    if planned.state is PlannedState.CANCELLED:
        return planned
    if planned.state is not PlannedState.PLANNED:
        raise PlanOver
    _cancel(planned, services.clock.now())
    return planned


async def own(session: AsyncSession, driver_id: UUID, plan_id: UUID, *, for_update: bool = False) -> PlannedCharge:
    """Return a driver's plan. Raises `UnknownPlan`."""
    planned = await session.get(PlannedCharge, plan_id, with_for_update=for_update or None)
    if planned is None or planned.driver_id != driver_id:
        raise UnknownPlan
    return planned


async def open_of(session: AsyncSession, driver_id: UUID) -> Sequence[PlannedCharge]:
    """Return what a driver has planned, in order of its start."""
    query = (
        select(PlannedCharge)
        .where(PlannedCharge.driver_id == driver_id, PlannedCharge.state == PlannedState.PLANNED)
        .order_by(PlannedCharge.start_at)
    )
    return (await session.scalars(query)).all()


async def all_of(session: AsyncSession, driver_id: UUID, most: int | None = None) -> Sequence[PlannedCharge]:
    """Return all plans of a driver, the newest first."""
    query = select(PlannedCharge).where(PlannedCharge.driver_id == driver_id)
    return (await session.scalars(query.order_by(PlannedCharge.created_at.desc()).limit(most))).all()


async def forget(session: AsyncSession, driver_id: UUID) -> None:
    """Delete a driver's plans: none of them starts any more."""
    await session.execute(delete(PlannedCharge).where(PlannedCharge.driver_id == driver_id))


def needs_nobody(method: Method, *, card: bool) -> bool:
    """Tell whether a way to pay asks for nothing when a charging starts by itself; `card`: with a saved one."""
    return not method.external or (card and method.method == CARD and not method.prepaid)


def wish_for(wish: Wish, window: Window, begins: datetime, *, inside: bool) -> Wish:
    """Return a wish as it is for a window in which it begins then: at its price, and with its end if that is wanted."""
    wish = replace(wish, begins_at=begins)
    if not inside:
        return wish
    requested, left_s = wish.requested, max(1, int((window.end - begins).total_seconds()))
    if requested.kind is LimitKind.TIME:
        requested = RequestedLimit(kind=requested.kind, amount=min(requested.amount, left_s))
    return replace(wish, requested=requested, ends_at=window.end)


def spread(window: Window) -> timedelta:
    """Return over how much of a window starts are spread."""
    return min(APART, (window.end - window.begin) / 4)


async def window_at(session: AsyncSession, outlet: Outlet, begin: datetime, now: datetime) -> Window:
    """Return the window of an outlet's region, its site loaded, that begins then and is not over.

    Raises `WindowGone`.
    """
    for window in await windows.in_force(session, outlet.site.region, now, now + AHEAD):
        if window.begin == begin:
            return window
    raise WindowGone


async def _plan(session: AsyncSession, services: Services, asked: Asked, plan_id: UUID) -> PlannedCharge:
    made_before = await session.get(PlannedCharge, plan_id)
    if made_before is not None:
        return await own(session, asked.wish.driver_id, plan_id)
    now, way = services.clock.now(), asked.way
    outlet = await sites.outlet_by_code(session, asked.wish.outlet_code)
    window = await window_at(session, outlet, asked.window_begin, now)
    wish = wish_for(asked.wish, window, max(now, window.begin), inside=asked.inside)
    active = await repository.active_at(session, outlet.id)
    if active is not None:
        raise AlreadyChargingHere if active.driver_id == wish.driver_id else OutletBusy
    method = await ways.method(session, services, wish.driver_id, way)
    if not needs_nobody(method, card=bool(way.card)):
        raise NeedsNobody
    buyable = await look_up(session, services, wish, outlet)
    funds = await settlement.funds(session, services, wish.driver_id, way.provider, way.method)
    quote = quoted(buyable.terms, wish.requested, funds)
    if quote.hold_minor > funds:
        raise TooMuchLater if way.provider in later.NAMES else BalanceTooLow
    await check(session, services, wish, buyable, quote)
    before = await open_of(session, wish.driver_id)
    for other in before:
        if other.outlet_id == outlet.id:
            _cancel(other, now)
    if sum(other.state is PlannedState.PLANNED for other in before) >= MOST:
        raise TooManyPlans(maximum=MOST)
    # After everything that could be wrong: what shows that somebody is there is used up.
    await presence.use(session, services, wish.driver_id, outlet)
    planned = PlannedCharge(
        id=plan_id,
        driver_id=wish.driver_id,
        outlet_id=outlet.id,
        session_id=new_id(),
        limit_kind=wish.requested.kind,
        limit_amount=wish.requested.amount,
        offer=buyable.offer.name,
        way=str(way),
        coupon=wish.coupon,
        points=wish.points,
        agreed_unit_price=quote.price.unit_price,
        agreed_most_minor=quote.hold_minor,
        window_begin=window.begin,
        window_end=window.end,
        inside=asked.inside,
        start_at=_start(window, now),
        created_at=now,
    )
    session.add(planned)
    await session.flush()
    wait_s = max(0.0, (planned.start_at - now).total_seconds())
    await services.work.add(session, WORK, str(planned.id), after_s=wait_s)
    if outlet.site.region is not None:
        await messages.acted(session, wish.driver_id, outlet.site.region, now)
    return planned


def _start(window: Window, now: datetime) -> datetime:
    """Return when to start in a window: within its first minutes, or now where it is on."""
    if window.begin <= now:
        return now
    return window.begin + spread(window) * (secrets.randbelow(1000) / 1000)


def _cancel(planned: PlannedCharge, now: datetime) -> None:
    planned.state, planned.over_at = PlannedState.CANCELLED, now
