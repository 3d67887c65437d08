"""The ledger: nothing appears, nothing vanishes, nothing changes afterwards."""

import asyncio
import random
import tempfile
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.errors import LedgerError
from konsento.ledger.service import Entry
from konsento.models import AccountKind, LedgerAccount, Receipt, Transfer, TransferKind

from ..conftest import AT, Core, opened, whole_session
from ..databases import Template

NEVER_BELOW = (AccountKind.DRIVER_BALANCE, AccountKind.DRIVER_POINTS)


def _entry(id_: UUID | None = None, reason: str = "test") -> Entry:
    return Entry(id=id_ or new_id(), reason=reason, at=AT)


async def _pair(session: AsyncSession) -> tuple[LedgerAccount, LedgerAccount]:
    return (
        await ledger.account(session, AccountKind.TEST_CARD, "JPY", "driver"),
        await ledger.account(session, AccountKind.RECEIVABLE, "JPY", "driver"),
    )


async def test_a_hold_reserves_takes_and_frees(database: Database) -> None:
    async with database.transaction() as session:
        balance = await ledger.account(session, AccountKind.DRIVER_BALANCE, "JPY", "driver")
        _, owed = await _pair(session)
        funds = await ledger.account(session, AccountKind.FUNDS, "JPY")
        await ledger.transfer(session, _entry(), funds, balance, 100)
        hold = await ledger.transfer(session, _entry(), balance, owed, 80, pending=True)
        assert ledger.available_credit(balance) == 20

        await ledger.post(session, _entry(), hold.id, 30)

        assert ledger.available_credit(balance) == 70
        assert owed.credits_posted == 30


async def test_a_pending_transfer_is_resolved_once(database: Database) -> None:
    async with database.transaction() as session:
        hold = await ledger.transfer(session, _entry(), *await _pair(session), 80, pending=True)
        await ledger.void(session, _entry(), hold.id)

        with pytest.raises(LedgerError, match="resolved already"):
            await ledger.post(session, _entry(), hold.id, 1)


async def test_the_database_itself_refuses_a_second_resolution(database: Database) -> None:
    async with database.transaction() as session:
        hold = await ledger.transfer(session, _entry(), *await _pair(session), 80, pending=True)
        await ledger.void(session, _entry(), hold.id)
        session.add(
            Transfer(
                id=new_id(),
                kind=TransferKind.VOID,
                pending_id=hold.id,
                debit_id=hold.debit_id,
                credit_id=hold.credit_id,
                amount_minor=0,
                currency="JPY",
                reason="test",
                created_at=AT,
            )
        )
        with pytest.raises(IntegrityError):
            await session.flush()
        await session.rollback()


async def test_asked_again_with_the_same_id_it_is_one_transfer(database: Database) -> None:
    async with database.transaction() as session:
        card, owed = await _pair(session)
        entry = _entry()
        first = await ledger.transfer(session, entry, card, owed, 5)
        second = await ledger.transfer(session, entry, card, owed, 5)
        assert first is second
        assert owed.credits_posted == 5

        with pytest.raises(LedgerError, match="something else"):
            await ledger.transfer(session, entry, card, owed, 6)


@pytest.mark.parametrize("amount", [0, -1])
async def test_nothing_and_less_than_nothing_cannot_be_moved(database: Database, amount: int) -> None:
    async with database.transaction() as session:
        with pytest.raises(LedgerError):
            await ledger.transfer(session, _entry(), *await _pair(session), amount)


async def test_more_than_is_pending_cannot_be_taken(database: Database) -> None:
    async with database.transaction() as session:
        hold = await ledger.transfer(session, _entry(), *await _pair(session), 80, pending=True)

        with pytest.raises(LedgerError):
            await ledger.post(session, _entry(), hold.id, 81)


async def test_currencies_do_not_mix(database: Database) -> None:
    async with database.transaction() as session:
        balance, _ = await _pair(session)
        euros = await ledger.account(session, AccountKind.SALES, "EUR")

        with pytest.raises(LedgerError):
            await ledger.transfer(session, _entry(), balance, euros, 1)


@pytest.mark.parametrize("table", [Transfer, Receipt])
@pytest.mark.parametrize("change", ["update", "delete"])
async def test_the_database_refuses_to_change_what_is_booked(
    core: Core, table: type[Transfer | Receipt], change: str
) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    statement = update(table).values(currency="EUR") if change == "update" else delete(table)

    with pytest.raises(DBAPIError, match="append-only"):
        async with core.services.database.transaction() as tx:
            await tx.execute(statement)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["move", "hold", "post", "void"]), st.integers(1, 100)), max_size=15))
def test_whatever_happens_the_books_sum_to_zero(migrated: Template, steps: list[tuple[str, int]]) -> None:
    asyncio.run(_play(migrated, steps))


async def _play(migrated: Template, steps: list[tuple[str, int]]) -> None:
    chance = random.Random(len(steps))  # noqa: S311  # which accounts, not a secret
    with tempfile.TemporaryDirectory() as folder:
        async with opened(migrated, Path(folder)) as database, database.transaction() as session:
            accounts = [await ledger.account(session, kind, "JPY") for kind in AccountKind if kind not in NEVER_BELOW]
            open_holds: list[Transfer] = []
            for step, amount in steps:
                debit, credit = chance.sample(accounts, 2)
                match step:
                    case "move":
                        await ledger.transfer(session, _entry(), debit, credit, amount)
                    case "hold":
                        open_holds.append(await ledger.transfer(session, _entry(), debit, credit, amount, pending=True))
                    case "post" if open_holds:
                        hold = open_holds.pop()
                        await ledger.post(session, _entry(), hold.id, min(amount, hold.amount_minor))
                    case "void" if open_holds:
                        await ledger.void(session, _entry(), open_holds.pop().id)
            await _books_agree(session, accounts, open_holds)


async def _books_agree(session: AsyncSession, accounts: list[LedgerAccount], open_holds: list[Transfer]) -> None:
    assert sum(a.debits_posted for a in accounts) == sum(a.credits_posted for a in accounts)
    assert sum(a.debits_pending for a in accounts) == sum(h.amount_minor for h in open_holds)
    assert sum(a.credits_pending for a in accounts) == sum(h.amount_minor for h in open_holds)
    posted = Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST))
    for account in accounts:
        for column, kept in ((Transfer.debit_id, account.debits_posted), (Transfer.credit_id, account.credits_posted)):
            query = select(func.coalesce(func.sum(Transfer.amount_minor), 0)).where(column == account.id, posted)
            assert await session.scalar(query) == kept
