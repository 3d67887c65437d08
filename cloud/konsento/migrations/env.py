"""Runs the migrations of one database."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url

from konsento.kit.db import Database
from konsento.models import Base


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


def _without_foreign_keys(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _check(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and (
        broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    ):
        raise RuntimeError(f"after the migration table {broken[0]} refers to rows of {broken[2]} that do not exist")


async def _online(url: str) -> None:
    database = Database(url)
    if database.engine.dialect.name == "sqlite":
        # SQLite changes a column by making the table anew; dropping the old one must not take what refers to it along.
        event.listen(database.engine.sync_engine, "connect", _without_foreign_keys)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run)
            await connection.run_sync(_check)
    finally:
        await database.close()


def _offline(url: str) -> None:
    # Only writes the statements down (`alembic upgrade --sql`), so it needs the dialect and no driver.
    context.configure(dialect_name=make_url(url).get_backend_name(), target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline(context.config.attributes["url"])
else:
    asyncio.run(_online(context.config.attributes["url"]))
