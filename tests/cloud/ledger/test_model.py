"""The ledger against a model of it: whatever is written, in whatever order and however often, both say the same."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.ledger import check
from konsento.ledger import service as ledger
from konsento.ledger.errors import LedgerError
from konsento.ledger.service import AccountName, Move, Resolution
from konsento.models import AccountKind, LedgerAccount

from ..conftest import AT
from ..databases import Template
from ..examples import up_to

NAMES = [
    AccountName(AccountKind.DRIVER_BALANCE, "JPY", "ann"),
    AccountName(AccountKind.DRIVER_BALANCE, "JPY", "bob"),
    AccountName(AccountKind.RECEIVABLE, "JPY", "ann"),
    AccountName(AccountKind.SALES, "JPY"),
    AccountName(AccountKind.FUNDS, "JPY"),
    AccountName(AccountKind.FUNDS, "EUR"),
    AccountName(AccountKind.SALES, "EUR"),
]
NEVER_BELOW = (AccountKind.DRIVER_BALANCE, AccountKind.DRIVER_POINTS)
ENTRY = st.tuples(
    st.sampled_from(["move", "move", "hold", "post", "void", "again", "reverse"]),
    st.integers(0, 11),  # which earlier one it is about
    st.integers(0, len(NAMES) - 1),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, 60),
)
BATCHES = st.lists(st.lists(ENTRY, min_size=1, max_size=6), max_size=8)


class RefusedError(Exception):
    """The model does not take it."""


@dataclass
class Model:
    """The ledger, the simple way."""

    entries: dict[UUID, Move | Resolution] = field(default_factory=dict)

    def write(self, batch: list[Move | Resolution]) -> Model:
        """Return what it is with a batch. Raises RefusedError."""
        after = Model(dict(self.entries))
        for entry in batch:
            if after.entries.setdefault(entry.id, entry) != entry:
                raise RefusedError
        resolved = [entry.pending_id for entry in after.entries.values() if isinstance(entry, Resolution)]
        for entry in batch:
            if isinstance(entry, Move):
                if entry.amount_minor <= 0 or entry.debit == entry.credit:
                    raise RefusedError
                if entry.debit.currency != entry.credit.currency:
                    raise RefusedError
                continue
            # What a batch resolves was held before it.
            held = self.entries.get(entry.pending_id)
            if not isinstance(held, Move) or not held.pending or entry.amount_minor > held.amount_minor:
                raise RefusedError
        if len(set(resolved)) < len(resolved):
            raise RefusedError
        if any(after.sums(name)[0] - after.sums(name)[1] < 0 for name in NAMES if name.kind in NEVER_BELOW):
            raise RefusedError
        return after

    def sums(self, name: AccountName) -> tuple[int, int]:
        """Return what can be taken from an account at most, as credits and debits with what is held."""
        came = went = 0
        resolutions = {entry.pending_id: entry for entry in self.entries.values() if isinstance(entry, Resolution)}
        for entry in self.entries.values():
            if not isinstance(entry, Move):
                continue
            resolution = resolutions.get(entry.id)
            taken = resolution.amount_minor if resolution is not None else entry.amount_minor
            if name == entry.debit:
                went += taken
            if name == entry.credit and (not entry.pending or resolution is not None):
                came += taken
        return came, went


def _entries(batch: list[tuple[str, int, int, int, int]], number: int, before: Model) -> list[Move | Resolution]:
    made: list[Move | Resolution] = []
    known = list(before.entries.values())
    for place, (what, which, debit, credit, amount) in enumerate(batch):
        id_ = UUID(int=1000 * number + place + 1)
        earlier = known[which % len(known)] if known else None
        common: dict[str, Any] = {"id": id_, "reason": what, "at": AT}
        move = Move(**common, debit=NAMES[debit], credit=NAMES[credit], amount_minor=amount, pending=what == "hold")
        match what:
            case "again" if earlier is not None:
                made.append(earlier)
            case "reverse" if isinstance(earlier, Move):
                back = Move(**common, debit=earlier.credit, credit=earlier.debit, amount_minor=earlier.amount_minor)
                made.append(back)
            case "post" | "void" if earlier is not None:
                taken = amount if what == "post" else 0
                made.append(Resolution(**common, pending_id=earlier.id, amount_minor=taken))
            case _:
                made.append(move)
    return made


@settings(max_examples=up_to(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_the_ledger_says_what_its_model_says(
    migrated: Template, batches: list[list[tuple[str, int, int, int, int]]]
) -> None:
    asyncio.run(_play(migrated, batches))


async def _play(migrated: Template, batches: list[list[tuple[str, int, int, int, int]]]) -> None:
    model = Model()
    database = Database(migrated.url)
    async with AsyncSession(database.engine) as session:  # rolled back at its end
        for number, batch in enumerate(batches):
            entries = _entries(batch, number, model)
            try:
                after = model.write(entries)
            except RefusedError:
                with pytest.raises((LedgerError, IntegrityError)):
                    async with session.begin_nested():
                        await ledger.write(session, entries)
                continue
            await ledger.write(session, entries)
            await ledger.write(session, entries)  # once more: nothing changes
            model = after
        assert [*await check.trial_balance(session), *await check.account_sums(session)] == []
        for name in NAMES:
            assert await _kept(session, name) == model.sums(name)
    await database.close()


async def _write(database: Database, entries: list[Move | Resolution]) -> None:
    async with database.transaction() as session:
        await ledger.write(session, entries)


async def _kept(session: AsyncSession, name: AccountName) -> tuple[int, int]:
    query = select(LedgerAccount).where(
        LedgerAccount.kind == name.kind, LedgerAccount.currency == name.currency, LedgerAccount.owner == name.owner
    )
    account = await session.scalar(query)
    if account is None:
        return 0, 0
    return account.credits_posted, account.debits_posted + account.debits_pending


async def test_two_that_spend_the_same_money_at_once_spend_it_once(database: Database) -> None:
    funds, balance, sales = NAMES[4], NAMES[0], NAMES[3]
    await _write(
        database,
        [Move(id=UUID(int=1), reason="top-up", at=AT, debit=funds, credit=balance, amount_minor=100)],
    )

    async def spend(number: int) -> bool:
        move = Move(id=UUID(int=number), reason="test", at=AT, debit=balance, credit=sales, amount_minor=60)
        try:
            await _write(database, [move])
        except IntegrityError:
            return False
        return True

    assert sorted(await asyncio.gather(*(spend(number) for number in range(2, 8)))) == [False] * 5 + [True]


async def test_those_who_write_to_the_same_accounts_in_any_order_never_wait_in_a_circle(database: Database) -> None:
    names = [AccountName(AccountKind.TEST_CARD, "JPY", f"driver {number}") for number in range(6)]

    async def circle(turn: int) -> None:
        for number in range(5):
            ordered = names[turn % 6 :] + names[: turn % 6]
            moves: list[Move | Resolution] = [
                Move(
                    id=UUID(int=1_000_000 * turn + 1000 * number + place + 1),
                    reason="test",
                    at=AT,
                    debit=debit,
                    credit=credit,
                    amount_minor=1,
                )
                for place, (debit, credit) in enumerate(pairwise(ordered))
            ]
            await _write(database, moves)

    await asyncio.gather(*(circle(turn) for turn in range(6)))

    async with database.transaction() as session:
        assert await check.account_sums(session) == []
