"""Whatever happens to a payment, in whatever order and however often: the table holds, and the books agree."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konsento.models import RESOLVED, AccountKind, Payment, PaymentState
from konsento.payments import hints
from konsento.payments.errors import NothingToRefund, ProviderError
from konsento.payments.life import TRANSITIONS, Happening, step
from konsento.payments.refunding import refund
from konsento.payments.seen import Stage

from ..conftest import AT, opened, wired
from ..databases import Template
from ..examples import up_to
from .conftest import NAME, Shop
from .scripted import Fault, ScriptedProvider

HAPPENINGS = st.sampled_from(list(Happening))


@given(st.lists(HAPPENINGS, max_size=12))
def test_a_payment_only_goes_where_the_table_leads(happenings: list[Happening]) -> None:
    payment = Payment(state=PaymentState.PENDING, captured_minor=5)
    for happening in happenings:
        before = payment.state
        moved = step(payment, happening, AT)
        assert payment.state is TRANSITIONS.get((before, happening), before)
        assert moved == ((before, happening) in TRANSITIONS)
        if payment.state in RESOLVED:
            assert payment.resolved_at == AT


@pytest.mark.parametrize("state", sorted(PaymentState))
def test_every_state_can_be_reached(state: PaymentState) -> None:
    reached = {PaymentState.PENDING}
    for _ in PaymentState:
        reached |= {to for (start, _), to in TRANSITIONS.items() if start in reached}
    assert state in reached


@pytest.mark.parametrize("state", sorted(RESOLVED - {PaymentState.CAPTURED, PaymentState.REFUNDED}))
def test_what_was_not_taken_never_is_taken_later(state: PaymentState) -> None:
    assert not [happening for (start, happening) in TRANSITIONS if start is state]


ACTS = st.sampled_from(
    [
        "confirm",
        "decline",
        "lapse",
        "elsewhere",
        "take",
        "release",
        "refund",
        "refund elsewhere",
        "work",
        "hints",
        "hints twice, backwards",
        "lose capture",
        "lose cancel",
        "lose refund",
        "lose look",
        "later",
    ]
)


@settings(max_examples=up_to(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=3, max_size=14), method=st.sampled_from(["card", "paypay"]))
def test_in_the_end_both_sides_agree_to_the_yen_whatever_happened(
    furnished: Template, tmp_path_factory: pytest.TempPathFactory, acts: list[str], method: str
) -> None:
    asyncio.run(_live(furnished, tmp_path_factory.mktemp("life"), acts, method))


async def _live(furnished: Template, folder: Path, acts: Sequence[str], method: str) -> None:
    provider = ScriptedProvider(NAME)
    async with opened(furnished, folder) as database:
        core = await wired(database, external=[provider])
        provider.now = core.clock.now
        shop = Shop(core, provider)
        payment = (await shop.begin(1000, method=method)).payment
        session_id = await shop.session()
        async with database.transaction() as tx:
            (await tx.get_one(Payment, payment.id)).session_id = session_id
        for act in [*acts, "release"]:
            await _happens(shop, payment.id, payment.reference, act)
        provider.mend()
        for _ in range(4):
            await shop.later(hours=1)
            await _happens(shop, payment.id, payment.reference, "hints twice, backwards")

        after, seen, books = await shop.payment(payment.id), provider.seen(payment.reference), await shop.books()
        assert after.state in RESOLVED
        kept = seen.taken_minor - seen.refunded_minor
        assert after.captured_minor - after.refunded_minor == kept
        assert kept <= 380
        assert books.get(AccountKind.CLEARING, 0) == kept
        assert books.get(AccountKind.RECEIVABLE, 0) == -kept
        assert books.get(AccountKind.ADVANCE, 0) == 0
        assert seen.stage is not Stage.HELD
        assert await shop.dead() == []


async def _happens(shop: Shop, payment_id: UUID, reference: str, act: str) -> None:
    payment = await shop.payment(payment_id)
    with suppress(ProviderError, NothingToRefund):
        _at_the_providers(shop.provider, payment, reference, act)
        await _with_us(shop, payment, act)


def _at_the_providers(provider: ScriptedProvider, payment: Payment, reference: str, act: str) -> None:
    stage = provider.seen(reference).stage
    match act.split():
        case ["confirm"]:
            provider.confirm(reference)
        case ["decline"] if stage is Stage.WAITING:
            provider.decline(reference)
        case ["lapse"]:
            provider.lapse(reference)
        case ["elsewhere"] if stage is Stage.HELD:
            provider.take_elsewhere(reference, 1000)
        case ["refund", "elsewhere"] if payment.state in {PaymentState.CAPTURED, PaymentState.REFUNDED}:
            provider.refund_elsewhere(reference, 50)
        case ["lose", question]:
            provider.fail(question, Fault.LOST_AFTER, Fault.LOST_BEFORE)


async def _with_us(shop: Shop, payment: Payment, act: str) -> None:
    services = shop.core.services
    match act.split():
        case ["take"]:
            await shop.resolve(payment, 380)
        case ["release"]:
            await shop.resolve(payment, 0)
        case ["refund"]:
            async with services.database.transaction() as tx:
                await refund(tx, services.work, payment.id, 100, reason="x", at=AT)
        case ["work"]:
            await shop.core.work()
        case ["later"]:
            await shop.later(minutes=2)
        case ["hints", *how]:
            given = shop.provider.hints[:: -1 if how else 1]
            for signature, body in given * (2 if how else 1):
                await hints.take(services, NAME, body, signature)
            await shop.core.work()
