"""A settled session as its driver reads it: what was measured, what was taken, and how the one became the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from konsento.invoices import layout
from konsento.invoices.content import Line as BilledLine
from konsento.invoices.service import Document
from konsento.kit.i18n import Language
from konsento.kit.power_words import power_text
from konsento.models import Metering
from konsento.rewards.texts import earned
from konsento.settlement.service import ReceiptView as Bill
from konsento.web.words import end_reason, paid_from


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was sold, how its amount came about, and the amount."""

    what: str
    how: str
    amount: str


@dataclass(frozen=True, kw_only=True)
class File:
    """A document that can be saved."""

    id: UUID
    title: str
    label: str


@dataclass(frozen=True, kw_only=True)
class ReceiptPage:
    """What the receipt page writes."""

    session_id: UUID
    sentence: str
    when: str
    reason: str
    lines: list[Line]
    taxes: list[tuple[str, str]]
    total: str
    hold: str
    notes: list[Line]
    """What was given back afterwards."""
    facts: list[tuple[str, str]]
    paid: str
    number: str
    registration: str
    """The issuer's registration number, as the rules call it; empty for none."""
    files: list[File]
    recipient: str
    """Whom the files are made out to; empty for nobody."""
    earned: list[str]
    """What the driver got for it, as sentences."""


def receipt_page(language: Language, bill: Bill, documents: Sequence[Document], recipient: str) -> ReceiptPage:
    """Describe a bill with its documents: the invoice, then what takes it back. There may be none for a moment."""
    language = language.estimating(estimated=bill.metering is Metering.ESTIMATED)
    text = language.text
    total = language.money(bill.amount_minor, bill.currency)
    energy = language.energy(bill.billed_wh)
    invoice = documents[0] if documents else None
    return ReceiptPage(
        session_id=bill.session_id,
        sentence=(
            text("Thank you. {amount} for {energy}.", amount=total, energy=energy)
            if bill.billed_wh
            else text("Nothing was charged.")
        ),
        when=period(language, bill.started_at or bill.issued_at, bill.ended_at, ZoneInfo(bill.time_zone)),
        reason=text("Ended: {reason}.", reason=text(end_reason(bill.end_reason))),
        lines=[_line(language, invoice, line) for line in invoice.content.lines] if invoice is not None else [],
        taxes=layout.tax_lines(language, invoice) if invoice is not None else [],
        total=total,
        hold=_hold(language, bill),
        notes=[_note(language, document) for document in documents[1:]],
        facts=_facts(language, bill, invoice),
        paid=text(paid_from(bill.provider)),
        number=str(bill.number),
        registration=layout.registration(language, invoice) if invoice is not None else "",
        files=[
            File(id=document.id, title=layout.title(language, document), label=document.label) for document in documents
        ],
        recipient=recipient,
        earned=earned(language, bill.given),
    )


def period(language: Language, begin: datetime, end: datetime | None, zone: ZoneInfo) -> str:
    """Return from when until when, where the outlet is."""
    if end is None:
        return language.moment(begin, zone)
    same_day = begin.astimezone(zone).date() == end.astimezone(zone).date()
    until = language.clock(end, zone) if same_day else language.moment(end, zone)
    return f"{language.moment(begin, zone)} – {until}"


def _hold(language: Language, bill: Bill) -> str:
    if bill.hold_minor == 0:
        return ""
    held = language.money(bill.hold_minor, bill.currency)
    if bill.amount_minor == 0:
        return language.text("Held: {amount}, all of it is released.", amount=held)
    if bill.released_minor == 0:
        return language.text("Held: {amount}.", amount=held)
    return language.text("Held: {amount}, the rest is released.", amount=held)


def _line(language: Language, invoice: Document, line: BilledLine) -> Line:
    what, quantity, price, amount = layout.line_words(language, invoice, line)
    how = language.text("{energy} × {price}", energy=quantity, price=price) if quantity and price else quantity
    return Line(what=what, how=how, amount=amount)


def _note(language: Language, document: Document) -> Line:
    (line,) = document.content.lines
    what, _, _, amount = layout.line_words(language, document, line)
    return Line(what=what, how="", amount=amount)


def _facts(language: Language, bill: Bill, invoice: Document | None) -> list[tuple[str, str]]:
    text = language.text
    facts = [
        (text("Outlet"), bill.outlet_name),
        (text("Place"), f"{bill.site_name}, {bill.place}" if bill.place else bill.site_name),
        (text("Measured"), language.energy(Decimal(bill.measured_mwh) / 1000)),
    ]
    if bill.begin_mwh is not None and bill.end_mwh is not None:
        facts.append((text("Meter"), layout.meter(language, bill.begin_mwh, bill.end_mwh)))
    facts += [
        (text("Time of supply"), language.duration(bill.seconds)),
        (text("Power · supplier"), f"{power_text(language, bill.power_type, bill.power_name)} · {bill.supplier}"),
    ]
    if invoice is not None and invoice.content.charging.carbon_g is not None:
        facts.append((text("CO₂ of this energy"), layout.carbon(language, invoice.content.charging.carbon_g)))
    return facts
