"""Paying as a driver lives it: every sentence about the money is true when it is read."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select, update

from konsento.models import Checkout, OutletStatus, Payment, PaymentState, Tariff
from konsento.settings import Settings

from ..payments.scripted import Fault, ScriptedProvider
from .conftest import CODE, OTHER_CODE, wired

if TYPE_CHECKING:
    from .conftest import Bench

WISH = {"kind": "energy", "amount": "1", "unit": "kWh"}
CARD = {**WISH, "provider": "scripted:card"}


@dataclass
class Shop:
    """The application, the provider, and what a driver does."""

    bench: Bench
    provider: ScriptedProvider

    async def pay(self, browser: httpx.AsyncClient, code: str = CODE, **more: str) -> str:
        """Choose the card; returns the address of the payment's page."""
        answer = await browser.post(f"/o/{code}/start", data=CARD | more)
        assert answer.status_code == 303, self.bench.words(answer)
        return str(answer.headers["location"])

    async def payment(self) -> Payment:
        """Return the newest payment."""
        async with self.bench.services.database.transaction() as session:
            return (await session.scalars(select(Payment).order_by(Payment.id.desc()))).first()  # type: ignore[return-value]  # there is one

    async def confirm(self) -> None:
        """Have the driver confirm the newest payment at the provider's."""
        self.provider.confirm((await self.payment()).reference)

    async def read(self, browser: httpx.AsyncClient, address: str) -> str:
        answer = await browser.get(address)
        assert answer.status_code == 200, answer.headers.get("location")
        return self.bench.words(answer)


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    provider = ScriptedProvider(minimum_minor=1)
    on = settings.model_copy(update={"balance": True, "pay_later_minor": 0, "welcome_credit_minor": 0})
    async with wired(on, [provider]) as bench:
        provider.now = bench.clock.now
        yield Shop(bench, provider)


async def test_a_driver_reserves_comes_back_charges_and_pays_what_was_used(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        price = await shop.read(browser, f"/o/{CODE}/confirm?kind=energy&amount=1&unit=kWh")
        asked = await shop.pay(browser)
        page = await shop.read(browser, asked)
        await shop.confirm()
        back = await browser.get(asked, params={"payment_intent": "pi_1", "payment_intent_client_secret": "secret"})
        clean = await browser.get(str(back.headers["location"]))
        session_page = str(clean.headers["location"])
        await shop.bench.site.charges("600", seconds=1200)
        receipt = await shop.read(browser, session_page)

    assert "Card, Apple Pay, Google Pay holds ¥38" in price
    assert "PayPay you pay ¥38 now" in price
    assert "Reserve ¥38 Reserved until the end ¥38 Nothing is taken now." in page
    assert back.headers["location"] == asked
    assert session_page.startswith("/s/")
    assert "Thank you. ¥23" in receipt
    assert "Paid by card ¥23" in receipt
    assert shop.provider.taken_minor == 23


async def test_a_guest_pays_outside_too(shop: Shop) -> None:
    async with shop.bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com", "phone": ""})
        asked = await shop.pay(browser)
        await shop.confirm()
        answer = await browser.get(asked)

    assert str(answer.headers["location"]).startswith("/s/")


async def test_the_button_pressed_twice_is_one_payment(shop: Shop) -> None:
    once = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"
    async with shop.bench.driver() as browser:
        assert await shop.pay(browser, once=once) == await shop.pay(browser, once=once) == f"/pay/{once}"

    assert len(shop.provider.references) == 1


async def test_nothing_was_charged_is_said_only_when_it_is_so(shop: Shop) -> None:
    async with shop.bench.driver() as ann, shop.bench.driver("bob@example.com") as bob:
        slow = await shop.pay(ann)
        await shop.confirm()
        quick = await shop.pay(bob)
        await shop.confirm()
        assert str((await bob.get(quick)).headers["location"]).startswith("/s/")
        first = await ann.get(slow)
        await shop.bench.services.work.drain()
        then = await shop.read(ann, slow)

    read = shop.bench.words(first)
    assert "The charging did not start. This outlet is in use." in read
    assert "Nothing is charged. What is reserved is being released." in read
    assert 'http-equiv="refresh"' in first.text
    assert "Nothing was charged, and nothing is held." in then


async def test_a_driver_can_give_up_and_choose_another_way(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        asked = await shop.pay(browser)
        await browser.post(f"{asked}/give-up")
        await shop.bench.services.work.drain()
        read = await shop.read(browser, asked)
        again = re.search(r'href="(/o/[^"]+/confirm[^"]+)"', (await browser.get(asked)).text)
        assert again is not None
        price = await shop.read(browser, again[1].replace("&amp;", "&"))

    assert "You gave this payment up, so nothing was started." in read
    assert "1.00 kWh for about ¥38" in price


async def test_a_provider_that_does_not_answer_leaves_the_other_ways(shop: Shop) -> None:
    shop.provider.fail("begin", Fault.LOST_BEFORE)
    async with shop.bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data=CARD)

    read = shop.bench.words(answer)
    assert answer.status_code == 503
    assert "The payment service does not answer, so nothing was started." in read
    assert "Nothing was started, nothing is charged." not in read
    assert "PayPay" in read


async def test_a_payment_that_cannot_be_looked_at_is_said_so(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        asked = await shop.pay(browser)
        shop.provider.fail("look", Fault.LOST_BEFORE)
        read = await shop.read(browser, asked)

    assert "The payment service does not answer." in read
    assert "Nothing has been started." in read


async def test_a_declined_card_is_said_with_the_price_and_the_other_ways(shop: Shop) -> None:
    shop.provider.fail("begin", Fault.DECLINED)
    async with shop.bench.driver() as browser:
        answer = await browser.post(f"/o/{CODE}/start", data=CARD)

    read = shop.bench.words(answer)
    assert answer.status_code == 402
    assert "The card was declined, so nothing is held." in read
    assert "1.00 kWh for about ¥38" in read


async def test_a_price_that_changed_while_paying_is_asked_again(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        shown = await browser.get(f"/o/{CODE}/confirm?kind=energy&amount=1&unit=kWh")
        price = re.search(r'name="price" value="([^"]+)"', shown.text)
        assert price is not None
        asked = await shop.pay(browser, price=price[1])
        async with shop.bench.services.database.transaction() as session:
            await session.execute(update(Tariff).values(min_minor=500))
        await shop.confirm()
        read = await shop.read(browser, asked)

    assert "The price has changed since it was shown to you." in read
    assert "Look at the price again" in read


async def test_what_is_paid_before_needs_an_amount_and_says_what_becomes_of_the_rest(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        until_full = await shop.read(browser, f"/o/{CODE}/confirm?kind=full")
        refused = await browser.post(
            f"/o/{CODE}/start", data={"kind": "full", "amount": "", "provider": "scripted:paypay"}
        )
        asked = await shop.pay(browser, provider="scripted:paypay")
        read = await shop.read(browser, asked)

    assert "PayPay" not in until_full
    assert "With this way you pay a fixed amount before the start." in shop.bench.words(refused)
    assert "What you do not use is paid back by the same way after the charging." in read
    assert "Pay ¥38 and start" in read


async def test_a_start_that_the_site_refuses_says_what_becomes_of_the_hold(shop: Shop) -> None:
    shop.bench.site.refuses = "OutletFaulted"
    async with shop.bench.driver() as browser:
        asked = await shop.pay(browser)
        await shop.confirm()
        session_page = str((await browser.get(asked)).headers["location"])
        before = await shop.read(browser, session_page)
        await shop.bench.services.work.drain()
        after = await shop.read(browser, session_page)

    assert "Nothing is charged. What is reserved is being released." in before
    assert "Nothing was charged, and nothing is held." in after


async def test_payments_are_their_drivers_alone(shop: Shop) -> None:
    async with shop.bench.driver() as ann, shop.bench.driver("bob@example.com") as bob:
        asked = await shop.pay(ann)
        answers = [await bob.get(asked), await bob.post(f"{asked}/give-up")]
    async with shop.bench.services.database.transaction() as session:
        (kept,) = await session.scalars(select(Checkout))

    assert [answer.status_code for answer in answers] == [404, 404]
    assert kept.state == "open"


async def test_a_balance_is_topped_up_from_outside_once(shop: Shop) -> None:
    once = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8e"
    form = {"amount": "1,000", "provider": "scripted:card", "once": once}
    async with shop.bench.driver() as browser:
        page = await shop.read(browser, "/account/balance/top-up")
        wrong = await browser.post("/account/balance/top-up", data=form | {"amount": "90000"})
        asked = str((await browser.post("/account/balance/top-up", data=form)).headers["location"])
        again = str((await browser.post("/account/balance/top-up", data=form)).headers["location"])
        paying = await shop.read(browser, asked)
        await shop.confirm()
        done = await browser.get(asked)
        read = await shop.read(browser, str(done.headers["location"]))
        await browser.get(asked)
        left = await shop.bench.balance(browser)

    assert "At most ¥20,000 at once. You can charge with it until 21 May 2027" in page
    assert "A top-up is more than nothing and at most 20000 JPY. Nothing was paid." in shop.bench.words(wrong)
    assert asked == again
    assert "Pay ¥1,000 You pay now ¥1,000 It is in your balance as soon as it is paid." in paying
    assert "Paid. It is in your balance now." in read
    assert left == "¥1,000"


async def test_where_balances_are_off_nothing_can_be_paid_in(settings: Settings) -> None:
    async with wired(settings, [ScriptedProvider()]) as bench, bench.driver() as browser:
        page = await browser.get("/account/balance/top-up")
        form = {"amount": "1000", "provider": "scripted:card"}
        answer = await browser.post("/account/balance/top-up", data=form)

    assert (page.status_code, answer.status_code) == (404, 404)


@pytest.fixture
async def later(settings: Settings) -> AsyncIterator[Shop]:
    provider = ScriptedProvider(minimum_minor=1)
    on = settings.model_copy(update={"pay_later_minor": 100, "welcome_credit_minor": 0})
    async with wired(on, [provider]) as bench:
        provider.now = bench.clock.now
        yield Shop(bench, provider)


async def _charged(shop: Shop, browser: httpx.AsyncClient) -> str:
    """Charge 1 kWh without having said how it is paid; returns the receipt's address."""
    answer = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "later"})
    assert answer.status_code == 303, shop.bench.words(answer)
    await shop.bench.site.charges("1000", seconds=1200)
    return str(answer.headers["location"])


async def test_who_has_not_said_how_to_pay_chooses_at_the_end(later: Shop) -> None:
    async with later.bench.driver() as browser:
        price = await later.read(browser, f"/o/{CODE}/confirm?kind=energy&amount=1&unit=kWh")
        receipt = await _charged(later, browser)
        owed = await later.read(browser, receipt)
        asked = str((await browser.post(f"{receipt}/pay", data={"provider": "scripted:card"})).headers["location"])
        paying = await later.read(browser, asked)
        between = await later.read(browser, receipt)
        await later.confirm()
        done = str((await browser.get(asked)).headers["location"])
        paid = await later.read(browser, receipt)
        twice = await browser.post(f"{receipt}/pay", data={"provider": "scripted:card"})

    assert "Pay at the end holds nothing" in price
    assert "To be paid at the end ¥38" in owed
    assert "Still to be paid ¥38 From 6 Dec 2026 on it has to be paid before you can charge again." in owed
    assert "Pay ¥38 You pay now ¥38 For the charging that you have had." in paying
    assert "A payment for this is on its way." in between
    assert done == receipt
    assert "Still to be paid" not in paid
    assert "Held" not in owed + paid
    assert "Paid by card ¥38" in paid
    assert (twice.headers["location"], later.provider.taken_minor) == (receipt, 38)


async def test_what_is_owed_is_paid_from_the_balance_at_once(later: Shop) -> None:
    from konsento.models import Driver  # noqa: PLC0415  # only here
    from konsento.payments import balance  # noqa: PLC0415

    async with later.bench.driver() as browser:
        receipt = await _charged(later, browser)
        async with later.bench.services.database.transaction() as session:
            driver = (await session.scalars(select(Driver))).one()
            at = later.bench.clock.now()
            await balance.top_up(session, later.bench.services.settings, driver.id, 100, at)
        for _ in range(2):
            await browser.post(f"{receipt}/pay", data={"provider": "balance"})
        left = await later.bench.balance(browser)

    assert left == "¥62"


async def test_who_owes_too_much_or_too_long_charges_nothing_more(later: Shop) -> None:
    async with later.bench.driver() as browser:
        receipt = await _charged(later, browser)
        too_much = await browser.post(f"/o/{CODE}/start", data={"kind": "energy", "amount": "2", "provider": "later"})
        later.bench.clock.advance(timedelta(days=15))
        await later.bench.outlet_is(OutletStatus.AVAILABLE)
        await browser.post("/signin", data={"email": "ann@example.com", "password": "correct horse battery"})
        blocked = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "later"})
        other_way = await browser.post(f"/o/{OTHER_CODE}/start", data=CARD)
        asked = str((await browser.post(f"{receipt}/pay", data={"provider": "scripted:card"})).headers["location"])
        await later.confirm()
        await browser.get(asked)
        free = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "later"})

    assert "This is more than you can pay at the end." in later.bench.words(too_much)
    for answer in (blocked, other_way):
        assert answer.status_code == 402
        assert "An earlier charging is not paid yet, so nothing was started." in later.bench.words(answer)
    assert free.status_code == 303


async def test_a_guest_does_not_pay_at_the_end(later: Shop) -> None:
    async with later.bench.browser() as browser:
        await browser.post("/guest", data={"email": "guest@example.com", "phone": ""})
        price = await later.read(browser, f"/o/{CODE}/confirm?kind=energy&amount=1&unit=kWh")
        answer = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "later"})

    assert "Pay at the end" not in price
    assert answer.status_code == 422


async def test_what_could_not_be_taken_is_paid_in_another_way(shop: Shop) -> None:
    async with shop.bench.driver() as browser:
        asked = await shop.pay(browser)
        await shop.confirm()
        receipt = str((await browser.get(asked)).headers["location"])
        shop.provider.lapse((await shop.payment()).reference)
        await shop.bench.site.charges("1000", seconds=1200)
        read = await shop.read(browser, receipt)
        state = (await shop.payment()).state
        other = str((await browser.post(f"{receipt}/pay", data={"provider": "scripted:paypay"})).headers["location"])
        await shop.confirm()
        await browser.get(other)
        paid = await shop.read(browser, receipt)

    assert state is PaymentState.EXPIRED
    assert "Still to be paid ¥38" in read
    assert "Still to be paid" not in paid
    assert "Paid with PayPay ¥38" in paid


async def test_a_card_that_declines_what_nothing_else_can_hold_is_still_said_to_decline(settings: Settings) -> None:
    on = settings.model_copy(update={"fake_payments": True})
    async with wired(on) as bench, bench.driver() as browser:
        async with bench.services.database.transaction() as session:
            await session.execute(update(Tariff).values(min_minor=10_001))
        answer = await browser.post(f"/o/{CODE}/start", data=WISH | {"provider": "fake"})

    assert answer.status_code == 402
    assert "The card was declined, so nothing is held." in bench.words(answer)
