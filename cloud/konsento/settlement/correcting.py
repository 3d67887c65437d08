"""Putting bills right: what was billed too much is given back; what was billed too little is never asked for.

A receipt stays as it is. A correction is a row beside it, entries that reverse a part of the bill, and a refund by the
way the money came. Readings that come after the bill and prove less lead to one by themselves. Where they prove more,
the operator is told and the driver is not asked: the bill was our word.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import after_commit
from konsento.kit.ids import new_id
from konsento.kit.work import Again, WorkQueue
from konsento.ledger import service as ledger
from konsento.models import (
    AlarmKind,
    ChargingSession,
    Correction,
    CorrectionReason,
    Payment,
    PaymentState,
    Receipt,
    ReceiptLine,
)
from konsento.operations import alarms
from konsento.payments import refunding
from konsento.payments import repository as payments
from konsento.pricing import Adjustment, Discount, DiscountKind
from konsento.rewards import service as rewards
from konsento.services import Services
from konsento.settlement import billing, booking, invoicing, repository
from konsento.settlement.errors import CannotGiveBack, NoReceipt, PaymentUnderWay

log = logging.getLogger(__name__)

WORK: Final = "correct"
"""The due work that looks at readings which came after a bill."""
AFTER_S: Final = 60.0
"""How long after such a reading: a site that has one often has more."""


@dataclass(frozen=True, kw_only=True)
class _Billed:
    """A bill with what was put right of it."""

    charging: ChargingSession
    receipt: Receipt
    corrections: Sequence[Correction]

    @property
    def left_minor(self) -> int:
        """What is billed and not given back."""
        return self.receipt.amount_minor - sum(one.amount_minor for one in self.corrections)

    @property
    def read_minor(self) -> int:
        """What it comes to by the readings of before: what the operator gave back does not count."""
        late = [one for one in self.corrections if one.reason is CorrectionReason.LATE_READINGS]
        return self.receipt.amount_minor - sum(one.amount_minor for one in late)


async def correct_late(services: Services, session_id: UUID) -> Again | None:
    """Look at all readings of a billed session again, and give back what they prove less."""
    return await services.database.attempt(lambda session: _correct_late(session, services, session_id))


async def _correct_late(session: AsyncSession, services: Services, session_id: UUID) -> Again | None:
    billed = await _billed(session, session_id)
    if billed is None:
        return None
    charging, now = billed.charging, services.clock.now()
    events = (await repository.events_of_all(session, [charging]))[session_id]
    due = billing.due(charging, events).less(_same_discounts(await repository.lines_of(session, session_id)))
    less = billed.read_minor - due.amount_minor
    if less < 0:
        details = {"read_wh": due.measured.mwh // 1000, "minor": -less, "currency": charging.currency}
        await alarms.report(session, now, AlarmKind.LATE_READINGS, str(session_id), details)
        return None
    amount = min(less, billed.left_minor)
    if amount == 0:
        return None
    if _under_way(await payments.payments_of(session, session_id)):
        return Again(AFTER_S)
    log.warning("session %s: late readings prove %d (minor units) less", session_id, amount)
    correction = Correction(
        id=new_id(),
        session_id=session_id,
        reason=CorrectionReason.LATE_READINGS,
        note="",
        member_id=None,
        amount_minor=amount,
        measured_mwh=due.measured.mwh,
        created_at=now,
    )
    await _give_back(session, services.work, billed, correction)
    after_commit(session, lambda: services.live.publish(session_id))
    return None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody of the operator's wants to give back of a bill."""

    correction_id: UUID
    """The same gives it back once."""
    amount_minor: int
    note: str
    """Why; the driver's credit note does not show it."""
    member_id: UUID | None


async def give_back(session: AsyncSession, work: WorkQueue, session_id: UUID, wanted: Wanted, at: datetime) -> bool:
    """Give an amount of a bill back; returns whether it is new.

    Raises `NoReceipt`, `CannotGiveBack`, `PaymentUnderWay`.
    """
    billed = await _billed(session, session_id)
    if billed is None:
        raise NoReceipt
    if any(one.id == wanted.correction_id for one in billed.corrections):
        return False
    if not 0 < wanted.amount_minor <= billed.left_minor:
        raise CannotGiveBack
    if _under_way(await payments.payments_of(session, session_id)):
        raise PaymentUnderWay
    correction = Correction(
        id=wanted.correction_id,
        session_id=session_id,
        reason=CorrectionReason.OPERATOR,
        note=wanted.note,
        member_id=wanted.member_id,
        amount_minor=wanted.amount_minor,
        measured_mwh=None,
        created_at=at,
    )
    await _give_back(session, work, billed, correction)
    log.info("session %s: %d (minor units) of its bill given back", session_id, wanted.amount_minor)
    return True


async def left_of(session: AsyncSession, session_id: UUID) -> int:
    """Return what of a session's bill is not given back; 0 where there is none."""
    receipt = await session.get(Receipt, session_id)
    if receipt is None:
        return 0
    return receipt.amount_minor - sum(one.amount_minor for one in await repository.corrections_of(session, session_id))


async def _billed(session: AsyncSession, session_id: UUID) -> _Billed | None:
    charging = await repository.settled(session, session_id)
    if charging is None:
        return None
    return _Billed(
        charging=charging,
        receipt=await session.get_one(Receipt, session_id),
        corrections=await repository.corrections_of(session, session_id),
    )


async def _give_back(session: AsyncSession, work: WorkQueue, billed: _Billed, correction: Correction) -> None:
    charging, amount, at = billed.charging, correction.amount_minor, correction.created_at
    price, left = billing.price_of(charging), billed.left_minor
    back = billing.split(charging, price, left).less(billing.split(charging, price, left - amount))
    correction.tax_minor = back.tax_minor
    session.add(correction)
    await session.flush()
    await ledger.write(session, booking.taken_back(charging, back, correction.id, at))
    await work.add(session, invoicing.CREDIT, str(correction.id))
    for payment in await payments.payments_of(session, charging.id):
        # What was never taken is only owed no more.
        of_this = min(amount, refunding.refundable(payment, await payments.refunds_of(session, payment.id)))
        if of_this > 0:
            refund_id = uuid5(correction.id, str(payment.id))
            await refunding.refund(
                session, work, payment.id, of_this, reason=correction.reason, at=at, refund_id=refund_id
            )
            amount -= of_this
    if correction.amount_minor == left:
        await rewards.refunded(session, charging, at)


def _same_discounts(lines: Sequence[ReceiptLine]) -> list[Discount]:
    """Return what was taken off the bill; it is not made less because the bill is."""
    return [
        Discount(kind=DiscountKind.AMOUNT, value=Decimal(-line.amount_minor), code=line.code)
        for line in lines
        if line.kind == Adjustment.DISCOUNT
    ]


def _under_way(of_session: Sequence[Payment]) -> bool:
    return any(payment.state is PaymentState.CAPTURING for payment in of_session)
