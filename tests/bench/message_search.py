"""How long a search in a journal of five million messages takes, and how long others wait for the database meanwhile.

The messages are those of 500 stations in 30 days, on SQLite; each search is the first page of it, cold to warm.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from konsento.backoffice.message_search import Sought, look
from konsento.kit.db import Database
from konsento.migrations import migrate
from konsento.models import Direction
from rig.bench import Row, percentile
from tests.bench.ocpp_gateway import EVENT

FRAMES: Final = 5_000_000
STATIONS: Final = 500
NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)
STEP: Final = timedelta(days=30) / FRAMES
TIMES: Final = 9
COLUMNS: Final = (
    "id, at, station_id, direction, type, action, rare_action, failed, message_id, transaction_id, remote_start_id,"
    " evse_id, took_ms, text"
)
SEARCHES: Final = {
    "newest": Sought(),
    "station": Sought(station_id="station-0042"),
    "a day of a station": Sought(
        station_id="station-0042", since=NOW - timedelta(days=20), until=NOW - timedelta(days=19)
    ),
    "transaction": Sought(transaction_id="tx-0042-00050"),
    "rare action": Sought(action="BootNotification"),
    "rare action of a station": Sought(station_id="station-0042", action="BootNotification"),
    "errors": Sought(failed=True),
    "errors of a station": Sought(station_id="station-0042", failed=True),
    "frequent action of a station": Sought(
        station_id="station-0042", action="TransactionEvent", direction=Direction.IN
    ),
    "text at a station": Sought(station_id="station-0042", text='"seqNo": 7,'),
    "text that is nowhere, at a station": Sought(station_id="station-0042", text="nowhere at all"),
    "text that is nowhere": Sought(text="nowhere at all"),
}


def run() -> Sequence[Row]:
    """Fill a journal and search it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "konsento.sqlite3"
        migrate(f"sqlite+aiosqlite:///{path}")
        fill(path)
        return asyncio.run(_search(f"sqlite+aiosqlite:///{path}"))


def fill(path: Path, frames: int = FRAMES) -> None:
    """Write the frames."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    marks = ",".join("?" * 14)
    connection.executemany(f"INSERT INTO ocpp_frames ({COLUMNS}) VALUES ({marks})", _frames(frames))  # noqa: S608
    connection.commit()
    connection.close()


def _frames(number: int) -> Iterator[tuple[object, ...]]:
    begin = (NOW - timedelta(days=30)).replace(tzinfo=None)
    for frame in range(number):
        at = (begin + frame * STEP).isoformat(" ")
        call, answer = divmod(frame, 2)
        station = call % STATIONS
        count = call // STATIONS
        action, text, transaction = "TransactionEvent", EVENT, f"tx-{station:04}-{count // 50:05}"
        if count % 1000 == 0:
            action, text, transaction = "BootNotification", '{"reason":"PowerUp"}', None
        elif count % 10 == 0:
            action, text, transaction = "Heartbeat", "{}", None
        failed = answer == 1 and count % 2000 == 7
        kind = "CALLERROR" if failed else "CALLRESULT" if answer else "CALL"
        yield (
            frame + 1, at, f"station-{station:04}", "out" if answer else "in", kind, action,
            action if action == "BootNotification" else None, 1 if failed else None, f"{call}", transaction, None, None,
            3 if answer else None, "{}" if answer else text,
        )  # fmt: skip


async def _search(url: str) -> Sequence[Row]:
    database = Database(url)
    rows: list[Row] = []
    for name, sought in SEARCHES.items():
        took_ms: list[float] = []
        waited_ms: list[float] = []
        found = None
        for _ in range(TIMES):
            other = asyncio.create_task(_others(database, waited_ms))
            began = perf_counter()
            found = await look(database, sought, most=50)
            took_ms.append((perf_counter() - began) * 1000)
            other.cancel()
        assert found is not None
        rows.append(
            {
                "search": name,
                "median ms": round(median(took_ms), 1),
                "worst ms": round(max(took_ms), 1),
                "found": len(found.frames),
                "looked through all": found.back_to is None,
                "others wait ms, p99": round(percentile(waited_ms, 99), 1) if waited_ms else 0.0,
            }
        )
    await database.close()
    return rows


async def _others(database: Database, waited_ms: list[float]) -> None:
    """Need the database all the time, for next to nothing."""
    while True:
        began = perf_counter()
        async with database.transaction():
            waited_ms.append((perf_counter() - began) * 1000)
        await asyncio.sleep(0.005)
