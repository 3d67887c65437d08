"""Words on documents, by the rules of the issuer's country. Marked for translation; `Language.text` translates."""

from dataclasses import dataclass
from typing import Final

from konsento.kit.i18n import marked
from konsento.settings import InvoiceCountry


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the rules of a country call things."""

    invoice: str
    """Of who has a registration number; others issue a `receipt` or a `bill`, and call it nothing more."""
    invoice_and_receipt: str
    """The same where it is paid already."""
    credit_note: str
    registration: str
    """In front of the registration number."""
    taxable: str
    """The amount that a rate applies to, tax included."""
    tax: str
    """The tax in that amount."""
    net: str = ""
    """The amount before tax, where the rules want it printed."""


COUNTRIES: Final = {
    InvoiceCountry.JP: Words(
        invoice=marked("Qualified simplified invoice"),
        invoice_and_receipt=marked("Qualified simplified invoice and receipt"),
        credit_note=marked("Qualified return invoice"),
        registration=marked("Registration number {number}"),
        taxable=marked("Subject to {rate}, tax included"),
        tax=marked("of which consumption tax {rate}"),
    ),
    InvoiceCountry.EU: Words(
        invoice=marked("VAT invoice"),
        invoice_and_receipt=marked("VAT invoice and receipt"),
        credit_note=marked("VAT credit note"),
        registration=marked("VAT number {number}"),
        net=marked("Net amount at {rate}"),
        taxable=marked("Gross amount at {rate}"),
        tax=marked("VAT {rate}"),
    ),
    InvoiceCountry.OTHER: Words(
        invoice=marked("Invoice"),
        invoice_and_receipt=marked("Invoice and receipt"),
        credit_note=marked("Credit note"),
        registration=marked("Tax number {number}"),
        net=marked("Amount before tax {rate}"),
        taxable=marked("Amount with tax {rate}"),
        tax=marked("Tax {rate}"),
    ),
}
BILL: Final = marked("Bill")
RECEIPT: Final = marked("Receipt of payment")
PLAIN_CREDIT_NOTE: Final = marked("Credit note")

LINES: Final = {
    "energy": marked("Charging energy"),
    "time": marked("Time of supply"),
    "session": marked("For each charging"),
    "idle": marked("Occupied without charging"),
    "minimum": marked("Up to the minimum price"),
    "maximum": marked("Down to the maximum price"),
    "discount": marked("Discount"),
    "unheld": marked("Above what was agreed, not billed"),
    "refund": marked("Refund"),
}
POINTS: Final = marked("Points")
"""What a discount is called that has no code: it is paid with points."""
REASONS: Final = {
    "late-readings": marked("later readings of the meter"),
    "operator": marked("corrected bill"),
}
"""Why an amount is given back."""
UNITS: Final = {
    "energy": marked("{price} / kWh"),
    "time": marked("{price} / min"),
    "idle": marked("{price} / min"),
}
PAID: Final = {
    "card": marked("Payment card"),
    "konbini": marked("Cash at a convenience store"),
    "paypay": "PayPay",
    "stripe": marked("Payment card"),
    "later": marked("Afterwards"),
    "bill": marked("By bill"),
    "balance": marked("Prepaid balance"),
    "fake": marked("Test card, no money moved"),
}
