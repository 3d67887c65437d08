"""The whole way of a payment at Stripe, played by the real `localstripe`: held, hinted at, taken, refunded, booked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from konsento.kit.ids import new_id
from konsento.models import AccountKind, Payment, PaymentPurpose, PaymentState
from konsento.payments import beginning, cards, hints, refunding
from konsento.payments.beginning import Wish
from konsento.payments.errors import CardDeclined
from konsento.payments.stripe import NAME, StripeProvider
from konsento.settings import Settings

from ..conftest import Core, opened, wired
from ..databases import Template
from . import localstripe
from .conftest import Shop
from .localstripe import DECLINED, KEY, Browser

SECRET = "whsec_of_the_tests"
CLEARING, RECEIVABLE, ADVANCE = AccountKind.CLEARING, AccountKind.RECEIVABLE, AccountKind.ADVANCE


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
async def core(furnished: Template, tmp_path: Path, server: str) -> AsyncIterator[Core]:
    settings = Settings(
        stripe_secret_key=SecretStr(KEY),
        stripe_publishable_key="pk_test_of_the_tests",
        stripe_webhook_secret=SecretStr(SECRET),
        stripe_methods="",
        stripe_api_url=server,
    )
    provider = StripeProvider(settings)
    async with opened(furnished, tmp_path) as database:
        yield await wired(database, external=[provider])
    await provider.close()


@pytest.fixture
def shop(core: Core) -> Shop:
    return Shop(core, None)  # type: ignore[arg-type]  # the provider is a process of its own


def wish(core: Core, **more: object) -> Wish:
    given = {
        "payment_id": new_id(),
        "driver_id": core.driver_id,
        "provider": NAME,
        "amount_minor": 1000,
        "currency": "JPY",
        "expires_at": core.clock.now() + timedelta(minutes=10),
    }
    return Wish(**given | more)  # type: ignore[arg-type]


async def held(shop: Shop, browser: Browser) -> Payment:
    begun = await beginning.begin_hold(shop.core.services, wish(shop.core))
    await browser.pay(begun.payment.reference)
    held = await beginning.look(shop.core.services, begun.payment.id)
    assert (begun.payment.state, held.payment.state) == (PaymentState.PENDING, PaymentState.HELD)
    session_id = await shop.session()
    async with shop.core.services.database.transaction() as tx:
        return await beginning.adopt(tx, begun.payment.id, shop.hold(session_id, 1000))


async def test_a_card_is_held_taken_in_part_and_refunded(shop: Shop, browser: Browser) -> None:
    payment = await held(shop, browser)
    await shop.resolve(payment, 380)
    await shop.core.work()
    taken = await shop.payment(payment.id)
    async with shop.core.services.database.transaction() as tx:
        now = shop.core.clock.now()
        await refunding.refund(tx, shop.core.services.work, payment.id, 80, reason="broken", at=now)
    await shop.core.work()
    for _ in range(2):  # whatever is looked at again changes nothing
        async with shop.core.services.database.transaction() as tx:
            await shop.core.services.work.add(tx, "payment", str(payment.id))
        await shop.core.work()
    after = await shop.payment(payment.id)

    assert (taken.state, taken.captured_minor) == (PaymentState.CAPTURED, 380)
    assert (after.state, after.refunded_minor, len(await shop.refunds(payment.id))) == (PaymentState.CAPTURED, 80, 1)
    assert await shop.books() == {CLEARING: 300, RECEIVABLE: -300}


async def test_a_hold_is_given_back(shop: Shop, browser: Browser) -> None:
    payment = await held(shop, browser)
    await shop.resolve(payment, 0)
    await shop.core.work()

    assert (await shop.state(payment.id), await shop.books()) == (PaymentState.RELEASED, {})


async def test_its_own_signed_webhook_brings_a_top_up_onto_the_balance_once(shop: Shop, browser: Browser) -> None:
    services, before = shop.core.services, await shop.core.available()
    async with browser.webhooks(SECRET) as came, asyncio.timeout(10):
        begun = await beginning.begin_hold(services, wish(shop.core, purpose=PaymentPurpose.TOP_UP))
        await browser.pay(begun.payment.reference)
        while await shop.state(begun.payment.id) is not PaymentState.CAPTURED:
            signature, body = await came.get()
            for _ in range(3):
                await hints.take(services, NAME, body, signature)
            await shop.core.work()

    assert await shop.core.available() - before == 1000


async def test_a_saved_card_pays_without_a_page_and_a_declined_one_holds_nothing(shop: Shop, browser: Browser) -> None:
    services, driver = shop.core.services, shop.core.driver_id
    customer = await cards.customer_of(services, services.desk.provider(NAME), driver)
    good = await browser.save_card(customer)
    paid = await beginning.begin_hold(services, wish(shop.core, card=good))
    bad = await browser.save_card(customer, DECLINED)
    declined = wish(shop.core, card=bad)
    with pytest.raises(CardDeclined):
        await beginning.begin_hold(services, declined)

    assert (paid.payment.state, paid.action) == (PaymentState.HELD, None)
    assert await shop.state(declined.payment_id) is PaymentState.FAILED
    await cards.forget_card(services, NAME, driver, good)
    assert good not in {card.reference for card in await cards.cards_of(services, NAME, driver)}


async def test_a_provider_that_is_gone_leaves_the_payment_to_be_taken_later(shop: Shop, browser: Browser) -> None:
    payment = await held(shop, browser)
    provider = shop.core.services.desk.provider(NAME)
    away = StripeProvider(
        Settings(stripe_secret_key=SecretStr(KEY), stripe_publishable_key="pk_x", stripe_api_url="http://127.0.0.1:9")
    )
    shop.core.services.desk.external[NAME] = away
    await shop.resolve(payment, 380)
    await shop.core.work()
    while_away = await shop.state(payment.id)
    shop.core.services.desk.external[NAME] = provider
    await shop.later(seconds=5)
    await away.close()

    assert (while_away, await shop.state(payment.id)) == (PaymentState.CAPTURING, PaymentState.CAPTURED)
