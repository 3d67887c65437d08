"""What the staff sees of payments outside, and what it can do about those that do not get on."""

from typing import TYPE_CHECKING

from konsento.kit.ids import new_id
from konsento.models import Payment, PaymentState, Role

from ..payments.scripted import Fault
from .paying import failed_refund, overpaid, provider_of

if TYPE_CHECKING:
    from .conftest import Office


async def test_a_page_shows_the_payments_life_and_every_question_to_the_provider(office: Office) -> None:
    async with office.bench.driver("ann@example.com"), office.member(Role.VIEWER) as browser:
        number = await overpaid(office)
        page = await browser.get(f"/office/payments/{number}")
        words = office.bench.words(page)

    for said in ("taken", "for an amount that was due", "Begin", "done", "¥500"):
        assert said in words
    assert "secret" not in page.text
    assert "ann@" not in page.text


async def test_nothing_is_in_the_list_while_payments_get_on(office: Office) -> None:
    async with office.bench.driver("ann@example.com"), office.member(Role.VIEWER) as browser:
        await overpaid(office)
        page = await browser.get("/office/payments")

    assert "Every payment gets on by itself." in office.bench.words(page)


async def test_a_refund_that_failed_is_in_the_list_until_it_is_paid_in_another_way(office: Office) -> None:
    async with office.bench.driver("ann@example.com"), office.member(Role.OPERATOR) as browser:
        number = await overpaid(office)
        refund = await failed_refund(office, number)
        before = office.bench.words(await browser.get("/office/payments"))
        form = {"refund": str(refund), "reason": "bank transfer 7781"}
        for _ in range(2):
            done = await browser.post(f"/office/payments/{number}/paid-otherwise", data=form)
        after = office.bench.words(await browser.get("/office/payments"))

    assert "A refund failed." in before
    assert done.status_code == 303
    assert "Every payment gets on by itself." in after
    assert len(await office.log("payment.paid-otherwise")) == 1


async def test_what_was_paid_too_much_is_given_back_once_and_never_more(office: Office) -> None:
    async with office.bench.driver("ann@example.com"), office.member(Role.OPERATOR) as browser:
        number = await overpaid(office, 500)
        form = {"amount": "300", "reason": "paid twice", "once": str(new_id())}
        for _ in range(2):
            await browser.post(f"/office/payments/{number}/refund", data=form)
        more = await browser.post(
            f"/office/payments/{number}/refund", data=form | {"amount": "201", "once": str(new_id())}
        )
        await office.bench.services.work.drain()

    assert more.status_code == 409
    assert "Nothing was given back." in office.bench.words(more)
    assert provider_of(office).taken_minor == 200
    (entry,) = await office.log("payment.refund")
    assert (entry.details["minor"], entry.details["reason"]) == (300, "paid twice")


async def test_a_refund_needs_a_reason_and_the_right_to_give_credit(office: Office) -> None:
    async with (
        office.bench.driver("ann@example.com"),
        office.member(Role.OPERATOR) as operator,
        office.member(Role.SUPPORT) as support,
    ):
        number = await overpaid(office, 500)
        form = {"amount": "300", "reason": "x", "once": str(new_id())}
        without = await operator.post(f"/office/payments/{number}/refund", data=form)
        refused = await support.post(f"/office/payments/{number}/refund", data=form | {"reason": "paid twice"})
        seen = await support.get(f"/office/payments/{number}")

    assert (without.status_code, refused.status_code) == (422, 403)
    assert "Give back this amount" not in office.bench.words(seen)
    assert provider_of(office).taken_minor == 500


async def test_the_staff_can_have_a_payment_asked_about_at_once(office: Office) -> None:
    async with office.bench.driver("ann@example.com"), office.member(Role.SUPPORT) as browser:
        number = await overpaid(office, 500)
        async with office.bench.services.database.transaction() as session:
            payment = await session.get_one(Payment, number)
            payment.state = PaymentState.RELEASING
        provider_of(office).fail("look", Fault.LOST_BEFORE)
        await browser.post(f"/office/payments/{number}/look")
        await office.bench.services.work.drain()

    assert len(await office.log("payment.look")) == 1
