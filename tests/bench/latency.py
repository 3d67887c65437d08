"""How long a driver waits: from the request to the closed relay, from the stop to the open one, and to the bill.

The baseline of the same run is the outlet alone: the firmware's action called directly, without anything above it.
"""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

from rig.bench import Row, summary
from rig.driver import Driver
from rig.line import CODES, OUTLETS, Line, temporary_folder, to_stderr
from rig.outlet import Watcher
from rig.ports import Ports
from rig.session import DONE

ROUNDS = 15


def run() -> Sequence[Row]:
    """Measure on a line of its own."""
    return asyncio.run(_run())


async def _run() -> Sequence[Row]:
    folder = temporary_folder()
    # The rounds follow each other faster than a relay is to switch.
    settings = OUTLETS[0].settings | {"min_off_time": "0s", "max_cycles_per_hour": "3600"}
    try:
        async with Line(folder, Ports(), to_stderr, specs=[replace(OUTLETS[0], settings=settings)]) as line:
            driver = await line.driver("bench@example.com", "correct horse battery", "Bench")
            watcher = await line.watch(1)
            alone = [await _alone(watcher, number) for number in range(ROUNDS)]
            whole = [await _whole(line, driver, watcher) for _ in range(ROUNDS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = {
        "outlet alone: action to relay closed": [close for close, _ in alone],
        "outlet alone: action to relay open": [open_ for _, open_ in alone],
        "driver's request to relay closed": [close for close, _, _ in whole],
        "driver's stop to relay open": [open_ for _, open_, _ in whole],
        "driver's stop to the bill on the page": [bill for _, _, bill in whole],
    }
    return [{"milliseconds": name, **summary(values), "rounds": len(values)} for name, values in rows.items()]


async def _alone(watcher: Watcher, number: int) -> tuple[float, float]:
    session = f"bench-{number}"
    began = monotonic()
    await watcher.act(
        "session_start", session_id=session, energy_limit_wh=1000, time_limit_s=0, timer_start="relay", lease_s=60
    )
    await watcher.until(lambda states: states["relay"] is True)
    closed = watcher.seen_at["relay", True] - began
    began = monotonic()
    await watcher.act("session_stop", session_id=session, reason="Remote")
    await watcher.until(lambda states: states["relay"] is False)
    return closed * 1000, (watcher.seen_at["relay", False] - began) * 1000


async def _whole(line: Line, driver: Driver, watcher: Watcher) -> tuple[float, float, float]:
    await driver.until_free(CODES[0], 30)
    began = monotonic()
    session = await driver.start(CODES[0], "energy", "100", "Wh")
    await watcher.until(lambda states: states["relay"] is True)
    closed = watcher.seen_at["relay", True] - began
    began = monotonic()
    await driver.stop(session)
    await watcher.until(lambda states: states["relay"] is False)
    opened = watcher.seen_at["relay", False] - began
    await driver.until(session, DONE, 30)
    return closed * 1000, opened * 1000, (monotonic() - began) * 1000
