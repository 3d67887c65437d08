"""Bringing our rows up to what a provider says. Said twice, or late, it changes nothing more."""

import logging
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import AlarmKind, Payment, PaymentPurpose, PaymentState
from konsento.operations import alarms
from konsento.payments import booking
from konsento.payments.desk import Till
from konsento.payments.life import Happening, step
from konsento.payments.seen import Seen, Stage

log = logging.getLogger(__name__)


async def note(session: AsyncSession, services: Till, payment: Payment, seen: Seen) -> None:
    """Note what a provider says of a payment, whose row is locked, and tell those who want to know."""
    at, before = services.clock.now(), payment.state
    payment.reference = payment.reference or seen.reference
    payment.method = seen.method or payment.method
    payment.capture_before = seen.capture_before or payment.capture_before
    if payment.state is PaymentState.PENDING:
        payment.failure = seen.failure
    match seen.stage:
        case Stage.HELD:
            step(payment, Happening.HOLDS, at)
        case Stage.TAKEN:
            await _taken(session, services, payment, seen, at)
        case Stage.GONE:
            step(payment, Happening.GONE, at)
        case Stage.WAITING:
            pass
    if seen.fee_minor and not payment.fee_minor:
        payment.fee_minor = seen.fee_minor
        await booking.fee(session, payment, at)
    await changed(session, services, payment, before)


async def changed(session: AsyncSession, services: Till, payment: Payment, before: PaymentState) -> None:
    """Tell those who want to know, if the state of a payment is another one than before."""
    if payment.state is not before:
        log.info("payment %s: %s, was %s", payment.id, payment.state, before)
        await services.desk.tell(session, payment)


async def _taken(session: AsyncSession, services: Till, payment: Payment, seen: Seen, at: datetime) -> None:
    match payment.state:
        case PaymentState.PENDING if payment.purpose is not PaymentPurpose.SESSION:
            payment.captured_minor = seen.taken_minor
            step(payment, Happening.PAID, at)
            if payment.purpose is PaymentPurpose.TOP_UP:
                await booking.topped_up(session, services.settings, payment, at)
            else:
                await booking.taken(session, payment, at, paid_before=False)
        case PaymentState.CAPTURING if not payment.prepaid and seen.taken_minor == payment.captured_minor:
            step(payment, Happening.TAKEN, at)
            await booking.taken(session, payment, at, paid_before=False)
        case PaymentState.PENDING | PaymentState.HELD | PaymentState.CAPTURING | PaymentState.RELEASING:
            await _paid_before(session, payment, seen, at)
            step(payment, Happening.HOLDS, at)


async def _paid_before(session: AsyncSession, payment: Payment, seen: Seen, at: datetime) -> None:
    """Note that the money is with us before we asked for it: what of it is not due goes back."""
    if not payment.prepaid:
        # Somebody took the hold in the provider's own pages.
        details = {"held": payment.hold_minor, "taken": seen.taken_minor, "state": payment.state.value}
        await alarms.report(session, at, AlarmKind.PAYMENT_DIFFERS, str(payment.id), details)
    payment.prepaid = True
    payment.hold_minor = seen.taken_minor
    await booking.paid_before(session, payment, seen.taken_minor, at)
