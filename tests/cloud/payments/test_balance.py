"""The balance: what ends first is used first, what ends is told and booked, and every lot agrees with the ledger."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento import migrations
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.models import AccountKind, BalanceHold, BalanceLot, ChargingSession, Driver, LedgerAccount
from konsento.payments import balance, lots, refunding, taking, ways
from konsento.payments import service as payments
from konsento.payments.errors import BalanceTooLow, UnknownMethod
from konsento.payments.service import Hold
from konsento.payments.ways import Way
from konsento.settings import Settings

from ..conftest import AT, Core, opened
from ..databases import Template
from ..examples import up_to

ON = Settings(balance=True)
DAY = timedelta(days=1)
BEFORE = "0052"
"""The tables before balances had lots."""


async def new_driver(session: AsyncSession) -> UUID:
    driver = Driver(id=new_id(), email=f"{new_id()}@example.com", name="", locale="en", created_at=AT)
    session.add(driver)
    await session.flush()
    return driver.id


async def unpaid_sessions(core: Core, count: int) -> list[UUID]:
    """Return sessions that have no payment yet."""
    session = await core.start()
    values = {c.name: getattr(session, c.name) for c in ChargingSession.__table__.columns if c.name != "id"}
    numbers = [UUID(int=number) for number in range(1, count + 1)]
    async with core.services.database.transaction() as tx:
        tx.add_all(
            ChargingSession(**values | {"remote_start_id": n.int, "transaction_id": None, "state": "ended", "id": n})
            for n in numbers
        )
    return numbers


async def left(session: AsyncSession, driver_id: UUID) -> list[int]:
    """Return what is left in each lot, in the order of use."""
    return [lot.left_minor for lot in await lots.of_driver(session, driver_id)]


async def hold(session: AsyncSession, driver_id: UUID, session_id: UUID, amount: int) -> None:
    wanted = Hold(session_id=session_id, driver_id=driver_id, amount_minor=amount, currency="JPY")
    await payments.hold(session, wanted, AT)


@pytest.mark.parametrize(
    ("paid", "months", "until"),
    [
        ("2026-03-01", 6, "2026-08-31"),
        ("2026-08-31", 6, "2027-02-27"),
        ("2027-08-30", 6, "2028-02-28"),
        ("2026-12-31", 1, "2027-01-30"),
        ("2026-07-15", 12, "2027-07-14"),
    ],
)
def test_a_lot_lasts_for_whole_months_less_a_day(paid: str, months: int, until: str) -> None:
    at = datetime.fromisoformat(f"{paid}T12:00:00+00:00")

    assert lots.end_of(at, months) == datetime.fromisoformat(f"{until}T12:00:00+00:00")


async def test_what_ends_first_is_used_first_and_the_rest_of_a_hold_is_free_again(core: Core) -> None:
    first, second = await unpaid_sessions(core, 2)
    async with core.services.database.transaction() as tx:
        driver = await new_driver(tx)
        await balance.top_up(tx, ON, driver, 100, AT + 2 * DAY)
        await balance.top_up(tx, ON, driver, 70, AT)
        await balance.goodwill(tx, ON, driver, 50, transfer_id=new_id(), at=AT + DAY)

        await hold(tx, driver, first, 150)
    with pytest.raises(BalanceTooLow):
        async with core.services.database.transaction() as tx:
            await hold(tx, driver, second, 71)
    async with core.services.database.transaction() as tx:
        held = await left(tx, driver)
        await taking.take_all(tx, core.services.work, {first: 80}, AT)

        assert (held, await left(tx, driver)) == ([70, 50, 100], [40, 100])
        assert await balance.available(tx, driver) == 140
        assert await tx.scalar(select(func.count()).select_from(BalanceHold)) == 1  # of the session of `core`


async def test_an_ended_lot_is_booked_as_expired_except_what_is_held(core: Core) -> None:
    (charging,) = await unpaid_sessions(core, 1)
    over = lots.end_of(AT, 6)
    async with core.services.database.transaction() as tx:
        driver = await new_driver(tx)
        await balance.top_up(tx, ON, driver, 500, AT)
        await balance.goodwill(tx, ON, driver, 30, transfer_id=new_id(), at=AT)
        await hold(tx, driver, charging, 200)

    await balance.end_overdue(core.services.database, over - timedelta(seconds=1))
    async with core.services.database.transaction() as tx:
        assert await balance.available(tx, driver) == 330
    for _ in range(2):  # the second time there is nothing more to end
        await balance.end_overdue(core.services.database, over)
    async with core.services.database.transaction() as tx:
        assert (await balance.available(tx, driver), await left(tx, driver)) == (0, [30, 170])
        await taking.take_all(tx, core.services.work, {charging: 100}, over)
    await balance.end_overdue(core.services.database, over)

    async with core.services.database.transaction() as tx:
        stated = await balance.statement(tx, driver)
        assert (stated.available_minor, stated.held_minor, list(stated.lots)) == (0, 0, [])
        assert {one.amount_minor for one in stated.movements if one.reason == "expired"} == {-100, -330}


async def test_a_credit_of_the_operators_is_never_paid_value(core: Core) -> None:
    today = date(2026, 11, 22)
    async with core.services.database.transaction() as tx:
        before = await balance.unused(tx, today)
        driver = await new_driver(tx)
        await balance.welcome(tx, driver, Settings(welcome_credit_minor=900), AT)
        await balance.goodwill(tx, ON, driver, 50, transfer_id=new_id(), at=AT)

        assert await balance.unused(tx, today) == before
        assert {lot.promotional for lot in await lots.of_driver(tx, driver)} == {True}
    await balance.end_overdue(core.services.database, AT + 300 * DAY)
    async with core.services.database.transaction() as tx:
        promotion = await ledger.account(tx, AccountKind.PROMOTION, "JPY")
        assert promotion.credits_posted == promotion.debits_posted == 950


async def test_the_report_tells_what_was_unused_on_a_day(core: Core) -> None:
    (charging,) = await unpaid_sessions(core, 1)
    async with core.services.database.transaction() as tx:
        driver = await new_driver(tx)
        before = (await balance.unused(tx, date(2027, 3, 31))).get("JPY", 0)
        await balance.top_up(tx, ON, driver, 1000, datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
        await balance.top_up(tx, ON, driver, 7, datetime(2027, 3, 31, 15, tzinfo=UTC))  # 1 April in Japan
        await hold(tx, driver, charging, 400)
        await taking.take_all(tx, core.services.work, {charging: 300}, datetime(2027, 4, 2, 3, tzinfo=UTC))

        days = [await balance.unused(tx, date(2027, month, day)) for month, day in ((3, 31), (4, 1), (4, 2))]
    assert [day["JPY"] - before for day in days] == [1000, 1007, 707]
    assert balance.base_days(date(2026, 4, 1), date(2027, 4, 2)) == [
        date(2026, 9, 30),
        date(2027, 3, 31),
        date(2027, 4, 2),
    ]


async def test_without_balances_there_are_none_but_what_somebody_has_can_be_spent(core: Core) -> None:
    off, on = core.services, replace(core.services, settings=ON)
    async with core.services.database.transaction() as tx:
        driver = await new_driver(tx)
        assert await ways.methods(tx, off, driver) == []
        assert [way.provider for way in await ways.methods(tx, on, driver)] == ["balance"]
        with pytest.raises(UnknownMethod):
            await ways.method(tx, off, driver, Way(provider="balance"))

        await balance.goodwill(tx, ON, driver, 30, transfer_id=new_id(), at=AT)

        assert [way.available_minor for way in await ways.methods(tx, off, driver)] == [30]


async def test_a_lot_that_ends_soon_is_told(core: Core) -> None:
    async with core.services.database.transaction() as tx:
        driver = await new_driver(tx)
        await balance.top_up(tx, ON, driver, 100, AT)
        end = lots.end_of(AT, 6)

        assert await balance.ending_soon(tx, driver, end - balance.SOON - DAY) is None
        ending = await balance.ending_soon(tx, driver, end - balance.SOON)
        assert ending is not None
        assert ending.expires_at == end


STEPS = st.lists(
    st.tuples(st.sampled_from(["pay in", "give", "hold", "take", "wait"]), st.integers(1, 120)), max_size=25
)


async def _live(furnished: Template, steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(furnished, Path(folder)) as database:
            await _live_on(database, steps)


async def _live_on(database: Database, steps: list[tuple[str, int]]) -> None:
    from ..conftest import wired  # noqa: PLC0415  # only this test wires for itself

    core = await wired(database)
    sessions = await unpaid_sessions(core, len(steps) + 1)
    held: list[tuple[UUID, int]] = []
    now = AT
    async with database.transaction() as tx:
        driver = await new_driver(tx)
    for number, (step, amount) in enumerate(steps):
        try:
            async with database.transaction() as tx:
                match step:
                    case "pay in":
                        await balance.top_up(tx, ON, driver, amount, now)
                    case "give":
                        await balance.goodwill(tx, ON, driver, amount, transfer_id=new_id(), at=now)
                    case "hold":
                        await hold(tx, driver, sessions[number], amount)
                        held.append((sessions[number], amount))
                    case "take" if held:
                        session_id, most = held.pop(amount % len(held))
                        await taking.take_all(tx, core.services.work, {session_id: min(most, amount)}, now)
                    case _:
                        now += amount * DAY
        except BalanceTooLow:
            pass
        await balance.end_overdue(database, now)
        async with database.transaction() as tx:
            await _agrees(tx, driver)


async def _agrees(session: AsyncSession, driver_id: UUID) -> None:
    query = select(
        func.coalesce(func.sum(BalanceLot.left_minor), 0), func.coalesce(func.sum(BalanceLot.held_minor), 0)
    ).where(BalanceLot.driver_id == driver_id)
    in_lots = tuple((await session.execute(query)).one())
    query = select(LedgerAccount).where(
        LedgerAccount.owner == str(driver_id), LedgerAccount.kind == AccountKind.DRIVER_BALANCE
    )
    account = await session.scalar(query)
    in_ledger = (account.credits_posted - account.debits_posted, account.debits_pending) if account else (0, 0)
    assert in_lots == in_ledger


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
@settings(max_examples=up_to(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_the_lots_are_what_the_ledger_says(furnished: Template, steps: list[tuple[str, int]]) -> None:
    asyncio.run(_live(furnished, steps))


async def test_balances_of_before_stay_usable_without_an_end(core: Core) -> None:
    (charging,) = await unpaid_sessions(core, 1)
    database = core.services.database
    url = database.engine.url.render_as_string(hide_password=False)
    async with database.transaction() as tx:
        driver = await new_driver(tx)
        await balance.top_up(tx, ON, driver, 500, AT)
        await balance.goodwill(tx, ON, driver, 300, transfer_id=new_id(), at=AT)
        await hold(tx, driver, charging, 400)
        await taking.take_all(tx, core.services.work, {charging: 200}, AT)
        account = await ledger.account(tx, AccountKind.DRIVER_BALANCE, "JPY", str(core.driver_id))
        spent_before = 5000 - ledger.available_credit(account)
    await database.engine.dispose()

    await asyncio.to_thread(command.downgrade, migrations.config(url), BEFORE)
    await asyncio.to_thread(migrations.migrate, url)

    async with database.transaction() as tx:
        carried = [(lot.promotional, lot.left_minor, lot.expires_at) for lot in await lots.of_driver(tx, driver)]
        assert carried == [(True, 100, None), (False, 500, None)]
        for one in (driver, core.driver_id):
            await _agrees(tx, one)
        # What was held is taken as ever.
        holds = (await tx.scalars(select(BalanceHold.amount_minor))).all()
        assert list(holds) == [spent_before]


async def test_a_refund_goes_back_to_where_it_came_from_and_outlives_what_has_ended(core: Core) -> None:
    first, second = await unpaid_sessions(core, 2)
    services = core.services
    async with services.database.transaction() as tx:
        driver = await new_driver(tx)
        await balance.top_up(tx, ON, driver, 100, AT)
        await balance.top_up(tx, ON, driver, 100, AT + 40 * DAY)
        for one in (first, second):
            await hold(tx, driver, one, 80)
        await taking.take_all(tx, services.work, {first: 80, second: 80}, AT)
        paid = {one: (await payments.held_of(tx, one)).id for one in (first, second)}
        before = await left(tx, driver)
        await refunding.refund(tx, services.work, paid[first], 30, reason="", at=AT)
        after = await left(tx, driver)
        await _agrees(tx, driver)
    late = lots.end_of(AT, 6)
    await balance.end_overdue(services.database, late)
    async with services.database.transaction() as tx:
        await refunding.refund(tx, services.work, paid[second], 80, reason="", at=late)
        found = [(lot.promotional, lot.left_minor) for lot in await lots.of_driver(tx, driver)]
        await _agrees(tx, driver)

    assert (before, after) == ([40], [30, 40])
    assert found == [(True, 20), (False, 100)]
