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
from typing import Any

from .events import SessionEvent
from .schema import VERSION, migrate
from .session import LOCAL, Phase, Session, StartAnswer
from .words import Refusal

MAX_WAITING = 20_000
"""Events of one session that may wait: 28 hours of one every 5 s."""
KEEP = timedelta(days=30)
"""How long the answer to a request is remembered; requests expire within minutes. Whatever comes to light of a session
is told for so long after its end."""
KEEP_SESSIONS = timedelta(days=62)
"""How long a session is remembered: whole months can be summed up, this one and the one before it."""

_FORGOTTEN = "supplied"
"""Under this name stands the energy of sessions that are no longer there."""


class JournalError(Exception):
    """The journal on disk cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits for its answer; `id` rises in the order in which things happened."""

    id: int
    event: SessionEvent


class Journal:
    """One SQLite file, used by one site, one transaction after the other, off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._queue: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open or make the file; raises JournalError for one of a later version or a broken one."""
        self._db = await asyncio.get_running_loop().run_in_executor(None, self._open)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            version = migrate(db)
        except sqlite3.DatabaseError as error:
            db.close()
            raise JournalError(f"{self._path} cannot be read: {error}") from error
        if version > VERSION:
            db.close()
            raise JournalError(f"{self._path} was written by a later version ({version}, this one knows {VERSION})")
        return db

    async def close(self) -> None:
        """Close the file, after what was begun is done."""
        db, self._db = self._db, None
        if self._writer is not None:
            await asyncio.wait([self._writer])
        if db is not None:
            await asyncio.get_running_loop().run_in_executor(None, db.close)

    async def do[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a transaction that has reached the disk when this returns.

        What is asked for while a transaction is being written shares the next one: the disk is waited for once.
        """
        if self._db is None:
            raise JournalError(f"{self._path} is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, done))
        if self._writer is None:
            # A task of its own: whoever is cancelled meanwhile leaves the connection to the one that uses it.
            self._writer = asyncio.create_task(self._write(self._db), name="konsento journal")
        return await done

    async def _write(self, db: sqlite3.Connection) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            batch, self._queue = self._queue, []
            outcomes = await loop.run_in_executor(None, _in_transaction, db, [work for work, _ in batch])
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():
                    continue
                if isinstance(outcome, Exception):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)
        self._writer = None

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
                    "INSERT INTO session (id, server, outlet, phase, body, changed_at) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, body = excluded.body,"
                    " changed_at = excluded.changed_at, measured = CASE measured WHEN 2 THEN 2 ELSE 0 END",
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
                # The owner's own sessions are told to nobody.
                [
                    (session.server, event.session_id, event.seq_no, json.dumps(event.to_json()))
                    for event in events
                    if session.server != LOCAL
                ],
            )

        await self.do(work)

    async def refuse(self, server: str, remote_start_id: int, refusal: Refusal, at: datetime) -> None:
        """Remember that a request was refused before it became a session."""
        row = (server, remote_start_id, None, refusal, at.isoformat())
        await self.do(lambda db: db.execute("INSERT OR IGNORE INTO request VALUES (?, ?, ?, ?, ?)", row))

    async def answer(self, server: str, remote_start_id: int) -> StartAnswer | None:
        """Return what a request was answered, None when it was never asked."""
        row = await self.do(
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
        rows = await self.do(
            lambda db: db.execute("SELECT body FROM session WHERE phase != ?", (Phase.ENDED,)).fetchall()
        )
        return [Session.from_json(json.loads(body)) for (body,) in rows]

    async def last(self) -> dict[str, Session]:
        """Return the last session that is over, by outlet."""
        rows = await self.do(
            # SQLite: the other columns come from the row that has the maximum.
            lambda db: db.execute(
                "SELECT outlet, body, max(changed_at) FROM session WHERE phase = ? GROUP BY outlet", (Phase.ENDED,)
            ).fetchall()
        )
        return {outlet: Session.from_json(json.loads(body)) for outlet, body, _ in rows}

    async def sessions(self, since: datetime) -> list[Session]:
        """Return what ran at or after a time and is not yet forgotten, the newest first."""
        rows = await self.do(
            lambda db: db.execute(
                "SELECT body FROM session WHERE changed_at >= ? OR phase != ? ORDER BY changed_at DESC",
                (since.isoformat(), Phase.ENDED),
            ).fetchall()
        )
        # Two months of a large site take a while to read, and the loop has running sessions to look after.
        return await asyncio.to_thread(_sessions_in, rows)

    async def waiting(self, server: str, most: int) -> list[Waiting]:
        """Return the oldest events that a server has not answered."""
        rows = await self.do(
            lambda db: db.execute(
                "SELECT id, body FROM event WHERE server = ? ORDER BY id LIMIT ?", (server, most)
            ).fetchall()
        )
        return [Waiting(number, SessionEvent.from_json(json.loads(body))) for number, body in rows]

    async def delivered(self, event_ids: Sequence[int]) -> None:
        """Forget events: their server has them."""
        rows = [(event_id,) for event_id in event_ids]
        await self.do(lambda db: db.executemany("DELETE FROM event WHERE id = ?", rows))

    async def waiting_of(self, server: str, session_id: str | None = None) -> int:
        """Return how many events wait for a server, of one session or of all."""
        row = await self.do(
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
        await self.do(lambda db: db.execute(statement, (server, evse)))

    async def closed(self) -> set[tuple[str, int]]:
        """Return (server, outlet number) of everything out of service."""
        return set(await self.do(lambda db: db.execute("SELECT server, evse FROM closed").fetchall()))

    async def remember(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        """Keep something small under a name, or forget it (None)."""
        if value is None:
            await self.do(lambda db: db.execute("DELETE FROM memory WHERE kind = ? AND key = ?", (kind, key)))
        else:
            row = (kind, key, json.dumps(value))
            await self.do(lambda db: db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", row))

    async def remembered(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return everything of a kind by its name."""
        rows = await self.do(lambda db: db.execute("SELECT key, body FROM memory WHERE kind = ?", (kind,)).fetchall())
        return {key: json.loads(body) for key, body in rows}

    async def forget_server(self, server: str) -> int:
        """Drop what waits for a server that the site is no longer linked to; returns how many events that were."""

        def work(db: sqlite3.Connection) -> int:
            db.execute("DELETE FROM closed WHERE server = ?", (server,))
            db.execute("DELETE FROM memory WHERE key = ?", (server,))
            return db.execute("DELETE FROM event WHERE server = ?", (server,)).rowcount

        return await self.do(work)

    async def supplied(self) -> tuple[int, int]:
        """Return what all sessions ever took, mWh: those of drivers, and the owner's own."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            drivers, own = _energy(db, "true", ())
            forgotten = _forgotten(db)
            return drivers + forgotten[0], own + forgotten[1]

        return await self.do(work)

    async def prune(self, now: datetime) -> None:
        """Forget sessions that are over and told, and answers, when they are old; their energy stays in the sum."""
        sessions, answers = (now - KEEP_SESSIONS).isoformat(), (now - KEEP).isoformat()
        over = "phase = ? AND changed_at < ? AND id NOT IN (SELECT session_id FROM event)"

        def work(db: sqlite3.Connection) -> None:
            drivers, own = _energy(db, over, (Phase.ENDED, sessions))
            if drivers or own:
                before = _forgotten(db)
                known = {"drivers_mwh": before[0] + drivers, "own_mwh": before[1] + own}
                db.execute("INSERT OR REPLACE INTO memory VALUES (?, '', ?)", (_FORGOTTEN, json.dumps(known)))
            db.execute(f"DELETE FROM session WHERE {over}", (Phase.ENDED, sessions))  # noqa: S608  # both parts are ours
            db.execute(
                "DELETE FROM request WHERE at < ? AND ifnull(session_id, '') NOT IN (SELECT id FROM session)",
                (answers,),
            )

        await self.do(work)


def _sessions_in(rows: Sequence[tuple[str]]) -> list[Session]:
    return [Session.from_json(json.loads(body)) for (body,) in rows]


def _energy(db: sqlite3.Connection, which: str, values: tuple[str, ...]) -> tuple[int, int]:
    """Return the energy of some sessions, mWh: those of drivers, and the owner's own."""
    query = f"SELECT server = ?, sum(json_extract(body, '$.energy_mwh')) FROM session WHERE {which} GROUP BY 1"  # noqa: S608  # ours
    sums = {bool(own): int(energy or 0) for own, energy in db.execute(query, (LOCAL, *values))}
    return sums.get(False, 0), sums.get(True, 0)


def _forgotten(db: sqlite3.Connection) -> tuple[int, int]:
    """Return the same of the sessions that are no longer there."""
    row = db.execute("SELECT body FROM memory WHERE kind = ?", (_FORGOTTEN,)).fetchone()
    known = json.loads(row[0]) if row else {"drivers_mwh": 0, "own_mwh": 0}
    return known["drivers_mwh"], known["own_mwh"]


def _in_transaction(db: sqlite3.Connection, works: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    """Return what each work returns or the exception that it raises; one that fails does not touch the others."""
    try:
        db.execute("BEGIN IMMEDIATE")
        outcomes = [_by_itself(db, work) for work in works]
        db.execute("COMMIT")
    except Exception as error:  # noqa: BLE001  # handed to everyone who waits
        if db.in_transaction:
            db.execute("ROLLBACK")
        return [error] * len(works)
    return outcomes


def _by_itself(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Any:
    db.execute("SAVEPOINT work")
    try:
        outcome = work(db)
    except Exception as error:  # noqa: BLE001  # handed to the one who asked
        db.execute("ROLLBACK TO work")
        outcome = error
    db.execute("RELEASE work")
    return outcome
