"""Processes that settle, to be measured and to be killed.

`python -m rig.settler URL MOST` prints a line when it is ready. At a line on its standard input it settles what is due,
`MOST` sessions at a time, and prints the seconds that it took and those that it computed.
"""

import asyncio
import logging
import multiprocessing
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from random import Random
from time import monotonic, perf_counter, process_time
from typing import Final

from sqlalchemy import func, make_url, select

import konsento.kit.work as due_work
from konsento.kit.bus import Bus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database, is_away
from konsento.kit.serving import spare_collections
from konsento.kit.work import WorkQueue
from konsento.models import ChargingSession, SessionState
from konsento.ocpp import LocalStationRouter
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work

LEASE: Final = timedelta(seconds=1)
"""Of processes that are killed: what they had in hand is soon taken over."""
GIVEN_UP_S: Final = 240.0


def services(url: str, most: int) -> Services:
    """Return the services of a process that does nothing but settle, `most` sessions at a time."""
    database, clock = Database(url), SystemClock()
    made = Services(
        database=database,
        settings=Settings(database_url=url),
        clock=clock,
        router=LocalStationRouter(),
        live=Bus(),
        work=WorkQueue(database, clock),
    )
    work.AT_ONCE = most  # type: ignore[misc]  # a setting of nobody else's
    work.install(made)
    return made


async def main(url: str, most: str) -> None:
    """Settle at every line."""
    logging.disable(logging.WARNING)
    made = services(url, int(most))
    async with made.database.transaction():
        pass
    spare_collections()
    _say("ready")
    while await asyncio.to_thread(sys.stdin.readline):
        began, computed = perf_counter(), process_time()
        await made.work.drain()
        _say(f"{perf_counter() - began} {process_time() - computed}")
    await made.database.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def settle_for_ever(url: str, most: int) -> None:
    """Settle what is due until somebody kills the process."""
    logging.disable(logging.CRITICAL)
    due_work.LEASE = LEASE  # type: ignore[misc]  # as above
    due_work.IDLE_LOOK_S = due_work.FIRST_BACK_OFF_S = 0.2  # type: ignore[misc]  # as above
    asyncio.run(services(url, most).work.run())


@dataclass(kw_only=True)
class Mayhem:
    """Processes that settle side by side while something happens to them again and again."""

    url: str
    replicas: int
    most: int = 5
    """Sessions of one transaction."""

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._running: list[BaseProcess] = []
        self.database = Database(self.url)

    async def until_settled(self, times: int, happens: Callable[[], None], chance: Random) -> int:
        """Have something happen `times` times while there is work, at random; returns how often it did.

        Raises TimeoutError where the work does not end.
        """
        happened, give_up = 0, monotonic() + GIVEN_UP_S
        total = left = await self.left()
        next_at = self._next(chance, total, times)
        while left:
            self._start_missing()
            await asyncio.sleep(chance.uniform(0, 0.01))
            left = await self.left()
            if left and happened < times and total - left >= next_at:
                await asyncio.to_thread(happens)
                happened += 1
                next_at = total - left + self._next(chance, left, times - happened)
            if monotonic() > give_up:
                raise TimeoutError(f"{left} sessions are not settled")
        return happened

    @staticmethod
    def _next(chance: Random, left: int, times: int) -> float:
        """Return after how many more sessions it happens next, so that the last time comes before the last session."""
        return chance.uniform(0, 1.8 * left / (times + 1))

    def kill_one(self, chance: Random) -> None:
        """Kill a process with -9, wherever it is."""
        if self._running:
            victim = chance.choice(self._running)
            victim.kill()
            victim.join()

    async def left(self) -> int:
        """Return how many sessions are not settled; a database that is away has said nothing yet."""
        url = make_url(self.url)
        if url.get_backend_name() == "sqlite":
            # Our own transactions wait for the turn to write: by then much more would be settled.
            return await asyncio.to_thread(_left_in, str(url.database))
        query = select(func.count()).where(ChargingSession.state == SessionState.ENDED)
        while True:
            try:
                async with self.database.transaction() as session:
                    return await session.scalar(query) or 0
            except Exception as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Kill what is left."""
        for process in self._running:
            process.kill()
            process.join()
        await self.database.close()

    def _start_missing(self) -> None:
        self._running = [process for process in self._running if process.is_alive()]
        while len(self._running) < self.replicas:
            process = self._context.Process(target=settle_for_ever, args=(self.url, self.most), daemon=True)
            process.start()
            self._running.append(process)


def _left_in(path: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT COUNT(*) FROM charging_sessions WHERE state = 'ended'").fetchone()
        return int(number)


if __name__ == "__main__":
    arguments: Sequence[str] = sys.argv[1:]
    asyncio.run(main(*arguments))
