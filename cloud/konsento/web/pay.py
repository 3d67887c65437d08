"""Paying outside: the page of a payment, from the provider's field to what it paid for.

The provider sends the driver back to the same page. Whatever it says in the address is not looked at: the provider is
asked.
"""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from konsento.charging import checkout
from konsento.charging.checkout import Opened
from konsento.charging.errors import UnknownCheckout
from konsento.kit.i18n import Language
from konsento.models import CheckoutState, Driver, Payment, PaymentPurpose, PaymentState
from konsento.payments import beginning, repository
from konsento.payments.beginning import Begun
from konsento.payments.errors import PaymentAway
from konsento.services import Services
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.pay_view import (
    GONE,
    Link,
    PayView,
    asked_view,
    away_view,
    ended_view,
    unpaid_view,
    waiting_view,
    wish_of,
)
from konsento.web.paying import Field, pay_address, with_field
from konsento.web.render import page
from konsento.web.who import SessionNumber, SignedIn, Wired

router = APIRouter()


@router.get("/pay/{session_id}")
async def pay_page(request: Request, number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Show a payment, or lead to what it paid for."""
    if request.query_params.keys() - {"lang"}:  # a provider's; some of it is secret and has no place in a history
        return RedirectResponse(f"/pay/{number}", 303)
    try:
        opened = await checkout.look(services, driver.id, number, pay_address(services))
    except UnknownCheckout:
        return await _other(request, services, driver, number)
    except PaymentAway:
        origin = await _origin_of_checkout(services, driver.id, number, language_of(request))
        return _page(request, driver, away_view(language_of(request), number, origin))
    return _of_checkout(request, services, driver, opened)


@router.post("/pay/{session_id}/give-up")
async def give_up(number: SessionNumber, services: Wired, driver: SignedIn) -> Response:
    """Give a payment up; what is held for it goes back. Leads to where the driver can choose another way."""
    try:
        await checkout.give_up(services, driver.id, number)
    except UnknownCheckout:
        payment = await _own(services, driver.id, number)
        async with services.database.transaction() as session:
            await beginning.give_up(session, services, payment.id)
    return RedirectResponse(f"/pay/{number}", 303)


def _of_checkout(request: Request, services: Services, driver: Driver, opened: Opened) -> Response:
    language, wanted, payment = language_of(request), opened.checkout, opened.payment
    if wanted.state is CheckoutState.STARTED:
        return RedirectResponse(f"/s/{wanted.session_id}", 303)
    if wanted.state is CheckoutState.ENDED:
        return _page(request, driver, ended_view(language, wanted, payment))
    origin = _origin(language, opened)
    if payment is None or opened.action is None:
        return _page(request, driver, waiting_view(language, payment, wanted.id, origin))
    view = asked_view(language, payment, origin, opened.action.redirect_url)
    return _ask(request, services, driver, view, Begun(payment=payment, action=opened.action))


async def _other(request: Request, services: Services, driver: Driver, number: UUID) -> Response:
    """Show a top-up, or the payment of what is due."""
    language = language_of(request)
    payment = await _own(services, driver.id, number)
    origin, again = _ways(language, payment)
    try:
        begun = await beginning.look(services, number)
    except PaymentAway:
        return _page(request, driver, away_view(language, number, origin))
    payment, action = begun.payment, begun.action
    if payment.state in GONE or payment.state is PaymentState.RELEASING:
        return _page(request, driver, unpaid_view(language, payment, origin, again))
    if payment.state is not PaymentState.PENDING:
        return RedirectResponse(f"{origin.href}?done=paid" if payment.session_id is None else origin.href, 303)
    if action is None:
        return _page(request, driver, waiting_view(language, payment, number, origin))
    view = asked_view(language, payment, origin, action.redirect_url)
    return _ask(request, services, driver, view, begun)


def _ask(request: Request, services: Services, driver: Driver, view: PayView, paid: Begun) -> Response:
    """Show the provider's field, or the way to its own page."""
    key = services.desk.provider(paid.payment.provider).publishable_key
    if paid.action is None or paid.action.redirect_url or not key:
        return _page(request, driver, view)
    field = Field(key=key, secret=paid.action.client_secret, back=pay_address(services, paid.payment.id))
    return with_field(_page(request, driver, view, field))


def _page(request: Request, driver: Driver, view: PayView, field: Field | None = None) -> Response:
    return page(request, "pay.html", driver=driver, view=view, element=field)


async def _own(services: Services, driver_id: UUID, number: UUID) -> Payment:
    async with services.database.transaction() as session:
        payment = await repository.payment(session, number)
    if payment is None or payment.driver_id != driver_id or payment.purpose is PaymentPurpose.SESSION:
        raise PageNotFound
    return payment


async def _origin_of_checkout(services: Services, driver_id: UUID, number: UUID, language: Language) -> Link:
    return _origin(language, await checkout.last_seen(services, driver_id, number))


def _origin(language: Language, opened: Opened) -> Link:
    wish = urlencode(wish_of(opened.checkout))
    return Link(href=f"/o/{opened.checkout.outlet_code}/confirm?{wish}", says=language.text("Your price"))


def _ways(language: Language, payment: Payment) -> tuple[Link, Link]:
    """Return where a payment that is not for a new charging came from, and where it can be tried again."""
    if payment.session_id is not None:
        receipt = Link(href=f"/s/{payment.session_id}", says=language.text("Receipt"))
        return receipt, Link(href=receipt.href, says=language.text("Choose another way"))
    balance = Link(href="/account/balance", says=language.text("Your balance"))
    return balance, Link(href="/account/balance/top-up", says=language.text("Try again"))
