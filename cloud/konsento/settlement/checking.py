"""Whether the books agree with what was billed: `konsento ledger check`, and every night. Reads only.

- In every currency the trial balance is zero, and every account's sums are those of its transfers (`ledger.check`).
- What is pending belongs to a session that is not billed yet, and money that is pending to a payment that holds it.
- Every billed session has one receipt, whose lines add up to it, and entries that come to what is not given back.
- Receipts are numbered from 1 without gaps.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import String, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from konsento.kit.db import Database
from konsento.kit.work import Again
from konsento.ledger import check as ledger
from konsento.ledger.check import Finding
from konsento.models import (
    FINAL,
    POINTS,
    AccountKind,
    AlarmKind,
    ChargingSession,
    Correction,
    Counter,
    LedgerAccount,
    Payment,
    PaymentState,
    Receipt,
    ReceiptLine,
    SessionState,
    Transfer,
    TransferKind,
)
from konsento.operations import alarms
from konsento.services import Services
from konsento.settlement.repository import RECEIPTS

WORK: Final = "books"
"""The due work that checks every night."""
NIGHT_UTC: Final = 18
"""The hour of the check: three in the morning in Japan."""
INCOME: Final = (AccountKind.SALES, AccountKind.TAX, AccountKind.SUPPLIER, AccountKind.SITE_OWNER)
"""Where what is billed ends."""


async def check(database: Database) -> list[Finding]:
    """Return everything that must not be.

    Each rule is one statement in a transaction of its own: what happens meanwhile is in all of its numbers or in none,
    and on SQLite nobody waits for all of them.
    """
    found: list[Finding] = []
    for rule in (ledger.trial_balance, ledger.account_sums, _pending, _receipts, _lines, _entries, _numbers):
        async with database.transaction() as session:
            found += await rule(session)
    return found


async def check_nightly(services: Services) -> Again:
    """Check, and raise an alarm where something is found; returns when to do so again."""
    found = await check(services.database)
    now = services.clock.now()
    if found:
        details = {"findings": len(found), "first": f"{found[0].rule} {found[0].subject}"}
        async with services.database.transaction() as session:
            await alarms.report(session, now, AlarmKind.BOOKS_WRONG, "ledger", details)
    return Again(until_night_s(now))


def until_night_s(now: datetime) -> float:
    """Return how long it is until the next check, s."""
    night = now.astimezone(UTC).replace(hour=NIGHT_UTC, minute=0, second=0, microsecond=0)
    return (night + timedelta(days=0 if night > now else 1) - now).total_seconds()


async def _pending(session: AsyncSession) -> list[Finding]:
    resolution = aliased(Transfer)
    text = func.replace(cast(Transfer.id, String), "-", "")
    holds = and_(
        Payment.state == PaymentState.HELD,
        func.replace(Payment.reference, "-", "") == text,
        Transfer.currency != POINTS,
    )
    query = (
        select(Transfer.id, Transfer.reason, ChargingSession.state, Payment.id)
        .outerjoin(resolution, resolution.pending_id == Transfer.id)
        .outerjoin(ChargingSession, ChargingSession.id == Transfer.session_id)
        .outerjoin(Payment, and_(Payment.session_id == Transfer.session_id, holds))
        .where(Transfer.kind == TransferKind.PENDING, resolution.id.is_(None))
        .where(
            or_(
                ChargingSession.id.is_(None),
                ChargingSession.state.in_(FINAL),
                and_(Transfer.currency != POINTS, Payment.id.is_(None)),
            )
        )
    )
    return [
        Finding(
            rule="pending",
            subject=str(transfer_id),
            says=f"{reason} of a session that is {state or 'unknown'}"
            + ("" if payment_id is not None else ", and no payment holds it"),
        )
        for transfer_id, reason, state, payment_id in await session.execute(query)
    ]


async def _receipts(session: AsyncSession) -> list[Finding]:
    settled = ChargingSession.state == SessionState.SETTLED
    query = (
        select(ChargingSession.id, ChargingSession.state)
        .outerjoin(Receipt, Receipt.session_id == ChargingSession.id)
        .where(or_(and_(settled, Receipt.session_id.is_(None)), and_(~settled, Receipt.session_id.is_not(None))))
    )
    return [
        Finding(
            rule="receipts",
            subject=str(session_id),
            says="it is billed and has no receipt"
            if state is SessionState.SETTLED
            else f"it is {state}, with a receipt",
        )
        for session_id, state in await session.execute(query)
    ]


async def _lines(session: AsyncSession) -> list[Finding]:
    total = func.coalesce(func.sum(ReceiptLine.amount_minor), 0)
    query = (
        select(Receipt.number, Receipt.amount_minor, total)
        .outerjoin(ReceiptLine, ReceiptLine.session_id == Receipt.session_id)
        .group_by(Receipt.number, Receipt.amount_minor)
        .having(total != Receipt.amount_minor)
    )
    return [
        Finding(rule="lines", subject=str(number), says=f"the receipt says {amount}, its lines make {lines}")
        for number, amount, lines in await session.execute(query)
    ]


async def _entries(session: AsyncSession) -> list[Finding]:
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    came = case((credit.kind.in_(INCOME), Transfer.amount_minor), else_=0) - case(
        (debit.kind.in_(INCOME), Transfer.amount_minor), else_=0
    )
    booked = (
        select(Transfer.session_id, func.sum(came).label("minor"))
        .join(debit, debit.id == Transfer.debit_id)
        .join(credit, credit.id == Transfer.credit_id)
        .where(Transfer.session_id.is_not(None), Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST)))
        .group_by(Transfer.session_id)
        .subquery()
    )
    back = (
        select(Correction.session_id, func.sum(Correction.amount_minor).label("minor"))
        .group_by(Correction.session_id)
        .subquery()
    )
    due = Receipt.amount_minor - func.coalesce(back.c.minor, 0)
    of_books = func.coalesce(booked.c.minor, 0)
    query: Any = (
        select(Receipt.number, due, of_books)
        .outerjoin(booked, booked.c.session_id == Receipt.session_id)
        .outerjoin(back, back.c.session_id == Receipt.session_id)
        .where(due != of_books)
    )
    return [
        Finding(rule="entries", subject=str(number), says=f"{minor} are billed, the books have {booked_minor}")
        for number, minor, booked_minor in await session.execute(query)
    ]


async def _numbers(session: AsyncSession) -> list[Finding]:
    counter = select(Counter.last).where(Counter.name == RECEIPTS).scalar_subquery()
    query = select(
        func.count(),
        func.coalesce(func.min(Receipt.number), 1),
        func.coalesce(func.max(Receipt.number), 0),
        func.coalesce(counter, 0),
    )
    many, first, last, counted = (await session.execute(query)).one()
    if (first, last, counted) == (1, many, many):
        return []
    says = f"{many} receipts have the numbers {first} to {last}; the counter stands at {counted}"
    return [Finding(rule="numbers", subject=RECEIPTS, says=says)]
