"""Issuing documents: an invoice for each receipt, a credit note for what is given back of it."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.invoices import content as contents
from konsento.invoices import repository
from konsento.invoices.content import Charging, Content, Line, Paid
from konsento.invoices.errors import CreditTooLarge, NoInvoice
from konsento.kit.ids import new_random_id
from konsento.kit.money import major_from_minor
from konsento.models import (
    ChargingSession,
    Invoice,
    InvoiceKind,
    InvoiceRecipient,
    Metering,
    Payment,
    PaymentState,
    Receipt,
    ReceiptLine,
)
from konsento.pricing import Component
from konsento.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document, and whom this copy of it is made out to."""

    id: UUID
    kind: InvoiceKind
    label: str
    session_id: UUID
    issued_at: datetime
    currency: str
    total_minor: int
    """Tax included; at most zero in a credit note."""
    tax_minor: int
    tax_rate: Decimal
    content: Content
    recipient: tuple[str, str] | None = None
    """Name and address, where the driver has named somebody."""


async def issue(session: AsyncSession, settings: Settings, session_ids: Collection[UUID], at: datetime) -> None:
    """Issue the invoices of receipts, in the order of their numbers; those that have one are left as they are."""
    billed = await repository.unissued(session, session_ids)
    if not billed:
        return
    lines = await repository.lines_of(session, session_ids)
    payments = await repository.payments_of(session, session_ids)
    recipients = await repository.recipients_of(session, {charging.driver_id for _, charging in billed})
    first = await repository.take_numbers(session, InvoiceKind.INVOICE, len(billed))
    issuer = contents.issuer_of(settings)
    for number, (receipt, charging) in enumerate(billed, start=first):
        content = Content(
            issuer=issuer,
            lines=tuple(_line(line, charging) for line in lines.get(charging.id, ())),
            charging=_charging(receipt, charging),
            paid=_paid(receipt, payments.get(charging.id)),
        )
        invoice = Invoice(
            id=new_random_id(),
            kind=InvoiceKind.INVOICE,
            number=number,
            label=_label(settings.invoice_numbers, number, at, settings),
            session_id=charging.id,
            source=charging.id,
            credits_id=None,
            issued_at=at,
            currency=receipt.currency,
            total_minor=receipt.amount_minor,
            tax_minor=receipt.tax_minor,
            tax_rate=receipt.tax_rate,
            content=content.to_json(),
        )
        session.add(invoice)
        recipient = recipients.get(charging.driver_id)
        if recipient is not None:
            await session.flush()
            _make_out(session, invoice, charging.driver_id, recipient.name, recipient.address)
    await session.flush()


@dataclass(frozen=True, kw_only=True)
class Credit:
    """A part of a session's invoice that is given back."""

    session_id: UUID
    source: UUID
    """What gave it back (a correction): asked again it is the same note."""
    amount_minor: int
    """Above zero, tax included."""
    tax_minor: int
    reason: str
    """A word of `invoices.words.REASONS`."""


async def credit(session: AsyncSession, settings: Settings, wanted: Credit, at: datetime) -> Invoice:
    """Issue a credit note. Raises `NoInvoice`, `CreditTooLarge`."""
    invoice = await repository.locked_invoice(session, wanted.session_id)
    existing = await repository.of_source(session, wanted.source)
    if existing is not None:
        return existing
    if invoice is None:
        raise NoInvoice
    earlier = await repository.credit_notes(session, invoice.id)
    left = invoice.total_minor + sum(one.total_minor for one in earlier)
    tax_left = invoice.tax_minor + sum(one.tax_minor for one in earlier)
    if not 0 < wanted.amount_minor <= left or not 0 <= wanted.tax_minor <= tax_left:
        raise CreditTooLarge(invoice=invoice.label, left=left, currency=invoice.currency)
    number = await repository.take_numbers(session, InvoiceKind.CREDIT_NOTE, 1)
    note = Invoice(
        id=new_random_id(),
        kind=InvoiceKind.CREDIT_NOTE,
        number=number,
        label=_label(settings.credit_note_numbers, number, at, settings),
        session_id=wanted.session_id,
        source=wanted.source,
        credits_id=invoice.id,
        issued_at=at,
        currency=invoice.currency,
        total_minor=-wanted.amount_minor,
        tax_minor=-wanted.tax_minor,
        tax_rate=invoice.tax_rate,
        content=_credited(settings, invoice, wanted).to_json(),
    )
    session.add(note)
    await session.flush()
    recipient = await repository.recipient_of(session, invoice.id)
    if recipient is not None:
        _make_out(session, note, recipient.driver_id, recipient.name, recipient.address)
    log.info("session %s: credit note %s of %d (minor units)", wanted.session_id, note.label, wanted.amount_minor)
    return note


def _credited(settings: Settings, invoice: Invoice, wanted: Credit) -> Content:
    billed = contents.from_json(invoice.content)
    major = major_from_minor(-wanted.amount_minor, invoice.currency)
    line = Line(kind="refund", quantity=1, unit_price=major, amount_minor=-wanted.amount_minor, note=wanted.reason)
    return Content(
        issuer=contents.issuer_of(settings),
        lines=(line,),
        charging=billed.charging,
        paid=billed.paid,
        credits_label=invoice.label,
        credits_issued_at=invoice.issued_at,
    )


async def documents(session: AsyncSession, session_ids: Collection[UUID]) -> dict[UUID, list[Document]]:
    """Return the documents of sessions, each invoice before its credit notes. Whom they are made out to is left out."""
    found: dict[UUID, list[Document]] = {number: [] for number in session_ids}
    for invoice in await repository.of_sessions(session, session_ids):
        found[invoice.session_id].append(document(invoice))
    return found


async def own_document(session: AsyncSession, driver_id: UUID, invoice_id: UUID) -> Document:
    """Return a driver's own document, made out to whom the driver has named. Raises `NoInvoice`."""
    invoice = await repository.of_driver(session, driver_id, invoice_id)
    if invoice is None:
        raise NoInvoice
    return document(invoice, await repository.recipient_of(session, invoice_id))


async def own_invoice(session: AsyncSession, driver_id: UUID, session_id: UUID) -> Document:
    """Return the invoice of a driver's own session, as `own_document`. Raises `NoInvoice`."""
    invoice = await repository.of_source(session, session_id)
    if invoice is None:
        raise NoInvoice
    return await own_document(session, driver_id, invoice.id)


async def document_by_id(session: AsyncSession, invoice_id: UUID) -> Document:
    """Return a document, made out to nobody. Raises `NoInvoice`."""
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None:
        raise NoInvoice
    return document(invoice)


def document(invoice: Invoice, recipient: InvoiceRecipient | None = None) -> Document:
    """Return a document as it is printed."""
    return Document(
        id=invoice.id,
        kind=invoice.kind,
        label=invoice.label,
        session_id=invoice.session_id,
        issued_at=invoice.issued_at,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        tax_minor=invoice.tax_minor,
        tax_rate=invoice.tax_rate,
        content=contents.from_json(invoice.content),
        recipient=(recipient.name, recipient.address) if recipient is not None else None,
    )


def _make_out(session: AsyncSession, invoice: Invoice, driver_id: UUID, name: str, address: str) -> None:
    session.add(InvoiceRecipient(invoice_id=invoice.id, driver_id=driver_id, name=name, address=address))


def _label(written: str, number: int, at: datetime, settings: Settings) -> str:
    day = at.astimezone(ZoneInfo(settings.time_zone))
    return written.format(number=number, year=day.year, month=day.month)


def _line(line: ReceiptLine, charging: ChargingSession) -> Line:
    return Line(
        kind=line.kind,
        quantity=line.quantity,
        unit_price=line.unit_price,
        amount_minor=line.amount_minor,
        note=line.code,
        band=line.band,
        basis=charging.price.get("basis") if line.kind == Component.ENERGY else None,
    )


def _charging(receipt: Receipt, charging: ChargingSession) -> Charging:
    outlet = charging.outlet
    return Charging(
        site=outlet.site.name,
        place=outlet.site.place,
        outlet=outlet.name,
        outlet_code=outlet.code,
        time_zone=outlet.site.time_zone,
        started_at=charging.started_at,
        ended_at=charging.ended_at,
        seconds=charging.seconds,
        power_type=charging.power_type,
        power_name=charging.power_name,
        supplier=charging.supplier,
        begin_mwh=receipt.begin_mwh,
        end_mwh=receipt.end_mwh,
        wh=receipt.billed_wh,
        is_estimate=charging.metering is Metering.ESTIMATED,
        carbon_g=charging.carbon_g_per_kwh * receipt.billed_wh // 1000
        if charging.carbon_g_per_kwh is not None
        else None,
    )


def _paid(receipt: Receipt, payment: Payment | None) -> Paid:
    return Paid(
        provider=payment.provider if payment is not None else "",
        method=payment.method if payment is not None else "",
        is_taken=payment is not None and payment.state is PaymentState.CAPTURED,
        hold_minor=receipt.hold_minor,
        released_minor=receipt.released_minor,
    )
