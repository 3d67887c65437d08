"""A driver's bills: what is to be paid until when, as files, and where they are sent."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import Driver, DriverKind
from konsento.payments.bills import addressing, layout, repository
from konsento.payments.bills import service as bills
from konsento.payments.bills.names import label
from konsento.payments.bills.service import BillView, Standing
from konsento.services import Services
from konsento.settings import BillEvery
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired, session_number

router = APIRouter()

MOST: Final = 100
"""Bills that the page shows."""
STANDINGS: Final = {
    Standing.OPEN: marked("to be paid by {day}"),
    Standing.OVERDUE: marked("was to be paid by {day}"),
    Standing.PAID: marked("paid"),
    Standing.WITHDRAWN: marked("withdrawn"),
}


class AddressForm(BaseModel):
    """Where bills are to be posted; nothing typed: they are mailed."""

    name: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class BillRow:
    """A bill of the page."""

    id: UUID
    label: str
    amount: str
    """What is still to be paid; of a paid one what it was for."""
    standing: str
    sessions: list[tuple[UUID, str, str]]
    """Those that can still be paid: id, place and what is left."""


async def has_bills(session: AsyncSession, services: Services, driver: Driver) -> bool:
    """Tell whether a driver has bills, or may have some."""
    if services.settings.bill is not BillEvery.OFF and driver.kind is DriverKind.ACCOUNT:
        return True
    return bool(await repository.of_driver(session, driver.id, 1))


@router.get("/account/bills")
async def bills_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Show the driver's bills and where they are sent."""
    async with services.database.transaction() as session:
        found = await addressing.of_driver(session, driver.id)
    form = AddressForm(name=found.name, address=found.address) if found is not None else AddressForm()
    return await _page(request, services, driver, form)


@router.post("/account/bills")
async def address_bills(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[AddressForm, Form()]
) -> Response:
    """Have bills sent somewhere else from now on."""
    try:
        async with services.database.transaction() as session:
            if not await has_bills(session, services, driver):
                raise PageNotFound
            await addressing.name(session, driver.id, form.name, form.address)
    except KonsentoError as error:
        if isinstance(error, PageNotFound):
            raise
        return await _page(request, services, driver, form, error)
    return RedirectResponse("/account/bills", 303)


@router.get("/account/bills/{number}.pdf")
async def bill_file(request: Request, number: str, services: Wired, driver: SignedIn) -> Response:
    """Give one of the driver's own bills as a PDF, with what is still to be paid."""
    async with services.database.transaction() as session:
        view = await bills.own_bill(session, driver.id, session_number(number), services.clock.now())
    return await pdf_file(language_of(request), view)


async def pdf_file(language: Language, view: BillView) -> Response:
    """Return a bill as a PDF that the browser shows, under its number."""
    content = await asyncio.to_thread(layout.pdf, language, view)
    headers = {"Content-Disposition": f'inline; filename="{label(view.bill)}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def standing(language: Language, view: BillView) -> str:
    """Return how a bill stands, in words."""
    day = language.day(view.bill.due_at, ZoneInfo(view.bill.time_zone))
    return language.text(STANDINGS[view.standing], day=day)


async def _page(
    request: Request, services: Services, driver: Driver, form: AddressForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        if not await has_bills(session, services, driver):
            raise PageNotFound
        found = await repository.of_driver(session, driver.id, MOST)
        views = await bills.views(session, found, services.clock.now())
    return page(
        request,
        "bills.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        rows=[_row(language, view) for view in views],
        form=form,
    )


def _row(language: Language, view: BillView) -> BillRow:
    bill = view.bill
    is_open = view.standing in {Standing.OPEN, Standing.OVERDUE}
    return BillRow(
        id=bill.id,
        label=label(bill),
        amount=language.money(view.left_minor if is_open else bill.amount_minor, bill.currency),
        standing=standing(language, view),
        sessions=[
            (row.session_id, row.place, language.money(view.lefts[row.session_id], bill.currency))
            for row in view.rows
            if is_open and view.lefts[row.session_id] > 0
        ],
    )
