"""Paying, as the pages do it: checkouts for charging, top-ups, what is owed, saved cards."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from konsento.api import idempotency
from konsento.api.asked import AskedCharging
from konsento.api.outlets import BAD_LIMITS, OBSTACLES, Reason
from konsento.api.problems import declared, language_of
from konsento.api.schemas import Asked, Limit, Money, YesNo, money
from konsento.api.who import ReadsBalance, ReadsSessions, WritesSessions
from konsento.catalogue.errors import NoTariff, OfferGone
from konsento.charging import checkout
from konsento.charging.checkout import Opened
from konsento.charging.errors import (
    AlreadyChargingHere,
    AmountNeeded,
    MeteringNotAgreed,
    PresenceNeeded,
    PriceChanged,
    StillUnpaid,
    UnknownCheckout,
    UnknownSession,
    checkout_failure,
)
from konsento.kit.i18n import Language
from konsento.kit.ids import new_id
from konsento.models import CheckoutState, PaymentPurpose, PaymentState
from konsento.models import Payment as PaymentRow
from konsento.payments import beginning, cards, owed, repository, wishes
from konsento.payments.errors import (
    BadTopUp,
    BalanceTooLow,
    CardDeclined,
    PaymentAway,
    PaymentRefused,
    UnknownCard,
    UnknownMethod,
    UnknownPayment,
)
from konsento.payments.seen import Action as ProvidersAction
from konsento.payments.ways import Way
from konsento.rewards.errors import REFUSALS
from konsento.services import Services
from konsento.sites.errors import UnknownOutlet
from konsento.web.cards import provider_of_cards
from konsento.web.paying import pay_address
from konsento.web.who import Wired

router = APIRouter(tags=["Payments"])

EXAMPLE: Final = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"
Number = Annotated[UUID, Path(description="The payment's id; a checkout has the same.", examples=[EXAMPLE])]
PAY_WITH: Final = Field(
    max_length=320,
    description="Way to pay, as `GET /payment-methods` names it; with a saved card, as it names the card.",
    examples=["stripe:card"],
)
RETURN_URL: Final = Field(
    default=None,
    max_length=500,
    pattern=r"^(https|[a-z][a-z0-9+.-]{2,30}\.[a-z0-9+.-]{1,60})://[^\s]+$",
    description="Where the provider sends the driver back to: an `https` address, or a link of your app whose scheme "
    "has a dot in it (`com.example.app://paid`). `{id}` in it stands for the payment's id. Left out: a page of ours.",
    examples=["com.example.app://paid/{id}"],
)
PAYING: Final = (UnknownMethod, UnknownCard, CardDeclined, PaymentRefused, PaymentAway)


class Action(BaseModel):
    """What the driver has to do at the payment provider's. Secret: for the driver's own device."""

    publishable_key: str = Field(description="For the provider's own library; may be empty.", examples=["pk_live_…"])
    client_secret: str = Field(description="The same; may be empty.", examples=["pi_…_secret_…"])
    redirect_url: str = Field(
        description="Open this in a browser; empty where there is nothing to open.", examples=[""]
    )


class Payment(BaseModel):
    """A payment at an external provider, as it is there now."""

    id: UUID = Field(examples=[EXAMPLE])
    purpose: PaymentPurpose = Field(examples=["session"])
    state: PaymentState = Field(
        description="`pending` → `held` → `capturing` → `captured`; or `releasing` → `released`, `failed`, `expired`. "
        "Nothing is held or taken in the last three alone.",
        examples=["pending"],
    )
    pay_with: str = Field(examples=["stripe:card"])
    prepaid: bool = Field(description="All of it is taken before; what is not used is paid back.", examples=[False])
    amount: Money = Field(description="Held, or paid before.")
    taken: Money
    refunded: Money
    session: UUID | None = Field(description="The session it pays for, once that has begun.", examples=[EXAMPLE])
    action: Action | None = Field(description="What the driver has to do; null where there is nothing, and in a list.")


class Checkout(BaseModel):
    """A wish to charge that waits for its payment."""

    id: UUID = Field(examples=[EXAMPLE])
    state: CheckoutState = Field(
        description="`open` → `started` (its session has begun, and may have failed since) or `ended` (nothing was "
        "started; the payment tells what has become of the money).",
        examples=["open"],
    )
    outlet: str = Field(description="The outlet's code.", examples=["K7F29Q"])
    limit: Limit
    failure: Reason | None = Field(description="Why nothing was started.")
    session: UUID | None = Field(description="The session, once `started`.", examples=[EXAMPLE])
    expires_at: datetime = Field(description="Whoever has not paid by then has walked away.")
    payment: Payment | None = Field(description="Null where the provider was never asked.")


class AskedCheckout(AskedCharging):
    """What is to be charged, and how it is paid."""

    pay_with: str = PAY_WITH
    save_card: YesNo = Field(default=False, description="The driver wants a new card kept.", examples=[False])
    return_url: str | None = RETURN_URL


class AskedTopUp(Asked):
    """What is to be paid into the balance."""

    amount_minor: int = Field(ge=1, le=10**12, description="In minor units: yen, cents.", examples=[3000])
    pay_with: str = PAY_WITH
    return_url: str | None = RETURN_URL


class AskedSettling(Asked):
    """How what is owed is paid."""

    pay_with: str = PAY_WITH
    return_url: str | None = RETURN_URL


class Debt(BaseModel):
    """What is still owed for a session."""

    session: UUID = Field(examples=[EXAMPLE])
    amount: Money
    since: datetime


class Debts(BaseModel):
    """All that the driver owes, the oldest first."""

    items: list[Debt]


class Settled(BaseModel):
    """What has become of it."""

    payment: Payment | None = Field(description="Null where nothing was owed, it was being paid, or a bill was made.")


@router.post(
    "/checkouts",
    status_code=201,
    response_model=Checkout,
    responses=declared(
        *idempotency.ERRORS,
        *OBSTACLES,
        *BAD_LIMITS,
        *PAYING,
        UnknownOutlet,
        NoTariff,
        AlreadyChargingHere,
        AmountNeeded,
        MeteringNotAgreed,
        PriceChanged,
        PresenceNeeded,
        StillUnpaid,
        OfferGone,
        *REFUSALS,
    ),
)
async def create_checkout(
    request: Request, services: Wired, caller: WritesSessions, asked: AskedCheckout, key: idempotency.NeededKey
) -> Response:
    """Pay and start.

    For ways to pay that hold the money outside (`external`). With a saved card the session may have begun when this
    answers. Else get the checkout: its payment says what the driver has to do, and it begins by itself when that is
    done. The header `Idempotency-Key` is required. After `PresenceNeeded` do as with a start.
    """
    way, language = Way.read(asked.pay_with), language_of(request)
    _external(services, way)
    wanted = checkout.Asked(
        wish=asked.wish(caller.driver.id, services.settings.currency),
        provider=way.provider,
        method=way.method,
        card=way.card,
        save_card=asked.save_card,
        return_url=asked.return_url or pay_address(services),
    )

    async def begin(checkout_id: UUID) -> Checkout:
        opened = await checkout.begin(services, wanted, checkout_id=checkout_id)
        # Answers are kept, and what the driver has to do is secret.
        return _checkout(services, language, opened, action=None)

    return await idempotency.once(request, services, caller, key, begin)


@router.get("/checkouts/{payment_id}", responses=declared(UnknownCheckout, PaymentAway))
async def get_checkout(request: Request, payment_id: Number, services: Wired, caller: ReadsSessions) -> Checkout:
    """Get a checkout.

    The provider is asked how the payment is, so this also leads it on: when the driver has paid, the session begins.
    """
    opened = await checkout.look(services, caller.driver.id, payment_id, pay_address(services))
    return _checkout(services, language_of(request), opened, action=opened.action)


@router.post("/checkouts/{payment_id}/give-up", responses=declared(UnknownCheckout))
async def give_up_checkout(request: Request, payment_id: Number, services: Wired, caller: WritesSessions) -> Checkout:
    """Give a checkout up.

    What is held for it is released, and what was paid is paid back. One that has begun its session stays as it is.
    """
    await checkout.give_up(services, caller.driver.id, payment_id)
    opened = await checkout.last_seen(services, caller.driver.id, payment_id)
    return _checkout(services, language_of(request), opened, action=None)


@router.post(
    "/top-ups",
    status_code=201,
    response_model=Payment,
    responses=declared(*idempotency.ERRORS, *PAYING, BadTopUp),
)
async def create_top_up(
    request: Request, services: Wired, caller: WritesSessions, asked: AskedTopUp, key: idempotency.NeededKey
) -> Response:
    """Pay into the balance.

    Where the operator has balances; the driver confirms it at the provider's, so get the payment next. The header
    `Idempotency-Key` is required.
    """
    way = Way.read(asked.pay_with)
    return_url = asked.return_url or pay_address(services)

    async def begin(payment_id: UUID) -> Payment:
        # Not with a saved card: nobody but a token would have said yes.
        plain = Way(provider=way.provider, method=way.method)
        begun = await wishes.top_up(
            services, caller.driver.id, asked.amount_minor, plain, payment_id, return_url=return_url
        )
        return _payment(services, begun.payment, None)

    return await idempotency.once(request, services, caller, key, begin)


@router.get("/payments/{payment_id}", responses=declared(UnknownPayment, PaymentAway))
async def get_payment(payment_id: Number, services: Wired, caller: ReadsBalance) -> Payment:
    """Get a payment.

    Of any purpose; the provider is asked how it is.
    """
    await _own(services, caller.driver.id, payment_id)
    begun = await beginning.look(services, payment_id)
    return _payment(services, begun.payment, begun.action)


@router.post("/payments/{payment_id}/give-up", responses=declared(UnknownPayment))
async def give_up_payment(payment_id: Number, services: Wired, caller: WritesSessions) -> Payment:
    """Give a payment up.

    One that the driver has not confirmed, or that is not needed any more; of a checkout, give the checkout up.
    """
    payment = await _own(services, caller.driver.id, payment_id)
    if payment.purpose is PaymentPurpose.SESSION:
        raise UnknownPayment
    async with services.database.transaction() as session:
        return _payment(services, await beginning.give_up(session, services, payment_id), None)


@router.get("/owed", responses=declared())
async def list_owed(services: Wired, caller: ReadsBalance) -> Debts:
    """List what is owed.

    For sessions that are over: nothing was held for them, or it could not be taken. What is being paid is not in it.
    """
    async with services.database.transaction() as session:
        found = await owed.of_driver(session, caller.driver.id)
    return Debts(
        items=[Debt(session=o.session_id, amount=money(o.amount_minor, o.currency), since=o.since) for o in found]
    )


@router.post("/sessions/{session_id}/pay", responses=declared(*PAYING, UnknownSession, BalanceTooLow))
async def pay_session(session_id: UUID, services: Wired, caller: WritesSessions, asked: AskedSettling) -> Settled:
    """Pay what a session owes.

    From the balance at once; outside, get the payment next: it says what the driver has to do. With `bill` a bill is
    made, where the operator offers that, and the amount stays owed until it is paid.
    """
    begun = await wishes.pay_owed(
        services,
        caller.driver.id,
        session_id,
        Way.read(asked.pay_with),
        return_url=asked.return_url or pay_address(services),
    )
    return Settled(payment=_payment(services, begun.payment, None) if begun is not None else None)


@router.post("/cards", status_code=201, responses=declared(UnknownMethod, PaymentAway))
async def begin_card(services: Wired, caller: WritesSessions) -> Action:
    """Save a card.

    Give the answer to the provider's own library on the driver's device; the card's number never comes here.
    """
    name = provider_of_cards(services, caller.driver)
    if name is None:
        raise UnknownMethod
    action = await cards.begin_card(services, name, caller.driver.id, f"card:{new_id()}")
    return _action(services, name, action)


@router.delete("/cards/{card}", status_code=204, responses=declared(UnknownMethod, UnknownCard, PaymentAway))
async def remove_card(
    card: Annotated[str, Path(max_length=255, description="The card, as `pay_with` ends.", examples=["pm_123"])],
    services: Wired,
    caller: WritesSessions,
) -> None:
    """Remove a saved card.

    It is forgotten at the provider's.
    """
    name = provider_of_cards(services, caller.driver)
    if name is None:
        raise UnknownMethod
    await cards.forget_card(services, name, caller.driver.id, card)


def _external(services: Services, way: Way) -> None:
    if way.provider not in services.desk.external:
        raise UnknownMethod


async def _own(services: Services, driver_id: UUID, payment_id: UUID) -> PaymentRow:
    async with services.database.transaction() as session:
        payment = await repository.payment(session, payment_id)
    if payment is None or payment.driver_id != driver_id:
        raise UnknownPayment
    return payment


def _checkout(services: Services, language: Language, opened: Opened, *, action: ProvidersAction | None) -> Checkout:
    row, payment = opened.checkout, opened.payment
    error = checkout_failure(row.failure) if row.failure else None
    return Checkout(
        id=row.id,
        state=row.state,
        outlet=row.outlet_code,
        limit=Limit(kind=row.limit_kind, amount=row.limit_amount),
        failure=Reason(code=row.failure, detail=language.error(error)) if error is not None else None,
        session=row.session_id if row.state is CheckoutState.STARTED else None,
        expires_at=row.expires_at,
        payment=_payment(services, payment, action) if payment is not None else None,
    )


def _payment(services: Services, payment: PaymentRow, action: ProvidersAction | None) -> Payment:
    currency = payment.currency
    return Payment(
        id=payment.id,
        purpose=payment.purpose,
        state=payment.state,
        pay_with=str(Way(provider=payment.provider, method=payment.method)),
        prepaid=payment.prepaid,
        amount=money(payment.hold_minor, currency),
        taken=money(payment.captured_minor, currency),
        refunded=money(payment.refunded_minor, currency),
        session=payment.session_id,
        action=_action(services, payment.provider, action) if action is not None else None,
    )


def _action(services: Services, provider: str, action: ProvidersAction) -> Action:
    return Action(
        publishable_key=services.desk.provider(provider).publishable_key,
        client_secret=action.client_secret,
        redirect_url=action.redirect_url,
    )
