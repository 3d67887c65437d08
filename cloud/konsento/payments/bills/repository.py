"""Queries of bills."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import (
    WITH_OUTLET,
    AccountKind,
    Bill,
    BillPayment,
    BillSession,
    ChargingSession,
    Counter,
    Driver,
    DriverKind,
    Invoice,
    LedgerAccount,
    Payment,
    PaymentPurpose,
    Receipt,
)
from konsento.payments import later


async def take_number(session: AsyncSession) -> int:
    """Take the next number; a transaction that is rolled back gives it back."""
    taken = insert(session, Counter).values(name="bills", last=1)
    taken = taken.on_conflict_do_update(index_elements=[Counter.name], set_={"last": Counter.last + 1})
    last: int = (await session.scalars(taken.returning(Counter.last))).one()
    return last


async def bill(session: AsyncSession, bill_id: UUID, *, locked: bool = False) -> Bill | None:
    """Return a bill; `locked` keeps others from it until the transaction ends."""
    query = select(Bill).where(Bill.id == bill_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if locked else query)


async def rows_of(session: AsyncSession, bill_ids: Collection[UUID]) -> dict[UUID, list[BillSession]]:
    """Return the sessions on bills, in their order, by bill."""
    found: dict[UUID, list[BillSession]] = {bill_id: [] for bill_id in bill_ids}
    query = select(BillSession).where(BillSession.bill_id.in_(bill_ids)).order_by(BillSession.position)
    for row in await session.scalars(query):
        found[row.bill_id].append(row)
    return found


async def payments_of(session: AsyncSession, bill_id: UUID) -> Sequence[BillPayment]:
    """Return what was noted of a bill's money, in its order."""
    query = select(BillPayment).where(BillPayment.bill_id == bill_id)
    return list(await session.scalars(query.order_by(BillPayment.recorded_at, BillPayment.id)))


async def on_session(session: AsyncSession, session_ids: Collection[UUID]) -> list[tuple[BillSession, Bill]]:
    """Return the bills that sessions are on, also those that were withdrawn."""
    query = (
        select(BillSession, Bill)
        .join(Bill, Bill.id == BillSession.bill_id)
        .where(BillSession.session_id.in_(session_ids))
        .order_by(Bill.number)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def agreed(session: AsyncSession, session_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the sessions that were begun to be paid by bill."""
    query = select(Payment.session_id).where(
        Payment.session_id.in_(session_ids),
        Payment.purpose == PaymentPurpose.SESSION,
        Payment.provider == later.BILL,
    )
    return {session_id for session_id in await session.scalars(query) if session_id is not None}


async def unbilled(session: AsyncSession, before: datetime | None) -> dict[UUID, list[UUID]]:
    """Return the sessions that were begun to be paid by bill, and were never on one, by driver.

    Only those that were over before a time, unless it is None; and only of drivers who owe something at all: of them
    there are few.
    """
    owes = select(LedgerAccount.owner).where(
        LedgerAccount.kind == AccountKind.RECEIVABLE, LedgerAccount.debits_posted > LedgerAccount.credits_posted
    )
    owing = [UUID(owner) for owner in await session.scalars(owes)]
    query = (
        select(Payment.driver_id, Receipt.session_id)
        .join(Receipt, Receipt.session_id == Payment.session_id)
        .join(Driver, Driver.id == Payment.driver_id)
        .outerjoin(BillSession, BillSession.session_id == Receipt.session_id)
        .where(
            Payment.driver_id.in_(owing),
            Payment.provider == later.BILL,
            Payment.purpose == PaymentPurpose.SESSION,
            Driver.kind == DriverKind.ACCOUNT,
            *((Receipt.issued_at < before,) if before is not None else ()),
            BillSession.bill_id.is_(None),
        )
        .order_by(Receipt.number)
    )
    found: dict[UUID, list[UUID]] = {}
    for driver_id, session_id in await session.execute(query):
        found.setdefault(driver_id, []).append(session_id)
    return found


async def printed(
    session: AsyncSession, session_ids: Collection[UUID]
) -> dict[UUID, tuple[ChargingSession, Receipt, str]]:
    """Return what is printed of billed sessions: with outlet and site, receipt, and the invoice's number."""
    query = (
        select(ChargingSession, Receipt, Invoice.label)
        .join(Receipt, Receipt.session_id == ChargingSession.id)
        .outerjoin(Invoice, Invoice.source == Receipt.session_id)
        .where(ChargingSession.id.in_(session_ids))
        .options(WITH_OUTLET)
    )
    return {row[0].id: (row[0], row[1], row[2] or "") for row in await session.execute(query)}


async def to_look_at(session: AsyncSession, now: datetime) -> Sequence[UUID]:
    """Return the bills whose time to be looked at has come."""
    return list(await session.scalars(select(Bill.id).where(Bill.look_at <= now).order_by(Bill.number)))


async def of_driver(session: AsyncSession, driver_id: UUID, most: int) -> Sequence[Bill]:
    """Return a driver's bills, the newest first."""
    query = select(Bill).where(Bill.driver_id == driver_id).order_by(Bill.number.desc())
    return list(await session.scalars(query.limit(most)))


async def all_bills(session: AsyncSession, most: int, *, unpaid: bool) -> Sequence[Bill]:
    """Return bills, the newest first; `unpaid`: only those that nobody has seen paid or withdrawn, the oldest first."""
    if unpaid:
        query = select(Bill).where(Bill.settled_at.is_(None), Bill.withdrawn_at.is_(None)).order_by(Bill.number)
    else:
        query = select(Bill).order_by(Bill.number.desc())
    return list(await session.scalars(query.limit(most)))


async def by_number(session: AsyncSession, number: int) -> Sequence[Bill]:
    """Return the bill with a number, or none."""
    return list(await session.scalars(select(Bill).where(Bill.number == number)))
