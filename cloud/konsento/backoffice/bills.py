"""Bills: which are open, what came in for them, and taking them back."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import BillKeeper, Number
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.kit.ids import new_id
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.models import Bill, BillPaymentKind, StaffMember
from konsento.operations import audit
from konsento.payments.bills import repository
from konsento.payments.bills import service as bills
from konsento.payments.bills.errors import BadBillPayment, NoSuchBill, ReturnTooLarge
from konsento.payments.bills.names import label, number_in, written_reference
from konsento.payments.bills.service import AtBank, BillView, Standing
from konsento.services import Services
from konsento.web import problems
from konsento.web.bills import pdf_file, standing
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

MOST: Final = 500
"""Bills that the page shows."""
SHOWN: Final = {
    "open": marked("not paid"),
    "overdue": marked("overdue"),
    "post": marked("to be posted"),
    "all": marked("all"),
}
KINDS: Final = {
    BillPaymentKind.PAID: marked("Paid"),
    BillPaymentKind.RETURNED: marked("Given back"),
    BillPaymentKind.TAKEN_BACK: marked("Taken back"),
}


class BankForm(BaseModel):
    """What stands on the bank's statement."""

    amount: str = ""
    paid_on: str = ""
    reference: str = ""
    once: UUID
    """Of the form: sent twice it notes once."""


@router.get("/bills")
async def bills_page(
    request: Request,
    services: Wired,
    member: BillKeeper,
    show: Annotated[str, Query(max_length=10)] = "open",
    text: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """List bills; `text` finds one by what a bank's statement says."""
    language = language_of(request)
    async with services.database.transaction() as session:
        if text:
            number = number_in(normalize("NFKC", text))
            found = await repository.by_number(session, number) if number is not None else []
            show = "all"
        else:
            found = await repository.all_bills(session, MOST, unpaid=show != "all")
        views = await bills.views(session, found, services.clock.now())
    return office_page(
        request,
        "bills.html",
        member=member,
        show=show,
        text=text,
        choices=[(name, language.text(word)) for name, word in SHOWN.items()],
        rows=[_row(language, view) for view in views if _is_shown(view, show)],
        most=MOST if len(found) == MOST else 0,
    )


@router.get("/bills/{number}")
async def bill_page(request: Request, number: Number, services: Wired, member: BillKeeper) -> Response:
    """Show a bill with what came in for it."""
    return await _page(request, services, member, number)


@router.get("/bills/{number}/pdf")
async def bill_file(request: Request, number: Number, services: Wired, member: BillKeeper) -> Response:
    """Return a bill as it is posted."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        try:
            view = await bills.bill_view(session, number, now)
        except NoSuchBill:
            raise PageNotFound from None
        await audit.note(session, now, member.id, action="bill.file", subject=label(view.bill))
    return await pdf_file(language_of(request), view)


@router.post("/bills/{number}/paid")
async def note_paid(
    request: Request, number: Number, services: Wired, member: BillKeeper, form: Annotated[BankForm, Form()]
) -> Response:
    """Note that money came in for a bill."""
    return await _note(request, services, member, number, form, action="bill.paid", note=bills.note_paid)


@router.post("/bills/{number}/returned")
async def note_returned(
    request: Request, number: Number, services: Wired, member: BillKeeper, form: Annotated[BankForm, Form()]
) -> Response:
    """Note that what was paid too much was paid back."""
    return await _note(request, services, member, number, form, action="bill.returned", note=bills.note_returned)


@router.post("/bills/payments/{number}/take-back")
async def take_back(number: Number, services: Wired, member: BillKeeper) -> Response:
    """Take back what was noted by mistake."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        try:
            back = await bills.take_back(session, number, member_id=member.id, at=now)
        except NoSuchBill:
            raise PageNotFound from None
        details = {"bill": str(back.bill_id), "minor": back.amount_minor}
        await audit.note(session, now, member.id, action="bill.take-back", subject=str(number), details=details)
    return RedirectResponse(f"/office/bills/{back.bill_id}", 303)


@router.post("/bills/{number}/withdraw")
async def withdraw(request: Request, number: Number, services: Wired, member: BillKeeper) -> Response:
    """Withdraw a bill; what its sessions owe stays owed."""

    async def do(session: AsyncSession) -> Bill:
        return await bills.withdraw(session, number, services.clock.now())

    return await _change(request, services, member, number, action="bill.withdraw", do=do)


@router.post("/bills/{number}/send")
async def send(request: Request, number: Number, services: Wired, member: BillKeeper) -> Response:
    """Mail a bill again, or note that it was posted."""

    async def do(session: AsyncSession) -> Bill:
        return await bills.send_again(session, services.work, number, services.clock.now())

    return await _change(request, services, member, number, action="bill.send", do=do)


async def _change(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    *,
    action: str,
    do: Callable[[AsyncSession], Awaitable[Bill]],
) -> Response:
    try:
        async with services.database.transaction() as session:
            bill = await do(session)
            await audit.note(session, services.clock.now(), member.id, action=action, subject=label(bill))
    except NoSuchBill:
        raise PageNotFound from None
    except KonsentoError as refused:
        return await _page(request, services, member, number, error=refused)
    return RedirectResponse(f"/office/bills/{number}", 303)


async def _note(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    form: BankForm,
    *,
    action: str,
    note: Callable[[AsyncSession, UUID, AtBank], Awaitable[bool]],
) -> Response:
    language, now = language_of(request), services.clock.now()
    currency = ""
    try:
        async with services.database.transaction() as session:
            bill = (await bills.bill_view(session, number, now)).bill
            currency = bill.currency
            noted = AtBank(
                id=form.once,
                amount_minor=_minor(form.amount, currency),
                paid_on=_day(form.paid_on),
                reference=normalize("NFKC", form.reference),
                member_id=member.id,
                at=now,
                today=now.astimezone(ZoneInfo(services.settings.time_zone)).date(),
            )
            if await note(session, number, noted):
                details = {"minor": noted.amount_minor, "currency": currency, "note": str(noted.id)}
                await audit.note(session, now, member.id, action=action, subject=label(bill), details=details)
    except NoSuchBill:
        raise PageNotFound from None
    except ReturnTooLarge as refused:
        error = ReturnTooLarge(left=language.money(int(str(refused.values["left"])), currency))
        return await _page(request, services, member, number, form=form, error=error)
    except KonsentoError as refused:
        return await _page(request, services, member, number, form=form, error=refused)
    return RedirectResponse(f"/office/bills/{number}", 303)


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    *,
    form: BankForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language, now = language_of(request), services.clock.now()
    async with services.database.transaction() as session:
        try:
            view = await bills.bill_view(session, number, now)
        except NoSuchBill:
            raise PageNotFound from None
        too_much = await bills.too_much(session, view)
        noted = await repository.payments_of(session, number)
    bill = view.bill
    zone = ZoneInfo(bill.time_zone)
    taken_back = {one.takes_back_id for one in noted}
    left = form.amount if form is not None else _plain(view.left_minor, bill.currency)
    return office_page(
        request,
        "bill.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        row=_row(language, view),
        bill=bill,
        reference=written_reference(bill),
        is_open=view.standing in {Standing.OPEN, Standing.OVERDUE},
        facts=[
            (language.text("Issued on"), language.day(bill.issued_at, zone)),
            (language.text("Payable until"), language.day(bill.due_at, zone)),
            (language.text("Reminders"), language.number(bill.reminders)),
            (language.text("Sent"), language.moment(bill.sent_at, zone) if bill.sent_at else language.text("not yet")),
        ],
        sessions=[
            (
                one,
                language.day(one.charged_at, zone),
                language.money(one.amount_minor, bill.currency),
                language.money(max(0, view.lefts[one.session_id]), bill.currency),
            )
            for one in view.rows
        ],
        noted=[
            (
                one,
                language.text(KINDS[one.kind]),
                language.money(one.amount_minor, bill.currency),
                one.takes_back_id is None and one.id not in taken_back,
            )
            for one in noted
        ],
        too_much=language.money(too_much, bill.currency) if too_much else "",
        too_much_plain=_plain(too_much, bill.currency),
        currency=language.currency_sign(bill.currency),
        left=left,
        form=form or BankForm(once=new_id()),
        other_once=new_id(),
        today=now.astimezone(zone).date().isoformat(),
    )


def _row(language: Language, view: BillView) -> dict[str, object]:
    bill = view.bill
    return {
        "id": bill.id,
        "label": label(bill),
        "to": bill.recipient or "–",
        "by": language.text("by post") if bill.by_post else language.text("by mail"),
        "amount": language.money(bill.amount_minor, bill.currency),
        "left": language.money(view.left_minor, bill.currency),
        "standing": standing(language, view),
        "is_overdue": view.standing is Standing.OVERDUE,
        "waits": _waits(view),
        "driver_id": bill.driver_id,
    }


def _is_shown(view: BillView, show: str) -> bool:
    match show:
        case "overdue":
            return view.standing is Standing.OVERDUE
        case "post":
            return _waits(view)
        case "open":
            return view.standing in {Standing.OPEN, Standing.OVERDUE}
        case _:
            return True


def _waits(view: BillView) -> bool:
    """Tell whether somebody has to print and post it."""
    is_open = view.standing in {Standing.OPEN, Standing.OVERDUE}
    return view.bill.by_post and view.bill.sent_at is None and is_open


def _plain(minor: int, currency: str) -> str:
    """Return an amount as it is typed."""
    return f"{major_from_minor(minor, currency):f}" if minor else ""


def _minor(text: str, currency: str) -> int:
    try:
        return minor_from_major(Decimal(normalize("NFKC", text).strip().replace(",", "")), currency)
    except InvalidOperation, ValueError, OverflowError:
        raise BadBillPayment from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadBillPayment from None
