"""What every payment provider keeps to, and what a driver can pay with."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.errors import KonsentoError
from konsento.models import AccountKind, ChargingSession, LedgerAccount, Payment, PaymentState
from konsento.payments import fake, taking, ways
from konsento.payments import service as payments
from konsento.payments.errors import BalanceTooLow, CardDeclined, UnknownMethod
from konsento.payments.fake import DECLINES_ABOVE_MINOR
from konsento.payments.service import Hold
from konsento.payments.ways import Way
from konsento.settings import Settings

from ..conftest import AT, Core

PROVIDERS = {"balance": (AccountKind.DRIVER_BALANCE, BalanceTooLow), "fake": (AccountKind.TEST_CARD, CardDeclined)}
WITH_CARD = Settings(fake_payments=True)
TOO_MUCH = 1_000_000


async def unpaid_session(core: Core) -> UUID:
    """Return a session that has no payment yet."""
    session = await core.start()
    async with core.services.database.transaction() as tx:
        again = ChargingSession(
            **{c.name: getattr(session, c.name) for c in ChargingSession.__table__.columns if c.name != "id"}
            | {"remote_start_id": 7, "transaction_id": None, "state": "ended"},
            id=UUID(int=7),
        )
        tx.add(again)
    return again.id


def wanted(core: Core, session_id: UUID, provider: str, amount: int = 100) -> Hold:
    return Hold(session_id=session_id, driver_id=core.driver_id, amount_minor=amount, currency="JPY", provider=provider)


async def account(tx: AsyncSession, core: Core, provider: str) -> LedgerAccount:
    kind = PROVIDERS[provider][0]
    query = select(LedgerAccount).where(LedgerAccount.kind == kind, LedgerAccount.owner == str(core.driver_id))
    return (await tx.scalars(query)).one()


async def resolved(core: Core, tx: AsyncSession, session_id: UUID, amount: int) -> Payment:
    """Take an amount of what is held for a session; returns its payment."""
    await taking.take_all(tx, core.services.work, {session_id: amount}, AT)
    return (await tx.scalars(select(Payment).where(Payment.session_id == session_id))).one()


@pytest.fixture(params=list(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_is_held_is_captured_in_part_and_the_rest_is_free_again(core: Core, provider: str) -> None:
    session_id = await unpaid_session(core)
    async with core.services.database.transaction() as tx:
        await payments.hold(tx, wanted(core, session_id, provider), AT)
        held_before = (await account(tx, core, provider)).debits_pending
        first = await resolved(core, tx, session_id, 38)
        again = await resolved(core, tx, session_id, 99)
        after = await account(tx, core, provider)
        held_after, taken = after.debits_pending, after.debits_posted

    assert (first.state, again.captured_minor) == (PaymentState.CAPTURED, 38)
    assert (held_before - held_after, taken) == (100, 38)


async def test_a_hold_that_is_released_takes_nothing(core: Core, provider: str) -> None:
    session_id = await unpaid_session(core)
    async with core.services.database.transaction() as tx:
        await payments.hold(tx, wanted(core, session_id, provider), AT)
        held = (await account(tx, core, provider)).debits_pending
        payment = await resolved(core, tx, session_id, 0)
        left = await account(tx, core, provider)

    assert payment.state is PaymentState.RELEASED
    assert (held - left.debits_pending, left.debits_posted) == (100, 0)


@pytest.mark.parametrize("amount", [250, 40, 0])
async def test_another_hold_takes_the_place_of_the_first_however_often_it_is_asked_for(
    core: Core, provider: str, amount: int
) -> None:
    session_id = await unpaid_session(core)
    async with core.services.database.transaction() as tx:
        await payments.hold(tx, wanted(core, session_id, provider), AT)
        before = (await account(tx, core, provider)).debits_pending
        await payments.change_hold(tx, session_id, amount, AT)
        await payments.change_hold(tx, session_id, amount, AT)
        after = (await account(tx, core, provider)).debits_pending
        await payments.change_hold(tx, session_id, 100, AT)
        back = (await account(tx, core, provider)).debits_pending
        await resolved(core, tx, session_id, 100)
        taken = (await account(tx, core, provider)).debits_posted

    assert (after - before, back, taken) == (amount - 100, before, 100)


async def test_too_much_is_refused_and_what_was_held_stays(core: Core, provider: str) -> None:
    session_id = await unpaid_session(core)
    async with core.services.database.transaction() as tx:
        await payments.hold(tx, wanted(core, session_id, provider), AT)
    with pytest.raises(PROVIDERS[provider][1]):
        async with core.services.database.transaction() as tx:
            await payments.change_hold(tx, session_id, TOO_MUCH, AT)

    async with core.services.database.transaction() as tx:
        payment = await resolved(core, tx, session_id, 100)
    assert payment.captured_minor == 100


async def test_a_hold_that_is_refused_leaves_nothing(core: Core, provider: str) -> None:
    session_id = await unpaid_session(core)

    with pytest.raises(KonsentoError):
        async with core.services.database.transaction() as tx:
            await payments.hold(tx, wanted(core, session_id, provider, TOO_MUCH), AT)

    async with core.services.database.transaction() as tx:
        pending = await tx.scalar(select(func.sum(LedgerAccount.debits_pending)))
    assert pending == 46  # of the session that was started


async def test_a_driver_pays_from_the_balance_and_with_the_test_card_only_where_it_is_switched_on(core: Core) -> None:
    with_card = replace(core.services, settings=WITH_CARD)
    async with core.services.database.transaction() as tx:
        usual = await ways.methods(tx, core.services, core.driver_id)
        demo = await ways.methods(tx, with_card, core.driver_id)
        guest = await ways.methods(tx, core.services, None)
        demo_guest = await ways.methods(tx, with_card, None)
        with pytest.raises(UnknownMethod):
            await ways.method(tx, core.services, core.driver_id, Way(provider=fake.NAME))

    assert [(way.provider, way.available_minor) for way in usual] == [("balance", 5000)]
    assert [(way.provider, way.available_minor) for way in demo] == [("balance", 5000), ("fake", DECLINES_ABOVE_MINOR)]
    assert guest == []
    assert [way.provider for way in demo_guest] == ["fake"]


@given(amount=st.integers(1, 2 * DECLINES_ABOVE_MINOR))
def test_the_test_card_declines_exactly_what_is_above_its_limit(amount: int) -> None:
    card = fake.FakeProvider()
    somebodys = LedgerAccount(kind=AccountKind.TEST_CARD, owner="x", currency="JPY")
    if amount <= DECLINES_ABOVE_MINOR:
        card.check(somebodys, amount)
    else:
        with pytest.raises(CardDeclined):
            card.check(somebodys, amount)
