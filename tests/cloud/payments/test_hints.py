"""Hints of providers: taken once, from the provider alone, and never believed."""

import json

import pytest
from sqlalchemy import func, select

from konsento.kit.ids import new_id
from konsento.models import AccountKind, Alarm, AlarmKind, Dispute, PaymentHint, PaymentPurpose, PaymentState
from konsento.payments import beginning, hints
from konsento.payments.errors import BadSignature, UnknownMethod
from konsento.payments.seen import Order

from .conftest import NAME, Shop
from .scripted import SIGNATURE

CLEARING, RECEIVABLE = AccountKind.CLEARING, AccountKind.RECEIVABLE


async def deliver(shop: Shop, *, times: int = 1, order: int = 1) -> None:
    """Deliver all hints that the provider has given so far."""
    given = list(shop.provider.hints)[::order]
    shop.provider.hints.clear()
    for signature, body in given * times:
        await hints.take(shop.core.services, NAME, body, signature)
    await shop.core.work()


async def kept(shop: Shop) -> int:
    async with shop.core.services.database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(PaymentHint)) or 0


async def alarms(shop: Shop) -> list[AlarmKind]:
    async with shop.core.services.database.transaction() as tx:
        return list(await tx.scalars(select(Alarm.kind).where(Alarm.closed_at.is_(None))))


async def test_a_hint_makes_us_look_and_the_money_is_held_without_the_driver_coming_back(shop: Shop) -> None:
    begun = await shop.begin(1000)
    shop.provider.confirm(begun.payment.reference)
    await deliver(shop)

    assert await shop.state(begun.payment.id) is PaymentState.HELD


async def test_hints_that_come_twice_and_in_the_wrong_order_change_nothing_more(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    before = len(shop.provider.hints)
    await deliver(shop, times=3, order=-1)

    assert await kept(shop) == before
    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert (shop.provider.taken_minor, await shop.books()) == (380, {CLEARING: 380, RECEIVABLE: -380})


async def test_a_hint_that_lies_is_not_believed(shop: Shop) -> None:
    begun = await shop.begin(1000)
    said = {"id": "evt_1", "type": "payment.succeeded", "subject": "payment", "reference": begun.payment.reference}
    await hints.take(shop.core.services, NAME, json.dumps(said).encode(), SIGNATURE)
    await shop.core.work()

    assert await shop.state(begun.payment.id) is PaymentState.PENDING


async def test_a_hint_of_a_stranger_is_refused_and_one_of_an_unknown_provider_too(shop: Shop) -> None:
    with pytest.raises(BadSignature):
        await hints.take(shop.core.services, NAME, b"{}", "somebody")
    with pytest.raises(UnknownMethod):
        await hints.take(shop.core.services, "stripe", b"{}", "somebody")
    assert await kept(shop) == 0


async def test_a_hint_about_a_payment_that_nobody_here_knows_is_told_to_the_operator(shop: Shop) -> None:
    order = Order(
        payment_id=new_id(),
        driver_id=shop.core.driver_id,
        purpose=PaymentPurpose.SESSION,
        amount_minor=500,
        currency="JPY",
        prepaid=False,
    )
    made = await shop.provider.begin(order, "of a database that was put back from a copy")
    shop.provider.confirm(made.reference)
    await deliver(shop, times=2)

    assert (await alarms(shop), await shop.dead()) == ([AlarmKind.PAYMENT_UNKNOWN], [])


async def test_a_hint_about_what_the_provider_itself_does_not_know_is_nothing(shop: Shop) -> None:
    said = {"id": "evt_1", "type": "x", "subject": "payment", "reference": "pi_of_something_else"}
    await hints.take(shop.core.services, NAME, json.dumps(said).encode(), SIGNATURE)
    await shop.core.work()

    assert (await alarms(shop), await shop.dead()) == ([], [])


async def test_a_dispute_is_noted_booked_and_told_and_so_is_its_end(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    dispute = shop.provider.contest(payment.reference, 380)
    await deliver(shop, times=2)

    opened = await shop.payment(payment.id)
    assert (opened.dispute, opened.disputed_minor, opened.state) == (Dispute.OPEN, 380, PaymentState.CAPTURED)
    assert await shop.books() == {AccountKind.DISPUTED: 380, RECEIVABLE: -380}
    assert AlarmKind.PAYMENT_DISPUTED in await alarms(shop)

    shop.provider.decide(dispute, Dispute.LOST)
    await deliver(shop, times=2)
    assert await shop.books() == {AccountKind.WAIVED: 380, RECEIVABLE: -380}


async def test_a_dispute_that_is_won_brings_the_money_back(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    dispute = shop.provider.contest(payment.reference, 380)
    shop.provider.decide(dispute, Dispute.WON)
    await deliver(shop, times=2, order=-1)

    assert (await shop.payment(payment.id)).dispute is Dispute.WON
    assert await shop.books() == {CLEARING: 380, RECEIVABLE: -380}


async def test_a_payout_of_the_provider_is_booked_once(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    shop.provider.pay_out(380, "JPY")
    await deliver(shop, times=2)

    assert await shop.books() == {RECEIVABLE: -380}


async def test_what_was_refunded_at_the_providers_is_seen_and_booked(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()
    shop.provider.refund_elsewhere(payment.reference, 80)
    await deliver(shop, times=2)

    after = await shop.payment(payment.id)
    assert (after.state, after.refunded_minor) == (PaymentState.CAPTURED, 80)
    assert await shop.books() == {CLEARING: 300, RECEIVABLE: -300}
    assert AlarmKind.PAYMENT_DIFFERS in await alarms(shop)


async def test_the_driver_coming_back_the_hint_and_the_due_work_are_one_hold(shop: Shop) -> None:
    begun = await shop.begin(1000)
    shop.provider.confirm(begun.payment.reference)
    await beginning.look(shop.core.services, begun.payment.id)
    await deliver(shop, times=2)
    await shop.later(seconds=40)

    assert await shop.state(begun.payment.id) is PaymentState.HELD
    assert await shop.books() == {}
