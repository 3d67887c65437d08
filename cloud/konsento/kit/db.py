"""The database: one engine, one transaction per request or piece of work."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, override

from sqlalchemy import DateTime, Dialect, Enum, MetaData, Numeric, String, TypeDecorator, event, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from konsento.kit import sqlite


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware time, kept as UTC (SQLite keeps no zone, so it is put back on reading)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a time zone is not stored")
        return value.astimezone(UTC) if value is not None else None

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A number with all its decimal digits: NUMERIC, on SQLite text, because SQLite would make a float of it."""

    impl = Numeric(20, 10)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else Numeric(20, 10))

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        # NUMERIC comes back padded with zeros; a price reads as it was written.
        return Decimal(value).normalize() + 0 if value is not None else None


def words(kind: type[StrEnum]) -> Enum:
    """Return the column type for one word of `kind`: text, so that a new word needs no change of the table."""
    return Enum(
        kind, native_enum=False, create_constraint=False, length=32, values_callable=lambda k: [m.value for m in k]
    )


TYPES: Final[Mapping[type, Any]] = {datetime: UtcDateTime, Decimal: ExactDecimal}
"""How every database here keeps times and exact numbers: the `type_annotation_map` of a declarative base."""


def named_metadata() -> MetaData:
    """Return metadata that names constraints and indexes as all tables here do, so that migrations find them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Base(DeclarativeBase):
    """Base of the management server's models. Relationships are `lazy="raise"`: the query loads what is needed."""

    type_annotation_map = TYPES
    metadata = named_metadata()


_AFTER_COMMIT: Final = "after_commit"
CONNECTIONS: Final = 10
STATEMENT_TIMEOUT_S: Final = 30.0
ATTEMPTS: Final = 3
_IN_THE_WAY: Final = frozenset({"40001", "40P01"})
"""PostgreSQL's codes of a serialization failure and of a deadlock that it broke."""
# Looking for the parameters in a long statement takes longer than sending it.
_text: Final = lru_cache(maxsize=32)(text)


class Database:
    """An engine and its sessions.

    `url` is an SQLAlchemy URL with an async driver; `connections` are the most to a PostgreSQL server, which ends any
    statement after `statement_timeout_s` (None: never).
    """

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, statement_timeout_s: float | None = STATEMENT_TIMEOUT_S
    ) -> None:
        # Parameters stay out of error messages and so out of the log: they may be a driver's words or a token.
        is_sqlite = make_url(url).get_backend_name() == "sqlite"
        options: dict[str, Any] = (
            {"connect_args": {"async_creator_fn": sqlite.connect}}
            if is_sqlite
            else _postgresql(connections, statement_timeout_s)
        )
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True, **options)
        self._turn: asyncio.Lock | None = None
        self.serves_one_process = is_sqlite
        """Whether all that is connected to it is this process (and commands that an operator runs beside it)."""
        if is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _durable_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_immediate)
            # SQLite has one writer. In one process a fair queue is quicker than each asking again and again.
            self._turn = asyncio.Lock()
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose transaction commits at the end, or rolls back on any exception.

        Never wait for anything outside the database inside of one: on SQLite everybody else waits as well. For the
        same reason transactions are not nested.
        """
        async with self._turn or nullcontext(), self._sessions.begin() as session:
            yield session
        for callback in session.info.pop(_AFTER_COMMIT, ()):
            callback()

    async def attempt[T](self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Return what `work` returns in a transaction of its own; it is repeated where another one was in its way.

        That is a deadlock that PostgreSQL broke, or a row that another process made between a look and an insert.
        So `work` does nothing but read and write the database. What is in the way every time is raised.
        """
        for left in reversed(range(ATTEMPTS)):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except DBAPIError as error:
                if left == 0 or not _in_the_way(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def run(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
        """Execute plain statements in a transaction of their own; returns the first column of what each returns.

        They name their parameters `:name`, and nothing is looked at in between: on SQLite the whole transaction is one
        visit to the connection's thread.
        """
        if self._turn is None:
            async with self.engine.begin() as connection:
                results = [await connection.execute(_text(statement), values) for statement, values in statements]
                return [[row[0] for row in result] if result.returns_rows else [] for result in results]
        async with self._turn, self.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            if not isinstance(raw, sqlite.Connection):
                raise TypeError("a connection that was not made by kit.sqlite")
            return await raw.transact(statements)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def after_commit(session: AsyncSession, callback: Callable[[], None]) -> None:
    """Have `callback` called when the transaction of `session` is committed, and not if it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def insert(session: AsyncSession, table: Any) -> Any:
    """Return an INSERT that may say what happens to a row that is there already (`on_conflict_do_…`)."""
    # Both dialects have the same methods, and no common class with them.
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgresql else sqlite_dialect.insert(table)


def _in_the_way(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY


def _postgresql(connections: int, statement_timeout_s: float | None) -> dict[str, Any]:
    limits = (
        {}
        if statement_timeout_s is None
        else {
            # A process that hangs in a transaction must not keep its locks from all others.
            "statement_timeout": f"{statement_timeout_s:.0f}s",
            "idle_in_transaction_session_timeout": f"{statement_timeout_s:.0f}s",
        }
    )
    return {
        "pool_size": connections,
        "max_overflow": 0,
        # After a restart of the server the connections of before are replaced before somebody gets one.
        "pool_pre_ping": True,
        "connect_args": {
            "timeout": 10,
            # A server that vanished answers nothing at all; a little later than it would end the statement itself.
            "command_timeout": None if statement_timeout_s is None else statement_timeout_s + 5,
            "server_settings": {"application_name": "konsento", **limits},
        },
    }


def is_away(error: BaseException) -> bool:
    """Tell whether the database itself is the trouble (gone, locked, full) and not what it was asked."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OSError | OperationalError | sqlite3.OperationalError | PoolTimeoutError)


def _durable_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own, or `BEGIN IMMEDIATE` below comes too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Recursive triggers: without them REPLACE removes a row that a trigger keeps from being deleted.
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", "recursive_triggers=ON"
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # Two transactions that read first and write later would fail at the write; the second one waits here instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
