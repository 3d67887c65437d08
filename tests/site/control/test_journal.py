"""The journal keeps what it has confirmed, whatever kills the program."""

import asyncio
import json
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulated import ManualClock, request

from custom_components.konsento.control.journal import KEEP, KEEP_SESSIONS, Journal, JournalError
from custom_components.konsento.control.schema import STEPS
from custom_components.konsento.control.session import LOCAL, Session, StartAnswer
from custom_components.konsento.control.words import EndReason, Refusal

AT = datetime(2026, 5, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[3]

_WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.session import Session
from simulated import ManualClock, request

async def main() -> None:
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    at = datetime.now(UTC)
    session, events = Session.requested("s", request(1, ManualClock()), "outlet", 0).begun(at)
    await journal.save(session, events, at)
    while True:
        session, events = session.sampled(at)
        await journal.save(session, events, at)
        print(session.next_seq_no, flush=True)

asyncio.run(main())
"""


def running(number: int = 1) -> Session:
    return Session.requested(f"session-{number}", request(number, ManualClock()), "outlet", 0)


async def test_what_was_confirmed_survives_a_kill(tmp_path: Path, socket_enabled: None) -> None:
    path = tmp_path / "journal.sqlite3"
    script = tmp_path / "writer.py"
    script.write_text(_WRITER)
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        str(path),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests/site'}", "PATH": ""},
    )
    assert writer.stdout
    for _ in range(20):
        confirmed = int(await writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    await writer.wait()

    journal = Journal(path)
    await journal.open()
    (session,) = await journal.unfinished()
    assert session.next_seq_no >= confirmed
    assert await journal.waiting_of("server", "s") == session.next_seq_no
    await journal.close()


async def test_a_session_comes_back_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "journal.sqlite3")
    await journal.open()
    begun, events = running().begun(AT)
    stopped = begun.stopping(EndReason.LOCAL)
    await journal.save(stopped, events, AT)

    assert await journal.unfinished() == [stopped]
    (waiting,) = await journal.waiting("server", 10)
    assert waiting.event == events[0]
    await journal.close()


async def test_events_and_session_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    begun, events = running().begun(AT)
    await journal.save(begun, events, AT)
    over, _ = begun.ended(EndReason.LOCAL, AT)

    with pytest.raises(sqlite3.IntegrityError):
        await journal.save(over, events, AT)

    assert await journal.unfinished() == [begun]
    await journal.close()


async def test_old_answers_are_forgotten_only_when_all_was_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    over, events = running().begun(AT)
    ended, last = over.ended(EndReason.LOCAL, AT)
    await journal.save(ended, [*events, *last], AT)
    await journal.refuse("server", 2, Refusal.BUSY, AT)

    await journal.prune(AT + KEEP + timedelta(days=1))
    assert await journal.answer("server", 1)
    assert await journal.answer("server", 2) is None
    await journal.prune(AT + KEEP_SESSIONS + timedelta(days=1))
    assert await journal.answer("server", 1)
    while waiting := next(iter(await journal.waiting("server", 1)), None):
        await journal.delivered([waiting.id])
    await journal.prune(AT + KEEP + timedelta(days=1))
    assert await journal.sessions(AT) == [ended]
    await journal.prune(AT + KEEP_SESSIONS + timedelta(days=1))
    assert await journal.answer("server", 1) is None
    await journal.close()


async def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(JournalError, match="later version"):
        await Journal(path).open()


async def test_a_broken_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(JournalError, match=r"journal\.sqlite3"):
        await Journal(path).open()


async def test_what_is_asked_for_at_the_same_time_is_done_and_one_failure_does_not_touch_the_others(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    begun, events = running(1).begun(AT)
    outcomes = await asyncio.gather(
        journal.save(begun, events, AT),
        # The same outlet cannot have a second session under way.
        journal.save(running(2), [], AT),
        journal.refuse("server", 7, Refusal.BUSY, AT),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, type(None)]
    assert [session.id for session in await journal.unfinished()] == ["session-1"]
    assert await journal.answer("server", 7) == StartAnswer(None, Refusal.BUSY)
    await journal.close()


async def test_a_journal_of_the_first_version_is_taken_over_without_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    begun, events = running().begun(AT)
    with sqlite3.connect(path) as db:
        db.executescript(f"{STEPS[0]} PRAGMA user_version = 1;")
        token = {"id_token": "TOKEN", "id_token_type": "Central"}
        db.execute(
            "INSERT INTO session VALUES (?, 'server', 'outlet', 'running', ?, ?)",
            (begun.id, json.dumps(_of_version_1(begun.to_json()) | token), AT.isoformat()),
        )
        db.execute(
            "INSERT INTO event (server, session_id, seq_no, body) VALUES ('server', ?, 0, ?)",
            (begun.id, json.dumps(_of_version_1(events[0].to_json()) | token)),
        )
    journal = Journal(path)
    await journal.open()

    (session,) = await journal.unfinished()
    assert (session.id, session.server, session.limits) == (begun.id, "server", begun.limits)
    (waiting,) = await journal.waiting("server", 10)
    assert waiting.event.session_id == begun.id
    await journal.close()
    assert b"TOKEN" not in path.read_bytes()


def _of_version_1(body: dict[str, Any]) -> dict[str, Any]:
    new = {"wanted_limits", "power_type", "supplier", "started_at", "ended_at"}
    # An event had no limits yet; a session always had.
    new |= {"limits"} if "seq_no" in body else set()
    return {key: value for key, value in body.items() if key not in new}


async def test_small_things_are_remembered_until_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    await journal.remember("guard", "a", {"mwh": 1})
    await journal.remember("guard", "a", {"mwh": 2})
    await journal.remember("guard", "b", {"mwh": 3})
    await journal.remember("guard", "b", None)
    await journal.close()
    await journal.open()

    assert await journal.remembered("guard") == {"a": {"mwh": 2}}
    assert await journal.remembered("another kind") == {}
    await journal.close()


async def test_the_owners_own_sessions_are_listed_and_told_to_nobody(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    begun, events = Session.requested("s", request(1, ManualClock(), server=LOCAL), "outlet", 0).begun(AT)
    await journal.save(begun, events, AT)
    ended, events = begun.ended(EndReason.LOCAL, AT)
    await journal.save(ended, events, AT)

    assert await journal.waiting(LOCAL, 1) == []
    assert [session.id for session in await journal.sessions(AT)] == ["s"]
    assert await journal.sessions(AT + timedelta(seconds=1)) == []
    assert (await journal.last())["outlet"] == ended
    await journal.close()


async def test_a_full_disk_is_told_to_everyone_who_waits_and_the_journal_stays_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    begun, events = running(1).begun(AT)
    await journal.save(begun, events, AT)
    assert journal._db is not None
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    big = {"text": "x" * 100_000}
    outcomes = await asyncio.gather(
        journal.remember("guard", "a", big), journal.remember("guard", "b", big), return_exceptions=True
    )

    assert all(isinstance(outcome, sqlite3.OperationalError) for outcome in outcomes)
    journal._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    await journal.remember("guard", "a", {"mwh": 1})
    assert [session.id for session in await journal.unfinished()] == ["session-1"]
    assert await journal.remembered("guard") == {"a": {"mwh": 1}}
    await journal.close()
