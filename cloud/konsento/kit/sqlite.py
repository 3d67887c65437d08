"""SQLite connections that visit their thread once per statement.

`aiosqlite` visits it four times (make a cursor, execute, fetch, close), and each visit wakes two threads: for the small
statements here that takes longer than SQLite itself.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, override

import aiosqlite
from sqlalchemy import make_url

type _Rows = list[Any]
type _Work = Callable[[sqlite3.Connection], sqlite3.Cursor]

_CHUNK: Final = 64
"""Of rows read while iterating, which nobody does here; `aiosqlite`'s own number."""


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keep other servers from the SQLite database of an SQLAlchemy URL; OSError where one serves it already.

    Commands that an operator runs beside the server are not kept out. Any other database is left alone.
    """
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database or parts.database == ":memory:":
        yield
        return
    # A file of its own: SQLite has locks on the database itself. It ends with the process, however that ends.
    with Path(f"{parts.database}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"{parts.database} is served by another process. Several processes need PostgreSQL "
                "(KONSENTO_DATABASE_URL=postgresql+asyncpg://…)."
            ) from None
        yield


class Cursor:
    """What SQLAlchemy needs of a cursor; its rows are there when it has executed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: _Rows = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute one statement and read all its rows."""
        return await self._take(lambda raw: raw.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Execute one statement for each set of parameters."""
        return await self._take(lambda raw: raw.executemany(statement, parameters))

    async def _take(self, work: _Work) -> Self:
        self.description, self.rowcount, self.lastrowid, self._rows = await self._connection.visit(work)
        return self

    async def fetchall(self) -> _Rows:
        """Return the rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing stays open."""


class Connection(aiosqlite.Connection):
    """An `aiosqlite` connection with such cursors."""

    @override
    def cursor(self) -> Any:
        return Cursor(self)

    async def visit(self, work: _Work) -> Any:
        """Have `work` make a cursor in the connection's thread; returns what there is to know of it."""

        def all_of_it() -> tuple[Any, int, int | None, _Rows]:
            cursor = work(self._conn)
            rows = cursor.fetchall() if cursor.description else []
            return cursor.description, cursor.rowcount, cursor.lastrowid, rows

        return await self._execute(all_of_it)  # type: ignore[no-untyped-call]  # the library's types end here

    async def transact(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[_Rows]:
        """Execute statements in one transaction and one visit; returns the first column of what each returns."""

        def transaction() -> list[_Rows]:
            raw = self._conn
            raw.execute("BEGIN IMMEDIATE")
            try:
                rows = [[row[0] for row in raw.execute(statement, values)] for statement, values in statements]
                raw.execute("COMMIT")
            except BaseException:
                # What has failed may have been rolled back by SQLite itself.
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
            return rows

        rows: list[_Rows] = await self._execute(transaction)  # type: ignore[no-untyped-call]  # as above
        return rows


def connect(path: str, **options: Any) -> Connection:
    """Return a connection to be awaited; the options are those of `sqlite3.connect`."""
    connection = Connection(partial(sqlite3.connect, path, **options), _CHUNK)
    # As SQLAlchemy sets it where it makes the connection itself: a forgotten one does not keep the program alive.
    connection._thread.daemon = True
    return connection
