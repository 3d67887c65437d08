"""The nightly comparison with the provider: both ways, with both sides' facts; it heals what is safe."""

from typing import Any

from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.models import Alarm, AlarmKind, ChargingSession, Payment, PaymentPurpose, PaymentState, SessionState
from konsento.payments import reconciling
from konsento.payments.seen import Order

from .conftest import Shop
from .scripted import Fault


async def compare(shop: Shop) -> int:
    """Compare, and have done what it asks for."""
    differ = await reconciling.reconcile(shop.core.services, shop.provider)
    await shop.core.work()
    return differ


async def alarms(shop: Shop) -> dict[AlarmKind, dict[str, Any]]:
    async with shop.core.services.database.transaction() as tx:
        return {alarm.kind: alarm.details for alarm in await tx.scalars(select(Alarm))}


async def taken(shop: Shop) -> Payment:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    return payment


async def test_where_both_sides_agree_nothing_happens(shop: Shop) -> None:
    await taken(shop)
    released = await shop.held(1000)
    await shop.resolve(released, 0)
    prepaid = await shop.held(1000, method="paypay")
    await shop.resolve(prepaid, 0)
    await shop.core.work()
    await shop.held(1000)
    await shop.later(hours=1)

    assert (await compare(shop), await alarms(shop)) == (0, {})


async def test_a_lost_hint_is_made_up_for(shop: Shop) -> None:
    begun = await shop.begin(1000, expires_at=shop.core.clock.now().replace(year=2027))
    shop.provider.confirm(begun.payment.reference)
    await compare(shop)

    assert await shop.state(begun.payment.id) is PaymentState.HELD


async def test_a_hold_of_a_session_that_is_over_is_released_and_told(shop: Shop) -> None:
    payment = await shop.held(1000)
    async with shop.core.services.database.transaction() as tx:
        charging = await tx.get_one(ChargingSession, payment.session_id)
        charging.state = SessionState.SETTLED
    await compare(shop)

    assert await shop.state(payment.id) is PaymentState.RELEASED
    assert (await alarms(shop))[AlarmKind.PAYMENT_DIFFERS]["healed"] == "released"


async def test_money_that_the_provider_took_and_we_did_not_is_told_with_both_sides(shop: Shop) -> None:
    payment = await taken(shop)
    shop.provider.take_elsewhere(payment.reference, 1000)
    await shop.later(hours=1)

    assert await compare(shop) == 1
    assert (await alarms(shop))[AlarmKind.PAYMENT_DIFFERS] == {
        "ours": "captured: taken 380, refunded 0 JPY",
        "theirs": "taken: taken 1000, refunded 0 JPY",
    }


async def test_a_payment_that_only_the_provider_knows_is_told(shop: Shop) -> None:
    order = Order(
        payment_id=new_id(),
        driver_id=shop.core.driver_id,
        purpose=PaymentPurpose.SESSION,
        amount_minor=500,
        currency="JPY",
        prepaid=False,
    )
    await shop.provider.begin(order, "nobody's")

    assert await compare(shop) == 1
    assert AlarmKind.PAYMENT_UNKNOWN in await alarms(shop)


async def test_it_runs_every_night(shop: Shop) -> None:
    await reconciling.begin(shop.core.services)
    payment = await shop.held(1000)
    async with shop.core.services.database.transaction() as tx:
        charging = await tx.get_one(ChargingSession, payment.session_id)
        charging.state = SessionState.SETTLED
    await shop.later(hours=24)

    assert await shop.state(payment.id) is PaymentState.RELEASED


async def test_a_provider_that_is_away_at_night_is_compared_with_when_it_is_back(shop: Shop) -> None:
    await reconciling.begin(shop.core.services)
    payment = await shop.held(1000)
    async with shop.core.services.database.transaction() as tx:
        charging = await tx.get_one(ChargingSession, payment.session_id)
        charging.state = SessionState.SETTLED
    shop.provider.fail("list", *[Fault.LOST_BEFORE] * 30)
    for _ in range(60):
        await shop.later(hours=1)

    assert (await shop.state(payment.id), await shop.dead()) == (PaymentState.RELEASED, [])
