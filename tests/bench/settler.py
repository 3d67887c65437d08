"""A process that settles, as `tests.bench.settle` and `tests.bench.settle_kills` have it.

`python -m tests.bench.settler URL MOST` prints a line when it is ready. At a line on its standard input it settles what
is due, `MOST` sessions at a time, and prints the seconds that it took and those that it computed.
"""

import asyncio
import logging
import sys
from time import perf_counter, process_time

from konsento.kit.bus import Bus
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.serving import spare_collections
from konsento.kit.work import WorkQueue
from konsento.ocpp import LocalStationRouter
from konsento.services import Services
from konsento.settings import Settings
from konsento.settlement import work


def services(url: str) -> Services:
    """Return the services of a process that does nothing but settle."""
    database, clock = Database(url), SystemClock()
    made = Services(
        database=database,
        settings=Settings(database_url=url),
        clock=clock,
        router=LocalStationRouter(),
        live=Bus(),
        work=WorkQueue(database, clock),
    )
    work.install(made)
    return made


async def main(url: str, most: str) -> None:
    """Settle at every line."""
    logging.disable(logging.WARNING)
    work.AT_ONCE = int(most)  # type: ignore[misc]  # the baseline settles one by one
    made = services(url)
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


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
