"""Queries of payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import (
    FINAL,
    ChargingSession,
    Payment,
    PaymentPurpose,
    PaymentState,
    Refund,
    RefundState,
)


async def payment(session: AsyncSession, payment_id: UUID, *, locked: bool = False) -> Payment | None:
    """Return a payment; `locked` keeps others from it until the transaction ends."""
    query = select(Payment).where(Payment.id == payment_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if locked else query)


async def hold_of(session: AsyncSession, session_id: UUID, *, locked: bool = False) -> Payment | None:
    """Return the payment that was held for a session."""
    query = select(Payment).where(Payment.session_id == session_id, Payment.purpose == PaymentPurpose.SESSION)
    return await session.scalar(query.with_for_update() if locked else query)


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

    Those that have been asked for since before `stuck_before`, those that could not be taken, refunds that failed, and
    disputes that are open.
    """
    failed_refund = select(Refund.payment_id).where(Refund.state == RefundState.FAILED)
    asked = (PaymentState.CAPTURING, PaymentState.RELEASING)
    lost = (PaymentState.FAILED, PaymentState.EXPIRED)
    query = (
        select(Payment)
        .where(
            Payment.external,
            or_(
                and_(Payment.state.in_(asked), Payment.created_at < stuck_before),
                and_(Payment.state.in_(lost), Payment.session_id.is_not(None)),
                Payment.dispute == "open",
                Payment.id.in_(failed_refund),
            ),
        )
        .order_by(Payment.created_at.desc(), Payment.id)
        .limit(most)
    )
    return list(await session.scalars(query))
