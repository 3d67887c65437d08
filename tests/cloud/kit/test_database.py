"""The database: durable, exact, in the shape that the models say, on both kinds."""

import io
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from konsento import migrations
from konsento.kit.db import Database, after_commit
from konsento.kit.ids import new_id
from konsento.models import Base, Tariff

from ..conftest import AT


async def test_migrations_make_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def test_migrations_go_back_to_nothing(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'k.sqlite3'}"
    migrations.migrate(url)
    migrations.migrate(url)

    command.downgrade(migrations.config(url), "base")

    tables = sqlite3.connect(tmp_path / "k.sqlite3").execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {name for (name,) in tables} == {"alembic_version"}


def test_the_models_are_postgresql_tables_too() -> None:
    for table in Base.metadata.sorted_tables:
        ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "DATETIME" not in ddl
        for index in table.indexes:
            str(CreateIndex(index).compile(dialect=postgresql.dialect()))


def test_the_migrations_can_be_written_for_postgresql() -> None:
    config = migrations.config("postgresql+asyncpg://nobody@nowhere/konsento")
    config.output_buffer = io.StringIO()

    command.upgrade(config, "head", sql=True)

    sql = config.output_buffer.getvalue()
    assert "NUMERIC(20, 10)" in sql
    assert "TIMESTAMP WITH TIME ZONE" in sql
    assert "BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers" in sql


@pytest.mark.parametrize("price", ["38.5", "0.3636", "3850", "0.1", "1234567890.0123456789"])
async def test_prices_come_back_digit_for_digit(database: Database, price: str) -> None:
    async with database.transaction() as session:
        tariff = Tariff(
            id=new_id(),
            name="t",
            unit_price=Decimal(price),
            rates=[],
            currency="JPY",
            tax_rate=Decimal("0.1"),
            power_type="solar",
            supplier="s",
            valid_from=AT,
        )
        session.add(tariff)
    async with database.transaction() as session:
        assert str((await session.get_one(Tariff, tariff.id)).unit_price) == price


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
async def test_sqlite_survives_a_power_cut(database: Database) -> None:
    async with database.transaction() as session:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert await session.scalar(text(f"PRAGMA {pragma}")) == value


async def test_what_waits_for_a_commit_does_not_run_without_one(database: Database) -> None:
    ran: list[str] = []

    async def fails() -> None:
        async with database.transaction() as session:
            after_commit(session, lambda: ran.append("rolled back"))
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    async with database.transaction() as session:
        after_commit(session, lambda: ran.append("committed"))
        assert ran == []
    assert ran == ["committed"]
