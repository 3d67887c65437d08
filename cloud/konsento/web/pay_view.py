"""The page of a payment outside: what is asked for, what becomes of the money, and where to go on."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from konsento.charging.errors import checkout_failure
from konsento.kit.i18n import Language
from konsento.kit.money import major_from_minor
from konsento.models import Checkout, LimitKind, Payment, PaymentPurpose, PaymentState

KONBINI: Final = "konbini"
"""Providers' word for paying at a convenience store."""
SOON_S: Final = 3
"""After so many seconds the page looks again, while something is on its way."""
GONE: Final = frozenset({PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.RELEASED})
"""States in which the driver has not paid, and nothing is held."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A way on."""

    href: str
    says: str


@dataclass(frozen=True, kw_only=True)
class PayView:
    """What the page writes."""

    id: UUID
    title: str
    sentence: str = ""
    money: str = ""
    """What has become of the money, true at this moment."""
    amount_says: str = ""
    amount: str = ""
    """Empty where there is nothing to agree to any more."""
    promise: str = ""
    button: str = ""
    go_on: str = ""
    """The provider's own page; empty where its field is in ours."""
    back: str
    back_says: str
    refresh_s: int = 0
    """After so many seconds the page is looked at again; 0 for never."""
    failed: bool = False
    can_give_up: bool = False
    ways_on: tuple[Link, ...] = ()


def asked_view(language: Language, payment: Payment, origin: Link, redirect_url: str) -> PayView:
    """Return the page on which the driver pays."""
    text = language.text
    amount = language.money(payment.hold_minor, payment.currency)
    view = PayView(
        id=payment.id,
        title=text("Pay {amount}", amount=amount),
        amount_says=text("You pay now"),
        amount=amount,
        button=text("Pay {amount} now", amount=amount),
        go_on=redirect_url,
        back=origin.href,
        back_says=origin.says,
        can_give_up=True,
    )
    if payment.method == KONBINI and redirect_url:
        view = replace(
            view,
            title=text("Pay {amount} at the shop", amount=amount),
            sentence=text("Show the payment slip at the shop. This page goes on by itself when you have paid."),
            button=text("Show the payment slip"),
            refresh_s=10 * SOON_S,
        )
        return (
            replace(view, promise=text("What you do not use is paid back after the charging."))
            if (payment.purpose is PaymentPurpose.SESSION)
            else view
        )
    match payment.purpose:
        case PaymentPurpose.TOP_UP:
            return replace(view, promise=text("It is in your balance as soon as it is paid."))
        case PaymentPurpose.BILL:
            return replace(view, promise=text("For the charging that you have had. Nothing is added."))
    if payment.prepaid:
        promise = text("What you do not use is paid back by the same way after the charging.")
        return replace(view, promise=promise, button=text("Pay {amount} and start", amount=amount))
    return replace(
        view,
        title=text("Reserve {amount}", amount=amount),
        amount_says=text("Reserved until the end"),
        promise=text("Nothing is taken now. After the charging only what you used is taken, and the rest is released."),
        button=text("Reserve and start"),
    )


def waiting_view(language: Language, payment: Payment | None, payment_id: UUID, origin: Link) -> PayView:
    """Return the page while the provider, or the outlet, has not answered."""
    paid = payment is not None and payment.state is PaymentState.HELD
    return PayView(
        id=payment_id,
        title=language.text("Starting …") if paid else language.text("Waiting for your payment"),
        sentence="" if paid else language.text("This page goes on by itself as soon as it has arrived."),
        back=origin.href,
        back_says=origin.says,
        refresh_s=SOON_S,
        can_give_up=not paid,
    )


def away_view(language: Language, payment_id: UUID, origin: Link) -> PayView:
    """Return the page while the provider cannot be asked."""
    text = language.text
    return PayView(
        id=payment_id,
        title=text("The payment service does not answer."),
        sentence=text("We ask again by ourselves, and so does this page."),
        money=text("Nothing has been started. If you have paid, it starts as soon as we know, or you get it back."),
        back=origin.href,
        back_says=origin.says,
        refresh_s=3 * SOON_S,
        can_give_up=True,
    )


def ended_view(language: Language, checkout: Checkout, payment: Payment | None) -> PayView:
    """Return the page of a checkout that has started nothing."""
    text = language.text
    outlet = f"/o/{checkout.outlet_code}"
    again = f"{outlet}/confirm?{urlencode(wish_of(checkout))}"
    return PayView(
        id=checkout.id,
        title=text("The charging did not start."),
        sentence=language.error(checkout_failure(checkout.failure)),
        money=money_text(language, payment),
        back=outlet,
        back_says=text("The outlet"),
        refresh_s=SOON_S if payment is not None and payment.state is PaymentState.RELEASING else 0,
        failed=True,
        ways_on=(
            Link(href=again, says=text("Look at the price again")),
            Link(href=outlet, says=text("Back to the outlet")),
        ),
    )


def unpaid_view(language: Language, payment: Payment, origin: Link, again: Link) -> PayView:
    """Return the page of a top-up, or of an amount that is due, that has not been paid."""
    return PayView(
        id=payment.id,
        title=language.text("You have not paid."),
        money=money_text(language, payment),
        back=origin.href,
        back_says=origin.says,
        refresh_s=SOON_S if payment.state is PaymentState.RELEASING else 0,
        failed=True,
        ways_on=(again, origin),
    )


def money_text(language: Language, payment: Payment | None) -> str:
    """Return what has become of the money of a payment that is not needed."""
    text = language.text
    if payment is None or payment.state in {PaymentState.FAILED, PaymentState.EXPIRED}:
        return text("Nothing was charged, and nothing is held.")
    match payment.state:
        case PaymentState.RELEASED if payment.prepaid:
            return text("What you had paid is paid back. Your bank may take some days to show it.")
        case PaymentState.RELEASED:
            return text("Nothing was charged, and nothing is held. Your bank may take some days to show it.")
        case PaymentState.RELEASING if payment.prepaid:
            return text("What you have paid is being paid back.")
        case PaymentState.RELEASING:
            return text("Nothing is charged. What is reserved is being released.")
    return text("The payment is being looked at.")


def wish_of(checkout: Checkout) -> dict[str, str]:
    """Return the fields of the form that a checkout came from, as somebody would type them."""
    amount = checkout.limit_amount
    match checkout.limit_kind:
        case LimitKind.FULL:
            return {"kind": "full"}
        case LimitKind.ENERGY:
            return {"kind": "energy", "amount": f"{(Decimal(amount) / 1000).normalize():f}"}
        case LimitKind.TIME:
            return {"kind": "time", "amount": f"{amount // 60}" if amount % 60 == 0 else f"{amount} s"}
        case LimitKind.MONEY:
            return {"kind": "money", "amount": f"{major_from_minor(amount, checkout.currency):f}"}
