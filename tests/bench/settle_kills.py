"""Settlement killed with -9 at random, again and again: each session is billed once, and the books agree.

A thousand sessions have ended. One process on SQLite, two replicas on PostgreSQL settle them, and one is killed a
hundred times wherever it happens to be; on PostgreSQL the database is restarted a few times as well. Afterwards the
check of the books has nothing to say: one receipt a session, numbers without gaps, entries and trial balance as they
must be.
`make bench ONLY=settle_kills KILLS=100 SEED=1`.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from sqlalchemy import func, select

from konsento.kit.db import Database
from konsento.migrations import migrate
from konsento.models import Payment, PaymentState, Receipt
from konsento.settlement import checking
from rig import ended
from rig.bench import Row, Table
from rig.engines import Postgres
from rig.line import to_stderr
from rig.settler import Mayhem

KILLS: Final = int(os.environ.get("KILLS", "100"))
SEED: Final = int(os.environ.get("SEED", "1"))
SESSIONS: Final = 1_000
EVENTS: Final = 6
RESTARTS: Final = 5
"""Of PostgreSQL, in a run of their own."""


def run() -> Table:
    """Kill on both databases."""
    return asyncio.run(_run())


async def _run() -> Table:
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'kills.sqlite3'}"
        mayhem = Mayhem(url=url, replicas=1)
        rows.append(await _round("SQLite, kill -9", mayhem, KILLS, mayhem.kill_one))
    server = Postgres()
    try:
        await server.execute("CREATE DATABASE kills")
        two = Mayhem(url=server.url("kills"), replicas=2)
        rows.append(await _round("PostgreSQL, two replicas, kill -9", two, KILLS, two.kill_one))
        await server.execute("CREATE DATABASE restarts")
        two = Mayhem(url=server.url("restarts"), replicas=2)
        rows.append(await _round("PostgreSQL, restarted", two, RESTARTS, lambda _: _restart(server)))
    finally:
        server.close()
    happened = {name: row["happened"] for name, row in zip(("sqlite", "postgres", "restarts"), rows, strict=True)}
    return Table(rows=rows, facts={"sessions": SESSIONS, "seed": SEED} | happened)


def _restart(server: Postgres) -> None:
    server.stop()
    server.start()


async def _round(name: str, mayhem: Mayhem, times: int, happens: Callable[[Random], None]) -> Row:
    chance = Random(SEED)  # noqa: S311  # moments, not secrets
    await asyncio.to_thread(migrate, mayhem.url)
    ids = await ended.end(mayhem.database, await ended.found(mayhem.database), SESSIONS, events=EVENTS)
    began = monotonic()
    try:
        happened = await mayhem.until_settled(times, lambda: happens(chance), chance)
        receipts, payments = await _billed(mayhem.database)
        findings = await checking.check(mayhem.database)
    finally:
        await mayhem.close()
    if (receipts, payments) != (len(ids), len(ids)) or findings:
        raise RuntimeError(f"{len(ids)} sessions, {receipts} receipts, {payments} payments taken; {findings}")
    to_stderr(f"{name}: {happened} of {times}")
    return {
        "what": name,
        "sessions": len(ids),
        "happened": happened,
        "receipts": receipts,
        "payments taken": payments,
        "findings": len(findings),
        "s": round(monotonic() - began, 1),
    }


async def _billed(database: Database) -> tuple[int, int]:
    async with database.transaction() as session:
        receipts = await session.scalar(select(func.count()).select_from(Receipt)) or 0
        taken = select(func.count()).where(Payment.state == PaymentState.CAPTURED)
        return receipts, await session.scalar(taken) or 0
