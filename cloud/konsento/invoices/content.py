"""What is printed on a document beside its number, its date and its sums: kept with it, so that it never changes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from konsento.settings import InvoiceCountry, Settings


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who issues it."""

    name: str
    address: str
    registration_number: str
    """Empty for who has none."""
    country: InvoiceCountry
    """Whose rules it follows."""
    time_zone: str
    """Of its date."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was sold, or a part of the price."""

    kind: str
    """A word of `invoices.words.LINES`."""
    quantity: int
    """Wh, s, or 1."""
    unit_price: Decimal
    """Major units, per kWh, minute or piece, tax included."""
    amount_minor: int
    note: str = ""
    """What else names it, for example the code of a coupon, or why an amount is given back."""
    band: dict[str, Any] | None = None
    """When its price holds (`pricing.Band.to_dict`); None for at all times."""
    basis: dict[str, Any] | None = None
    """Why its price was that, where it follows the grid (`pricing.Basis.to_dict`); None where it does not."""


@dataclass(frozen=True, kw_only=True)
class Charging:
    """The session, as it was when it was billed."""

    site: str
    place: str
    outlet: str
    outlet_code: str
    time_zone: str
    """Of its times."""
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int
    """Of supply."""
    power_type: str
    """The standard word."""
    power_name: dict[str, str]
    """What the operator calls a type of its own, by language; empty for a standard one."""
    supplier: str
    begin_mwh: int | None
    end_mwh: int | None
    wh: int
    """Billed, or estimated."""
    is_estimate: bool = False
    """The outlet's meter may not bill energy: the amount is only told, as an equivalent."""
    carbon_g: int | None = None
    """Emitted for the energy, by the factor that was agreed; None where nobody knows it."""


@dataclass(frozen=True, kw_only=True)
class Paid:
    """How it was paid when the document was issued."""

    provider: str
    """Empty where no way to pay was named."""
    method: str
    """The provider's word for what was paid with: `card`, `paypay`; empty where that is all the same."""
    is_taken: bool
    """The money was there already."""
    hold_minor: int
    released_minor: int


@dataclass(frozen=True, kw_only=True)
class Content:
    """All of it."""

    issuer: Issuer
    lines: tuple[Line, ...]
    charging: Charging
    paid: Paid
    credits_label: str = ""
    """Of a credit note: the number of its invoice."""
    credits_issued_at: datetime | None = None
    """Of a credit note: when its invoice was issued."""

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return kept


def from_json(kept: dict[str, Any]) -> Content:
    """Return what was kept."""
    return msgspec.convert(kept, Content)


def issuer_of(settings: Settings) -> Issuer:
    """Return who issues documents from now on."""
    return Issuer(
        name=settings.operator_name,
        address=settings.operator_address,
        registration_number=settings.registration_number,
        country=settings.invoice_country,
        time_zone=settings.time_zone,
    )
