"""A process that dies between any two steps: no money is lost, none is taken twice, and the next one finishes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.work import Again
from konsento.models import AccountKind, Payment, PaymentState
from konsento.payments import beginning, driving, refunding

from .conftest import AT, Shop
from .scripted import ScriptedProvider

CLEARING, RECEIVABLE = AccountKind.CLEARING, AccountKind.RECEIVABLE
MOST_STEPS = 40


class Killed(BaseException):
    """The process is gone. Nothing that catches errors may catch it."""


class Axe:
    """Kills at the n-th boundary: before and after every commit, before and after every question."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        whole = Database.transaction
        axe = self

        @asynccontextmanager
        async def transaction(database: Database) -> AsyncIterator[AsyncSession]:
            async with whole(database) as session:
                yield session
                axe.step()
            axe.step()

        def cut(name: str) -> None:
            asks: Callable[..., Awaitable[Any]] = getattr(ScriptedProvider, name)

            async def ask(provider: ScriptedProvider, *given: Any) -> Any:
                axe.step()
                answer = await asks(provider, *given)
                axe.step()
                return answer

            monkeypatch.setattr(ScriptedProvider, name, ask)

        monkeypatch.setattr(Database, "transaction", transaction)
        for name in ("begin", "look", "find", "capture", "cancel", "refund", "refunds"):
            cut(name)

    def step(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            self.left = None
            raise Killed

    @asynccontextmanager
    async def at(self, step: int) -> AsyncIterator[list[bool]]:
        """Kill what runs inside at that step; says whether it came so far."""
        fell = [False]
        self.left = step
        try:
            yield fell
        except Killed:
            fell[0] = True
        finally:
            self.left = None


@pytest.fixture
def axe(monkeypatch: pytest.MonkeyPatch) -> Axe:
    return Axe(monkeypatch)


async def until_done(shop: Shop, payment: Payment) -> None:
    """Do what the due work of the next process does."""
    for _ in range(5):
        if not isinstance(await driving.drive(shop.core.services, payment.id), Again):
            return
    raise AssertionError("it does not come to an end")


async def every_step(
    shop: Shop,
    axe: Axe,
    prepare: Callable[[], Awaitable[Payment]],
    check: Callable[[Payment], Awaitable[None]],
) -> int:
    """Kill the due work of a payment at each of its steps, finish it and check it; returns how many there are."""
    for step in range(1, MOST_STEPS):
        payment = await prepare()
        async with axe.at(step) as fell:
            await driving.drive(shop.core.services, payment.id)
        await until_done(shop, payment)
        await check(payment)
        if not fell[0]:
            return step - 1
    raise AssertionError("there are more steps than this test looks at")


def total(shop: Shop, reference: str) -> int:
    seen = shop.provider.seen(reference)
    return seen.taken_minor - seen.refunded_minor


@pytest.mark.parametrize("method", ["card", "paypay"])
async def test_taking_is_done_once(shop: Shop, axe: Axe, method: str) -> None:
    async def prepare() -> Payment:
        payment = await shop.held(1000, method=method)
        await shop.resolve(payment, 380)
        return payment

    async def check(payment: Payment) -> None:
        after = await shop.payment(payment.id)
        assert (after.state, after.captured_minor) == (PaymentState.CAPTURED, 380)
        assert total(shop, payment.reference) == 380

    steps = await every_step(shop, axe, prepare, check)
    assert steps > 8
    assert await shop.books() == {CLEARING: shop.provider.taken_minor, RECEIVABLE: -shop.provider.taken_minor}


@pytest.mark.parametrize("method", ["card", "paypay"])
async def test_giving_back_is_done(shop: Shop, axe: Axe, method: str) -> None:
    async def prepare() -> Payment:
        payment = await shop.held(1000, method=method)
        await shop.resolve(payment, 0)
        return payment

    async def check(payment: Payment) -> None:
        assert await shop.state(payment.id) is PaymentState.RELEASED
        assert total(shop, payment.reference) == 0

    assert await every_step(shop, axe, prepare, check) > 8
    assert await shop.books() == {}


async def test_refunding_is_done_once(shop: Shop, axe: Axe) -> None:
    async def prepare() -> Payment:
        payment = await shop.held(1000)
        await shop.resolve(payment, 380)
        await driving.drive(shop.core.services, payment.id)
        async with shop.core.services.database.transaction() as tx:
            await refunding.refund(tx, shop.core.services.work, payment.id, 80, reason="broken", at=AT)
        return payment

    async def check(payment: Payment) -> None:
        assert (await shop.payment(payment.id)).refunded_minor == 80
        assert total(shop, payment.reference) == 300

    assert await every_step(shop, axe, prepare, check) > 8
    assert await shop.books() == {CLEARING: shop.provider.taken_minor, RECEIVABLE: -shop.provider.taken_minor}


async def test_a_decline_at_the_capture_is_noted_and_the_hold_given_up(shop: Shop, axe: Axe) -> None:
    async def prepare() -> Payment:
        payment = await shop.held(1000)
        await shop.resolve(payment, 380)
        shop.provider.declines.add(payment.reference)
        return payment

    async def check(payment: Payment) -> None:
        assert await shop.state(payment.id) is PaymentState.FAILED
        assert total(shop, payment.reference) == 0

    assert await every_step(shop, axe, prepare, check) > 8


async def test_a_beginning_that_died_leaves_nothing_held(shop: Shop, axe: Axe) -> None:
    shop.provider.confirms_at_once = True
    for step in range(1, MOST_STEPS):
        wish = shop.wish(1000)
        async with axe.at(step) as fell:
            await beginning.begin_hold(shop.core.services, wish)
        await shop.later(minutes=11)
        await shop.later(minutes=11)
        async with shop.core.services.database.transaction() as tx:
            payment = await tx.get(Payment, wish.payment_id)
        assert payment is None or payment.state in {PaymentState.RELEASED, PaymentState.FAILED}
        if not fell[0]:
            break

    assert {shop.provider.seen(reference).stage.value for reference in shop.provider.references} == {"gone"}


async def test_a_beginning_that_died_goes_on_when_the_driver_asks_again(shop: Shop, axe: Axe) -> None:
    for step in range(1, MOST_STEPS):
        wish, made = shop.wish(1000), len(shop.provider.references)
        async with axe.at(step) as fell:
            await beginning.begin_hold(shop.core.services, wish)
        begun = await beginning.begin_hold(shop.core.services, wish)
        assert (begun.payment.state, begun.action is not None) == (PaymentState.PENDING, True)
        assert len(shop.provider.references) == made + 1
        if not fell[0]:
            return
    raise AssertionError("there are more steps than this test looks at")
