"""Receipts: what was billed, with every number that explains it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from konsento.api.errors import BadCursor
from konsento.api.paging import Part, page
from konsento.api.problems import declared
from konsento.api.schemas import Money, Page, Price, money, price
from konsento.api.who import ReadsReceipts
from konsento.models import Metering
from konsento.settlement import service as settlement
from konsento.settlement.errors import NoReceipt
from konsento.settlement.service import ReceiptView
from konsento.web.who import Wired

router = APIRouter(tags=["Receipts"])

Number = Annotated[UUID, Path(description="The id of the session that was billed.")]


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
    billed_wh: int = Field(description="Whole Wh that were billed.", examples=[6000])
    price: Price
    amount: Money = Field(description="Taken, tax included.")
    tax: Money = Field(description="Part of the amount that is tax.")
    hold: Money = Field(description="What was held.")
    released: Money = Field(description="What was held and not taken.")
    paid_with: str = Field(examples=["balance"])


@router.get("/receipts", responses=declared(BadCursor))
async def list_receipts(
    request: Request, services: Wired, caller: ReadsReceipts, asked: Annotated[Part, Query()]
) -> Page[Receipt]:
    """List receipts.

    The driver's own, the newest first.
    """
    async with services.database.transaction() as session:
        rows = await settlement.receipts(session, caller.driver.id, asked.after_number(), asked.limit + 1)
    return page(request, asked, rows, receipt_of, lambda row: [str(row.number)])


@router.get("/receipts/{session_id}", responses=declared(NoReceipt))
async def get_receipt(session_id: Number, services: Wired, caller: ReadsReceipts) -> Receipt:
    """Get a receipt.

    By the id of its session.
    """
    async with services.database.transaction() as session:
        return receipt_of(await settlement.receipt(session, caller.driver.id, session_id))


def receipt_of(bill: ReceiptView) -> Receipt:
    """Describe a receipt."""
    currency = bill.currency
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
    )
