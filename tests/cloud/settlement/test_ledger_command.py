"""`konsento ledger check` at a terminal."""

import asyncio
import json
import os
import sys
from pathlib import Path

from sqlalchemy import text

import konsento

from ..conftest import Core, whole_session


async def command(core: Core, *arguments: str) -> tuple[int, str]:
    """Run it on the database; returns its exit code and what it printed."""
    url = core.services.database.engine.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from konsento.cli import main; main()", "ledger", "check", *arguments),
        env={**os.environ, "KONSENTO_DATABASE_URL": url, "PYTHONPATH": str(Path(konsento.__file__).parents[1])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode()


async def test_it_says_that_the_books_agree_or_lists_what_does_not(core: Core) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
    await core.work()
    sound = await command(core)
    async with core.services.database.transaction() as tx:
        await tx.execute(text("UPDATE counters SET last = last + 1 WHERE name = 'receipts'"))
    plain = await command(core)
    code, told = await command(core, "--json")

    assert sound == (0, "The books agree.\n")
    assert plain[0] == code == 1
    assert plain[1].startswith("numbers receipts: 1 receipts have the numbers 1 to 1; the counter stands at 2")
    found = json.loads(told)
    assert (found["ok"], [one["rule"] for one in found["findings"]]) == (False, ["numbers"])
