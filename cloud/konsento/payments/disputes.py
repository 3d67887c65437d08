"""Payments that a driver's bank contests: noted, booked, and told to the operator, who answers."""

import logging
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import AlarmKind, Dispute
from konsento.operations import alarms
from konsento.payments import booking, repository
from konsento.payments.seen import DisputeSeen

log = logging.getLogger(__name__)


async def note(session: AsyncSession, payment_id: UUID, seen: DisputeSeen, at: datetime) -> None:
    """Note a dispute as it is now; told again it changes nothing."""
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise LookupError(payment_id)
    before = payment.dispute
    if before in {Dispute.WON, Dispute.LOST}:
        return  # decided
    if seen.taken_back and payment.disputed_minor == 0:
        payment.disputed_minor = seen.amount_minor
        await booking.dispute_opened(session, payment, at)
    payment.dispute = seen.stage
    if payment.disputed_minor and seen.stage is Dispute.WON:
        await booking.dispute_won(session, payment, at)
    elif payment.disputed_minor and seen.stage is Dispute.LOST:
        await booking.dispute_lost(session, payment, at)
    if payment.dispute is not before:
        log.warning("payment %s: dispute %s is %s (%s)", payment_id, seen.reference, seen.stage, seen.reason)
        details = {"dispute": seen.reference, "stage": seen.stage.value, "reason": seen.reason}
        await alarms.report(session, at, AlarmKind.PAYMENT_DISPUTED, str(payment_id), details)
