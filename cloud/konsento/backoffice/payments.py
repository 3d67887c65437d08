"""Payments at providers outside: those that need a person, and everything about one."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked
from konsento.backoffice.payment_view import call_rows, facts, hint_rows, payment_row, refund_rows
from konsento.backoffice.render import office_page
from konsento.backoffice.who import CreditGiver, Member, Number, SessionSupport
from konsento.kit.errors import KonsentoError
from konsento.models import Payment, StaffMember
from konsento.operations import audit
from konsento.payments import calls, refunding, repository
from konsento.payments.errors import NothingToRefund
from konsento.payments.life import WORK
from konsento.services import Services
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

STUCK_AFTER: Final = timedelta(minutes=15)
"""So long a provider may take before a person is told in the list."""
MOST: Final = 200
HINTS: Final = 50


@router.get("/payments")
async def payments_page(request: Request, services: Wired, member: Member) -> Response:
    """List the payments that do not go on by themselves."""
    async with services.database.transaction() as session:
        found = await repository.for_a_person(session, services.clock.now() - STUCK_AFTER, MOST)
    language = language_of(request)
    return office_page(
        request,
        "payments.html",
        member=member,
        rows=[payment_row(language, payment) for payment in found],
        most=MOST if len(found) == MOST else 0,
        providers=sorted(services.desk.external),
    )


@router.get("/payments/{number}")
async def payment_page(request: Request, number: Number, services: Wired, member: Member) -> Response:
    """Show everything about a payment. Whose it is stays hidden, as with sessions."""
    return await _page(request, services, member, number)


async def _page(
    request: Request, services: Services, member: StaffMember, number: UUID, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        payment = await _payment(session, number)
        refunds = await repository.refunds_of(session, number)
        asked_for = await calls.calls_of(session, payment)
        hints = await repository.hints_about(session, payment, HINTS)
        too_much = await _too_much(session, payment)
    return office_page(
        request,
        "payment.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        row=payment_row(language, payment),
        driver_id=payment.driver_id,
        external=payment.external,
        facts=facts(language, payment),
        calls=call_rows(language, payment, asked_for),
        refunds=refund_rows(language, payment, refunds),
        hints=hint_rows(hints),
        too_much=language.money(too_much, payment.currency) if too_much else "",
        currency=payment.currency,
        once=uuid4(),
    )


@router.post("/payments/{number}/look")
async def look(number: Number, services: Wired, member: SessionSupport) -> Response:
    """Have a payment looked at and led on at once."""
    async with services.database.transaction() as session:
        payment = await _payment(session, number)
        if payment.external:
            await services.work.add(session, WORK, str(number))
        details = {"state": payment.state.value}
        now = services.clock.now()
        await audit.note(session, now, member.id, action="payment.look", subject=str(number), details=details)
    return RedirectResponse(f"/office/payments/{number}", 303)


@router.post("/payments/{number}/refund")
async def refund(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[asked.GivenBack, Form()]
) -> Response:
    """Give back what a driver has paid more than is owed. What a bill is lowered by is given back on the session."""
    try:
        why = asked.reason(form.reason)
        async with services.database.transaction() as session:
            payment = await _payment(session, number, locked=True)
            minor = asked.minor(form.amount, payment.currency)
            refund_id = uuid5(number, f"refund {form.once}")
            known = {one.id for one in await repository.refunds_of(session, number)}
            if refund_id not in known:
                if not 0 < minor <= await _too_much(session, payment):
                    raise NothingToRefund
                now = services.clock.now()
                await refunding.refund(session, services.work, number, minor, reason=why, at=now, refund_id=refund_id)
                details = {"reason": why, "minor": minor, "currency": payment.currency}
                await audit.note(session, now, member.id, action="payment.refund", subject=str(number), details=details)
    except KonsentoError as error:
        return await _page(request, services, member, number, error)
    return RedirectResponse(f"/office/payments/{number}", 303)


class PaidOtherwise(BaseModel):
    """Which refund was paid in another way, and how."""

    refund: str = ""
    reason: str = ""


@router.post("/payments/{number}/paid-otherwise")
async def paid_otherwise(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[PaidOtherwise, Form()]
) -> Response:
    """Note that a refund which failed was paid from the operator's bank."""
    refund_id = asked.number(form.refund)
    try:
        why = asked.reason(form.reason)
        async with services.database.transaction() as session:
            if refund_id is None:
                raise PageNotFound
            if await refunding.paid_otherwise(session, services, number, refund_id, why):
                details = {"reason": why, "refund": str(refund_id)}
                await audit.note(
                    session,
                    services.clock.now(),
                    member.id,
                    action="payment.paid-otherwise",
                    subject=str(number),
                    details=details,
                )
    except KonsentoError as error:
        return await _page(request, services, member, number, error)
    return RedirectResponse(f"/office/payments/{number}", 303)


async def _payment(session: AsyncSession, number: UUID, *, locked: bool = False) -> Payment:
    payment = await repository.payment(session, number, locked=locked)
    if payment is None:
        raise PageNotFound
    return payment


async def _too_much(session: AsyncSession, payment: Payment) -> int:
    """Return what can be given back of a payment without changing a bill."""
    refunds = await repository.refunds_of(session, payment.id)
    return min(
        await repository.overpaid(session, payment.driver_id, payment.currency), refunding.refundable(payment, refunds)
    )
