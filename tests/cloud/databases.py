"""Databases for tests, of both kinds: made once, and copied for whoever needs one."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url


@dataclass(frozen=True)
class Template:
    """A database that is copied. Nobody may be connected to it meanwhile."""

    url: str

    @asynccontextmanager
    async def copied(self, folder: Path) -> AsyncIterator[str]:
        """Give the address of a copy; an SQLite file lies in `folder`, a PostgreSQL database is dropped afterwards."""
        url = make_url(self.url)
        if url.get_backend_name() == "sqlite":
            path = folder / "konsento.sqlite3"
            shutil.copy(str(url.database), path)
            yield f"sqlite+aiosqlite:///{path}"
            return
        name = f"test_{uuid4().hex}"
        # Through the file system: through the log, as by default, it takes three times as long.
        await command(url, f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY FILE_COPY")
        yield url.set(database=name).render_as_string(hide_password=False)
        await command(url, f"DROP DATABASE {name} WITH (FORCE)")


async def command(server: URL, sql: str) -> None:
    """Have a PostgreSQL server do something that belongs to no database of its own."""
    connection = await asyncpg.connect(host=server.query["host"], user=server.username, database="postgres")
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def on(socket: str, database: str) -> URL:
    """Return the address of a database of the server with that socket."""
    return make_url(f"postgresql+asyncpg://postgres:@/{database}?host={socket}")
