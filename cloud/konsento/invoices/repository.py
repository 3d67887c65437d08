"""Queries of invoices."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import (
    WITH_OUTLET,
    ChargingSession,
    Counter,
    Driver,
    DriverKind,
    Invoice,
    InvoiceKind,
    InvoiceRecipient,
    Payment,
    PaymentPurpose,
    Receipt,
    ReceiptLine,
    Recipient,
)

COUNTERS = {InvoiceKind.INVOICE: "invoices", InvoiceKind.CREDIT_NOTE: "credit notes"}


async def take_numbers(session: AsyncSession, kind: InvoiceKind, count: int) -> int:
    """Take that many numbers in a row and return the first; a transaction that is rolled back gives them back."""
    taken = insert(session, Counter).values(name=COUNTERS[kind], last=count)
    taken = taken.on_conflict_do_update(index_elements=[Counter.name], set_={"last": Counter.last + count})
    last: int = (await session.scalars(taken.returning(Counter.last))).one()
    return last - count + 1


async def unissued(session: AsyncSession, session_ids: Collection[UUID]) -> list[tuple[Receipt, ChargingSession]]:
    """Return the receipts of these sessions that have no invoice, by number, with session, outlet and site."""
    query = (
        select(Receipt, ChargingSession)
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .outerjoin(Invoice, Invoice.source == Receipt.session_id)
        .where(Receipt.session_id.in_(session_ids), Invoice.id.is_(None))
        .options(WITH_OUTLET)
        .order_by(Receipt.number)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def receipts_without(session: AsyncSession, most: int) -> Sequence[UUID]:
    """Return sessions whose receipt has no invoice, the oldest receipt first."""
    query = (
        select(Receipt.session_id)
        .outerjoin(Invoice, Invoice.source == Receipt.session_id)
        .where(Invoice.id.is_(None))
        .order_by(Receipt.number)
        .limit(most)
    )
    return (await session.scalars(query)).all()


async def payments_of(session: AsyncSession, session_ids: Collection[UUID]) -> dict[UUID, Payment]:
    """Return the payment that was held for each session."""
    query = select(Payment).where(Payment.session_id.in_(session_ids), Payment.purpose == PaymentPurpose.SESSION)
    return {payment.session_id: payment for payment in await session.scalars(query) if payment.session_id is not None}


async def lines_of(session: AsyncSession, session_ids: Collection[UUID]) -> dict[UUID, list[ReceiptLine]]:
    """Return the lines of receipts in their order."""
    query = select(ReceiptLine).where(ReceiptLine.session_id.in_(session_ids)).order_by(ReceiptLine.position)
    found: dict[UUID, list[ReceiptLine]] = {}
    for line in await session.scalars(query):
        found.setdefault(line.session_id, []).append(line)
    return found


async def of_source(session: AsyncSession, source: UUID) -> Invoice | None:
    """Return the document that was issued for something."""
    return await session.scalar(select(Invoice).where(Invoice.source == source))


async def locked_invoice(session: AsyncSession, session_id: UUID) -> Invoice | None:
    """Return the invoice of a session; whoever else would credit it waits."""
    # The row of the session, because those of documents are not to be touched.
    await session.execute(select(ChargingSession.id).where(ChargingSession.id == session_id).with_for_update())
    query = select(Invoice).where(Invoice.session_id == session_id, Invoice.kind == InvoiceKind.INVOICE)
    return await session.scalar(query)


async def credit_notes(session: AsyncSession, invoice_id: UUID) -> list[Invoice]:
    """Return what takes an invoice back, the oldest first."""
    query = select(Invoice).where(Invoice.credits_id == invoice_id).order_by(Invoice.number)
    return list(await session.scalars(query))


async def of_sessions(session: AsyncSession, session_ids: Collection[UUID]) -> list[Invoice]:
    """Return the documents of sessions: each invoice before its credit notes."""
    query = select(Invoice).where(Invoice.session_id.in_(session_ids))
    found = list(await session.scalars(query))
    return sorted(found, key=lambda one: (one.kind is InvoiceKind.CREDIT_NOTE, one.number))


async def of_driver(session: AsyncSession, driver_id: UUID, invoice_id: UUID) -> Invoice | None:
    """Return a document of a driver's own, who is not deleted."""
    query = (
        select(Invoice)
        .join(ChargingSession, ChargingSession.id == Invoice.session_id)
        .join(Driver, Driver.id == ChargingSession.driver_id)
        .where(Invoice.id == invoice_id, Driver.id == driver_id, Driver.kind != DriverKind.DELETED)
    )
    return await session.scalar(query)


async def driver_of(session: AsyncSession, invoice_id: UUID) -> UUID | None:
    """Return whose document it is."""
    query = (
        select(ChargingSession.driver_id)
        .join(Invoice, Invoice.session_id == ChargingSession.id)
        .where(Invoice.id == invoice_id)
    )
    return await session.scalar(query)


async def recipients_of(session: AsyncSession, driver_ids: Collection[UUID]) -> dict[UUID, Recipient]:
    """Return whom the documents of drivers are made out to from now on."""
    found = await session.scalars(select(Recipient).where(Recipient.driver_id.in_(driver_ids)))
    return {one.driver_id: one for one in found}


async def recipient_of(session: AsyncSession, invoice_id: UUID) -> InvoiceRecipient | None:
    """Return whom one document is made out to."""
    return await session.get(InvoiceRecipient, invoice_id)
