"""External payments until the money is held or paid: begun, looked at, taken over by a charging."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Payment, PaymentPurpose, PaymentState
from konsento.payments import calls, cards, driving, repository
from konsento.payments.calls import Asked, Question
from konsento.payments.desk import Till
from konsento.payments.driving import WATCH_S
from konsento.payments.errors import (
    CardDeclined,
    Declined,
    HoldGone,
    HoldTooSmall,
    NoAnswer,
    PaymentAway,
    PaymentRefused,
    ProviderError,
    Refused,
    Stumbled,
    UnknownPayment,
)
from konsento.payments.life import WORK, Happening, step
from konsento.payments.noting import changed, note
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import Action, Order, Stage
from konsento.payments.service import Hold

log = logging.getLogger(__name__)

KEYS_KEPT: Final = timedelta(hours=20)
"""So long a question can be asked again under its key; providers keep keys for at least 24 hours."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A payment that a driver wants to make at an external provider."""

    payment_id: UUID
    """Chosen by the caller: wished for again it is the same payment."""
    driver_id: UUID
    provider: str
    amount_minor: int
    currency: str
    expires_at: datetime
    """Given up then, if the driver has not confirmed it, or if no charging has taken it over."""
    purpose: PaymentPurpose = PaymentPurpose.SESSION
    session_id: UUID | None = None
    """Of a payment of what a session still owes (`bill`): which session."""
    method: str = ""
    """The provider's word, for example `card`, `paypay`; empty for any that can do it."""
    card: str = ""
    """A saved card of the driver (`cards.cards_of`)."""
    save_card: bool = False
    """The driver agreed that the card is kept for next time."""
    return_url: str = ""
    """Where the provider sends the driver back to; absolute."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A payment, and what the driver's page needs to go on with it."""

    payment: Payment
    action: Action | None
    """None where the driver has nothing to do: it is held or paid, or it is over."""


async def begin_hold(services: Till, wish: Wish) -> Begun:
    """Begin a payment at an external provider. Opens its own transactions.

    It is `pending` where the driver has something to do; `held`, or `captured` where it is paid at once, if a saved
    card was enough. The amount is raised to what the provider takes at least. Raises `UnknownMethod`, `UnknownCard`,
    `CardDeclined`, `PaymentRefused` (nothing is held after these) and `PaymentAway` (what may be held is given back by
    due work).
    """
    provider = services.desk.provider(wish.provider)
    customer = ""
    if wish.card or wish.save_card:
        customer = await cards.customer_of(services, provider, wish.driver_id)
    if wish.card:
        await cards.check(services, provider, wish.driver_id, wish.card)
    payment, asked = await services.database.attempt(lambda session: _prepare(session, services, provider, wish))
    if asked is None or await _was_made(services, provider, payment):
        return await look(services, payment.id)
    order = Order(
        payment_id=payment.id,
        driver_id=wish.driver_id,
        purpose=wish.purpose,
        amount_minor=payment.hold_minor,
        currency=wish.currency,
        prepaid=payment.prepaid,
        method=wish.method,
        customer=customer,
        card=wish.card,
        save_card=wish.save_card,
        return_url=wish.return_url,
    )
    try:
        seen = await calls.ask(services, asked, lambda key: provider.begin(order, key))
    except Refused as error:
        await _end(services, payment.id, error.code, gone=True)
        raise (CardDeclined if isinstance(error, Declined) else PaymentRefused) from None
    except (NoAnswer, Stumbled) as error:
        await _end(services, payment.id, error.code, gone=False)
        raise PaymentAway from None
    async with services.database.transaction() as session:
        locked = await _locked(session, payment.id)
        calls.done(session, asked, seen.reference, services.clock.now())
        await note(session, services, locked, seen)
    if wish.card and seen.stage is Stage.WAITING and seen.action is None and seen.failure:
        # Made, and declined at once: nobody is there who could try another card with it.
        await _end(services, payment.id, seen.failure, gone=False)
        raise CardDeclined
    return Begun(payment=locked, action=seen.action)


async def _was_made(services: Till, provider: ExternalProvider, payment: Payment) -> bool:
    """Tell whether a payment that was begun long ago, without an answer that we know, was made all the same.

    Providers forget idempotency keys after a day: from then on the same question would make another payment.
    """
    if services.clock.now() < payment.created_at + KEYS_KEPT:
        return False
    try:
        return await provider.find(payment.id, payment.created_at) is not None
    except ProviderError:
        raise PaymentAway from None


async def look(services: Till, payment_id: UUID) -> Begun:
    """Ask the provider how a payment is, and note it: the truth for whoever comes back with it, as often as they like.

    Raises `UnknownPayment`, `PaymentAway` (nothing has changed then).
    """
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id)
    if payment is None:
        raise UnknownPayment
    if not payment.external:
        return Begun(payment=payment, action=None)
    try:
        noted, seen = await driving.look(services, payment_id)
    except ProviderError as error:
        log.warning("payment %s cannot be looked at: %s", payment_id, error.code)
        raise PaymentAway from None
    is_pending = noted.state is PaymentState.PENDING
    return Begun(payment=noted, action=seen.action if seen is not None and is_pending else None)


async def adopt(session: AsyncSession, payment_id: UUID, wanted: Hold) -> Payment:
    """Have a payment that is held pay for a session. Done again for the same session it changes nothing.

    Raises `HoldGone`, `HoldTooSmall`.
    """
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None or payment.driver_id != wanted.driver_id or payment.purpose is not PaymentPurpose.SESSION:
        raise HoldGone
    if payment.session_id == wanted.session_id:
        return payment
    is_free = payment.session_id is None and payment.state is PaymentState.HELD
    if not is_free or payment.currency != wanted.currency:
        raise HoldGone
    if payment.hold_minor < wanted.amount_minor:
        raise HoldTooSmall
    payment.session_id = wanted.session_id
    await session.flush()
    return payment


async def give_up(session: AsyncSession, services: Till, payment_id: UUID) -> Payment:
    """Have a payment given back that no charging has taken over, whether the driver has confirmed it or not.

    Raises `UnknownPayment`.
    """
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise UnknownPayment
    before = payment.state
    is_free = payment.session_id is None or payment.purpose is not PaymentPurpose.SESSION
    if payment.external and is_free and step(payment, Happening.RELEASE, services.clock.now()):
        await services.work.add(session, WORK, str(payment_id))
        await changed(session, services, payment, before)
    return payment


async def _prepare(
    session: AsyncSession, services: Till, provider: ExternalProvider, wish: Wish
) -> tuple[Payment, Asked | None]:
    """Make the row, and that of the question; None where the question was answered before."""
    at = services.clock.now()
    payment = await repository.payment(session, wish.payment_id, locked=True)
    if payment is not None:
        if payment.driver_id != wish.driver_id:
            raise UnknownPayment
        if payment.reference or payment.state is not PaymentState.PENDING:
            return payment, None
    else:
        payment = Payment(
            id=wish.payment_id,
            session_id=wish.session_id if wish.purpose is PaymentPurpose.BILL else None,
            driver_id=wish.driver_id,
            purpose=wish.purpose,
            provider=provider.name,
            external=True,
            prepaid=wish.purpose is not PaymentPurpose.SESSION or provider.is_prepaid(wish.method),
            method=wish.method,
            state=PaymentState.PENDING,
            currency=wish.currency,
            hold_minor=_at_least(provider, wish.amount_minor, wish.currency),
            reference="",
            expires_at=wish.expires_at,
            created_at=at,
        )
        session.add(payment)
        await session.flush()
    # Should the process die now, it is looked for and given up.
    await services.work.add(session, WORK, str(payment.id), after_s=WATCH_S)
    question = Question(payment_id=payment.id, step=calls.BEGIN, amount_minor=payment.hold_minor, subject=payment.id)
    return payment, await calls.intend(session, question, at)


def _at_least(provider: ExternalProvider, amount_minor: int, currency: str) -> int:
    coin = provider.step_minor(currency)
    return max(-(-amount_minor // coin) * coin, provider.minimum_minor(currency))


async def _end(services: Till, payment_id: UUID, code: str, *, gone: bool) -> None:
    """End a payment that was not begun as it was wished; what may be held at the provider is given back."""
    async with services.database.transaction() as session:
        payment = await _locked(session, payment_id)
        before = payment.state
        step(payment, Happening.GONE if gone else Happening.RELEASE, services.clock.now())
        payment.failure = code
        if not gone:
            await services.work.add(session, WORK, str(payment_id))
        await changed(session, services, payment, before)


async def _locked(session: AsyncSession, payment_id: UUID) -> Payment:
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise UnknownPayment
    return payment
