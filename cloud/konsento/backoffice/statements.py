"""What suppliers and site owners got and were paid: balances, a month's statement, payouts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Number, StatementKeeper
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.kit.money import minor_from_major
from konsento.models import StaffMember
from konsento.operations import audit
from konsento.services import Services
from konsento.statements import layout
from konsento.statements import service as statements
from konsento.statements.errors import BadMonth, BadPayout, NoSuchPayee, PayoutTooLarge
from konsento.statements.months import Month, month_at, month_of
from konsento.statements.repository import Row
from konsento.statements.service import Payee
from konsento.web import problems
from konsento.web.csv import Rows, csv_file, headings
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MONTHS = 36
"""Months to choose from."""
SHOWN = 50
"""Rows of the page; all of them are in the file."""

AskedMonth = Annotated[str, Query(alias="month", max_length=10)]


class PayoutForm(BaseModel):
    """A payment that was made."""

    amount: str = ""
    paid_on: str = ""
    reference: str = ""
    once: UUID
    """Of the form: sent twice it records once."""


@router.get("/statements")
async def payees_page(request: Request, services: Wired, member: StatementKeeper) -> Response:
    """List suppliers and site owners with what is owed to them."""
    language = language_of(request)
    async with services.database.transaction() as session:
        found = await statements.payees(session)
    return office_page(
        request,
        "statements.html",
        member=member,
        rows=[
            (one, language.text(layout.KINDS[one.kind]), language.money(one.balance_minor, one.currency))
            for one in found
        ],
    )


@router.get("/statements/{number}")
async def statement_page(
    request: Request, number: Number, services: Wired, member: StatementKeeper, month: AskedMonth = ""
) -> Response:
    """Show a month of one of them."""
    return await _page(request, services, member, number, month)


@router.get("/statements/{number}/csv")
async def statement_table(
    request: Request, number: Number, services: Wired, member: StatementKeeper, month: AskedMonth = ""
) -> Response:
    """Return all rows of a month as a file."""
    language, chosen = language_of(request), _month(services, month)
    payee = await _exported(services, member, number, chosen, "csv")

    async def parts() -> AsyncIterator[Rows]:
        async for row in statements.rows(services.database, number, chosen):
            yield [layout.cells(language, payee, chosen.time_zone, row)]

    return csv_file(layout.file_name(payee, chosen.name), headings(language, layout.COLUMNS), parts())


@router.get("/statements/{number}/pdf")
async def statement_file(
    request: Request, number: Number, services: Wired, member: StatementKeeper, month: AskedMonth = ""
) -> Response:
    """Return a month as a PDF."""
    language, chosen = language_of(request), _month(services, month)
    payee = await _exported(services, member, number, chosen, "pdf")
    made = await statements.statement(services.database, number, chosen)
    content = await asyncio.to_thread(layout.pdf, language, made, services.settings)
    headers = {"Content-Disposition": f'inline; filename="{layout.file_name(payee, chosen.name)}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


@router.post("/statements/{number}/payouts")
async def record_payout(
    request: Request, number: Number, services: Wired, member: StatementKeeper, form: Annotated[PayoutForm, Form()]
) -> Response:
    """Record that somebody was paid."""
    now, zone = services.clock.now(), ZoneInfo(services.settings.time_zone)
    language = language_of(request)
    try:
        async with services.database.transaction() as session:
            payee = await statements.payee(session, number)
            minor, paid_on = _minor(form.amount, payee.currency), _day(form.paid_on)
            new = await statements.record_payout(
                session,
                number,
                minor,
                paid_on=paid_on,
                reference=normalize("NFKC", form.reference),
                payout_id=form.once,
                member_id=member.id,
                at=now,
                today=now.astimezone(zone).date(),
            )
            if new:
                details = {"minor": minor, "currency": payee.currency, "to": payee.owner, "transfer": str(form.once)}
                await audit.note(session, now, member.id, action="payout.record", subject=str(number), details=details)
    except PayoutTooLarge as refused:
        left = language.money(int(str(refused.values["left"])), payee.currency)
        return await _page(request, services, member, number, "", form=form, error=PayoutTooLarge(left=left))
    except BadPayout as refused:
        return await _page(request, services, member, number, "", form=form, error=refused)
    except NoSuchPayee:
        raise PageNotFound from None
    return RedirectResponse(f"/office/statements/{number}", 303)


@router.post("/statements/payouts/{number}/take-back")
async def take_back(number: Number, services: Wired, member: StatementKeeper) -> Response:
    """Take back a payout that was recorded by mistake."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        try:
            back = await statements.take_back(session, number, member_id=member.id, at=now)
        except NoSuchPayee:
            raise PageNotFound from None
        details = {"minor": -back.amount_minor, "transfer": str(back.id)}
        await audit.note(session, now, member.id, action="payout.take-back", subject=str(number), details=details)
    return RedirectResponse(f"/office/statements/{back.account_id}", 303)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    month: str,
    *,
    form: PayoutForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language, chosen = language_of(request), _month(services, month)
    try:
        made = await statements.statement(services.database, number, chosen)
    except NoSuchPayee:
        raise PageNotFound from None
    shown: list[Row] = []
    async for row in statements.rows(services.database, number, chosen):
        if len(shown) == SHOWN:
            break
        shown.append(row)
    payee = made.payee
    return office_page(
        request,
        "statement.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        payee=payee,
        kind=language.text(layout.KINDS[payee.kind]),
        title=layout.title(language, made),
        month=chosen.name,
        months=[(one.name, language.month(one.local)) for one in _months(services)],
        balances=layout.balances(language, made),
        totals=layout.totals(language, made),
        heads=headings(language, layout.COLUMNS),
        rows=[layout.cells(language, payee, chosen.time_zone, row) for row in shown],
        more=made.sums.sessions > SHOWN,
        most=SHOWN,
        payouts=[(one, language.money(one.amount_minor, payee.currency)) for one in made.payouts],
        owed=language.money(payee.balance_minor, payee.currency),
        currency=language.currency_sign(payee.currency),
        form=form or PayoutForm(once=new_id()),
        today=services.clock.now().astimezone(ZoneInfo(chosen.time_zone)).date().isoformat(),
    )


async def _exported(services: Services, member: StaffMember, number: UUID, month: Month, what: str) -> Payee:
    """Write down that somebody saves a statement; returns whose it is."""
    async with services.database.transaction() as session:
        try:
            payee = await statements.payee(session, number)
        except NoSuchPayee:
            raise PageNotFound from None
        details = {"month": month.name, "what": what}
        now = services.clock.now()
        await audit.note(session, now, member.id, action="statement.export", subject=str(number), details=details)
    return payee


def _month(services: Services, name: str) -> Month:
    """Return the month that was asked for; the present one for what is none."""
    zone = services.settings.time_zone
    try:
        return month_of(name, zone)
    except BadMonth:
        return month_at(services.clock.now(), zone)


def _months(services: Services) -> list[Month]:
    found = [month_at(services.clock.now(), services.settings.time_zone)]
    while len(found) < MONTHS:
        found.append(found[-1].before())
    return found


def _minor(text: str, currency: str) -> int:
    try:
        return minor_from_major(Decimal(normalize("NFKC", text).strip().replace(",", "")), currency)
    except InvalidOperation, ValueError, OverflowError:
        raise BadPayout from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadPayout from None
