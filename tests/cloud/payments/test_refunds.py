"""Money that goes back: bounded by what was taken, once, by the way it came."""

import pytest

from konsento.kit.ids import new_id
from konsento.models import AccountKind, Payment, PaymentPurpose, PaymentState, RefundState
from konsento.payments import beginning, refunding, taking
from konsento.payments import service as payments
from konsento.payments.errors import NothingToRefund
from konsento.payments.service import Hold

from .conftest import AT, Shop
from .scripted import Fault

CLEARING, RECEIVABLE = AccountKind.CLEARING, AccountKind.RECEIVABLE


async def taken(shop: Shop, amount: int = 380, **more: object) -> Payment:
    payment = await shop.held(1000, **more)
    await shop.resolve(payment, amount)
    await shop.core.work()
    return payment


async def refund(shop: Shop, payment: Payment, amount: int, **more: object) -> None:
    services = shop.core.services
    async with services.database.transaction() as tx:
        await refunding.refund(tx, services.work, payment.id, amount, reason="broken", at=AT, **more)  # type: ignore[arg-type]


async def test_a_part_and_then_the_rest_go_back_and_never_more_than_was_taken(shop: Shop) -> None:
    payment = await taken(shop)
    await refund(shop, payment, 80)
    await shop.core.work()
    partly = await shop.payment(payment.id)
    with pytest.raises(NothingToRefund):
        await refund(shop, payment, 301)
    await refund(shop, payment, 300)
    await shop.core.work()
    wholly = await shop.payment(payment.id)

    assert (partly.state, partly.refunded_minor) == (PaymentState.CAPTURED, 80)
    assert (wholly.state, wholly.refunded_minor) == (PaymentState.REFUNDED, 380)
    assert (shop.provider.taken_minor, await shop.books()) == (0, {})


async def test_the_same_refund_asked_for_twice_is_one(shop: Shop) -> None:
    payment, refund_id = await taken(shop), new_id()
    for _ in range(2):
        await refund(shop, payment, 80, refund_id=refund_id)
    await shop.core.work()

    assert shop.provider.taken_minor == 300


async def test_refunds_that_are_asked_for_and_not_answered_count_already(shop: Shop) -> None:
    payment = await taken(shop)
    await refund(shop, payment, 300)
    with pytest.raises(NothingToRefund):
        await refund(shop, payment, 81)


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.STUMBLES])
async def test_a_lost_answer_gives_nothing_back_twice(shop: Shop, fault: Fault) -> None:
    payment = await taken(shop)
    shop.provider.fail("refund", fault)
    await refund(shop, payment, 80)
    await shop.core.work()
    await shop.later(seconds=5)

    assert (shop.provider.taken_minor, (await shop.payment(payment.id)).refunded_minor) == (300, 80)


async def test_a_refund_that_the_provider_refuses_is_left_to_a_person_and_counts_for_nothing(shop: Shop) -> None:
    payment = await taken(shop)
    shop.provider.fail("refund", Fault.REFUSED)
    await refund(shop, payment, 380)
    await shop.core.work()
    states = [one.state for one in await shop.refunds(payment.id)]
    await refund(shop, payment, 380)
    await shop.core.work()

    assert states == [RefundState.FAILED]
    assert await shop.state(payment.id) is PaymentState.REFUNDED


async def test_a_refund_that_comes_back_from_the_bank_is_ours_again(shop: Shop) -> None:
    payment = await taken(shop)
    await refund(shop, payment, 380)
    await shop.core.work()
    shop.provider.fail_refund(payment.reference)
    async with shop.core.services.database.transaction() as tx:
        await shop.core.services.work.add(tx, "payment", str(payment.id))
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.refunded_minor) == (PaymentState.CAPTURED, 0)
    assert await shop.books() == {CLEARING: 380, RECEIVABLE: -380}


async def test_what_was_refunded_elsewhere_of_a_prepayment_is_not_paid_back_twice(shop: Shop) -> None:
    payment = await shop.held(1000, method="paypay")
    shop.provider.refund_elsewhere(payment.reference, 500)
    await shop.resolve(payment, 380)
    await shop.core.work()

    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert (shop.provider.taken_minor, await shop.books()) == (380, {CLEARING: 380, RECEIVABLE: -380})


async def test_a_top_up_is_not_paid_out_here_and_one_paid_out_elsewhere_is_owed(shop: Shop) -> None:
    before = await shop.core.available()
    begun = await shop.begin(2000, purpose=PaymentPurpose.TOP_UP)
    shop.provider.confirm(begun.payment.reference)
    await beginning.look(shop.core.services, begun.payment.id)
    with pytest.raises(NothingToRefund):
        await refund(shop, begun.payment, 500)
    shop.provider.refund_elsewhere(begun.payment.reference, 500)
    async with shop.core.services.database.transaction() as tx:
        await shop.core.services.work.add(tx, "payment", str(begun.payment.id))
    await shop.core.work()

    assert await shop.core.available() - before == 2000
    assert (await shop.books())[RECEIVABLE] == 500


async def test_a_refund_that_failed_can_be_paid_from_the_bank(shop: Shop) -> None:
    payment = await shop.held(1000, method="paypay")
    await shop.resolve(payment, 0)
    shop.provider.fail("refund", Fault.REFUSED)
    await shop.core.work()
    (failed,) = await shop.refunds(payment.id)
    waiting = await shop.state(payment.id)
    async with shop.core.services.database.transaction() as tx:
        for _ in range(2):
            await refunding.paid_otherwise(tx, shop.core.services, payment.id, failed.id, "bank transfer 7781")
    async with shop.core.services.database.transaction() as tx:
        await shop.core.services.work.add(tx, "payment", str(payment.id))
    await shop.core.work()

    assert (waiting, await shop.state(payment.id)) == (PaymentState.RELEASING, PaymentState.RELEASED)
    assert await shop.books() == {CLEARING: 1000}  # and as much less at the bank


async def test_what_was_taken_from_the_balance_goes_back_to_it_at_once(shop: Shop) -> None:
    session_id, services = await shop.session(), shop.core.services
    before = await shop.core.available()
    async with services.database.transaction() as tx:
        wanted = Hold(session_id=session_id, driver_id=shop.core.driver_id, amount_minor=100, currency="JPY")
        payment = await payments.hold(tx, wanted, AT)
        await taking.take_all(tx, services.work, {session_id: 100}, AT)
    await refund(shop, payment, 100)

    assert await shop.core.available() == before
    assert await shop.state(payment.id) is PaymentState.REFUNDED
