"""A driver's bills."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from konsento.api.problems import declared
from konsento.api.schemas import Money, money
from konsento.api.who import ReadsBalance
from konsento.payments.bills import repository
from konsento.payments.bills import service as bills
from konsento.payments.bills.names import label, reference
from konsento.payments.bills.service import BillView, Standing
from konsento.web.bills import MOST
from konsento.web.who import Wired

router = APIRouter(tags=["Payments"])


class Bill(BaseModel):
    """A request to pay for some sessions by bank transfer."""

    id: UUID = Field(examples=["01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"])
    number: str = Field(examples=["B-2026-000123"])
    state: Standing = Field(
        description="`overdue` keeps the driver from charging; `paid` also by another way than the bank.",
        examples=["open"],
    )
    amount: Money = Field(description="What it was made for.")
    left: Money = Field(description="What is still to be paid.")
    issued_at: datetime
    due_at: datetime
    payee: str = Field(examples=["Sakura Energy"])
    bank: str = Field(description="The payee's account, in lines; may be empty.", examples=["Sakura Bank, 1234567"])
    iban: str = Field(description="Empty for none.", examples=["DE89370400440532013000"])
    reference: str = Field(description="Creditor reference of ISO 11649.", examples=["RF78000000123"])
    sessions: list[UUID] = Field(description="What it is for.")


class Bills(BaseModel):
    """The driver's bills, the newest first."""

    items: list[Bill]


@router.get("/bills", responses=declared())
async def list_bills(services: Wired, caller: ReadsBalance) -> Bills:
    """List bills.

    The newest hundred. They are paid by bank transfer; their sessions also by `POST /sessions/{id}/pay`.
    """
    async with services.database.transaction() as session:
        found = await repository.of_driver(session, caller.driver.id, MOST)
        views = await bills.views(session, found, services.clock.now())
    return Bills(items=[_bill(view) for view in views])


def _bill(view: BillView) -> Bill:
    bill = view.bill
    return Bill(
        id=bill.id,
        number=label(bill),
        state=view.standing,
        amount=money(bill.amount_minor, bill.currency),
        left=money(0 if view.standing is Standing.WITHDRAWN else view.left_minor, bill.currency),
        issued_at=bill.issued_at,
        due_at=bill.due_at,
        payee=bill.payee,
        bank=bill.bank,
        iban=bill.iban,
        reference=reference(bill),
        sessions=[row.session_id for row in view.rows],
    )
