"""The journal keeps what it has confirmed, whatever kills the program."""

import asyncio
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulated import ManualClock, request

from custom_components.konsento.control.journal import KEEP, Journal, JournalError
from custom_components.konsento.control.session import Session
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
    waiting = await journal.waiting("server")
    assert waiting
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
    later = AT + KEEP + timedelta(days=1)

    await journal.prune(later)
    assert await journal.answer("server", 1)
    assert await journal.answer("server", 2) is None
    while waiting := await journal.waiting("server"):
        await journal.delivered(waiting.id)
    await journal.prune(later)
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
