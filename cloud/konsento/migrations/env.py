"""Runs the migrations of one database."""

import asyncio

from alembic import context
from sqlalchemy import Connection

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


asyncio.run(_online(context.config.attributes["url"]))
