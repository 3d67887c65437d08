"""A bill as it stands now, and what the back office does with it.

What comes in at the bank pays the bill's sessions, the oldest first. What is more than they owe is the driver's:
it stands as paid too much until it is paid back, or used up by what the driver owes otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.work import WorkQueue
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import AccountKind, Bill, BillPayment, BillPaymentKind, BillSession, Transfer
from konsento.payments import owed
from konsento.payments import repository as payments
from konsento.payments.bills import repository
from konsento.payments.bills.errors import (
    AlreadyTakenBack,
    BadBillPayment,
    BillIsPaid,
    BillIsWithdrawn,
    NoSuchBill,
    ReturnTooLarge,
)
from konsento.payments.bills.making import SEND

LONGEST_REFERENCE: Final = 100


class Standing(StrEnum):
    """How a bill stands."""

    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class BillView:
    """A bill with its sessions, as it stands now."""

    bill: Bill
    rows: Sequence[BillSession]
    lefts: dict[UUID, int]
    """What its sessions still owe, by session; below zero: paid too much."""
    at: datetime

    @property
    def left_minor(self) -> int:
        """What is still to be paid."""
        return sum(max(0, left) for left in self.lefts.values())

    @property
    def standing(self) -> Standing:
        """How it stands."""
        if self.bill.withdrawn_at is not None:
            return Standing.WITHDRAWN
        if not self.left_minor:
            return Standing.PAID
        return Standing.OVERDUE if self.bill.due_at < self.at else Standing.OPEN


@dataclass(frozen=True, kw_only=True)
class AtBank:
    """Money on the bank's statement, as somebody of the operator's notes it."""

    id: UUID
    """The same is noted once."""
    amount_minor: int
    paid_on: date
    reference: str
    member_id: UUID
    at: datetime
    today: date
    """By the operator's clock; nothing was paid after it."""


async def bill_view(session: AsyncSession, bill_id: UUID, at: datetime) -> BillView:
    """Return a bill. Raises `NoSuchBill`."""
    bill = await repository.bill(session, bill_id)
    if bill is None:
        raise NoSuchBill
    return (await views(session, [bill], at))[0]


async def own_bill(session: AsyncSession, driver_id: UUID, bill_id: UUID, at: datetime) -> BillView:
    """Return a driver's own bill. Raises `NoSuchBill`."""
    view = await bill_view(session, bill_id, at)
    if view.bill.driver_id != driver_id:
        raise NoSuchBill
    return view


async def of_session(session: AsyncSession, session_id: UUID, at: datetime) -> BillView | None:
    """Return the bill that a session is on; None for none that counts."""
    bill = next((bill for row, bill in await repository.on_session(session, [session_id]) if row.counts), None)
    return (await views(session, [bill], at))[0] if bill is not None else None


async def views(session: AsyncSession, bills: Sequence[Bill], at: datetime) -> list[BillView]:
    """Return bills as they stand now, in the same order."""
    rows = await repository.rows_of(session, [bill.id for bill in bills])
    of_drivers: dict[UUID, set[UUID]] = {}
    for bill in bills:
        of_drivers.setdefault(bill.driver_id, set()).update(row.session_id for row in rows[bill.id])
    lefts = {driver_id: await owed.left(session, driver_id, ids) for driver_id, ids in of_drivers.items()}
    return [
        BillView(
            bill=bill,
            rows=rows[bill.id],
            lefts={row.session_id: lefts[bill.driver_id][row.session_id] for row in rows[bill.id]},
            at=at,
        )
        for bill in bills
    ]


async def too_much(session: AsyncSession, view: BillView) -> int:
    """Return what was paid too much of a bill and is to be paid back: no more than its driver has paid in all."""
    over = sum(max(0, -left) for left in view.lefts.values())
    return min(over, await payments.overpaid(session, view.bill.driver_id, view.bill.currency))


async def note_paid(session: AsyncSession, bill_id: UUID, noted: AtBank) -> bool:
    """Note that money came for a bill; returns whether it is new. Raises `BadBillPayment`, `BillIsWithdrawn`."""
    view = await _locked(session, bill_id, noted)
    if view is None:
        return False
    if view.bill.withdrawn_at is not None:
        raise BillIsWithdrawn
    parts, rest = _shares(noted.amount_minor, {key: max(0, left) for key, left in view.lefts.items()})
    # What is too much stands with the last session, and is seen there.
    last = view.rows[-1].session_id
    parts[last] = parts.get(last, 0) + rest
    await _book(session, view.bill, noted, BillPaymentKind.PAID, parts)
    return True


async def note_returned(session: AsyncSession, bill_id: UUID, noted: AtBank) -> bool:
    """Note that what was paid too much was paid back; returns whether it is new.

    Raises `BadBillPayment`, `ReturnTooLarge` (with what is left, in minor units).
    """
    view = await _locked(session, bill_id, noted)
    if view is None:
        return False
    if noted.amount_minor > (left := await too_much(session, view)):
        raise ReturnTooLarge(left=left)
    parts, _ = _shares(noted.amount_minor, {key: max(0, -minor) for key, minor in view.lefts.items()})
    await _book(session, view.bill, noted, BillPaymentKind.RETURNED, parts)
    return True


async def take_back(session: AsyncSession, payment_id: UUID, *, member_id: UUID, at: datetime) -> BillPayment:
    """Take back what was noted by mistake, by entries that reverse its own. Raises `NoSuchBill`, `AlreadyTakenBack`."""
    payment = await session.get(BillPayment, payment_id)
    if payment is None:
        raise NoSuchBill
    bill = await repository.bill(session, payment.bill_id, locked=True)
    noted = await repository.payments_of(session, payment.bill_id)
    if bill is None or payment.takes_back_id is not None or any(one.takes_back_id == payment.id for one in noted):
        raise AlreadyTakenBack
    back = BillPayment(
        id=uuid5(payment.id, "back"),
        bill_id=payment.bill_id,
        kind=BillPaymentKind.TAKEN_BACK,
        amount_minor=payment.amount_minor,
        paid_on=payment.paid_on,
        reference=payment.reference,
        takes_back_id=payment.id,
        member_id=member_id,
        recorded_at=at,
    )
    rows = (await repository.rows_of(session, [bill.id]))[bill.id]
    ids = {uuid5(payment.id, str(row.session_id)): row.session_id for row in rows}
    parts = {
        ids[entry.id]: entry.amount_minor
        for entry in await session.scalars(select(Transfer).where(Transfer.id.in_(ids)))
    }
    was_paid = payment.kind is BillPaymentKind.PAID
    await ledger.write(session, _moves(bill, back, parts, "bill-noted-back", comes_in=not was_paid))
    session.add(back)
    await _see(session, bill, at)
    return back


async def withdraw(session: AsyncSession, bill_id: UUID, at: datetime) -> Bill:
    """Withdraw a bill: what its sessions owe is owed as if it had never been. Raises `NoSuchBill`, `BillIsPaid`.

    Withdrawn before it stays so.
    """
    bill = await repository.bill(session, bill_id, locked=True)
    if bill is None:
        raise NoSuchBill
    if bill.withdrawn_at is not None:
        return bill
    view = (await views(session, [bill], at))[0]
    if not view.left_minor:
        raise BillIsPaid
    bill.withdrawn_at, bill.look_at = at, None
    for row in view.rows:
        row.counts = False
    await session.flush()
    return bill


async def send_again(session: AsyncSession, work: WorkQueue, bill_id: UUID, at: datetime) -> Bill:
    """Have a bill mailed again, or note that it was posted. Raises `NoSuchBill`, `BillIsWithdrawn`."""
    bill = await repository.bill(session, bill_id, locked=True)
    if bill is None:
        raise NoSuchBill
    if bill.withdrawn_at is not None:
        raise BillIsWithdrawn
    if bill.by_post:
        bill.sent_at = at
    else:
        await work.add(session, SEND, str(bill.id))
    return bill


async def _locked(session: AsyncSession, bill_id: UUID, noted: AtBank) -> BillView | None:
    """Return the bill, locked with its driver's account; None where the payment is noted already."""
    reference = " ".join(noted.reference.split())
    if noted.amount_minor <= 0 or not 0 < len(reference) <= LONGEST_REFERENCE or noted.paid_on > noted.today:
        raise BadBillPayment
    bill = await repository.bill(session, bill_id, locked=True)
    if bill is None:
        raise NoSuchBill
    account = await ledger.account(session, AccountKind.RECEIVABLE, bill.currency, str(bill.driver_id))
    await ledger.lock(session, account.id)
    if await session.get(BillPayment, noted.id) is not None:
        return None
    return (await views(session, [bill], noted.at))[0]


def _shares(amount_minor: int, most: dict[UUID, int]) -> tuple[dict[UUID, int], int]:
    """Share an amount out in their order, each at most so much; returns what is left over."""
    parts: dict[UUID, int] = {}
    for session_id, minor in most.items():
        if part := min(amount_minor, minor):
            parts[session_id] = part
            amount_minor -= part
    return parts, amount_minor


async def _book(
    session: AsyncSession, bill: Bill, noted: AtBank, kind: BillPaymentKind, parts: dict[UUID, int]
) -> None:
    payment = BillPayment(
        id=noted.id,
        bill_id=bill.id,
        kind=kind,
        amount_minor=noted.amount_minor,
        paid_on=noted.paid_on,
        reference=" ".join(noted.reference.split()),
        takes_back_id=None,
        member_id=noted.member_id,
        recorded_at=noted.at,
    )
    comes_in = kind is BillPaymentKind.PAID
    await ledger.write(
        session, _moves(bill, payment, parts, "bill-paid" if comes_in else "bill-returned", comes_in=comes_in)
    )
    session.add(payment)
    await _see(session, bill, noted.at)


def _moves(bill: Bill, payment: BillPayment, parts: dict[UUID, int], reason: str, *, comes_in: bool) -> list[Move]:
    funds = AccountName(AccountKind.FUNDS, bill.currency)
    owes = AccountName(AccountKind.RECEIVABLE, bill.currency, str(bill.driver_id))
    return [
        Move(
            id=uuid5(payment.id, str(session_id)),
            reason=reason,
            at=payment.recorded_at,
            session_id=session_id,
            debit=funds if comes_in else owes,
            credit=owes if comes_in else funds,
            amount_minor=minor,
        )
        for session_id, minor in parts.items()
        if minor
    ]


async def _see(session: AsyncSession, bill: Bill, at: datetime) -> None:
    """Note whether a bill is paid now; one that is not any more is looked at again."""
    await session.flush()
    is_paid = not (await views(session, [bill], at))[0].left_minor
    bill.settled_at = (bill.settled_at or at) if is_paid else None
    if bill.withdrawn_at is None:
        bill.look_at = None if is_paid else bill.look_at or max(at, bill.due_at)
    await session.flush()
