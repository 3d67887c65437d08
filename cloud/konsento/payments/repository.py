"""Queries of payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from konsento.models import (
    FINAL,
    AccountKind,
    ChargingSession,
    Dispute,
    LedgerAccount,
    Payment,
    PaymentCall,
    PaymentHint,
    PaymentPurpose,
    PaymentState,
    Receipt,
    Refund,
    RefundKind,
    RefundState,
)


async def payment(session: AsyncSession, payment_id: UUID, *, locked: bool = False) -> Payment | None:
    """Return a payment; `locked` keeps others from it until the transaction ends, but not from rows about it."""
    query = select(Payment).where(Payment.id == payment_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update(key_share=True) if locked else query)


async def hold_of(session: AsyncSession, session_id: UUID, *, locked: bool = False) -> Payment | None:
    """Return the payment that was held for a session."""
    query = select(Payment).where(Payment.session_id == session_id, Payment.purpose == PaymentPurpose.SESSION)
    return await session.scalar(query.with_for_update(key_share=True) if locked else query)


async def payments_of(session: AsyncSession, session_id: UUID) -> Sequence[Payment]:
    """Return all payments of a session, that which was held for it first."""
    query = select(Payment).where(Payment.session_id == session_id).order_by(Payment.created_at, Payment.id)
    return list(await session.scalars(query))


async def by_reference(session: AsyncSession, provider: str, reference: str) -> Payment | None:
    """Return the payment that a provider calls so."""
    query = select(Payment).where(Payment.provider == provider, Payment.reference == reference)
    return await session.scalar(query)


async def refunds_of(session: AsyncSession, payment_id: UUID) -> Sequence[Refund]:
    """Return the refunds of a payment in their order."""
    query = select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.asked_at, Refund.id)
    return list(await session.scalars(query))


async def made_since(session: AsyncSession, provider: str, at: datetime) -> Sequence[Payment]:
    """Return the payments of a provider that were made since a time."""
    query = select(Payment).where(Payment.provider == provider, Payment.external, Payment.created_at >= at)
    return list(await session.scalars(query))


async def unresolved(session: AsyncSession, provider: str, before: datetime) -> Sequence[Payment]:
    """Return the payments of a provider that were made before a time and still wait for something."""
    open_states = (PaymentState.PENDING, PaymentState.HELD, PaymentState.CAPTURING, PaymentState.RELEASING)
    query = select(Payment).where(
        Payment.provider == provider, Payment.external, Payment.state.in_(open_states), Payment.created_at < before
    )
    return list(await session.scalars(query))


async def is_over(session: AsyncSession, session_id: UUID) -> bool:
    """Tell whether a session is final: whatever is still held for it was forgotten."""
    query = select(ChargingSession.id).where(ChargingSession.id == session_id, ChargingSession.state.in_(FINAL))
    return await session.scalar(query) is not None


async def for_a_person(session: AsyncSession, stuck_before: datetime, most: int) -> Sequence[Payment]:
    """Return the payments that do not go on by themselves, the newest first.

    Those whose money is asked for, or given back, since before `stuck_before`; those that a session still waits for
    and that took nothing; refunds that failed; disputes that are open.
    """
    query = (
        select(Payment)
        .where(Payment.external, _needs_a_person(stuck_before))
        .order_by(Payment.created_at.desc(), Payment.id)
        .limit(most)
    )
    return list(await session.scalars(query))


def _needs_a_person(stuck_before: datetime) -> ColumnElement[bool]:
    asked = (PaymentState.CAPTURING, PaymentState.RELEASING)
    lost = (PaymentState.FAILED, PaymentState.EXPIRED)
    paid_since = aliased(Payment)
    unpaid = ~exists().where(
        paid_since.session_id == Payment.session_id,
        paid_since.purpose == PaymentPurpose.BILL,
        paid_since.state == PaymentState.CAPTURED,
    )
    billed = exists().where(Receipt.session_id == Payment.session_id, Receipt.amount_minor > 0)
    last_asked = select(func.max(PaymentCall.at)).where(PaymentCall.payment_id == Payment.id).scalar_subquery()
    failed_refund = exists().where(Refund.payment_id == Payment.id, Refund.state == RefundState.FAILED)
    return or_(
        and_(Payment.state.in_(asked), func.coalesce(last_asked, Payment.created_at) < stuck_before),
        and_(Payment.state.in_(lost), billed, unpaid),
        Payment.dispute == Dispute.OPEN,
        failed_refund,
    )


async def overpaid(session: AsyncSession, driver_id: UUID, currency: str) -> int:
    """Return how much a driver has paid more than is owed.

    What is on its way back counts as given, and so does what failed on its way: a person pays that in another way.
    """
    owed = select(LedgerAccount.credits_posted - LedgerAccount.debits_posted).where(
        LedgerAccount.kind == AccountKind.RECEIVABLE,
        LedgerAccount.owner == str(driver_id),
        LedgerAccount.currency == currency,
    )
    under_way = (
        select(func.sum(Refund.amount_minor))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Payment.driver_id == driver_id,
            Payment.currency == currency,
            Refund.kind == RefundKind.REFUND,
            Refund.state != RefundState.DONE,
        )
    )
    return max(0, int(await session.scalar(owed) or 0) - int(await session.scalar(under_way) or 0))


async def hints_about(session: AsyncSession, payment: Payment, most: int) -> Sequence[PaymentHint]:
    """Return what the provider said unasked about a payment, the newest first."""
    query = (
        select(PaymentHint)
        .where(PaymentHint.provider == payment.provider, PaymentHint.reference == payment.reference)
        .order_by(PaymentHint.received_at.desc(), PaymentHint.id)
        .limit(most)
    )
    return list(await session.scalars(query)) if payment.reference else []
