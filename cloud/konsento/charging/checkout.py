"""Checkouts: the driver pays first, outside, and the session begins with what is held.

Three may come with the news that the money is held: the driver's browser on its way back, the provider's hint and the
due work, each of them never, late or twice. All do the same (`proceed`): look at the payment, and start the session
whose name was chosen beforehand. Whatever ends a checkout without a session has its money given back.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.charging import presence, repository
from konsento.charging import service as charging
from konsento.charging.errors import (
    AlreadyChargingHere,
    AmountNeeded,
    GivenUp,
    NotPaid,
    PaidElsewhere,
    UnknownCheckout,
    WalkedAway,
)
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import quoted
from konsento.charging.wish import Wish, check, look_up
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.kit.work import Again, Job
from konsento.models import Checkout, CheckoutState, LimitKind, Payment, PaymentState
from konsento.services import Services
from konsento.settlement import paying
from konsento.settlement import service as settlement
from konsento.settlement.paying import Action, Begun
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy

log = logging.getLogger(__name__)

WORK: Final = "checkout"
PATIENCE: Final = timedelta(minutes=10)
"""How long a driver may take to pay. The outlet is not kept meanwhile."""
AT_THE_SHOP: Final = {"konbini": timedelta(hours=1)}
"""The same for a way that takes longer, by the provider's word for it."""
NOW_S: Final = 1.0
"""News of a payment is followed so soon: the browser that brought it usually comes first."""
FIXED: Final = frozenset({LimitKind.ENERGY, LimitKind.MONEY})
"""What has a price before it begins."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a driver wants to charge, and how it is paid for before."""

    wish: Wish
    provider: str
    method: str = ""
    """The provider's word, for example `card`; empty for any."""
    card: str = ""
    """A saved card of the driver's."""
    save_card: bool = False
    return_url: str = ""
    """Where the provider sends the driver back to; `{id}` in it stands for the checkout's id."""
    shown_before: bool = False
    """Presence was shown when it was planned."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A checkout, its payment, and what the driver's page needs to go on."""

    checkout: Checkout
    payment: Payment | None
    """None where the provider was never asked."""
    action: Action | None = None
    """None where the driver has nothing to do."""


def install(services: Services) -> None:
    """Register the handler, and listen to payments."""

    @services.work.on(WORK)
    async def checkout(job: Job) -> Again | None:
        return await look_after(services, UUID(job.key))

    async def told(session: AsyncSession, payment_id: UUID) -> None:
        if await session.get(Checkout, payment_id) is not None:
            await services.work.add(session, WORK, str(payment_id), after_s=NOW_S)

    paying.on_change(services, told)


async def begin(services: Services, asked: Asked, *, checkout_id: UUID | None = None) -> Opened:
    """Open a checkout and begin its payment; with a saved card the session may have begun on return.

    Opens its own transactions. Asked again with the same `checkout_id` it is the same checkout. Raises what `start`
    raises before it holds anything, `AmountNeeded`, `CardDeclined`, `PaymentRefused`, `UnknownCard` and `PaymentAway`:
    then nothing is held, or it is given back.
    """
    made_id = checkout_id or new_id()
    checkout = await services.database.attempt(lambda session: _prepare(session, services, asked, made_id))
    return await _go_on(services, checkout, asked.return_url)


async def look(services: Services, driver_id: UUID, checkout_id: UUID, return_url: str = "") -> Opened:
    """Return a driver's checkout as it is now, led on as far as it goes. Opens its own transactions.

    Raises `UnknownCheckout`, and `PaymentAway` where the provider does not say how the payment is.
    """
    async with services.database.transaction() as session:
        checkout = await _own(session, driver_id, checkout_id)
    if checkout.state is CheckoutState.OPEN:
        return await _go_on(services, checkout, return_url)
    return await _opened(services, checkout_id)


async def last_seen(services: Services, driver_id: UUID, checkout_id: UUID) -> Opened:
    """Return a driver's checkout as our database has it, without asking anybody. Raises `UnknownCheckout`."""
    async with services.database.transaction() as session:
        await _own(session, driver_id, checkout_id)
    return await _opened(services, checkout_id)


async def give_up(services: Services, driver_id: UUID, checkout_id: UUID) -> None:
    """End an own checkout because its driver wants so; one whose session has begun stays. Raises `UnknownCheckout`."""
    async with services.database.transaction() as session:
        await _own(session, driver_id, checkout_id)
        await _end(session, services, checkout_id, GivenUp())


async def open_of(session: AsyncSession, driver_id: UUID) -> Sequence[Checkout]:
    """Return a driver's open checkouts, the newest first."""
    query = (
        select(Checkout)
        .where(Checkout.driver_id == driver_id, Checkout.state == CheckoutState.OPEN)
        .order_by(Checkout.created_at.desc())
    )
    return (await session.scalars(query)).all()


async def look_after(services: Services, checkout_id: UUID) -> Again | None:
    """Lead a checkout on without its driver: by what is known of its payment, which due work of its own looks at."""
    await proceed(services, checkout_id)
    async with services.database.transaction() as session:
        checkout = await session.get(Checkout, checkout_id)
    if checkout is None or checkout.state is not CheckoutState.OPEN:
        return None
    left = checkout.expires_at - services.clock.now()
    return Again(max(1.0, left.total_seconds()))


async def proceed(services: Services, checkout_id: UUID) -> None:
    """Start the session if its money is held; end the checkout if it never will be. Opens its own transactions."""
    async with services.database.transaction() as session:
        checkout = await _locked(session, checkout_id)
        if checkout is None or checkout.state is not CheckoutState.OPEN:
            return
        payment = await paying.payment_of(session, checkout.id)
        if payment is None or payment.state is PaymentState.PENDING:
            if services.clock.now() >= checkout.expires_at:
                await _end(session, services, checkout_id, WalkedAway())
            return
        if payment.state is not PaymentState.HELD:
            await _end(session, services, checkout_id, NotPaid())
            return
    wish = Wish(
        driver_id=checkout.driver_id,
        outlet_code=checkout.outlet_code,
        requested=RequestedLimit(kind=checkout.limit_kind, amount=checkout.limit_amount),
        offer=checkout.offer or None,
        agreed=checkout.agreed,
        priced_at=checkout.created_at,
        ends_at=checkout.ends_at,
        coupon=checkout.coupon,
        points=checkout.points,
    )
    try:
        await charging.start(services, wish, checkout.provider, session_id=checkout.session_id, payment_id=checkout.id)
    except KonsentoError as error:
        log.info("checkout %s: %s", checkout_id, error.code)
        async with services.database.transaction() as session:
            await _end(session, services, checkout_id, error)
        return
    async with services.database.transaction() as session:
        await _begun(session, services, checkout_id)


async def _go_on(services: Services, checkout: Checkout, return_url: str) -> Opened:
    wish = paying.Wish(
        payment_id=checkout.id,
        driver_id=checkout.driver_id,
        provider=checkout.provider,
        amount_minor=checkout.hold_minor,
        currency=checkout.currency,
        expires_at=checkout.expires_at,
        method=checkout.method,
        card=checkout.card,
        save_card=checkout.save_card,
        return_url=return_url.replace("{id}", str(checkout.id)),
    )
    begun: Begun | None = None
    try:
        begun = await paying.begin(services, wish)
    except KonsentoError as error:
        async with services.database.transaction() as session:
            payment = await paying.payment_of(session, checkout.id)
            # One that cannot be looked at now goes on all the same.
            if payment is None or payment.state is not PaymentState.PENDING:
                await _end(session, services, checkout.id, error)
        raise
    await proceed(services, checkout.id)
    opened = await _opened(services, checkout.id)
    if begun.action is None or opened.checkout.state is not CheckoutState.OPEN:
        return opened
    return replace(opened, action=begun.action)


async def _opened(services: Services, checkout_id: UUID) -> Opened:
    async with services.database.transaction() as session:
        checkout = await session.get_one(Checkout, checkout_id)
        return Opened(checkout=checkout, payment=await paying.payment_of(session, checkout.id))


async def _prepare(session: AsyncSession, services: Services, asked: Asked, checkout_id: UUID) -> Checkout:
    wish = asked.wish
    made_before = await session.get(Checkout, checkout_id)
    if made_before is not None:
        return await _own(session, wish.driver_id, checkout_id)
    now = services.clock.now()
    outlet = await sites.outlet_by_code(session, wish.outlet_code)
    active = await repository.active_at(session, outlet.id)
    if active is not None:
        raise AlreadyChargingHere if active.driver_id == wish.driver_id else OutletBusy
    buyable = await look_up(session, services, wish, outlet)
    if paying.is_prepaid(services, asked.provider, asked.method) and wish.requested.kind not in FIXED:
        raise AmountNeeded
    funds = await settlement.funds(session, services, wish.driver_id, asked.provider, asked.method)
    quote = quoted(buyable.terms, wish.requested, wish.within(funds))
    # Coupon and points are kept when the session begins.
    await check(session, services, wish, buyable, quote)
    if not asked.shown_before:
        await presence.use(session, services, wish.driver_id, outlet)
    for other in await open_of(session, wish.driver_id):
        if other.outlet_id == outlet.id:
            await _end(session, services, other.id, PaidElsewhere())
    patience = AT_THE_SHOP.get(asked.method, PATIENCE)
    checkout = Checkout(
        id=checkout_id,
        driver_id=wish.driver_id,
        outlet_id=outlet.id,
        outlet_code=outlet.code,
        limit_kind=wish.requested.kind,
        limit_amount=wish.requested.amount,
        offer=wish.offer or "",
        agreed=wish.agreed,
        ends_at=wish.ends_at,
        coupon=wish.coupon,
        points=wish.points,
        provider=asked.provider,
        method=asked.method,
        card=asked.card,
        save_card=asked.save_card,
        hold_minor=quote.hold_minor,
        currency=quote.currency,
        session_id=new_id(),
        state=CheckoutState.OPEN,
        failure="",
        created_at=now,
        expires_at=now + patience,
    )
    session.add(checkout)
    await session.flush()
    await services.work.add(session, WORK, str(checkout.id), after_s=patience.total_seconds())
    return checkout


async def _end(session: AsyncSession, services: Services, checkout_id: UUID, reason: KonsentoError) -> None:
    """End a checkout without a session, and have its money given back; if the session has begun, it has."""
    checkout = await _locked(session, checkout_id)
    if checkout is None or checkout.state is not CheckoutState.OPEN:
        return
    await paying.give_up(session, services, checkout.id)
    # Another one may have started it at this moment: then the payment is the session's, and was not given up.
    if await repository.session_of_driver(session, checkout.driver_id, checkout.session_id) is not None:
        await _begun(session, services, checkout_id)
        return
    checkout.state = CheckoutState.ENDED
    checkout.failure = reason.code[:50]
    checkout.ended_at = services.clock.now()
    log.info("checkout %s ended: %s", checkout_id, checkout.failure)


async def _begun(session: AsyncSession, services: Services, checkout_id: UUID) -> None:
    checkout = await _locked(session, checkout_id)
    if checkout is not None and checkout.state is CheckoutState.OPEN:
        checkout.state = CheckoutState.STARTED
        checkout.ended_at = services.clock.now()


async def _locked(session: AsyncSession, checkout_id: UUID) -> Checkout | None:
    query = (
        select(Checkout).where(Checkout.id == checkout_id).with_for_update().execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def _own(session: AsyncSession, driver_id: UUID, checkout_id: UUID) -> Checkout:
    checkout = await session.get(Checkout, checkout_id)
    if checkout is None or checkout.driver_id != driver_id:
        raise UnknownCheckout
    return checkout
