"""Paying money into the balance, where the operator has balances."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.kit import typed
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.models import Driver, PaymentPurpose
from konsento.payments import beginning, lots, ways
from konsento.payments.beginning import Wish
from konsento.payments.errors import UnknownMethod
from konsento.payments.ways import Way
from konsento.services import Services
from konsento.web import problems
from konsento.web.balance import zone_of
from konsento.web.errors import BadTopUp, PageNotFound
from konsento.web.language import language_of
from konsento.web.pay_view import KONBINI
from konsento.web.paying import pay_address
from konsento.web.quote_view import way_views
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()

PATIENCE: Final = timedelta(hours=1)
"""How long a top-up waits for the driver."""
AT_THE_SHOP: Final = timedelta(days=3)
"""The same, where it is paid at a convenience store."""


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
    settings, way = services.settings, Way.read(form.provider)
    try:
        amount = _read(services, form.amount)
        async with services.database.transaction() as session:
            offered = await ways.methods(session, services, driver.id, PaymentPurpose.TOP_UP)
            if not settings.balance or Way(provider=way.provider, method=way.method) not in {o.way for o in offered}:
                raise UnknownMethod
        payment_id = form.once or new_id()
        wish = Wish(
            payment_id=payment_id,
            driver_id=driver.id,
            provider=way.provider,
            amount_minor=amount,
            currency=settings.currency,
            expires_at=services.clock.now() + (AT_THE_SHOP if way.method == KONBINI else PATIENCE),
            purpose=PaymentPurpose.TOP_UP,
            method=way.method,
            return_url=pay_address(services, payment_id),
        )
        begun = await beginning.begin_hold(services, wish)
    except KonsentoError as error:
        return await _form(request, services, driver, form, error)
    return RedirectResponse(f"/pay/{begun.payment.id}", 303)


def _read(services: Services, text: str) -> int:
    """Return an amount in minor units. Raises `BadTopUp`."""
    currency, most = services.settings.currency, services.settings.top_up_most_minor
    try:
        minor = minor_from_major(typed.decimal(typed.without_thousands(typed.plain(text))), currency)
    except ValueError, OverflowError:
        minor = 0
    if not 0 < minor <= most:
        raise BadTopUp(most=f"{major_from_minor(most, currency):f} {currency}")
    return minor


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
