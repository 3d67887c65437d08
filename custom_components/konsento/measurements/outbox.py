"""What is still to leave the site, and what has: durable, in the site's journal.

A measurement comes from a session that is over; both are in one file, so a killed program registers it afterwards. Sent
is what was answered. One that may have arrived is sent again as it was, under its id; it never becomes another one.
"""

import base64
import json
import logging
import secrets
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ..control.journal import KEEP, Journal
from ..control.session import Session
from .measurement import Measurement, text_of

_LOGGER = logging.getLogger(__name__)

MOST = 100_000
"""Measurements that may wait or lie aside: 50 days of 2,000 sessions. Beyond it the oldest are dropped."""
TOO_OLD = timedelta(days=400)
"""Nobody takes older ones (docs/contracts.md §4)."""
UNANSWERED = "Unanswered"
"""Why one lies aside that may have arrived at an address that is no longer used."""
_TOGETHER = 200
"""Sessions that are registered in one visit to the disk."""
_REFERENCE_MONTHS = 13
_AFTERWARDS = timedelta(minutes=30)
_TOUCHING = timedelta(seconds=5)
"""Two sessions that overlap by less follow each other: whole seconds and two clocks make it look otherwise."""


class State(StrEnum):
    """Where a measurement stands."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a measurement was not taken."""

    id: str
    reason: str
    """A word of docs/contracts.md §4, or `Unanswered`, `TooLarge`."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What lies on site."""

    waiting: int = 0
    refused: int = 0
    reasons: tuple[str, ...] = ()
    """Of those that were refused."""


class Outbox:
    """The measurements of one site."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    # --- in

    async def register(self, now: datetime, region: str | None) -> int:
        """Make measurements of the sessions that are over; without a region, note only that none is wanted of them."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            found = db.execute(
                "SELECT id, body FROM session WHERE phase = 'ended' AND measured = 0 LIMIT ?", (_TOGETHER,)
            ).fetchall()
            made = 0
            for session_id, body in found:
                if region is not None:
                    made += _registered(db, session_id, body, now, region)
                db.execute("UPDATE session SET measured = ? WHERE id = ?", (2 if region is None else 1, session_id))
            return made, len(found)

        whole = 0
        while True:
            made, looked_at = await self._journal.do(work)
            whole += made
            if looked_at < _TOGETHER:
                return whole

    async def move(self, region: str) -> None:
        """Correct the region of what nobody has got yet."""
        await self._journal.do(
            lambda db: db.execute(
                "UPDATE measurement SET region = ? WHERE tried_on IS NULL AND state = ?", (region, State.WAITING)
            )
        )

    # --- out

    async def take(self, address: str, most: int) -> tuple[list[Measurement], list[str]]:
        """Return some of what waits, and the ids of those that are tried for the first time.

        In an order that tells nothing of when they came. From now on they are what they are: they may arrive.
        """

        def work(db: sqlite3.Connection) -> tuple[list[Measurement], list[str]]:
            rows = db.execute(
                _SELECT.format("tried_on IS NULL") + " WHERE state = ? ORDER BY outlet, start LIMIT ?",
                (State.WAITING, most),
            ).fetchall()
            first = [row[0] for row in rows if row[-1]]
            db.executemany("UPDATE measurement SET tried_on = ? WHERE id = ?", [(address, each) for each in first])
            return [_measurement(row[:-1]) for row in rows], first

        return await self._journal.do(work)

    async def untried(self, ids: Iterable[str]) -> None:
        """Note that these have certainly not arrived."""
        rows = [(each,) for each in ids]
        await self._journal.do(lambda db: db.executemany("UPDATE measurement SET tried_on = NULL WHERE id = ?", rows))

    async def settle(self, sent: Iterable[str], refusals: Iterable[Refusal], now: datetime) -> None:
        """Note what became of a delivery."""
        at = now.isoformat()
        rows: list[tuple[Any, ...]] = [(State.SENT, at, None, None, each) for each in sent]
        rows += [(State.REFUSED, at, each.reason, each.detail, each.id) for each in refusals]
        await self._journal.do(
            lambda db: db.executemany(
                "UPDATE measurement SET state = ?, settled_at = ?, reason = ?, detail = ? WHERE id = ?", rows
            )
        )

    async def leave(self, address: str | None, now: datetime) -> int:
        """Put aside what may have arrived at another address, so that it is not told twice; returns how many."""
        return await self._journal.do(
            lambda db: (
                db.execute(
                    "UPDATE measurement SET state = ?, settled_at = ?, reason = ?, detail = ''"
                    " WHERE state = ? AND tried_on IS NOT NULL AND tried_on IS NOT ?",
                    (State.REFUSED, now.isoformat(), UNANSWERED, State.WAITING, address),
                ).rowcount
            )
        )

    async def try_refused(self, region: str) -> int:
        """Let what was refused wait again, for the region that is right by now; returns how many."""
        return await self._journal.do(
            lambda db: (
                db.execute(
                    "UPDATE measurement SET state = ?, region = CASE reason WHEN ? THEN region ELSE ? END,"
                    " tried_on = NULL, settled_at = NULL, reason = NULL, detail = NULL WHERE state = ?",
                    (State.WAITING, UNANSWERED, region, State.REFUSED),
                ).rowcount
            )
        )

    async def drop(self) -> int:
        """Forget what waits and what was refused; returns how many."""
        return await self._journal.do(
            lambda db: db.execute("DELETE FROM measurement WHERE state != ?", (State.SENT,)).rowcount
        )

    async def prune(self, now: datetime) -> None:
        """Forget what was sent or refused long ago, what nobody takes any more, and what is too much."""
        # A session may be corrected as long as it is kept: what was told of it must outlive it.
        kept, too_old = now - KEEP - timedelta(days=1), now - TOO_OLD
        month = _month(now.year * 12 + now.month - 1 - _REFERENCE_MONTHS)

        def work(db: sqlite3.Connection) -> int:
            db.execute(
                'DELETE FROM measurement WHERE state != ? AND "end" < ? AND settled_at < ?',
                (State.WAITING, text_of(kept), kept.isoformat()),
            )
            gone = db.execute(
                "DELETE FROM measurement WHERE state = ? AND start < ?", (State.WAITING, text_of(too_old))
            ).rowcount
            gone += db.execute(
                "DELETE FROM measurement WHERE id IN (SELECT id FROM measurement WHERE state != ?"
                " ORDER BY start DESC, id LIMIT -1 OFFSET ?)",
                (State.SENT, MOST),
            ).rowcount
            db.execute("DELETE FROM outlet_reference WHERE month < ?", (month,))
            return gone

        if gone := await self._journal.do(work):
            _LOGGER.error("%s measurements waited too long, or were too many, and are dropped", gone)

    # --- to look at

    async def counts(self) -> Counts:
        """Return how many wait and how many were refused."""

        def work(db: sqlite3.Connection) -> Counts:
            waiting, refused = (
                db.execute("SELECT count(*) FROM measurement WHERE state = ?", (state,)).fetchone()[0]
                for state in (State.WAITING, State.REFUSED)
            )
            reasons = db.execute(
                "SELECT DISTINCT reason FROM measurement WHERE state = ? ORDER BY reason", (State.REFUSED,)
            )
            return Counts(waiting=waiting, refused=refused, reasons=tuple(reason for (reason,) in reasons))

        return await self._journal.do(work)

    async def sent(self) -> int:
        """Return how many were sent in the time that they are kept for afterwards: a month."""
        return await self._journal.do(
            lambda db: int(db.execute("SELECT count(*) FROM measurement WHERE state = ?", (State.SENT,)).fetchone()[0])
        )

    async def next(self, most: int) -> list[Measurement]:
        """Return what would be sent next."""
        return await self._journal.do(
            lambda db: _all(db, " WHERE state = ? ORDER BY outlet, start LIMIT ?", "waiting", most)
        )

    async def last(self, most: int) -> list[Measurement]:
        """Return what was sent last."""
        return await self._journal.do(
            lambda db: _all(
                db,
                " WHERE state = ?1 AND settled_at = (SELECT max(settled_at) FROM measurement WHERE state = ?1)"
                " ORDER BY outlet, start LIMIT ?2",
                "sent",
                most,
            )
        )

    async def refused(self, most: int) -> list[tuple[Measurement, Refusal]]:
        """Return what was refused, and why."""

        def work(db: sqlite3.Connection) -> list[tuple[Measurement, Refusal]]:
            rows = db.execute(
                _SELECT.format("reason, detail") + " WHERE state = ? ORDER BY outlet, start LIMIT ?",
                (State.REFUSED, most),
            ).fetchall()
            return [
                (_measurement(row[:-2]), Refusal(id=row[0], reason=row[-2] or "", detail=row[-1] or "")) for row in rows
            ]

        return await self._journal.do(work)


_SELECT = """SELECT id, outlet, region, start, "end", wh, slices, power_type, supplier, "use", {} FROM measurement"""
_INSERT = """
INSERT INTO measurement (session_id, state, id, outlet, region, start, "end", wh, slices, power_type, supplier, "use")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def _all(db: sqlite3.Connection, where: str, *values: object) -> list[Measurement]:
    return [_measurement(row[:-1]) for row in db.execute(_SELECT.format("NULL") + where, values)]


def _measurement(row: Sequence[Any]) -> Measurement:
    id_, outlet, region, start, end, wh, slices, power_type, supplier, use = row
    return Measurement(
        id=id_,
        outlet=outlet,
        region=region,
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end),
        wh=wh,
        slices=tuple((datetime.fromisoformat(begin), part) for begin, part in json.loads(slices)),
        power_type=power_type,
        supplier=supplier,
        use=use,
    )


def _registered(db: sqlite3.Connection, session_id: str, body: str, now: datetime, region: str) -> bool:
    """Whether there is a measurement of a session. One that cannot be read must not stand in the way of the others."""
    try:
        return _register(db, Session.from_json(json.loads(body)), now, region)
    except Exception:
        _LOGGER.exception("Session %s became no measurement", session_id)
        return False


def _register(db: sqlite3.Connection, session: Session, now: datetime, region: str) -> bool:
    ended = session.ended_at
    if ended is None or now - ended > KEEP:
        # What was told of a session that old is no longer known: telling the rest could tell it twice.
        return False
    rows = db.execute(
        'SELECT id, wh, "end", tried_on IS NULL AND state = ? FROM measurement WHERE session_id = ?',
        (State.WAITING, session.id),
    ).fetchall()
    # What nobody can have got yet is made anew with what is known by now.
    fresh = [row[0] for row in rows if row[3]]
    told = [row for row in rows if not row[3]]
    told_wh = sum(row[1] for row in told)
    if session.energy_mwh // 1000 <= told_wh:
        return False
    start, end = session.started_at or ended, ended
    if told:
        # More than was told is a measurement of its own that follows. It lasts half an hour at most: an outlet that is
        # out of reach goes on for minutes only.
        start = max(datetime.fromisoformat(row[2]) for row in told)
        end = min(session.read_at or ended, start + _AFTERWARDS)
    reference = _reference(db, session.outlet, end)
    new = Measurement.of(
        session,
        id_=fresh[0] if fresh else str(uuid.uuid4()),
        outlet=reference,
        region=region,
        start=_after_the_one_before(db, reference, start, session.id),
        end=end,
        told_wh=told_wh,
    )
    db.executemany("DELETE FROM measurement WHERE id = ?", [(each,) for each in fresh])
    db.execute(
        _INSERT,
        (
            session.id,
            State.WAITING,
            new.id,
            new.outlet,
            new.region,
            text_of(new.start),
            text_of(new.end),
            new.wh,
            json.dumps([(text_of(begin), wh) for begin, wh in new.slices]),
            new.power_type,
            new.supplier,
            new.use,
        ),
    )
    return True


def _after_the_one_before(db: sqlite3.Connection, reference: str, start: datetime, session_id: str) -> datetime:
    """Return when a measurement begins that must not overlap the one before it at its outlet."""
    (end,) = db.execute(
        'SELECT max("end") FROM measurement WHERE outlet = ? AND "end" > ? AND "end" <= ? AND session_id != ?',
        (reference, text_of(start), text_of(start + _TOUCHING), session_id),
    ).fetchone()
    return datetime.fromisoformat(end) if end else start


def _reference(db: sqlite3.Connection, outlet: str, at: datetime) -> str:
    """Return the random name of an outlet in the month of a time: 128 bits, in 26 letters and digits."""
    month = at.astimezone(UTC).strftime("%Y-%m")
    row = db.execute(
        "SELECT reference FROM outlet_reference WHERE outlet = ? AND month = ?", (outlet, month)
    ).fetchone()
    if row is not None:
        return str(row[0])
    reference = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
    db.execute("INSERT INTO outlet_reference VALUES (?, ?, ?)", (outlet, month, reference))
    return reference


def _month(number: int) -> str:
    """Return a month that is counted since the year 0."""
    return f"{number // 12:04}-{number % 12 + 1:02}"
