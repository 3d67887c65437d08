"""Documents for tests of what is printed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from konsento.invoices.content import Charging, Content, Issuer, Line, Paid
from konsento.invoices.service import Document
from konsento.models import InvoiceKind
from konsento.settings import InvoiceCountry

AT = datetime(2026, 11, 22, 1, 58, tzinfo=UTC)
ISSUER = Issuer(
    name="さくらエナジー株式会社",
    address="〒154-0004 東京都世田谷区太子堂1-2-3",
    registration_number="T7000012050002",
    country=InvoiceCountry.JP,
    time_zone="Asia/Tokyo",
)
GERMAN = Issuer(
    name="Grünstrom Ladeservice GmbH & Co. KG",
    address="Łódzka-Straße 12, 10115 Berlin",
    registration_number="DE136695976",
    country=InvoiceCountry.EU,
    time_zone="Europe/Berlin",
)
CHARGING = Charging(
    site="Sakura Mall car park",
    place="Setagaya, Tokyo",
    outlet="Outlet 1, north wall",
    outlet_code="K7F29Q",
    time_zone="Asia/Tokyo",
    started_at=AT - timedelta(hours=2),
    ended_at=AT,
    seconds=7200,
    power_type="solar",
    power_name={},
    supplier="Sakura Energy",
    begin_mwh=1_204_318_000,
    end_mwh=1_210_318_200,
    wh=6000,
    carbon_g=240,
)
ENERGY = Line(kind="energy", quantity=6000, unit_price=Decimal("38.5"), amount_minor=231)
PAID = Paid(provider="balance", method="", is_taken=True, hold_minor=300, released_minor=69)
CONTENT = Content(issuer=ISSUER, lines=(ENERGY,), charging=CHARGING, paid=PAID)
INVOICE = Document(
    id=UUID(int=1),
    kind=InvoiceKind.INVOICE,
    label="K-2026-000123",
    session_id=UUID(int=2),
    issued_at=AT,
    currency="JPY",
    total_minor=231,
    tax_minor=21,
    tax_rate=Decimal("0.1"),
    content=CONTENT,
)
CREDIT_NOTE = replace(
    INVOICE,
    kind=InvoiceKind.CREDIT_NOTE,
    label="KC-2026-000004",
    total_minor=-100,
    tax_minor=-9,
    content=replace(
        CONTENT,
        credits_label=INVOICE.label,
        credits_issued_at=AT,
        lines=(Line(kind="refund", quantity=1, unit_price=Decimal(-100), amount_minor=-100, note="late-readings"),),
    ),
)


def with_content(document: Document, **changes: Any) -> Document:
    """Return a document that says something else."""
    return replace(document, content=replace(document.content, **changes))
