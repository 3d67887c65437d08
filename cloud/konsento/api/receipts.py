"""Receipts: what was billed, with every number that explains it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from konsento.api.errors import BadCursor
from konsento.api.paging import Part, page
from konsento.api.problems import declared
from konsento.api.schemas import Money, Page, Price, money, price
from konsento.api.who import ReadsReceipts
from konsento.invoices import service as invoices
from konsento.invoices.content import Line as BilledLine
from konsento.invoices.errors import NoInvoice
from konsento.models import InvoiceKind, Metering
from konsento.settlement import service as settlement
from konsento.settlement.errors import NoReceipt
from konsento.settlement.service import ReceiptView
from konsento.web.invoices import pdf_file
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter(tags=["Receipts"])

PDF: Final = {"type": "string", "contentMediaType": "application/pdf"}

Number = Annotated[UUID, Path(description="The id of the session that was billed.")]


class Line(BaseModel):
    """What was sold, or a part of its price."""

    kind: str = Field(
        description="`energy`, `time`, `session`, `idle`, `minimum`, `maximum`, `discount`, `unheld`.",
        examples=["energy"],
    )
    quantity: int = Field(description="Wh, seconds or 1, by the kind.", examples=[6000])
    unit_price: str = Field(description="Per kWh, minute or piece in yen, euros; a decimal number.", examples=["38.5"])
    amount: Money
    note: str = Field(description="For example the code of a coupon; may be empty.", examples=[""])


class Document(BaseModel):
    """An invoice, or a credit note that takes a part of it back."""

    id: UUID
    kind: InvoiceKind
    number: str = Field(description="As it is printed.", examples=["K-2026-000123"])
    issued_at: datetime
    amount: Money = Field(description="Tax included; below zero for a credit note.")
    tax: Money = Field(description="Part of the amount that is tax.")
    tax_rate: str = Field(description="Share of tax on the net price; a decimal number.", examples=["0.1"])
    registration_number: str = Field(description="The issuer's; empty for none.", examples=["T7000012050002"])


class Receipt(BaseModel):
    """The bill of one session."""

    number: int = Field(description="Consecutive, without gaps.", examples=[1042])
    session_id: UUID
    issued_at: datetime
    site: str = Field(examples=["Sakura Mall car park"])
    place: str = Field(examples=["Setagaya, Tokyo"])
    time_zone: str = Field(examples=["Asia/Tokyo"])
    outlet: str = Field(examples=["Outlet 1, north wall"])
    outlet_code: str = Field(examples=["K7F29Q"])
    started_at: datetime | None
    ended_at: datetime | None
    seconds: int = Field(description="Of supply.", examples=[7200])
    end_reason: str = Field(description="OCPP's word.", examples=["EnergyLimitReached"])
    power_type: str = Field(examples=["solar"])
    supplier: str = Field(examples=["Sakura Energy"])
    carbon_g_per_kwh: int | None = Field(description="As its supplier stated it; null: not known.", examples=[25])
    metering: Metering = Field(
        description="On what basis the outlet measured; `estimated`: the energies are equivalents.",
        examples=["verified"],
    )
    measured_mwh: int = Field(description="Measured, mWh.", examples=[6000400])
    begin_mwh: int | None = Field(description="The outlet's meter at the start, mWh; null where it told none.")
    end_mwh: int | None = Field(description="The outlet's meter at the end, mWh; null where it told none.")
    billed_wh: int = Field(description="Whole Wh that the bill is for.", examples=[6000])
    price: Price
    amount: Money = Field(description="Taken, tax included.")
    tax: Money = Field(description="Part of the amount that is tax.")
    hold: Money = Field(description="What was held.")
    released: Money = Field(description="What was held and not taken.")
    paid_with: str = Field(examples=["balance"])
    lines: list[Line] = Field(description="How the amount came about; their sum is the amount.")
    points_earned: int = Field(description="Eco points that the driver got for it.", examples=[6])
    coupons_earned: list[str] = Field(description="Codes of coupons that the driver got for it.", examples=[[]])
    carbon_g: int | None = Field(
        description="CO₂ of the energy by the factor that was agreed, g; null where it is not known.", examples=[240]
    )
    documents: list[Document] = Field(
        description="The invoice, then its credit notes. Empty for a moment after an upgrade of the server."
    )


@router.get("/receipts", responses=declared(BadCursor))
async def list_receipts(
    request: Request, services: Wired, caller: ReadsReceipts, asked: Annotated[Part, Query()]
) -> Page[Receipt]:
    """List receipts.

    The driver's own, the newest first.
    """
    async with services.database.transaction() as session:
        rows = await settlement.receipts(session, caller.driver.id, asked.after_number(), asked.limit + 1)
        documents = await invoices.documents(session, [row.session_id for row in rows])
    return page(
        request, asked, rows, lambda row: receipt_of(row, documents[row.session_id]), lambda row: [str(row.number)]
    )


@router.get(
    "/receipts/{session_id}.pdf",
    response_class=Response,
    responses=declared(NoInvoice)
    | {200: {"description": "The document.", "content": {"application/pdf": {"schema": PDF}}}},
)
async def get_invoice_file(
    request: Request,
    session_id: Number,
    services: Wired,
    caller: ReadsReceipts,
    document: Annotated[UUID | None, Query(description="Id of one of `documents`; without it the invoice.")] = None,
) -> Response:
    """Get an invoice as a PDF.

    Or a credit note; in the language of `Accept-Language`.
    """
    async with services.database.transaction() as session:
        found = await invoices.own_invoice(session, caller.driver.id, session_id)
        if document is not None:
            found = await invoices.own_document(session, caller.driver.id, document)
            if found.session_id != session_id:
                raise NoInvoice
    return await pdf_file(language_of(request), found)


@router.get("/receipts/{session_id}", responses=declared(NoReceipt))
async def get_receipt(session_id: Number, services: Wired, caller: ReadsReceipts) -> Receipt:
    """Get a receipt.

    By the id of its session.
    """
    async with services.database.transaction() as session:
        receipt = await settlement.receipt(session, caller.driver.id, session_id)
        documents = (await invoices.documents(session, [session_id]))[session_id]
    return receipt_of(receipt, documents)


def receipt_of(bill: ReceiptView, documents: Sequence[invoices.Document]) -> Receipt:
    """Describe a receipt with its documents, the invoice first."""
    currency = bill.currency
    content = documents[0].content if documents else None
    return Receipt(
        number=bill.number,
        session_id=bill.session_id,
        issued_at=bill.issued_at,
        site=bill.site_name,
        place=bill.place,
        time_zone=bill.time_zone,
        outlet=bill.outlet_name,
        outlet_code=bill.outlet_code,
        started_at=bill.started_at,
        ended_at=bill.ended_at,
        seconds=bill.seconds,
        end_reason=bill.end_reason,
        power_type=bill.power_type,
        supplier=bill.supplier,
        carbon_g_per_kwh=bill.carbon_g_per_kwh,
        metering=bill.metering,
        measured_mwh=bill.measured_mwh,
        begin_mwh=bill.begin_mwh,
        end_mwh=bill.end_mwh,
        billed_wh=bill.billed_wh,
        price=price(bill.price),
        amount=money(bill.amount_minor, currency),
        tax=money(bill.tax_minor, currency),
        hold=money(bill.hold_minor, currency),
        released=money(bill.released_minor, currency),
        paid_with=bill.provider,
        lines=[line_of(line, currency) for line in content.lines] if content is not None else [],
        points_earned=bill.given.points_earned,
        coupons_earned=list(bill.given.coupons_earned),
        carbon_g=content.charging.carbon_g if content is not None else None,
        documents=[document_of(document) for document in documents],
    )


def line_of(line: BilledLine, currency: str) -> Line:
    """Describe a line."""
    return Line(
        kind=line.kind,
        quantity=line.quantity,
        unit_price=f"{line.unit_price:f}",
        amount=money(line.amount_minor, currency),
        note=line.note,
    )


def document_of(document: invoices.Document) -> Document:
    """Describe a document."""
    return Document(
        id=document.id,
        kind=document.kind,
        number=document.label,
        issued_at=document.issued_at,
        amount=money(document.total_minor, document.currency),
        tax=money(document.tax_minor, document.currency),
        tax_rate=f"{document.tax_rate:f}",
        registration_number=document.content.issuer.registration_number,
    )
