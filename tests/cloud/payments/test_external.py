"""The life of a payment at an external provider: the ordinary ways, and the bad days."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import AccountKind, Payment, PaymentPurpose, PaymentState
from konsento.payments import beginning, driving
from konsento.payments.errors import HoldGone, HoldTooSmall, PaymentAway

from .conftest import Shop
from .scripted import Fault

CLEARING, RECEIVABLE, ADVANCE = AccountKind.CLEARING, AccountKind.RECEIVABLE, AccountKind.ADVANCE


async def test_the_driver_confirms_the_measured_amount_is_taken_and_the_rest_is_never_taken(shop: Shop) -> None:
    begun = await shop.begin(1000)
    assert (begun.payment.state, begun.action is not None) == (PaymentState.PENDING, True)

    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    assert await shop.state(payment.id) is PaymentState.CAPTURING
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.captured_minor) == (PaymentState.CAPTURED, 380)
    assert shop.provider.taken_minor == 380
    assert await shop.books() == {CLEARING: 380, RECEIVABLE: -380}
    assert await shop.calls(payment.id) == ["begin intent", "begin done", "capture intent", "capture done"]


async def test_a_hold_is_given_back_and_is_so_only_when_the_provider_has_said_it(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.fail("cancel", Fault.LOST_BEFORE)

    await shop.resolve(payment, 0)
    await shop.core.work()
    before = await shop.state(payment.id)
    await shop.later(seconds=5)

    assert (before, await shop.state(payment.id)) == (PaymentState.RELEASING, PaymentState.RELEASED)
    assert (shop.provider.taken_minor, await shop.books()) == (0, {})


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.STUMBLES])
async def test_a_lost_answer_takes_nothing_twice(shop: Shop, fault: Fault) -> None:
    payment = await shop.held(1000)
    shop.provider.fail("capture", fault)
    await shop.resolve(payment, 380)
    await shop.core.work()
    await shop.later(seconds=5)

    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert (shop.provider.taken_minor, await shop.books()) == (380, {CLEARING: 380, RECEIVABLE: -380})


async def test_what_was_paid_before_is_paid_back_but_for_what_is_due(shop: Shop) -> None:
    payment = await shop.held(1000, method="paypay")
    assert await shop.books() == {CLEARING: 1000, ADVANCE: -1000}

    await shop.resolve(payment, 380)
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.captured_minor, shop.provider.taken_minor) == (PaymentState.CAPTURED, 380, 380)
    assert await shop.books() == {CLEARING: 380, RECEIVABLE: -380}


async def test_what_was_paid_before_a_charging_that_never_was_is_all_paid_back(shop: Shop) -> None:
    payment = await shop.held(1000, method="paypay")
    await shop.resolve(payment, 0)
    await shop.core.work()

    assert await shop.state(payment.id) is PaymentState.RELEASED
    assert (shop.provider.taken_minor, await shop.books()) == (0, {})


async def test_less_than_the_provider_takes_is_not_asked_for(shop: Shop) -> None:
    payment = await shop.held(1000)
    await shop.resolve(payment, 49)
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.waived_minor, shop.provider.taken_minor) == (PaymentState.RELEASED, 49, 0)
    assert await shop.books() == {AccountKind.WAIVED: 49, RECEIVABLE: -49}


async def test_a_payment_that_nobody_comes_back_with_is_given_up(shop: Shop) -> None:
    forgotten = await shop.begin(1000)
    unused = await shop.held(1000, session=False)
    await shop.later(minutes=9)
    before = {await shop.state(forgotten.payment.id), await shop.state(unused.id)}
    await shop.later(minutes=2)
    await shop.later(minutes=2)

    assert before == {PaymentState.PENDING, PaymentState.HELD}
    assert await shop.state(forgotten.payment.id) is PaymentState.RELEASED
    assert await shop.state(unused.id) is PaymentState.RELEASED
    assert shop.provider.taken_minor == 0


async def test_a_driver_who_pays_at_the_moment_of_giving_up_gets_it_back(shop: Shop) -> None:
    begun = await shop.begin(1000, method="paypay")
    async with shop.core.services.database.transaction() as tx:
        await beginning.give_up(tx, shop.core.services, begun.payment.id)
    shop.provider.confirm(begun.payment.reference)
    await shop.core.work()

    assert await shop.state(begun.payment.id) is PaymentState.RELEASED
    assert (shop.provider.taken_minor, await shop.books()) == (0, {})


async def test_a_hold_that_lapsed_takes_nothing_and_the_amount_stays_due(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.lapse(payment.reference)
    await shop.resolve(payment, 380)
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.captured_minor, await shop.books()) == (PaymentState.EXPIRED, 0, {})


async def test_a_bank_that_declines_the_capture_leaves_the_amount_due_and_the_hold_is_given_up(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.fail("capture", Fault.DECLINED)
    await shop.resolve(payment, 380)
    await shop.core.work()

    after = await shop.payment(payment.id)
    assert (after.state, after.failure, after.captured_minor) == (PaymentState.FAILED, "card_declined", 0)
    assert (shop.provider.taken_minor, await shop.books()) == (0, {})
    assert (await shop.calls(payment.id))[-2:] == ["cancel intent", "cancel done"]


async def test_what_somebody_took_at_the_providers_goes_back_but_for_what_is_due(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.take_elsewhere(payment.reference, 1000)
    await shop.resolve(payment, 380)
    await shop.core.work()

    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert (shop.provider.taken_minor, await shop.books()) == (380, {CLEARING: 380, RECEIVABLE: -380})


async def test_a_capture_that_fails_for_ever_is_left_to_the_operator_and_can_be_tried_again(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.fail("capture", *[Fault.REFUSED] * 20)
    await shop.resolve(payment, 380)
    for _ in range(25):
        await shop.later(minutes=16)

    assert (await shop.state(payment.id), await shop.dead()) == (PaymentState.CAPTURING, ["payment"])
    async with shop.core.services.database.transaction() as tx:
        await shop.core.services.work.add(tx, "payment", str(payment.id))
    await shop.core.work()
    assert await shop.state(payment.id) is PaymentState.CAPTURED


async def test_a_payment_whose_beginning_was_not_answered_is_found_and_given_back(shop: Shop) -> None:
    shop.provider.fail("begin", Fault.LOST_AFTER)
    wish = shop.wish(1000)
    with pytest.raises(PaymentAway):
        await beginning.begin_hold(shop.core.services, wish)
    shop.provider.confirm(shop.provider.references[0])
    await shop.core.work()

    assert await shop.state(wish.payment_id) is PaymentState.RELEASED
    assert shop.provider.taken_minor == 0


async def test_a_payment_that_never_reached_the_provider_is_over_after_a_while(shop: Shop) -> None:
    shop.provider.fail("begin", Fault.LOST_BEFORE)
    wish = shop.wish(1000)
    with pytest.raises(PaymentAway):
        await beginning.begin_hold(shop.core.services, wish)
    await shop.core.work()
    for _ in range(12):
        await shop.later(minutes=1)

    assert await shop.state(wish.payment_id) is PaymentState.RELEASED


async def test_a_wish_that_comes_twice_is_one_payment(shop: Shop) -> None:
    wish = shop.wish(1000)
    first = await beginning.begin_hold(shop.core.services, wish)
    second = await beginning.begin_hold(shop.core.services, wish)

    assert first.payment.reference == second.payment.reference
    assert (len(shop.provider.references), second.action is not None) == (1, True)


async def test_a_hold_pays_for_one_session_only_and_not_for_more_than_it_holds(shop: Shop) -> None:
    payment = await shop.held(1000, session=False)
    session_id, other_id = await shop.session(), await shop.session()
    database = shop.core.services.database
    with pytest.raises(HoldTooSmall):
        async with database.transaction() as tx:
            await beginning.adopt(tx, payment.id, shop.hold(session_id, 1001))
    for _ in range(2):
        async with database.transaction() as tx:
            await beginning.adopt(tx, payment.id, shop.hold(session_id, 1000))
    with pytest.raises(HoldGone):
        async with database.transaction() as tx:
            await beginning.adopt(tx, payment.id, shop.hold(other_id, 1000))


async def test_a_top_up_is_on_the_balance_when_it_is_paid_and_once(shop: Shop) -> None:
    begun = await shop.begin(2000, purpose=PaymentPurpose.TOP_UP)
    before = await shop.core.available()
    shop.provider.confirm(begun.payment.reference)
    for _ in range(2):
        payment = (await beginning.look(shop.core.services, begun.payment.id)).payment

    assert payment.state is PaymentState.CAPTURED
    assert await shop.core.available() - before == 2000
    assert (await shop.books())[CLEARING] == 2000


async def test_what_a_session_still_owes_is_paid_by_another_payment(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.lapse(payment.reference)
    await shop.resolve(payment, 380)
    await shop.core.work()
    begun = await shop.begin(380, purpose=PaymentPurpose.BILL, session_id=payment.session_id)
    shop.provider.confirm(begun.payment.reference)

    paid = (await beginning.look(shop.core.services, begun.payment.id)).payment
    assert (paid.state, paid.session_id) == (PaymentState.CAPTURED, payment.session_id)
    assert await shop.books() == {CLEARING: 380, RECEIVABLE: -380}


async def test_a_payment_of_what_is_owed_that_nobody_makes_is_given_up(shop: Shop) -> None:
    begun = await shop.begin(380, purpose=PaymentPurpose.BILL, session_id=await shop.session())
    await shop.later(minutes=11)
    await shop.later(minutes=1)

    assert await shop.state(begun.payment.id) is PaymentState.RELEASED


async def test_a_decline_leaves_the_driver_the_chance_of_another_card(shop: Shop) -> None:
    begun = await shop.begin(1000)
    shop.provider.decline(begun.payment.reference)
    declined = await beginning.look(shop.core.services, begun.payment.id)
    shop.provider.confirm(begun.payment.reference)
    then = await beginning.look(shop.core.services, begun.payment.id)

    assert (declined.payment.state, declined.payment.failure) == (PaymentState.PENDING, "card_declined")
    assert declined.action is not None
    assert (then.payment.state, then.payment.failure) == (PaymentState.HELD, "")


async def test_after_a_day_a_wish_that_was_not_answered_is_looked_up_before_it_is_asked_again(shop: Shop) -> None:
    expires_at = shop.core.clock.now() + timedelta(days=3)
    wish = shop.wish(1000, method="konbini", expires_at=expires_at)
    made = await beginning.begin_hold(shop.core.services, wish)
    async with shop.core.services.database.transaction() as tx:
        # As if the process had died before it noted the answer.
        (await tx.get_one(Payment, made.payment.id)).reference = ""
    shop.provider.forget_keys()
    shop.core.clock.advance(timedelta(days=1))
    again = await beginning.begin_hold(shop.core.services, wish)

    assert (again.payment.reference, len(shop.provider.references)) == (made.payment.reference, 1)


async def test_after_a_day_a_capture_that_was_not_answered_is_looked_up_before_it_is_asked_again(shop: Shop) -> None:
    payment = await shop.held(1000)
    shop.provider.fail("capture", Fault.LOST_AFTER)
    await shop.resolve(payment, 380)
    await shop.core.work()
    shop.provider.forget_keys()
    await shop.later(days=2)

    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert shop.provider.asked.count("capture") == 1


@pytest.mark.parametrize("method", ["card", "paypay"])
async def test_two_processes_that_work_on_a_payment_at_once_take_it_once(shop: Shop, method: str) -> None:
    payment = await shop.held(1000, method=method)
    await shop.resolve(payment, 380)
    await asyncio.gather(*(driving.drive(shop.core.services, payment.id) for _ in range(3)))

    assert await shop.state(payment.id) is PaymentState.CAPTURED
    assert (shop.provider.taken_minor, await shop.books()) == (380, {CLEARING: 380, RECEIVABLE: -380})
    assert shop.provider.asked.count("capture") + shop.provider.asked.count("refund") == 1


async def test_whoever_is_told_of_payments_is_told_of_every_change_in_its_transaction(shop: Shop) -> None:
    told: list[PaymentState] = []

    @shop.core.services.desk.on_change
    async def note(_session: AsyncSession, payment: Payment) -> None:
        told.append(payment.state)

    payment = await shop.held(1000)
    await shop.resolve(payment, 380)
    await shop.core.work()

    assert told == [PaymentState.HELD, PaymentState.CAPTURED]
