"""PostgreSQL as it is in operation: several that migrate at once, restarts, what hangs, what is in the way."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import konsento
from konsento.kit.db import ATTEMPTS, Database, after_commit
from konsento.models import Counter
from rig.engines import Postgres

from ..databases import Template

CLOUD = Path(konsento.__file__).parents[1]


@pytest.fixture
async def both(migrated: Template, tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """One database, as two processes have it."""
    async with migrated.copied(tmp_path) as url:
        databases = Database(url, connections=2), Database(url, connections=2)
        yield databases
        for database in databases:
            await database.close()


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that a test may stop."""
    server = Postgres()
    yield server
    server.close()


async def test_processes_that_start_together_migrate_once(own_server: Postgres) -> None:
    await own_server.execute("CREATE DATABASE konsento")

    program = "import sys; from konsento.migrations import migrate; migrate(sys.argv[1])"
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, own_server.url("konsento")), env={"PYTHONPATH": str(CLOUD)}
        )
        for _ in range(3)
    ]
    ended = await asyncio.gather(*(process.wait() for process in processes))

    assert ended == [0, 0, 0]
    assert len(await own_server.execute("SELECT * FROM alembic_version", database="konsento")) == 1


async def test_after_a_restart_of_the_server_nobody_gets_a_connection_of_before(own_server: Postgres) -> None:
    database = Database(own_server.url("postgres"), connections=2)
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
    own_server.stop()
    with pytest.raises((DBAPIError, OSError)):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
    own_server.start()

    async with database.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await database.close()


async def test_what_hangs_is_ended_and_keeps_nobody_out(migrated: Template, tmp_path: Path) -> None:
    async with migrated.copied(tmp_path) as url:
        database = Database(url, connections=2, statement_timeout_s=1)
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with database.transaction() as session:
                await session.execute(text("SELECT pg_sleep(30)"))

        async def sleeps() -> None:
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
                await asyncio.sleep(1.5)
                await session.execute(text("SELECT 1"))

        with pytest.raises(DBAPIError):
            await sleeps()
        async with database.transaction() as session:
            assert await session.scalar(text("SHOW application_name")) == "konsento"
        await database.close()


async def test_a_deadlock_is_broken_and_the_work_repeated(both: tuple[Database, Database]) -> None:
    async with both[0].transaction() as session:
        session.add_all([Counter(name="a", last=0), Counter(name="b", last=0)])
    told: list[str] = []
    met = asyncio.Barrier(2)

    async def raise_both(database: Database, *names: str) -> None:
        tries = 0

        async def work(session: AsyncSession) -> None:
            nonlocal tries
            tries += 1
            after_commit(session, lambda: told.append(names[0]))
            for name in names:
                counter = await session.get_one(Counter, name, with_for_update=True)
                counter.last += 1
                await session.flush()
                if tries == 1 and name == names[0]:
                    await met.wait()

        await database.attempt(work)

    await asyncio.gather(raise_both(both[0], "a", "b"), raise_both(both[1], "b", "a"))

    async with both[0].transaction() as session:
        assert [counter.last for counter in await session.scalars(select(Counter))] == [2, 2]
    assert sorted(told) == ["a", "b"]


async def test_what_is_in_the_way_every_time_is_raised(both: tuple[Database, Database]) -> None:
    tries = 0

    async def work(session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        session.add_all([Counter(name="a", last=0)])
        await session.flush()
        await session.execute(text("INSERT INTO counters VALUES ('a', 1)"))

    with pytest.raises(IntegrityError):
        await both[0].attempt(work)
    assert tries == ATTEMPTS
