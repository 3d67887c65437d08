"""The check of the books: it says nothing of sound ones, and finds what somebody has put wrong."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from konsento.kit.ids import new_id
from konsento.models import Alarm, AlarmKind
from konsento.settlement import work
from konsento.settlement.checking import WORK, check, check_nightly, until_night_s
from konsento.settlement.correcting import Wanted, give_back

from ..conftest import Core, whole_session

FREE = {
    "sqlite": "DROP TRIGGER IF EXISTS receipts_no_update; DROP TRIGGER IF EXISTS receipt_lines_no_delete;"
    "DROP TRIGGER IF EXISTS ledger_transfers_no_update",
    "postgresql": "ALTER TABLE receipts DISABLE TRIGGER USER; ALTER TABLE receipt_lines DISABLE TRIGGER USER;"
    " ALTER TABLE ledger_transfers DISABLE TRIGGER USER",
}
"""Takes away what keeps a hand from doing it at all."""


async def lived(core: Core) -> None:
    """Have one session billed and put right, and another one run."""
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    async with core.services.database.transaction() as tx:
        wanted = Wanted(correction_id=new_id(), amount_minor=1, note="a test", member_id=None)
        await give_back(tx, core.services.work, session.id, wanted, core.clock.now())
    await core.start()


async def by_hand(core: Core, *statements: str) -> None:
    database = core.services.database
    async with database.transaction() as tx:
        for statement in FREE[database.engine.dialect.name].split(";") + list(statements):
            await tx.execute(text(statement))


async def test_sound_books_have_nothing_to_be_found(core: Core) -> None:
    assert await check(core.services.database) == []
    await lived(core)
    assert await check(core.services.database) == []


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("account-sums", "UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE kind = 'sales'"),
        ("trial-balance", "UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE kind = 'sales'"),
        ("account-sums", "UPDATE ledger_transfers SET amount_minor = amount_minor + 1 WHERE reason = 'bill'"),
        ("entries", "UPDATE ledger_transfers SET amount_minor = amount_minor + 1 WHERE reason = 'bill'"),
        ("pending", "UPDATE payments SET state = 'released' WHERE state = 'held'"),
        ("pending", "UPDATE charging_sessions SET state = 'failed' WHERE state != 'settled'"),
        ("receipts", "UPDATE charging_sessions SET state = 'ended' WHERE state = 'settled'"),
        ("receipts", "UPDATE charging_sessions SET state = 'settled' WHERE state != 'settled'"),
        ("lines", "DELETE FROM receipt_lines"),
        ("entries", "UPDATE receipts SET amount_minor = amount_minor + 1"),
        ("numbers", "UPDATE receipts SET number = number + 1"),
        ("numbers", "UPDATE counters SET last = last + 1 WHERE name = 'receipts'"),
    ],
)
async def test_what_a_hand_has_put_wrong_is_found(core: Core, rule: str, statement: str) -> None:
    await lived(core)
    await by_hand(core, statement)

    assert rule in {finding.rule for finding in await check(core.services.database)}


async def test_every_night_the_operator_is_told_of_books_that_do_not_agree(core: Core) -> None:
    await work.begin(core.services)
    await lived(core)
    core.clock.advance(timedelta(seconds=until_night_s(core.clock.now())))
    await core.work()
    async with core.services.database.transaction() as tx:
        sound = list(await tx.scalars(select(Alarm).where(Alarm.kind == AlarmKind.BOOKS_WRONG)))
    await by_hand(core, "UPDATE counters SET last = last + 1 WHERE name = 'receipts'")
    again = await check_nightly(core.services)
    async with core.services.database.transaction() as tx:
        (alarm,) = await tx.scalars(select(Alarm).where(Alarm.kind == AlarmKind.BOOKS_WRONG))

    assert sound == []
    assert alarm.details == {"findings": 1, "first": "numbers receipts"}
    assert again.after_s == timedelta(days=1).total_seconds()
    assert WORK in core.services.work._handlers
