"""What drivers still owe after a charging: because they pay at the end, or because what was held could not be taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import (
    AccountKind,
    ChargingSession,
    LedgerAccount,
    Payment,
    PaymentPurpose,
    PaymentState,
    Receipt,
    Transfer,
    TransferKind,
)

UNDER_WAY = frozenset({PaymentState.PENDING, PaymentState.HELD, PaymentState.CAPTURING, PaymentState.RELEASING})
"""What is owed may be paid any moment by a payment in one of these states."""


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What is still owed for a session."""

    session_id: UUID
    amount_minor: int
    currency: str
    since: datetime
    """When it was billed."""


async def of_session(session: AsyncSession, driver_id: UUID, session_id: UUID) -> Owed | None:
    """Return what a driver's session still owes; None for nothing, and while a payment for it is under way."""
    found = await _owed(session, driver_id, ChargingSession.id == session_id)
    return found[0] if found else None


async def of_driver(session: AsyncSession, driver_id: UUID) -> Sequence[Owed]:
    """Return what a driver owes, the oldest first."""
    if not await _owes(session, driver_id):
        return ()
    return await _owed(session, driver_id)


async def left(session: AsyncSession, driver_id: UUID, session_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what is left to pay of a driver's sessions, also while it is being paid; below zero: paid too much."""
    accounts, amount = _moved(driver_id)
    query = (
        select(Transfer.session_id, amount)
        .where(Transfer.session_id.in_(session_ids), *_counting(accounts))
        .group_by(Transfer.session_id)
    )
    found = {row[0]: int(row[1]) for row in await session.execute(query)}
    return {session_id: found.get(session_id, 0) for session_id in session_ids}


async def paying_for(session: AsyncSession, session_id: UUID) -> Payment | None:
    """Return the payment of what a session owes that is under way."""
    query = select(Payment).where(
        Payment.session_id == session_id,
        Payment.purpose == PaymentPurpose.BILL,
        Payment.state.in_((PaymentState.PENDING, PaymentState.CAPTURING)),
    )
    return await session.scalar(query.order_by(Payment.created_at.desc()).limit(1))


async def next_payment(session: AsyncSession, session_id: UUID) -> UUID:
    """Return what the next payment of what a session owes is called: for two who ask at once it is the same."""
    query = select(func.count()).where(Payment.session_id == session_id, Payment.purpose == PaymentPurpose.BILL)
    return uuid5(session_id, f"owed {await session.scalar(query) or 0}")


async def _owes(session: AsyncSession, driver_id: UUID) -> bool:
    # Far quicker than adding transfers up, and nearly always the end of it.
    query = select(LedgerAccount.id).where(
        LedgerAccount.kind == AccountKind.RECEIVABLE,
        LedgerAccount.owner == str(driver_id),
        LedgerAccount.debits_posted > LedgerAccount.credits_posted,
    )
    return await session.scalar(query.limit(1)) is not None


type _Accounts = Select[UUID]


def _moved(driver_id: UUID) -> tuple[_Accounts, ColumnElement[int]]:
    """Return the accounts of what a driver owes, and what transfers leave on them."""
    accounts = select(LedgerAccount.id).where(
        LedgerAccount.kind == AccountKind.RECEIVABLE, LedgerAccount.owner == str(driver_id)
    )
    amount = case((Transfer.debit_id.in_(accounts), Transfer.amount_minor), else_=-Transfer.amount_minor)
    return accounts, func.sum(amount)


def _counting(accounts: _Accounts) -> tuple[ColumnElement[bool], ...]:
    return (
        Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST)),
        Transfer.debit_id.in_(accounts) | Transfer.credit_id.in_(accounts),
    )


async def _owed(session: AsyncSession, driver_id: UUID, *which: ColumnElement[bool]) -> Sequence[Owed]:
    accounts, amount = _moved(driver_id)
    under_way = select(Payment.session_id).where(
        Payment.driver_id == driver_id, Payment.session_id.is_not(None), Payment.state.in_(UNDER_WAY)
    )
    query = (
        select(Receipt.session_id, Receipt.currency, Receipt.issued_at, amount)
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .join(Transfer, Transfer.session_id == Receipt.session_id)
        .where(
            ChargingSession.driver_id == driver_id,
            *_counting(accounts),
            Receipt.session_id.not_in(under_way),
            *which,
        )
        .group_by(Receipt.session_id, Receipt.currency, Receipt.issued_at)
        .having(amount > 0)
        .order_by(Receipt.issued_at)
    )
    return [
        Owed(session_id=session_id, amount_minor=int(minor), currency=currency, since=since)
        for session_id, currency, since, minor in await session.execute(query)
    ]
