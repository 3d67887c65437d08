"""What the journal of messages costs the process that answers stations, and how long it holds others up.

The same TransactionEvents go through a connection without and with a journal on SQLite; two frames each, the event and
its answer. Nothing else is measured: no socket, no meter event that is stored.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.migrations import migrate
from konsento.ocpp import Handlers, Journal, Version
from konsento.ocpp.messages import TransactionEvent, TransactionEventResponse
from konsento.ocpp.rpc import Connection
from rig.bench import Row, percentile
from tests.bench.ocpp_gateway import EVENT

EVENTS: Final = 20_000
FLUSH_AFTER: Final = 1_000
"""Events, as many as come in a second where much goes on."""


class _Nowhere:
    async def send(self, text: str) -> None:
        """Take it."""

    async def close(self, code: int, reason: str) -> None:
        """Nothing to close."""


class _Timed(Database):
    """Notes how long each transaction took."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.took_ms: list[float] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        began = perf_counter()
        async with super().transaction() as session:
            yield session
        self.took_ms.append((perf_counter() - began) * 1000)


def run() -> Sequence[Row]:
    """Measure events without and with a journal."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "konsento.sqlite3"
        url = f"sqlite+aiosqlite:///{path}"
        migrate(url)
        empty = path.stat().st_size
        return asyncio.run(_run(url, lambda: path.stat().st_size - empty))


async def _run(url: str, grown: Callable[[], int]) -> Sequence[Row]:
    database = _Timed(url)
    journal = Journal(database, SystemClock())
    await _cpu_us(None)  # warm
    without, kept = await _cpu_us(None), await _cpu_us(journal)
    await database.close()
    size = grown()
    return [
        {
            "CPU us an event without": round(without, 1),
            "with": round(kept, 1),
            "us a frame": round((kept - without) / 2, 1),
            "transaction ms, median": round(median(database.took_ms), 1),
            "p99": round(percentile(database.took_ms, 99), 1),
            "bytes a frame": round(size / EVENTS / 2),
            "dropped": journal.dropped,
        }
    ]


async def _cpu_us(journal: Journal | None) -> float:
    handlers = Handlers(SystemClock())

    @handlers.on(TransactionEvent)
    async def answer(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        return TransactionEventResponse()

    connection = Connection("S1", Version.V21, handlers, _Nowhere(), journal)
    began = process_time()
    for number in range(1, EVENTS + 1):
        connection.receive(f'[2,"{number}","TransactionEvent",{EVENT}]')
        if journal is not None and number % FLUSH_AFTER == 0:
            await journal.flush()
    return (process_time() - began) / EVENTS * 1e6
