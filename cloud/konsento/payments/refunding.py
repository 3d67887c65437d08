"""Paying back by the way the money came: what was not used of a prepayment, and what the back office gives back."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.kit.work import Again, WorkQueue
from konsento.models import AlarmKind, Payment, PaymentPurpose, PaymentState, Refund, RefundKind, RefundState
from konsento.operations import alarms
from konsento.payments import booking, calls, repository
from konsento.payments.calls import Question
from konsento.payments.desk import Till
from konsento.payments.errors import NothingToRefund, Refused, UnknownPayment
from konsento.payments.life import WORK, Happening, step
from konsento.payments.noting import changed
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import RefundOrder, RefundSeen, RefundStage, Seen, Stage

log = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 3600.0
"""How often a refund is looked at that takes its time at the bank; a hint usually comes first."""


def refundable(payment: Payment, refunds: Sequence[Refund]) -> int:
    """Return how much of what was taken can still be given back.

    Nothing of a top-up: prepaid value is used up, and paying it out is not for everybody (Japan's law of payment
    services); an operator who may does it in the provider's own pages.
    """
    if payment.state is not PaymentState.CAPTURED or payment.purpose is PaymentPurpose.TOP_UP:
        return 0
    given = sum(r.amount_minor for r in refunds if r.kind is RefundKind.REFUND and r.state is not RefundState.FAILED)
    return payment.captured_minor - given


async def refund(
    session: AsyncSession,
    work: WorkQueue,
    payment_id: UUID,
    amount_minor: int,
    *,
    reason: str,
    at: datetime,
    refund_id: UUID | None = None,
) -> Refund:
    """Give an amount of what was taken back, at once where the money is ours and by due work where a provider has it.

    The same `refund_id` gives it back once. What the driver owes rises by it again (`RECEIVABLE`): the caller books why
    it is not owed. Raises `UnknownPayment`, `NothingToRefund`.
    """
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise UnknownPayment
    if refund_id is not None and (asked := await session.get(Refund, refund_id)) is not None:
        return asked
    if not 0 < amount_minor <= refundable(payment, await repository.refunds_of(session, payment_id)):
        raise NothingToRefund
    made = Refund(
        id=refund_id or new_id(),
        payment_id=payment_id,
        kind=RefundKind.REFUND,
        state=RefundState.ASKED,
        amount_minor=amount_minor,
        reason=reason.strip()[:500],
        asked_at=at,
        done_at=None,
    )
    session.add(made)
    await session.flush()
    if payment.external:
        await work.add(session, WORK, str(payment_id))
    else:
        await _done(session, payment, made, "", at)
    return made


async def paid_otherwise(session: AsyncSession, services: Till, payment_id: UUID, refund_id: UUID, note: str) -> bool:
    """Note that a refund which failed was paid from our bank. Returns whether that is new. Raises `UnknownPayment`."""
    payment = await repository.payment(session, payment_id, locked=True)
    refund = await session.get(Refund, refund_id)
    if payment is None or refund is None or refund.payment_id != payment_id:
        raise UnknownPayment
    if refund.state is not RefundState.FAILED:
        return False
    at, before = services.clock.now(), payment.state
    refund.state, refund.done_at, refund.reason = RefundState.DONE, at, note[:500]
    await booking.refunded_otherwise(session, payment, refund, at)
    await _count(session, payment, refund, at)
    await changed(session, services, payment, before)
    return True


async def want_remainder(session: AsyncSession, payment: Payment, amount_minor: int, at: datetime) -> None:
    """Have an amount of what was paid before paid back; asked again it is paid once."""
    remainder_id = uuid5(payment.id, "remainder")
    given = [r for r in await repository.refunds_of(session, payment.id) if r.kind is RefundKind.REMAINDER]
    rest = amount_minor - sum(r.amount_minor for r in given)
    if rest <= 0 or remainder_id in {r.id for r in given}:
        return
    session.add(
        Refund(
            id=remainder_id,
            payment_id=payment.id,
            kind=RefundKind.REMAINDER,
            state=RefundState.ASKED,
            amount_minor=rest,
            asked_at=at,
            done_at=None,
        )
    )
    await session.flush()


async def pay_back(
    services: Till, provider: ExternalProvider, seen: Seen, payment_id: UUID, *, heard: bool = False
) -> Again | None:
    """Bring the refunds of a payment up to what the provider says, and ask for those that it does not know.

    `heard` that there may be some: otherwise the provider is only asked where we want some, or the payment says so.
    Returns when to look again, None where nothing is under way. Raises ProviderError.
    """
    async with services.database.transaction() as session:
        wanted = await repository.refunds_of(session, payment_id)
    if not wanted and not seen.refunded_minor and not (heard and seen.stage is Stage.TAKEN):
        return None
    known = await provider.refunds(seen.reference)
    async with services.database.transaction() as session:
        payment = await _locked(session, payment_id)
        for one in known:
            await _note(session, services, payment, one)
        missing = [row for row in await repository.refunds_of(session, payment_id) if _is_missing(row, known)]
    for row in missing:
        await _ask(services, provider, payment, row)
    async with services.database.transaction() as session:
        waiting = any(r.state is RefundState.ASKED for r in await repository.refunds_of(session, payment_id))
    return Again(LOOK_AGAIN_S) if waiting else None


def _is_missing(refund: Refund, known: Sequence[RefundSeen]) -> bool:
    return refund.state is RefundState.ASKED and refund.id not in {one.refund_id for one in known}


async def _ask(services: Till, provider: ExternalProvider, payment: Payment, wanted: Refund) -> None:
    order = RefundOrder(
        refund_id=wanted.id,
        reference=payment.reference,
        amount_minor=wanted.amount_minor,
        currency=payment.currency,
    )
    question = Question(payment_id=payment.id, step=calls.REFUND, amount_minor=wanted.amount_minor, subject=wanted.id)
    async with services.database.transaction() as session:
        asked = await calls.intend(session, question, services.clock.now())
    try:
        answer = await calls.ask(services, asked, lambda key: provider.refund(order, key))
    except Refused as error:
        answer = RefundSeen(
            reference="",
            refund_id=wanted.id,
            stage=RefundStage.FAILED,
            amount_minor=wanted.amount_minor,
            failure=error.code,
        )
        async with services.database.transaction() as session:
            await _note(session, services, await _locked(session, payment.id), answer)
        return
    async with services.database.transaction() as session:
        locked = await _locked(session, payment.id)
        calls.done(session, asked, answer.reference, services.clock.now())
        await _note(session, services, locked, answer)


async def _note(session: AsyncSession, services: Till, payment: Payment, seen: RefundSeen) -> None:
    at, before = services.clock.now(), payment.state
    refund = await _row_of(session, payment, seen, at)
    refund.reference = seen.reference or refund.reference
    match seen.stage:
        case RefundStage.DONE if refund.state is RefundState.ASKED:
            await _done(session, payment, refund, seen.reference, at)
        case RefundStage.FAILED if refund.state is not RefundState.FAILED and not refund.failure:
            await _failed(session, payment, refund, seen.failure, at)
    await changed(session, services, payment, before)


async def _row_of(session: AsyncSession, payment: Payment, seen: RefundSeen, at: datetime) -> Refund:
    """Return our row of a refund; one that was made in the provider's own pages gets one."""
    rows = await repository.refunds_of(session, payment.id)
    for row in rows:
        if row.id == seen.refund_id or (seen.reference and row.reference == seen.reference):
            return row
    resolved = payment.state in {PaymentState.CAPTURED, PaymentState.REFUNDED}
    row = Refund(
        id=uuid5(payment.id, seen.reference),
        payment_id=payment.id,
        kind=RefundKind.REFUND if resolved else RefundKind.REMAINDER,
        state=RefundState.ASKED,
        amount_minor=seen.amount_minor,
        reference=seen.reference,
        reason="",
        asked_at=at,
        done_at=None,
    )
    session.add(row)
    await session.flush()
    details = {"refund": seen.reference, "amount": seen.amount_minor}
    await alarms.report(session, at, AlarmKind.PAYMENT_DIFFERS, str(payment.id), details)
    return row


async def _done(session: AsyncSession, payment: Payment, refund: Refund, reference: str, at: datetime) -> None:
    refund.state, refund.done_at, refund.reference = RefundState.DONE, at, reference
    await booking.refunded(session, payment, refund, at)
    await _count(session, payment, refund, at)


async def _count(session: AsyncSession, payment: Payment, refund: Refund, at: datetime) -> None:
    """Count a refund that is done, and end a payment of which everything is back."""
    if refund.kind is RefundKind.REFUND:
        payment.refunded_minor += refund.amount_minor
        if payment.refunded_minor >= payment.captured_minor:
            step(payment, Happening.ALL_BACK, at)
    elif payment.state is PaymentState.RELEASING:
        rows = await repository.refunds_of(session, payment.id)
        back = (r.amount_minor for r in rows if r.kind is RefundKind.REMAINDER and r.state is RefundState.DONE)
        if sum(back) >= payment.hold_minor:
            step(payment, Happening.GONE, at)


async def _failed(session: AsyncSession, payment: Payment, refund: Refund, code: str, at: datetime) -> None:
    if refund.state is RefundState.DONE:
        await booking.refund_came_back(session, payment, refund, at)
        if refund.kind is RefundKind.REFUND:
            payment.refunded_minor -= refund.amount_minor
            step(payment, Happening.BACK_FAILED, at)
    refund.state, refund.failure = RefundState.FAILED, code
    log.error("payment %s: refund %s failed: %s", payment.id, refund.id, code)
    details = {"refund": str(refund.id), "amount": refund.amount_minor, "code": code}
    await alarms.report(session, at, AlarmKind.REFUND_FAILED, str(payment.id), details)


async def _locked(session: AsyncSession, payment_id: UUID) -> Payment:
    payment = await repository.payment(session, payment_id, locked=True)
    if payment is None:
        raise LookupError(payment_id)
    return payment
