"""One session: all about it in one order; stop it, ask the site, send its receipt again, give back of its bill."""

from typing import Annotated, Any
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice import asked, repository, session_history, timeline
from konsento.backoffice.payment_view import payment_row
from konsento.backoffice.render import office_page
from konsento.backoffice.session_view import facts, session_row
from konsento.backoffice.timeline import Source
from konsento.backoffice.who import CreditGiver, Member, Number, SessionSupport
from konsento.charging import invoice_mails
from konsento.charging import service as charging_service
from konsento.charging.progress import progress_of
from konsento.charging.repository import power_of
from konsento.invoices import layout
from konsento.invoices import service as invoices
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import LANGUAGES
from konsento.models import ACTIVE, ChargingSession, Driver, Receipt, StaffMember, transaction_at_station
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.ocpp import CallError
from konsento.ocpp.messages import GetTransactionStatus
from konsento.operations import audit
from konsento.payments import repository as payments
from konsento.services import Services
from konsento.settlement import correcting
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.session_view import curve_path
from konsento.web.who import Wired

router = APIRouter()


class TimelineFilters(BaseModel):
    """Which part of the timeline is shown: these sources (none: all), this page (none: the newest)."""

    show: list[str] = []
    page: str = ""


@router.get("/sessions/{number}")
async def session_page(
    request: Request, number: Number, services: Wired, member: Member, filters: Annotated[TimelineFilters, Query()]
) -> Response:
    """Show everything about a session. Whose it is stays hidden; support finds the driver by a link with a reason."""
    return await _page(request, services, member, number, filters)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    filters: TimelineFilters,
    *,
    error: KonsentoError | None = None,
    reason: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    shown = [source for source in Source if not filters.show or source.value in filters.show]
    page = int(filters.page) if filters.page.isdecimal() and len(filters.page) < 10 else None
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        history, part = await session_history.history(session, charging, shown, page)
        power = await power_of(session, charging, 240)
        documents = (await invoices.documents(session, [number]))[number]
        paid = await payments.payments_of(session, number)
        left_minor = await correcting.left_of(session, number)
    entries = timeline.timeline(language, history, shown)
    curve = progress_of(charging, power, history.receipt).curve
    return office_page(
        request,
        "session.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        reason=reason[: asked.LONGEST_REASON],
        row=session_row(language, charging, history.receipt),
        facts=facts(language, history),
        curve=curve_path(curve) if len(curve) > 1 else "",
        most_power=language.power(max((point.watts for point in curve), default=0)),
        payments=[payment_row(language, payment) for payment in paid],
        entries=[entry for entry in entries if part.has(entry.at)],
        part=part,
        query={"show": [source.value for source in shown]} if filters.show else {},
        sources=[(source.value, language.text(name), source in shown) for source, name in timeline.SOURCES.items()],
        running=charging.state in ACTIVE,
        transaction=charging.transaction_id,
        driver_id=charging.driver_id,
        settled=history.receipt is not None,
        documents=[(one.id, layout.title(language, one), one.label) for one in documents],
        can_mail=mail.possible(services.settings),
        left=language.money(left_minor, charging.currency) if left_minor else "",
        currency=charging.currency,
        once=uuid4(),
    )


@router.post("/sessions/{number}/stop")
async def stop(
    request: Request, number: Number, services: Wired, member: SessionSupport, reason: Annotated[str, Form()] = ""
) -> Response:
    """Stop a session for a reason that is logged. It ends as if its driver had stopped it."""
    try:
        why = asked.reason(reason)
    except KonsentoError as error:
        return await _page(request, services, member, number, TimelineFilters(), error=error, reason=reason)
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action="session.stop",
            subject=str(number),
            details={"reason": why, "state": charging.state.value},
        )
    await charging_service.stop(services, charging.driver_id, number)
    return RedirectResponse(f"/office/sessions/{number}", 303)


@router.post("/sessions/{number}/check")
async def check(number: Number, services: Wired, member: SessionSupport) -> Response:
    """Ask the site how the session's transaction stands; its answer stands in the timeline."""
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
    details = await _transaction_status(services, charging)
    async with services.database.transaction() as session:
        now = services.clock.now()
        await audit.note(session, now, member.id, action="session.check", subject=str(number), details=details)
    return RedirectResponse(f"/office/sessions/{number}", 303)


async def _transaction_status(services: Services, charging: ChargingSession) -> dict[str, Any]:
    if charging.transaction_id is None:
        return {"answer": "the site has named no transaction yet"}
    try:
        request = GetTransactionStatus(transaction_id=transaction_at_station(charging.transaction_id))
        answer = await services.router.call(charging.outlet.site.station_id, request)
    except CallError as error:
        return {"answer": str(error)}
    return {"ongoing": answer.ongoing_indicator, "messages in queue": answer.messages_in_queue}


@router.post("/sessions/{number}/receipt")
async def send_receipt(request: Request, number: Number, services: Wired, member: SessionSupport) -> Response:
    """Send the driver the receipt again with its invoice, in the driver's language."""
    drawn = await invoice_mails.invoice_of(services, number)
    async with services.database.transaction() as session:
        charging = await _charging(session, number)
        receipt = await session.get(Receipt, number)
        if receipt is None or not mail.possible(services.settings):
            raise PageNotFound
        driver = await session.get_one(Driver, charging.driver_id)
        language = LANGUAGES.get(driver.locale) or LANGUAGES.default
        amount = language.money(receipt.amount_minor, receipt.currency)
        link = f"{services.settings.public_url.rstrip('/')}/s/{number}"
        message = Mail(
            recipient=driver.email,
            subject=language.text("Your receipt {number}: {amount}", number=receipt.number, amount=amount),
            paragraphs=(
                language.text(
                    "{energy} at {outlet}, {site}: {amount}.",
                    energy=language.energy(receipt.billed_wh),
                    outlet=charging.outlet.name,
                    site=charging.outlet.site.name,
                    amount=amount,
                ),
                language.text("All of its numbers are on the receipt itself."),
            ),
            link=(language.text("Open the receipt"), link),
        )
        message = await invoice_mails.attach(session, services, message, drawn)
        await mail.queue(session, services, message, language)
        now = services.clock.now()
        await audit.note(session, now, member.id, action="session.send-receipt", subject=str(number))
    return RedirectResponse(f"/office/sessions/{number}", 303)


@router.post("/sessions/{number}/correct")
async def correct(
    request: Request, number: Number, services: Wired, member: CreditGiver, form: Annotated[asked.GivenBack, Form()]
) -> Response:
    """Give an amount of a bill back by the way it was paid, for a reason that is logged."""
    try:
        why = asked.reason(form.reason)
        async with services.database.transaction() as session:
            charging = await _charging(session, number)
            wanted = correcting.Wanted(
                correction_id=uuid5(number, f"correction {form.once}"),
                amount_minor=asked.minor(form.amount, charging.currency),
                note=why,
                member_id=member.id,
            )
            now = services.clock.now()
            if await correcting.give_back(session, services.work, number, wanted, now):
                details = {"reason": why, "minor": wanted.amount_minor, "currency": charging.currency}
                await audit.note(
                    session, now, member.id, action="session.correct", subject=str(number), details=details
                )
    except KonsentoError as error:
        return await _page(request, services, member, number, TimelineFilters(), error=error, reason=form.reason)
    return RedirectResponse(f"/office/sessions/{number}", 303)


async def _charging(session: AsyncSession, number: UUID) -> ChargingSession:
    charging = await repository.session_with_all(session, number)
    if charging is None:
        raise PageNotFound
    return charging
