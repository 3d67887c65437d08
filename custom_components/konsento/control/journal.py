"""The site's memory: sessions, the answers given to requests, and the events that no one has yet answered.

Write-ahead: control writes here first and acts afterwards. SQLite with `synchronous=FULL`: what `save` has returned
from survives a power cut. Small by construction: `prune` forgets what is over, told and old, and a session that cannot
be told adds no periodic samples beyond MAX_WAITING (left out before they get a number, so the numbers stay gapless).
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .events import SessionEvent
from .session import Phase, Session, StartAnswer
from .words import Refusal

VERSION = 1
MAX_WAITING = 20_000
"""Events of one session that may wait: 28 hours of one every 5 s."""
KEEP = timedelta(days=30)
"""How long the answer to a request is remembered; requests expire within minutes."""

_SCHEMA = """
CREATE TABLE session (
    id TEXT PRIMARY KEY, server TEXT NOT NULL, outlet TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_on_outlet ON session (outlet) WHERE phase != 'ended';
CREATE TABLE request (
    server TEXT NOT NULL, remote_start_id INTEGER NOT NULL, session_id TEXT, refusal TEXT, at TEXT NOT NULL,
    PRIMARY KEY (server, remote_start_id)
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, session_id TEXT NOT NULL, seq_no INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (session_id, seq_no)
) STRICT;
CREATE INDEX event_of_server ON event (server, id);
CREATE TABLE closed (server TEXT NOT NULL, evse INTEGER NOT NULL, PRIMARY KEY (server, evse)) STRICT;
"""


class JournalError(Exception):
    """The journal on disk cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits for its answer; `id` rises in the order in which things happened."""

    id: int
    event: SessionEvent


class Journal:
    """One SQLite file, used by one site. All calls are awaited one after the other, off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or make the file; raises JournalError for one of a later version or a broken one."""
        async with self._lock:
            await asyncio.get_running_loop().run_in_executor(None, self._open)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        except sqlite3.DatabaseError as error:
            db.close()
            raise JournalError(f"{self._path} cannot be read: {error}") from error
        if version > VERSION:
            db.close()
            raise JournalError(f"{self._path} was written by a later version ({version}, this one knows {VERSION})")
        self._db = db

    async def close(self) -> None:
        """Close the file."""
        async with self._lock:
            db, self._db = self._db, None
            if db is not None:
                await asyncio.get_running_loop().run_in_executor(None, db.close)

    async def _do[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._lock:
            db = self._db
            if db is None:
                raise JournalError(f"{self._path} is closed")
            # Shielded: whoever is cancelled meanwhile must not let the next one use the connection at the same time.
            job = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(None, _in_transaction, db, work))
            try:
                return await asyncio.shield(job)
            except asyncio.CancelledError:
                await asyncio.wait([job])
                raise

    async def save(
        self, session: Session, events: Sequence[SessionEvent], at: datetime, refusal: Refusal | None = None
    ) -> None:
        """Write a session and what it has to tell, all or nothing. `refusal`: it did not begin, and why."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO request VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET refusal = excluded.refusal,"
                " session_id = excluded.session_id",
                (
                    session.server,
                    session.remote_start_id,
                    None if refusal else session.id,
                    refusal,
                    at.isoformat(),
                ),
            )
            if refusal:
                db.execute("DELETE FROM session WHERE id = ?", (session.id,))
            else:
                db.execute(
                    "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                    " phase = excluded.phase, body = excluded.body, changed_at = excluded.changed_at",
                    (
                        session.id,
                        session.server,
                        session.outlet,
                        session.phase,
                        json.dumps(session.to_json()),
                        at.isoformat(),
                    ),
                )
            db.executemany(
                "INSERT INTO event (server, session_id, seq_no, body) VALUES (?, ?, ?, ?)",
                [(session.server, event.session_id, event.seq_no, json.dumps(event.to_json())) for event in events],
            )

        await self._do(work)

    async def refuse(self, server: str, remote_start_id: int, refusal: Refusal, at: datetime) -> None:
        """Remember that a request was refused before it became a session."""
        row = (server, remote_start_id, None, refusal, at.isoformat())
        await self._do(lambda db: db.execute("INSERT OR IGNORE INTO request VALUES (?, ?, ?, ?, ?)", row))

    async def answer(self, server: str, remote_start_id: int) -> StartAnswer | None:
        """Return what a request was answered, None when it was never asked."""
        row = await self._do(
            lambda db: db.execute(
                "SELECT session_id, refusal FROM request WHERE server = ? AND remote_start_id = ?",
                (server, remote_start_id),
            ).fetchone()
        )
        if row is None:
            return None
        return StartAnswer(row[0], Refusal(row[1]) if row[1] else None)

    async def unfinished(self) -> list[Session]:
        """Return the sessions that were under way when the program ended."""
        rows = await self._do(
            lambda db: db.execute("SELECT body FROM session WHERE phase != ?", (Phase.ENDED,)).fetchall()
        )
        return [Session.from_json(json.loads(body)) for (body,) in rows]

    async def waiting(self, server: str) -> Waiting | None:
        """Return the oldest event that a server has not answered."""
        row = await self._do(
            lambda db: db.execute(
                "SELECT id, body FROM event WHERE server = ? ORDER BY id LIMIT 1", (server,)
            ).fetchone()
        )
        return Waiting(row[0], SessionEvent.from_json(json.loads(row[1]))) if row else None

    async def delivered(self, event_id: int) -> None:
        """Forget an event: its server has it."""
        await self._do(lambda db: db.execute("DELETE FROM event WHERE id = ?", (event_id,)))

    async def waiting_of(self, server: str, session_id: str | None = None) -> int:
        """Return how many events wait for a server, of one session or of all."""
        row = await self._do(
            lambda db: db.execute(
                "SELECT count(*) FROM event WHERE server = ? AND session_id = ifnull(?, session_id)",
                (server, session_id),
            ).fetchone()
        )
        return int(row[0])

    async def set_closed(self, server: str, evse: int, closed: bool) -> None:
        """Remember that a server takes an outlet out of its service, or puts it back."""
        statement = (
            "INSERT OR IGNORE INTO closed VALUES (?, ?)"
            if closed
            else "DELETE FROM closed WHERE server = ? AND evse = ?"
        )
        await self._do(lambda db: db.execute(statement, (server, evse)))

    async def closed(self) -> set[tuple[str, int]]:
        """Return (server, outlet number) of everything out of service."""
        return set(await self._do(lambda db: db.execute("SELECT server, evse FROM closed").fetchall()))

    async def forget_server(self, server: str) -> int:
        """Drop what waits for a server that the site is no longer linked to; returns how many events that were."""

        def work(db: sqlite3.Connection) -> int:
            db.execute("DELETE FROM closed WHERE server = ?", (server,))
            return db.execute("DELETE FROM event WHERE server = ?", (server,)).rowcount

        return await self._do(work)

    async def prune(self, now: datetime) -> None:
        """Forget sessions that are over and told, and answers, older than KEEP."""
        before = (now - KEEP).isoformat()

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM session WHERE phase = ? AND changed_at < ? AND id NOT IN (SELECT session_id FROM event)",
                (Phase.ENDED, before),
            )
            db.execute(
                "DELETE FROM request WHERE at < ? AND ifnull(session_id, '') NOT IN (SELECT id FROM session)", (before,)
            )

        await self._do(work)


def _in_transaction[T](db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result
