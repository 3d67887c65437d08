"""Each application's database is of its own and in the shape that its models say, on both kinds."""

import asyncio
import io
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from konsento.environment.computation import models as computation
from konsento.environment.computation.cli import APP as COMPUTATION
from konsento.environment.platform import models as platform
from konsento.environment.platform.cli import APP as PLATFORM
from konsento.kit import migrating
from konsento.kit.db import Base, Database

APPS = pytest.mark.parametrize(
    ("folder", "metadata"),
    [(PLATFORM.migrations, platform.Base.metadata), (COMPUTATION.migrations, computation.Base.metadata)],
    ids=["platform", "computation"],
)


@APPS
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_migrations_make_what_the_models_say_and_go_back_to_nothing(
    folder: Path, metadata: MetaData, kind: str, tmp_path: Path, postgres: str
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'e.sqlite3'}"
    if kind == "postgresql":
        name = f"tables_{uuid4().hex}"
        connection = await asyncpg.connect(host=postgres, user="postgres", database="postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        url = f"postgresql+asyncpg://postgres:@/{name}?host={postgres}"
    await asyncio.to_thread(migrating.migrate, url, folder)
    await asyncio.to_thread(migrating.migrate, url, folder)
    assert await _differences(url, metadata) == []
    await asyncio.to_thread(command.downgrade, migrating.config(url, folder), "base")
    assert {difference[0] for difference in await _differences(url, metadata)} >= {"add_table"}


async def _differences(url: str, metadata: MetaData) -> list[Any]:
    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await database.close()


@APPS
def test_the_databases_have_no_table_of_the_management_server(folder: Path, metadata: MetaData) -> None:
    config = migrating.config("postgresql+asyncpg://nobody@nowhere/konsento", folder)
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    made = set(re.findall(r"CREATE TABLE (\w+)", config.output_buffer.getvalue())) - {"alembic_version"}
    assert made == {table.name for table in metadata.sorted_tables}
    assert metadata is not Base.metadata
    # A word of its own in each: a driver has no place here.
    assert not {"drivers", "charging_sessions", "payments", "receipts"} & made
