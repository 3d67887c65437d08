"""The driver pays outside before the start: whoever brings the news, one session begins, or everything goes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from konsento.catalogue import service as catalogue
from konsento.charging import checkout
from konsento.charging.checkout import Asked, Opened
from konsento.charging.errors import (
    AmountNeeded,
    CheckoutNeeded,
    HoldTooShort,
    PresenceNeeded,
    PriceChanged,
    UnknownCheckout,
)
from konsento.charging.lapse import KEPT_BACK, within_hold
from konsento.charging.limits import RequestedLimit
from konsento.charging.quote import quoted, terms_of
from konsento.charging.wish import Wish
from konsento.kit.ids import new_id
from konsento.models import (
    ChargingSession,
    Checkout,
    CheckoutState,
    LimitKind,
    OutletStatus,
    Payment,
    PaymentState,
    PresenceCheck,
    SessionState,
    Tariff,
)
from konsento.payments.errors import CardDeclined, PaymentAway
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy

from ..conftest import AT, CODES, Core, opened, rejected, whole_session, wired
from ..databases import Template
from ..examples import up_to
from ..following import SPOT, follow, traded
from ..payments.scripted import Fault, ScriptedProvider
from .test_sessions import fingerprint

WISH = RequestedLimit(kind=LimitKind.ENERGY, amount=1000)


@dataclass
class Shop:
    """The wired domains, and the provider."""

    core: Core
    provider: ScriptedProvider

    def asked(self, **more: Any) -> Asked:
        wish = Wish(
            driver_id=more.pop("driver_id", self.core.driver_id),
            outlet_code=CODES[0],
            requested=more.pop("requested", WISH),
            agreed=more.pop("agreed", None),
        )
        return Asked(wish=wish, provider=self.provider.name, **{"method": "card"} | more)

    async def begin(self, **more: Any) -> Opened:
        return await checkout.begin(self.core.services, self.asked(**more))

    async def look(self, opened: Opened) -> Opened:
        """Have the driver's browser come back."""
        return await checkout.look(self.core.services, opened.checkout.driver_id, opened.checkout.id)

    def confirm(self, opened: Opened) -> None:
        """Have the driver confirm at the provider's."""
        assert opened.payment is not None
        self.provider.confirm(opened.payment.reference)

    async def later(self, **time: float) -> None:
        self.core.clock.advance(timedelta(**time))
        await self.core.work()

    async def sessions(self) -> list[ChargingSession]:
        async with self.core.services.database.transaction() as tx:
            return list(await tx.scalars(select(ChargingSession)))

    async def now(self, opened: Opened) -> tuple[CheckoutState, str, PaymentState | None]:
        """Return how checkout and payment are in our database."""
        async with self.core.services.database.transaction() as tx:
            found = await tx.get_one(Checkout, opened.checkout.id)
            payment = await tx.get(Payment, opened.checkout.id)
            return found.state, found.failure, payment.state if payment is not None else None


@pytest.fixture
async def shop(furnished: Template, tmp_path: Path) -> AsyncIterator[Shop]:
    provider = ScriptedProvider(minimum_minor=1)
    async with opened(furnished, tmp_path) as database:
        core = await wired(database, external=[provider])
        provider.now = core.clock.now
        yield Shop(core, provider)


STARTED, ENDED, OPEN = CheckoutState.STARTED, CheckoutState.ENDED, CheckoutState.OPEN


async def test_the_browser_that_comes_back_starts_the_session_with_what_is_held(shop: Shop) -> None:
    begun = await shop.begin()
    waiting = (begun.checkout.state, begun.action is not None, await shop.sessions())
    shop.confirm(begun)

    back = await shop.look(begun)

    (session,) = await shop.sessions()
    assert waiting == (OPEN, True, [])
    assert back.checkout.state is STARTED
    assert (session.id, session.state) == (begun.checkout.session_id, SessionState.CHARGING)
    assert back.payment is not None
    assert (back.payment.session_id, back.payment.state) == (session.id, PaymentState.HELD)


async def test_without_a_browser_due_work_starts_it(shop: Shop) -> None:
    begun = await shop.begin()
    shop.confirm(begun)

    await shop.later(seconds=31)
    await shop.later(seconds=2)

    assert (await shop.now(begun))[0] is STARTED
    assert len(await shop.sessions()) == 1


async def test_a_saved_card_starts_at_once(shop: Shop) -> None:
    card = shop.provider.add_card(f"cus_{shop.core.driver_id}")
    begun = await shop.begin(card=card.reference)

    assert begun.checkout.state is STARTED
    assert [s.id for s in await shop.sessions()] == [begun.checkout.session_id]


async def test_what_was_held_is_taken_in_part_when_the_session_is_billed(shop: Shop) -> None:
    begun = await shop.begin()
    shop.confirm(begun)
    await shop.look(begun)
    (session,) = await shop.sessions()
    for event in whole_session(session):
        await shop.core.send(event)
    await shop.core.work()

    assert (await shop.now(begun))[2] is PaymentState.CAPTURED
    assert begun.payment is not None
    assert shop.provider.seen(begun.payment.reference).taken_minor == 38


async def test_whoever_brings_the_news_however_often_it_is_one_session(shop: Shop) -> None:
    begun = await shop.begin()
    shop.confirm(begun)

    await asyncio.gather(
        shop.look(begun),
        checkout.look_after(shop.core.services, begun.checkout.id),
        shop.look(begun),
        checkout.look_after(shop.core.services, begun.checkout.id),
    )
    await shop.later(seconds=60)

    assert await shop.now(begun) == (STARTED, "", PaymentState.HELD)
    assert len(await shop.sessions()) == 1
    assert shop.provider.asked.count("begin") == 1


async def test_a_button_that_is_pressed_twice_is_one_checkout(shop: Shop) -> None:
    name = new_id()
    one, other = await asyncio.gather(
        checkout.begin(shop.core.services, shop.asked(), checkout_id=name),
        checkout.begin(shop.core.services, shop.asked(), checkout_id=name),
    )

    assert one.checkout.id == other.checkout.id == name
    assert len(shop.provider.references) == 1


async def test_of_two_tabs_the_second_counts_and_the_first_is_given_back(shop: Shop) -> None:
    first = await shop.begin()
    shop.confirm(first)  # while the second tab is opened
    second = await shop.begin(requested=replace(WISH, amount=2000))
    await shop.core.work()
    told = await shop.look(first)
    shop.confirm(second)
    await shop.look(second)

    assert (await shop.now(first)) == (ENDED, "PaidElsewhere", PaymentState.RELEASED)
    assert told.payment is not None
    assert (told.checkout.state, told.payment.state) == (ENDED, PaymentState.RELEASED)
    assert (await shop.now(second))[0] is STARTED
    assert shop.provider.taken_minor == 0


async def test_an_outlet_that_is_taken_meanwhile_costs_nothing(shop: Shop) -> None:
    begun = await shop.begin()
    other = await shop.begin(driver_id=shop.core.other_driver_id)
    shop.confirm(other)
    await shop.look(other)
    shop.confirm(begun)

    back = await shop.look(begun)
    before = back.payment and back.payment.state
    await shop.core.work()

    assert (back.checkout.state, back.checkout.failure, before) == (ENDED, "OutletBusy", PaymentState.RELEASING)
    assert (await shop.now(begun))[2] is PaymentState.RELEASED


async def test_a_driver_who_walks_away_is_given_everything_back(shop: Shop) -> None:
    begun = await shop.begin()
    await shop.later(minutes=11)
    await shop.later(seconds=60)

    assert await shop.now(begun) == (ENDED, "WalkedAway", PaymentState.RELEASED)
    assert await shop.sessions() == []


async def test_who_gives_up_is_given_everything_back(shop: Shop) -> None:
    begun = await shop.begin()
    shop.confirm(begun)
    await checkout.give_up(shop.core.services, shop.core.driver_id, begun.checkout.id)
    await shop.core.work()

    assert await shop.now(begun) == (ENDED, "GivenUp", PaymentState.RELEASED)
    assert await shop.sessions() == []


async def test_a_start_that_the_site_refuses_gives_everything_back(shop: Shop) -> None:
    shop.core.router.answers = {key: (lambda _: rejected("OutletFaulted")) for key in shop.core.router.answers}
    begun = await shop.begin()
    shop.confirm(begun)
    await shop.look(begun)
    await shop.core.work()

    (session,) = await shop.sessions()
    assert session.state is SessionState.FAILED
    assert await shop.now(begun) == (STARTED, "", PaymentState.RELEASED)


async def test_a_price_that_changes_while_the_driver_pays_is_not_charged(shop: Shop) -> None:
    begun = await shop.begin(agreed=fingerprint("3850"))
    async with shop.core.services.database.transaction() as tx:
        await tx.execute(update(Tariff).values(min_minor=500))
    shop.confirm(begun)
    await shop.look(begun)
    await shop.core.work()

    assert await shop.now(begun) == (ENDED, "PriceChanged", PaymentState.RELEASED)
    with pytest.raises(PriceChanged):
        await shop.begin(agreed=fingerprint("3850"))


async def test_who_pays_while_the_slot_of_the_spot_market_changes_gets_the_price_that_was_agreed_to(shop: Shop) -> None:
    await follow(shop.core.services, SPOT)
    await traded(shop.core.services, AT - timedelta(minutes=28), "10", "20")
    begun = await shop.begin(agreed=fingerprint("2100"))
    shop.confirm(begun)
    shop.core.clock.advance(timedelta(minutes=4))
    await shop.look(begun)

    (session,) = await shop.sessions()
    assert (session.unit_price, await shop.now(begun)) == (Decimal(2100), (STARTED, "", PaymentState.HELD))


async def test_an_outlet_that_goes_away_meanwhile_costs_nothing(shop: Shop) -> None:
    begun = await shop.begin()
    await shop.core.outlet_status(OutletStatus.UNAVAILABLE)
    shop.confirm(begun)
    await shop.look(begun)
    await shop.core.work()

    state, _, payment = await shop.now(begun)
    assert (state, payment) == (ENDED, PaymentState.RELEASED)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.DECLINED, CardDeclined),
        (Fault.LOST_BEFORE, PaymentAway),
        (Fault.LOST_AFTER, PaymentAway),
        (Fault.STUMBLES, PaymentAway),
    ],
)
async def test_a_provider_that_does_not_do_it_leaves_nothing_held(shop: Shop, fault: Fault, error: type) -> None:
    shop.provider.fail("begin", fault)
    with pytest.raises(error):
        await shop.begin()
    for _ in range(3):
        await shop.later(minutes=11)

    async with shop.core.services.database.transaction() as tx:
        (kept,) = await tx.scalars(select(Checkout))
        (payment,) = await tx.scalars(select(Payment))
    assert kept.state is ENDED
    assert payment.state in {PaymentState.FAILED, PaymentState.RELEASED}
    assert await shop.sessions() == []


async def test_a_provider_that_cannot_be_looked_at_leaves_the_checkout_open(shop: Shop) -> None:
    begun = await shop.begin()
    shop.confirm(begun)
    shop.provider.fail("look", Fault.LOST_BEFORE)
    with pytest.raises(PaymentAway):
        await shop.look(begun)
    between = (await shop.now(begun))[0]

    assert (between, (await shop.look(begun)).checkout.state) == (OPEN, STARTED)


async def test_a_process_that_dies_before_it_has_asked_asks_when_the_driver_comes_back(shop: Shop) -> None:
    name = new_id()
    services = shop.core.services
    await services.database.attempt(lambda tx: checkout._prepare(tx, services, shop.asked(), name))

    back = await checkout.look(services, shop.core.driver_id, name)
    shop.confirm(back)

    assert (await shop.look(back)).checkout.state is STARTED


async def test_prepayment_needs_an_amount_and_the_rest_of_it_goes_back(shop: Shop) -> None:
    with pytest.raises(AmountNeeded):
        await shop.begin(method="paypay", requested=RequestedLimit(kind=LimitKind.FULL, amount=0))
    begun = await shop.begin(method="paypay", requested=RequestedLimit(kind=LimitKind.MONEY, amount=3000))
    shop.confirm(begun)
    await shop.look(begun)
    (session,) = await shop.sessions()
    for event in whole_session(session):
        await shop.core.send(event)
    await shop.core.work()
    await shop.core.work()

    assert begun.payment is not None
    seen = shop.provider.seen(begun.payment.reference)
    assert (seen.taken_minor, seen.taken_minor - seen.refunded_minor) == (3000, 38)


async def test_presence_is_shown_before_anybody_pays(shop: Shop) -> None:
    await shop.core.sites_ask_for(PresenceCheck.LAMP)

    with pytest.raises(PresenceNeeded):
        await shop.begin()
    assert shop.provider.references == []


async def test_money_outside_is_not_held_without_the_driver(shop: Shop) -> None:
    from konsento.charging import service as charging  # noqa: PLC0415  # only here

    with pytest.raises(CheckoutNeeded):
        await charging.start(
            shop.core.services,
            Wish(driver_id=shop.core.driver_id, outlet_code=CODES[0], requested=WISH),
            shop.provider.name,
        )


async def test_a_checkout_is_its_drivers_alone(shop: Shop) -> None:
    begun = await shop.begin()

    with pytest.raises(UnknownCheckout):
        await checkout.look(shop.core.services, shop.core.other_driver_id, begun.checkout.id)
    with pytest.raises(UnknownCheckout):
        await checkout.give_up(shop.core.services, shop.core.other_driver_id, begun.checkout.id)


async def test_an_outlet_in_use_is_not_paid_for(shop: Shop) -> None:
    await shop.core.start()

    with pytest.raises(OutletBusy):
        await shop.begin(driver_id=shop.core.other_driver_id)


@pytest.mark.parametrize(
    ("kind", "amount", "hours_left", "longest_s"),
    [
        ("energy", 1000, 7 * 24, None),
        ("energy", 1000, 20, 8 * 3600),
        ("time", 3600, 20, 3600),
        ("full", 0, 20, 8 * 3600),
        ("time", 10 * 3600, 20, "refused"),
        ("energy", 1000, 12.1, "refused"),
    ],
)
async def test_a_session_ends_before_its_hold_lapses_or_does_not_begin(
    shop: Shop, kind: str, amount: int, hours_left: float, longest_s: int | str | None
) -> None:
    async with shop.core.services.database.transaction() as tx:
        outlet = await sites.outlet_by_code(tx, CODES[0])
        offer = (await catalogue.on_sale(tx, AT)).chosen(outlet, None)
        quote = quoted(terms_of(offer, outlet, AT), RequestedLimit(kind=LimitKind(kind), amount=amount), 1_000_000)
    lapses = AT + timedelta(hours=hours_left)
    assert timedelta(hours=12) == KEPT_BACK
    if longest_s == "refused":
        with pytest.raises(HoldTooShort):
            within_hold(quote, lapses, AT)
        return
    assert within_hold(quote, lapses, AT).time_limit_s == longest_s
    assert within_hold(quote, None, AT) == quote


STEPS = st.lists(st.sampled_from(["confirm", "browser", "work", "wait", "give up", "busy", "lost"]), max_size=8)


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
@settings(max_examples=up_to(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_in_any_order_there_is_a_session_with_its_hold_or_nothing_is_held(
    furnished: Template, steps: list[str]
) -> None:
    asyncio.run(_in_order(furnished, steps))


async def _in_order(furnished: Template, steps: list[str]) -> None:
    provider = ScriptedProvider(minimum_minor=1)
    with TemporaryDirectory() as folder:
        await _in_order_in(furnished, Path(folder), provider, steps)


async def _in_order_in(furnished: Template, folder: Path, provider: ScriptedProvider, steps: list[str]) -> None:
    async with opened(furnished, folder) as database:
        core = await wired(database, external=[provider])
        provider.now = core.clock.now
        shop = Shop(core, provider)
        begun = await shop.begin()
        for step in steps:
            await _step(shop, begun, step)
        for _ in range(14):
            await shop.later(minutes=11)
        state, _, payment = await shop.now(begun)
        async with database.transaction() as tx:
            mine = await tx.scalar(select(func.count()).where(ChargingSession.id == begun.checkout.session_id))
        assert (state, payment, mine) in {(STARTED, PaymentState.HELD, 1), (ENDED, PaymentState.RELEASED, 0)}
        assert provider.taken_minor == 0


async def _step(shop: Shop, begun: Opened, step: str) -> None:
    assert begun.payment is not None
    match step:
        case "confirm":
            if shop.provider.seen(begun.payment.reference).action is not None:
                shop.confirm(begun)
        case "browser":
            with suppress(PaymentAway):
                await shop.look(begun)
        case "work":
            await shop.core.work()
        case "wait":
            await shop.later(minutes=4)
        case "give up":
            await checkout.give_up(shop.core.services, shop.core.driver_id, begun.checkout.id)
        case "busy":
            await shop.core.outlet_status(OutletStatus.UNAVAILABLE)
        case "lost":
            shop.provider.fail("look", Fault.LOST_BEFORE)
            shop.provider.fail("cancel", Fault.LOST_AFTER)
