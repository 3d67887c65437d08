"""Starting what was planned: once, while its window lasts, at a price that the driver has agreed to."""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from konsento.advice import planned_news
from konsento.advice.errors import CardAsks, NotStarted, PriceHigher, WindowOver
from konsento.advice.planned import WORK, wish_for
from konsento.charging import checkout, repository
from konsento.charging import service as charging
from konsento.charging.errors import PriceChanged, checkout_failure, failure
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import quoted
from konsento.charging.wish import Wish, look_up
from konsento.grid.windows import Window
from konsento.kit.errors import KonsentoError
from konsento.kit.work import Again, Job
from konsento.models import (
    ChargingSession,
    Checkout,
    CheckoutState,
    Outlet,
    PlannedCharge,
    PlannedState,
    SessionState,
)
from konsento.payments.errors import PaymentAway
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.settlement import service as settlement
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy, OutletDisabled, OutletFaulty, OutletOffline, SiteClosed, SiteClosedForLong

log = logging.getLogger(__name__)

AGAIN_S: Final = 60.0
"""An outlet that cannot be started now is tried again so often while the window lasts."""
_PASSING: Final = (
    OutletBusy,
    OutletOffline,
    OutletFaulty,
    OutletDisabled,
    SiteClosed,
    SiteClosedForLong,
    PriceChanged,
    PaymentAway,
)
"""What may be over in a minute."""


class _RefusedError(Exception):
    """It was begun and came to nothing, which is its end: else the driver would hear of every attempt."""

    def __init__(self, why: KonsentoError) -> None:
        super().__init__(why.code)
        self.why = why


class _UndecidedError(Exception):
    """The site was asked and has not answered yet; due work of the session finds out."""


def install(services: Services) -> None:
    """Register the handlers."""
    planned_news.install(services)

    @services.work.on(WORK)
    async def start_one(job: Job) -> Again | None:
        return await start(services, UUID(job.key))


async def start(services: Services, plan_id: UUID) -> Again | None:
    """Start what was planned if it is time; returns when to try again. Opens its own transactions."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        planned = await session.get(PlannedCharge, plan_id)
        if planned is None or planned.state is not PlannedState.PLANNED:
            return None
        if now < planned.start_at:
            return Again((planned.start_at - now).total_seconds())
        outlet = await sites.outlet_by_id(session, planned.outlet_id)
    try:
        session_id = await _begun_before(services, planned) or await _begin(services, planned, outlet, now)
    except (*_PASSING, _UndecidedError) as error:
        log.info("planned %s: %s", plan_id, type(error).__name__)
        return Again(min(AGAIN_S, max(1.0, (planned.window_end - now).total_seconds())))
    except (KonsentoError, _RefusedError) as error:
        why = error.why if isinstance(error, _RefusedError) else error
        log.info("planned %s did not start: %s", plan_id, why.code)
        await _failed(services, plan_id, why)
    else:
        await _started(services, plan_id, session_id)
    return None


async def _begun_before(services: Services, planned: PlannedCharge) -> UUID | None:
    """Return the session if it was begun already and runs, or has run; None where nothing was begun yet.

    A process that died in between has left it: whatever the price or the window is now, it is the driver's.
    """
    async with services.database.transaction() as session:
        opened = await session.get(Checkout, planned.id)
        session_id = opened.session_id if opened is not None else planned.session_id
        made = await repository.session_of_driver(session, planned.driver_id, session_id)
    if made is not None:
        return _supplying(made)
    if opened is not None and opened.state is CheckoutState.ENDED:
        raise _RefusedError(checkout_failure(opened.failure))
    return None


async def _begin(services: Services, planned: PlannedCharge, outlet: Outlet, now: datetime) -> UUID:
    """Start the session and return it; raises why it did not."""
    if now >= planned.window_end:
        raise WindowOver
    way = Way.read(planned.way)
    wish = await _agreed(services, planned, _wish(planned, outlet, now), way)
    if way.provider in services.desk.external:
        asked = checkout.Asked(wish=wish, provider=way.provider, method=way.method, card=way.card, shown_before=True)
        opened = (await checkout.begin(services, asked, checkout_id=planned.id)).checkout
        if opened.state is CheckoutState.OPEN:
            await checkout.give_up(services, planned.driver_id, planned.id)
            raise CardAsks
        if opened.state is CheckoutState.ENDED:
            raise _RefusedError(checkout_failure(opened.failure))
        async with services.database.transaction() as session:
            made = await repository.session_of_driver(session, planned.driver_id, opened.session_id)
        if made is None:
            raise NotStarted
        return _supplying(made)
    return _supplying(
        await charging.start(services, wish, way.provider, session_id=planned.session_id, shown_before=True)
    )


def _supplying(made: ChargingSession) -> UUID:
    if made.state is SessionState.STARTING:
        raise _UndecidedError
    if made.state is SessionState.FAILED:
        raise _RefusedError(failure(made.failure))
    return made.id


def _wish(planned: PlannedCharge, outlet: Outlet, now: datetime) -> Wish:
    wish = Wish(
        driver_id=planned.driver_id,
        outlet_code=outlet.code,
        requested=RequestedLimit(kind=planned.limit_kind, amount=planned.limit_amount),
        offer=planned.offer,
        coupon=planned.coupon,
        points=planned.points,
        most_minor=planned.agreed_most_minor,
    )
    window = Window(begin=planned.window_begin, end=planned.window_end)
    return wish_for(wish, window, now, inside=planned.inside)


async def _agreed(services: Services, planned: PlannedCharge, wish: Wish, way: Way) -> Wish:
    """Return the wish at the price of this moment. Raises `PriceHigher` above what was agreed to, and obstacles."""
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, wish.outlet_code)
        buyable = await look_up(session, services, wish, outlet)
        funds = await settlement.funds(session, services, planned.driver_id, way.provider, way.method)
        quote = quoted(buyable.terms, wish.requested, wish.within(funds))
    if quote.price.unit_price > planned.agreed_unit_price or quote.hold_minor > planned.agreed_most_minor:
        raise PriceHigher
    return replace(wish, agreed=quote.price.fingerprint)


async def _started(services: Services, plan_id: UUID, session_id: UUID) -> None:
    async with services.database.transaction() as session:
        planned = await session.get(PlannedCharge, plan_id, with_for_update=True)
        if planned is None or planned.state is PlannedState.STARTED:
            return
        # Also one that was cancelled while it was being started: the session runs, and the driver sees it.
        planned.state, planned.over_at = PlannedState.STARTED, services.clock.now()
        planned.session_id = session_id
        await planned_news.tell(session, services, planned)


async def _failed(services: Services, plan_id: UUID, why: KonsentoError) -> None:
    async with services.database.transaction() as session:
        planned = await session.get(PlannedCharge, plan_id, with_for_update=True)
        if planned is not None and planned.state is PlannedState.PLANNED:
            planned.state, planned.over_at = PlannedState.FAILED, services.clock.now()
            planned.reason = why.code[:50]
            await planned_news.tell(session, services, planned)
