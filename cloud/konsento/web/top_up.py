"""Paying money into the balance, where the operator has balances."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.kit import typed
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.models import Driver, PaymentPurpose
from konsento.payments import lots, ways, wishes
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.web import problems
from konsento.web.balance import zone_of
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.paying import pay_address
from konsento.web.quote_view import way_views
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()


class TopUpForm(BaseModel):
    """What a driver wants to pay in, as typed."""

    amount: str = ""
    provider: str = ""
    once: UUID | None = None


@router.get("/account/balance/top-up")
async def top_up_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Ask how much, and how. Raises `PageNotFound` where nothing can be paid in."""
    return await _form(request, services, driver, TopUpForm())


@router.post("/account/balance/top-up")
async def top_up(request: Request, services: Wired, driver: SignedIn, form: Annotated[TopUpForm, Form()]) -> Response:
    """Begin the payment."""
    payment_id = form.once or new_id()
    try:
        minor = minor_from_major(_number(form.amount), services.settings.currency)
    except ValueError, OverflowError:
        minor = 0  # which says what it can be
    try:
        way = Way.read(form.provider)
        await wishes.top_up(services, driver.id, minor, way, payment_id, return_url=pay_address(services))
    except KonsentoError as error:
        return await _form(request, services, driver, form, error)
    return RedirectResponse(f"/pay/{payment_id}", 303)


def _number(text: str) -> Decimal:
    return typed.decimal(typed.without_thousands(typed.plain(text)))


async def _form(
    request: Request, services: Services, driver: Driver, form: TopUpForm, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language, settings = language_of(request), services.settings
    async with services.database.transaction() as session:
        offered = await ways.methods(session, services, driver.id, PaymentPurpose.TOP_UP)
        zone = await zone_of(session, driver.id)
    if not settings.balance or not offered:
        raise PageNotFound
    return page(
        request,
        "top_up.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        amount=form.amount[:12] or f"{major_from_minor(settings.top_up_most_minor // 10, settings.currency):f}",
        unit=language.currency_sign(settings.currency),
        most=language.money(settings.top_up_most_minor, settings.currency),
        until=language.day(lots.end_of(services.clock.now(), settings.balance_months), zone),
        methods=way_views(language, offered),
        once=new_id(),
    )
