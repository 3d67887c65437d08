"""Books of before there was a chart of accounts: a hold that was open then is settled like any other."""

import asyncio

from alembic import command
from sqlalchemy import select, text

from konsento import migrations
from konsento.models import AccountKind, LedgerAccount, Receipt

from ..conftest import Core, whole_session


async def pending(core: Core) -> dict[str, int]:
    """Return what is held for which kind of account."""
    async with core.services.database.transaction() as tx:
        rows = await tx.execute(text("SELECT kind, credits_pending FROM ledger_accounts WHERE credits_pending > 0"))
        return {row.kind: row.credits_pending for row in rows}


async def test_a_hold_of_before_becomes_one_on_what_the_driver_owes_and_is_billed(core: Core) -> None:
    session = await core.start()
    url = core.services.database.engine.url.render_as_string(hide_password=False)
    await core.services.database.engine.dispose()
    await asyncio.to_thread(command.downgrade, migrations.config(url), "0054-1")
    before = await pending(core)
    await core.services.database.engine.dispose()
    await asyncio.to_thread(migrations.migrate, url)
    after = await pending(core)
    for event in whole_session(session):
        await core.send(event)
    await core.work()

    assert (before, after) == ({"sales": 46}, {"receivable": 46})
    async with core.services.database.transaction() as tx:
        accounts = list(await tx.scalars(select(LedgerAccount)))
        amount = (await tx.scalars(select(Receipt))).one().amount_minor
    sums = {account.kind: account.credits_posted - account.debits_posted for account in accounts if not account.owner}
    owed = next(account for account in accounts if account.kind is AccountKind.RECEIVABLE)
    assert sums[AccountKind.SALES] + sums[AccountKind.TAX] == amount > 0
    assert (owed.debits_posted, owed.credits_posted, owed.credits_pending) == (amount, amount, 0)
    assert sum(a.debits_posted - a.credits_posted for a in accounts) == 0
