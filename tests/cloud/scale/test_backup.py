"""The commands for backup and restore that docs/operations.md names, on databases that are written meanwhile."""

import asyncio
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from konsento.kit.db import Database
from konsento.migrations import migrate
from konsento.models import MeterEvent
from rig.engines import BINARIES

from ..conftest import STARTED, Core, event_of, wired
from ..databases import Template, command, on

DOCS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


async def charging(core: Core, events: int, begun: asyncio.Event | None = None) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    for number in range(1, events):
        await core.send(event_of(session, number, f"{1000 + number}"))
        if begun is not None and number == 10:
            begun.set()


async def kept(url: str) -> int:
    database = Database(url)
    try:
        async with database.transaction() as session:
            number: int = (await session.scalars(select(func.count()).select_from(MeterEvent))).one()
        # It can be gone on with.
        await charging(await wired(database), 2)
        return number
    finally:
        await database.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
async def test_a_copy_of_an_sqlite_database_under_load_is_whole(furnished: Template, tmp_path: Path) -> None:
    assert "sqlite3 konsento.sqlite3 \"VACUUM INTO '/backup/konsento-$(date +%F).sqlite3'\"" in DOCS
    copy = tmp_path / "backup.sqlite3"
    async with furnished.copied(tmp_path) as url:
        core = await wired(Database(url))
        begun = asyncio.Event()
        writing = asyncio.create_task(charging(core, 200, begun))
        await begun.wait()
        # What the command of that name does.
        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(f\"VACUUM INTO '{sys.argv[2]}'\")"
        path = url.removeprefix("sqlite+aiosqlite:///")
        process = await asyncio.create_subprocess_exec("python3", "-c", program, path, str(copy))
        assert await process.wait() == 0
        await writing
        await core.services.database.close()

    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{copy}")
    assert 10 <= await kept(f"sqlite+aiosqlite:///{copy}") <= 200


async def test_a_dump_of_postgresql_under_load_can_be_restored(
    furnished: Template, postgres: str, tmp_path: Path
) -> None:
    for line in (
        "pg_dump --format=custom --file=/backup/konsento.dump konsento",
        "pg_restore --exit-on-error --no-owner --dbname=konsento /backup/konsento.dump",
    ):
        assert line in DOCS
    dump = tmp_path / "konsento.dump"
    there = {**os.environ, "PGHOST": postgres, "PGUSER": "postgres"}

    def run(name: str, *arguments: str) -> None:
        subprocess.run([str(BINARIES / name), *arguments], check=True, env=there)

    async with furnished.copied(tmp_path) as url:
        database = Database(url)
        core = await wired(database)
        begun = asyncio.Event()
        writing = asyncio.create_task(charging(core, 100, begun))
        await begun.wait()
        name = str(database.engine.url.database)
        await asyncio.to_thread(run, "pg_dump", "--format=custom", f"--file={dump}", name)
        await writing
        await database.close()
    await asyncio.to_thread(run, "createdb", "restored")
    try:
        await asyncio.to_thread(run, "pg_restore", "--exit-on-error", "--no-owner", "--dbname=restored", str(dump))
        restored = on(postgres, "restored").render_as_string(hide_password=False)
        await asyncio.to_thread(migrate, restored)
        assert 10 <= await kept(restored) <= 100
    finally:
        await command(on(postgres, "restored"), "DROP DATABASE IF EXISTS restored WITH (FORCE)")
