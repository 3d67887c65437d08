"""Runs the migrations of one database."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from konsento.kit.db import Database
from konsento.models import Base


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=False)
    with context.begin_transaction():
        context.run_migrations()


async def _online(url: str) -> None:
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run)
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
