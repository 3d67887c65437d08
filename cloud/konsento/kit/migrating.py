"""How a database comes to the newest tables (Alembic). Each database has a folder of versions of its own.

The folder holds `env.py` (which calls `run`), `script.py.mako` and `versions/`.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from alembic import command, context
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine import make_url

from konsento.kit.db import Database
from konsento.kit.errors import KonsentoError


class NewerDatabase(KonsentoError):
    """A newer version of the program has changed the tables."""

    message = "The database was brought to the tables of a newer version of this program. Start that version."


def config(url: str, folder: Path) -> Config:
    """Return Alembic's configuration for a database and the folder of its versions."""
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.attributes["url"] = url
    return made


def migrate(url: str, folder: Path) -> None:
    """Bring a database to the newest tables; blocks. Not to be called where an event loop runs.

    Raises `NewerDatabase`.
    """
    try:
        command.upgrade(config(url, folder), "head")
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise NewerDatabase from error
        raise


def run(metadata: MetaData) -> None:
    """Do what Alembic was asked for; `metadata` are the tables of today. Called by the folder's `env.py` alone."""
    url = context.config.attributes["url"]
    if context.is_offline_mode():
        _offline(url, metadata)
    else:
        asyncio.run(_online(url, metadata))


_LOCK: Final = 0x6B6F6E73656E746F
"""Any number that nobody else takes a lock under; it spells the program's name."""


def _run(connection: Connection, metadata: MetaData) -> None:
    if connection.dialect.name == "postgresql":
        # Of several processes that start together one migrates; the others wait, and find it done.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
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


async def _online(url: str, metadata: MetaData) -> None:
    # A large table takes its time.
    database = Database(url, statement_timeout_s=None)
    if database.engine.dialect.name == "sqlite":
        # SQLite changes a column by making the table anew; dropping the old one must not take what refers to it along.
        event.listen(database.engine.sync_engine, "connect", _without_foreign_keys)
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run, metadata)
            await connection.run_sync(_check)
    finally:
        await database.close()


def _offline(url: str, metadata: MetaData) -> None:
    # Only writes the statements down (`alembic upgrade --sql`), so it needs the dialect and no driver.
    context.configure(dialect_name=make_url(url).get_backend_name(), target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
