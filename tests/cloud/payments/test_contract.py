"""What every external provider keeps to: the scripted one, and Stripe's as far as the real `localstripe` plays it.

localstripe remembers no idempotency keys, lists nothing by time and knows no disputes, PayPay or konbini: those are
looked at with the scripted provider and in `test_stripe` alone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from pydantic import SecretStr

from konsento.kit.ids import new_id
from konsento.kit.logs import configure_log
from konsento.models import PaymentPurpose
from konsento.payments.errors import Declined, Refused
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import HintSubject, Order, RefundOrder, RefundStage, Seen, Stage
from konsento.payments.stripe import StripeProvider
from konsento.settings import Settings

from ..conftest import AT
from . import localstripe
from .localstripe import DECLINED, KEY, NEEDS_SCA, Browser
from .scripted import ScriptedProvider

SECRET = "whsec_of_the_tests"


@dataclass
class Contract:
    """A provider, and how a driver pays there."""

    provider: ExternalProvider
    pay: Callable[[str], Awaitable[None]]
    save_card: Callable[[str], Awaitable[str]]

    def order(self, amount: int = 1000, **more: object) -> Order:
        given = {
            "payment_id": new_id(),
            "driver_id": new_id(),
            "purpose": PaymentPurpose.SESSION,
            "amount_minor": amount,
            "currency": "JPY",
            "prepaid": False,
        }
        return Order(**given | more)  # type: ignore[arg-type]

    async def held(self, amount: int = 1000) -> Seen:
        """Return a payment that is held."""
        begun = await self.provider.begin(self.order(amount), str(new_id()))
        await self.pay(begun.reference)
        return await self.provider.look(begun.reference)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localstripe.running(tmp_path_factory.mktemp("localstripe")) as address:
        yield address


@pytest.fixture
async def browser(server: str) -> Browser:
    browser = Browser(server)
    await browser.ready()
    return browser


@pytest.fixture
async def stripes(server: str) -> AsyncIterator[StripeProvider]:
    settings = Settings(
        stripe_secret_key=SecretStr(KEY),
        stripe_publishable_key="pk_test_of_the_tests",
        stripe_webhook_secret=SecretStr(SECRET),
        stripe_methods="",
        stripe_api_url=server,
    )
    provider = StripeProvider(settings)
    yield provider
    await provider.close()


@pytest.fixture(params=["scripted", "localstripe"])
def contract(request: pytest.FixtureRequest) -> Contract:
    if request.param == "localstripe":
        browser: Browser = request.getfixturevalue("browser")
        return Contract(request.getfixturevalue("stripes"), browser.pay, browser.save_card)
    provider = ScriptedProvider()

    async def pay(reference: str) -> None:
        provider.confirm(reference)

    async def save_card(customer: str) -> str:
        return provider.add_card(customer).reference

    return Contract(provider, pay, save_card)


async def test_a_payment_waits_for_its_driver(contract: Contract) -> None:
    order = contract.order()
    begun = await contract.provider.begin(order, "begin")

    assert (begun.stage, begun.amount_minor, begun.currency) == (Stage.WAITING, 1000, "JPY")
    assert begun.payment_id == order.payment_id
    assert begun.action is not None
    assert begun.action.client_secret


async def test_a_confirmed_payment_is_held_and_an_amount_of_it_taken(contract: Contract) -> None:
    held = await contract.held()
    taken = await contract.provider.capture(held.reference, 380, "JPY", str(new_id()))
    seen = await contract.provider.look(held.reference)

    assert (held.stage, held.taken_minor) == (Stage.HELD, 0)
    assert (taken.stage, taken.taken_minor, taken.refunded_minor) == (Stage.TAKEN, 380, 0)
    assert (seen.stage, seen.taken_minor, seen.refunded_minor) == (Stage.TAKEN, 380, 0)
    assert list(await contract.provider.refunds(held.reference)) == []


async def test_a_hold_is_given_up(contract: Contract) -> None:
    held = await contract.held()
    gone = await contract.provider.cancel(held.reference, str(new_id()))

    assert gone.stage is Stage.GONE
    assert (await contract.provider.look(held.reference)).stage is Stage.GONE


async def test_a_payment_that_was_not_confirmed_is_given_up(contract: Contract) -> None:
    begun = await contract.provider.begin(contract.order(), str(new_id()))
    assert (await contract.provider.cancel(begun.reference, str(new_id()))).stage is Stage.GONE


async def test_nothing_is_taken_twice_and_never_more_than_is_held(contract: Contract) -> None:
    held = await contract.held()
    with pytest.raises(Refused):
        await contract.provider.capture(held.reference, 1001, "JPY", str(new_id()))
    await contract.provider.capture(held.reference, 380, "JPY", str(new_id()))
    with pytest.raises(Refused):
        await contract.provider.capture(held.reference, 380, "JPY", str(new_id()))
    with pytest.raises(Refused):
        await contract.provider.cancel(held.reference, str(new_id()))


async def test_what_pays_at_once_is_taken_at_once_and_refunded_in_part(contract: Contract) -> None:
    begun = await contract.provider.begin(contract.order(prepaid=True), str(new_id()))
    await contract.pay(begun.reference)
    taken = await contract.provider.look(begun.reference)
    order = RefundOrder(refund_id=new_id(), reference=begun.reference, amount_minor=620, currency="JPY")
    refund = await contract.provider.refund(order, str(new_id()))
    known = await contract.provider.refunds(begun.reference)

    assert (taken.stage, taken.taken_minor) == (Stage.TAKEN, 1000)
    assert (refund.stage, refund.amount_minor, refund.refund_id) == (RefundStage.DONE, 620, order.refund_id)
    assert [(one.refund_id, one.amount_minor) for one in known] == [(order.refund_id, 620)]


async def test_what_nobody_made_is_not_there(contract: Contract) -> None:
    with pytest.raises(Refused):
        await contract.provider.look("pi_nobodys")


async def test_cards_are_saved_used_and_forgotten(contract: Contract) -> None:
    customer = await contract.provider.customer(new_id(), str(new_id()))
    other = await contract.provider.customer(new_id(), str(new_id()))
    assert (await contract.provider.begin_card(customer, str(new_id()))).client_secret
    card = await contract.save_card(customer)
    (saved,) = await contract.provider.cards(customer)
    held = await contract.provider.begin(contract.order(customer=customer, card=card), str(new_id()))

    assert (saved.reference, saved.last4, saved.expires) == (card, "4242", "12/34")
    assert held.stage is Stage.HELD
    assert list(await contract.provider.cards(other)) == []
    with pytest.raises(Refused):
        await contract.provider.forget_card(other, card)
    await contract.provider.forget_card(customer, card)
    assert list(await contract.provider.cards(customer)) == []


async def test_a_customer_is_forgotten_and_again(contract: Contract) -> None:
    customer = await contract.provider.customer(new_id(), str(new_id()))
    await contract.provider.forget_customer(customer)


async def test_the_drivers_bank_asks_and_is_answered(stripes: StripeProvider, browser: Browser) -> None:
    order = Order(
        payment_id=new_id(),
        driver_id=new_id(),
        purpose=PaymentPurpose.SESSION,
        amount_minor=1000,
        currency="JPY",
        prepaid=False,
    )
    begun = await stripes.begin(order, "sca")
    assert begun.action is not None
    await browser.pay(begun.reference, NEEDS_SCA)
    asked = await stripes.look(begun.reference)
    await browser.authenticate(begun.reference, begun.action.client_secret, success=False)
    failed = await stripes.look(begun.reference)
    await browser.pay(begun.reference, NEEDS_SCA)
    await browser.authenticate(begun.reference, begun.action.client_secret, success=True)

    assert (asked.stage, failed.stage) == (Stage.WAITING, Stage.WAITING)
    assert failed.failure == "payment_intent_authentication_failure"
    assert (await stripes.look(begun.reference)).stage is Stage.HELD


async def test_a_declined_card_can_be_followed_by_another(stripes: StripeProvider, browser: Browser) -> None:
    order = Order(
        payment_id=new_id(),
        driver_id=new_id(),
        purpose=PaymentPurpose.SESSION,
        amount_minor=1000,
        currency="JPY",
        prepaid=False,
    )
    begun = await stripes.begin(order, "declined")
    await browser.pay(begun.reference, DECLINED, 402)
    declined = await stripes.look(begun.reference)

    assert (declined.stage, declined.failure) == (Stage.WAITING, "card_declined")


async def test_a_saved_card_that_is_declined_is_told_so_at_once(stripes: StripeProvider, browser: Browser) -> None:
    customer = await stripes.customer(new_id(), str(new_id()))
    card = await browser.save_card(customer, DECLINED)
    order = Order(
        payment_id=new_id(),
        driver_id=new_id(),
        purpose=PaymentPurpose.SESSION,
        amount_minor=1000,
        currency="JPY",
        prepaid=False,
        customer=customer,
        card=card,
    )
    with pytest.raises(Declined):
        await stripes.begin(order, str(new_id()))


async def test_its_webhooks_are_signed_and_read(stripes: StripeProvider, browser: Browser) -> None:
    order = Order(
        payment_id=UUID(int=7),
        driver_id=new_id(),
        purpose=PaymentPurpose.TOP_UP,
        amount_minor=1000,
        currency="JPY",
        prepaid=True,
    )
    async with browser.webhooks(SECRET) as came, asyncio.timeout(10):
        begun = await stripes.begin(order, "webhooks")
        await browser.pay(begun.reference)
        while True:
            signature, body = await came.get()
            hint = stripes.hint(body, signature, AT)
            if hint.reference == begun.reference:
                break

    assert (hint.subject, hint.event_type) == (HintSubject.PAYMENT, "payment_intent.succeeded")


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, list(root.handlers), logging.getLogger("stripe").level
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.getLogger("stripe").setLevel(before[2])


@pytest.mark.usefixtures("_log_as_before")
async def test_nothing_that_opens_a_payment_is_logged_at_any_level(
    stripes: StripeProvider, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_log("DEBUG")
    order = Order(
        payment_id=new_id(),
        driver_id=new_id(),
        purpose=PaymentPurpose.SESSION,
        amount_minor=1000,
        currency="JPY",
        prepaid=False,
    )
    begun = await stripes.begin(order, "log")
    with pytest.raises(Refused):
        await stripes.cancel("pi_nobodys", "log-2")
    said = capfd.readouterr().err

    assert begun.action is not None
    assert begun.action.client_secret not in said
    assert KEY not in said
