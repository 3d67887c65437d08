"""The ledger: nothing appears, nothing vanishes, nothing changes afterwards."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.errors import LedgerError
from konsento.ledger.service import AccountName, Entry, Move
from konsento.models import AccountKind, LedgerAccount, Transfer, TransferKind
from konsento.settlement.correcting import Wanted, give_back

from ..conftest import AT, Core, whole_session


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


CHANGES = {
    "update": "UPDATE {table} SET amount_minor = amount_minor + 1",
    "delete": "DELETE FROM {table}",
    "replace": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "truncate": "TRUNCATE {table} CASCADE",
}
"""Ways to get at what is booked; the last two are those of one kind of database alone."""


@pytest.mark.parametrize("table", ["ledger_transfers", "receipts", "receipt_lines", "corrections"])
@pytest.mark.parametrize("change", list(CHANGES))
async def test_the_database_refuses_to_change_what_is_booked(core: Core, table: str, change: str) -> None:
    dialect = core.services.database.engine.dialect.name
    if (change, dialect) in {("replace", "postgresql"), ("truncate", "sqlite")}:
        pytest.skip("no such statement")
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    async with core.services.database.transaction() as tx:
        wanted = Wanted(correction_id=new_id(), amount_minor=1, note="a test", member_id=None)
        await give_back(tx, core.services.work, session.id, wanted, AT)

    with pytest.raises(DBAPIError, match=r"append-only|keep their names"):
        async with core.services.database.transaction() as tx:
            await tx.execute(text(CHANGES[change].format(table=table)))


@pytest.mark.parametrize("change", ["UPDATE ledger_accounts SET kind = 'sales'", "DELETE FROM ledger_accounts"])
async def test_an_account_stays_what_it_is(core: Core, change: str) -> None:
    with pytest.raises(DBAPIError, match="keep their names"):
        async with core.services.database.transaction() as tx:
            await tx.execute(text(change))


async def test_nobody_spends_what_is_held_or_not_there(database: Database) -> None:
    balance = AccountName(AccountKind.DRIVER_BALANCE, "JPY", "ann")
    owed, funds = AccountName(AccountKind.RECEIVABLE, "JPY", "ann"), AccountName(AccountKind.FUNDS, "JPY")

    def move(debit: AccountName, credit: AccountName, amount: int, *, pending: bool = False) -> Move:
        return Move(id=new_id(), reason="test", at=AT, debit=debit, credit=credit, amount_minor=amount, pending=pending)

    async with database.transaction() as session:
        await ledger.write(session, [move(funds, balance, 100), move(balance, owed, 80, pending=True)])
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            await ledger.write(session, [move(balance, owed, 21)])
