"""From ended session to receipt with the fake provider: how many a second.

Sessions of twelve events each have ended, with their money held; a process bills what is due as in operation: claims
due work, measures, takes the payments, writes entries, numbers the receipts, notes the work as done. On PostgreSQL two
replicas do so side by side, and the database has to do with the same two cores. Baseline of the same run: one session
a transaction.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from sqlalchemy import func, select

from konsento.kit.db import Database
from konsento.migrations import migrate
from konsento.models import Receipt
from konsento.settlement import work
from rig import ended
from rig.bench import Row, Table
from rig.engines import Postgres
from rig.line import to_stderr

EVENTS: Final = 12
SESSIONS: Final = 3_000
ONE_BY_ONE: Final = 300
"""Sessions of the baseline."""
LONG: Final = 240
"""Events of a session of many: a whole night, one in two minutes."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What is settled at once."""

    name: str
    sessions: int
    events: int = EVENTS
    most: int = work.AT_ONCE
    replicas: int = 1


def run() -> Table:
    """Measure on both databases."""
    return asyncio.run(_run())


async def _run() -> Table:
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        sqlite = await _measure(rows, "SQLite", f"sqlite+aiosqlite:///{folder}/bench.sqlite3", replicas=1)
    server = Postgres()
    try:
        await server.execute("CREATE DATABASE bench")
        postgres = await _measure(rows, "PostgreSQL", server.url("bench"), replicas=2)
    finally:
        server.close()
    return Table(
        rows=rows,
        facts={
            "sqlite_per_s": sqlite[0],
            "postgres_per_s": postgres[0],
            "sqlite_one_by_one_per_s": sqlite[1],
            "postgres_one_by_one_per_s": postgres[1],
        },
    )


async def _measure(rows: list[Row], name: str, url: str, *, replicas: int) -> tuple[float, float]:
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    town = await ended.found(database)
    single = Round(name=f"{name}, one by one", sessions=ONE_BY_ONE, most=1)
    alone = Round(name=name, sessions=SESSIONS // 3)
    whole = Round(name=name, sessions=SESSIONS, replicas=replicas)
    long = Round(name=name, sessions=SESSIONS // 10, events=LONG, replicas=replicas)
    one_by_one, _, fast, _ = [await _settle(rows, database, town, each) for each in (single, alone, whole, long)]
    await database.close()
    return fast, one_by_one


async def _settle(rows: list[Row], database: Database, town: ended.Town, wanted: Round) -> float:
    before, number = await _receipts(database), wanted.sessions
    await ended.end(database, town, number, events=wanted.events)
    url = database.engine.url.render_as_string(hide_password=False)
    async with AsyncExitStack() as stack:
        settlers = [await stack.enter_async_context(settler(url, wanted.most)) for _ in range(wanted.replicas)]
        began = perf_counter()
        said = await asyncio.gather(*(_at_work(settler) for settler in settlers))
        took = perf_counter() - began
    if await _receipts(database) - before != number:
        raise RuntimeError(f"{number} sessions have ended, {await _receipts(database) - before} were billed")
    computed = sum(seconds for _, seconds in said)
    per_s = round(number / took, 1)
    to_stderr(f"{wanted.name}: {per_s}/s")
    rows.append(
        {
            "database": wanted.name,
            "processes": wanted.replicas,
            "sessions": number,
            "events each": wanted.events,
            "sessions/s": per_s,
            "ms each": round(1000 * took / number, 2),
            "of it Python, ms": round(1000 * computed / number, 2),
        }
    )
    return per_s


async def _receipts(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Receipt)) or 0


@asynccontextmanager
async def settler(url: str, most: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `rig.settler`; it is ready when this returns."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rig.settler", url, str(most)),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the process that settles does not begin")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _at_work(process: asyncio.subprocess.Process) -> Sequence[float]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    process.stdin.write(b"\n")
    return [float(word) for word in (await process.stdout.readline()).split()]
