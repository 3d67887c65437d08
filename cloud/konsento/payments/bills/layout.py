"""A bill on paper: what it is for, and all that a bank wants to know to pay it."""

from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import segno
from segno import helpers

from konsento.kit.i18n import Language
from konsento.kit.money import major_from_minor
from konsento.kit.paper.pdf import as_pdf
from konsento.kit.paper.sheet import INNER, LEFT, RIGHT, Column, Sheet
from konsento.payments.bills.names import label, reference, written_reference
from konsento.payments.bills.service import BillView, Standing

_TITLE: Final = 5.6
_TOTAL: Final = 5.0
_SIDE: Final = INNER * 0.46
_CODE: Final = 38.0
"""Side of the QR code, mm."""
_MOST_EPC: Final = Decimal("999999999.99")
"""The most that a transfer by such a code can be (EPC069-12)."""


def title(language: Language, view: BillView) -> str:
    """Return what it is called: a bill, or the reminder of one."""
    if view.bill.reminders and view.standing is Standing.OVERDUE:
        return language.text("Reminder of a bill")
    return language.text("Request for payment")


def pdf(language: Language, view: BillView) -> bytes:
    """Return a bill as a PDF, with what is still to be paid of it."""
    bill, text = view.bill, language.text
    zone = ZoneInfo(bill.time_zone)
    sheet = Sheet(foot=f"{bill.payee} · {label(bill)}")
    _head(sheet, language, view)
    sheet.rule(0.4)
    sheet.space(2.4)
    top = sheet.y
    until = language.day(bill.due_at, zone)
    sheet.text(_standing(language, view, until), size=_TOTAL, bold=True, width=INNER * 0.66)
    low, sheet.y = sheet.y, top
    left = language.money(view.left_minor, bill.currency)
    sheet.text(left, size=_TOTAL, bold=True, x=RIGHT, width=INNER * 0.32, anchor="end")
    sheet.y = max(low, sheet.y) + 2
    sheet.rule(0.4)
    sheet.space(8)
    rows = [
        (
            language.day(row.charged_at, zone),
            row.place,
            row.invoice_label,
            language.money(row.amount_minor, bill.currency),
        )
        for row in view.rows
    ]
    if since := bill.amount_minor - view.left_minor:
        rows.append(("", text("Paid or taken off since"), "", language.money(-since, bill.currency)))
    sheet.table(
        (
            Column(head=text("Day"), share=0.19),
            Column(head=text("Place"), share=0.39),
            Column(head=text("Invoice number"), share=0.22),
            Column(head=text("Sum"), share=0.2, anchor="end"),
        ),
        rows,
    )
    sheet.space(6)
    if view.standing in {Standing.OPEN, Standing.OVERDUE}:
        _slip(sheet, language, view)
    return as_pdf(sheet.pages(), f"{title(language, view)} {label(bill)}", bill.payee)


def slip(language: Language, view: BillView) -> list[tuple[str, str]]:
    """Return what a bank wants to know to pay it, by name."""
    bill, text = view.bill, language.text
    facts = [(text("Payee"), bill.payee)]
    if bill.bank:
        facts.append((text("Bank account"), bill.bank))
    if bill.iban:
        facts.append(("IBAN", " ".join(bill.iban[at : at + 4] for at in range(0, len(bill.iban), 4))))
    facts += [
        (text("Sum"), language.money(view.left_minor, bill.currency)),
        (text("Payable until"), language.day(bill.due_at, ZoneInfo(bill.time_zone))),
        (text("Payment reference"), written_reference(bill)),
    ]
    if not bill.iban:
        # Banks without references, as in Japan, show the payee no more than the sender's name.
        facts.append((text("Sender"), text("{number} and your name", number=f"{bill.number:09}")))
    return facts


def _standing(language: Language, view: BillView, until: str) -> str:
    match view.standing:
        case Standing.PAID:
            return language.text("Paid. Nothing is left to pay.")
        case Standing.WITHDRAWN:
            return language.text("Withdrawn. Do not pay it.")
        case Standing.OPEN:
            return language.text("Please pay by {day}", day=until)
        case Standing.OVERDUE:
            return language.text("Was to be paid by {day}", day=until)


def _head(sheet: Sheet, language: Language, view: BillView) -> None:
    bill, text = view.bill, language.text
    sheet.text(title(language, view), size=_TITLE, bold=True)
    sheet.space(5)
    top = sheet.y
    if bill.recipient:
        sheet.text(text("To {name}", name=bill.recipient), size=4.2, bold=True, width=INNER - _SIDE - 6)
        sheet.space(0.6)
    if bill.recipient_address:
        sheet.text(bill.recipient_address, width=INNER - _SIDE - 6)
    left, sheet.y = sheet.y, top
    side = RIGHT - _SIDE
    sheet.pair(text("Number"), label(bill), x=side, width=_SIDE, share=0.34)
    issued = language.day(bill.issued_at, ZoneInfo(bill.time_zone))
    sheet.pair(text("Issued on"), issued, x=side, width=_SIDE, share=0.34)
    sheet.space(3)
    sheet.text(bill.payee, bold=True, x=side, width=_SIDE)
    sheet.space(0.6)
    if bill.payee_address:
        sheet.text(bill.payee_address, x=side, width=_SIDE)
    sheet.y = max(left, sheet.y) + 8


def _slip(sheet: Sheet, language: Language, view: BillView) -> None:
    """Write what to type at the bank, all of it on one page."""
    code = epc_code(view)
    sheet.room(70)
    sheet.text(language.text("Pay by bank transfer"), bold=True)
    sheet.space(1)
    sheet.rule()
    sheet.space(1.6)
    top = sheet.y
    width = INNER - (_CODE + 4 if code is not None else 0)
    for name, value in slip(language, view):
        sheet.pair(name, value, x=LEFT, width=width, share=0.3)
        sheet.space(0.4)
    low = sheet.y
    if code is not None:
        sheet.y = top
        sheet.code(code, x=RIGHT - _CODE, side=_CODE)
        sheet.space(_CODE)
        sheet.text(language.text("For your bank's app"), size=2.8, grey=True, x=RIGHT, width=_CODE, anchor="end")
    sheet.y = max(low, sheet.y) + 3
    note = language.text(
        "Everything here is the sum of the invoices named above, which are issued apart. In your account you can also"
        " pay at once in another way."
    )
    sheet.text(note, grey=True, size=2.8)


def epc_code(view: BillView) -> segno.QRCode | None:
    """Return the QR code with which banks' apps fill a transfer in (EPC069-12); None but for euro with an IBAN."""
    bill = view.bill
    amount = major_from_minor(view.left_minor, bill.currency)
    if bill.currency != "EUR" or not bill.iban or not 0 < amount <= _MOST_EPC:
        return None
    return helpers.make_epc_qr(name=bill.payee[:70], iban=bill.iban, amount=amount, reference=reference(bill))
