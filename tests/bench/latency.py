"""How long a driver waits: from the request to the closed relay, from the stop to the open one, and to the bill.

The chain is the whole one: the driver's HTTP request, the management server, OCPP, Home Assistant, the native API, the
firmware. What passes on the links between them cuts it into hops. The baseline of the same run is the outlet alone: the
firmware's action called directly, without anything above it. `make bench ONLY=latency ROUNDS=200`.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic

from rig.bench import Row, Table, percentile
from rig.driver import Driver
from rig.line import OUTLETS, Line, temporary_folder, to_stderr
from rig.outlet import Watcher
from rig.ports import Ports
from rig.session import DONE
from rig.suppliers import CODES
from tests.bench.commits import commits_ms

ROUNDS = int(os.environ.get("ROUNDS", "120"))
# The rounds follow each other faster than a relay is to switch.
SETTINGS = {"min_off_time": "0s", "max_cycles_per_hour": "3600"}
WISH = ("energy", "100", "Wh")

type Hops = dict[str, list[float]]

_MARKS = {b"RequestStartTransaction": "start asked", b"RequestStopTransaction": "stop asked"}
"""On the link between server and site."""
_ACTIONS = {b"relay": "start acted", b"Remote": "stop acted"}
"""On the link between site and outlet: an argument that only this action has."""


class Passing:
    """When the frames of a session passed between the parts."""

    def __init__(self, line: Line) -> None:
        self._at: dict[str, float] = {}
        line.cloud_link.follow(lambda data, from_server: self._note(data, _MARKS) if from_server else None)
        line.outlet_links[0].follow(lambda data, from_outlet: None if from_outlet else self._note(data, _ACTIONS))

    def _note(self, data: bytes, marks: Mapping[bytes, str]) -> None:
        for word, name in marks.items():
            if word in data:
                self._at[name] = monotonic()

    def at(self, name: str) -> float:
        """Return when it last passed, `time.monotonic()` seconds."""
        return self._at[name]


def run() -> Table:
    """Measure on a line of its own."""
    return asyncio.run(_run())


async def _run() -> Table:
    folder = temporary_folder()
    outlet = replace(OUTLETS[0], settings=OUTLETS[0].settings | SETTINGS)
    hops: Hops = {}
    try:
        commits = commits_ms(folder)
        async with Line(folder, Ports(), to_stderr, specs=[outlet]) as line:
            driver = await line.driver("bench@example.com", "correct horse battery", "Bench")
            watcher = await line.watch(1)
            passing = Passing(line)
            for number in range(ROUNDS):
                await _alone(watcher, number, hops)
            for _ in range(ROUNDS):
                await _whole(driver, watcher, passing, hops)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    start, stop = hops["START: request to relay closed"], hops["STOP: request to relay open"]
    return Table(
        rows=[_row(name, values) for name, values in hops.items()],
        facts={
            "start_p50_ms": round(percentile(start, 50), 1),
            "start_p99_ms": round(percentile(start, 99), 1),
            "stop_p50_ms": round(percentile(stop, 50), 1),
            "stop_p99_ms": round(percentile(stop, 99), 1),
            "sessions": ROUNDS,
            "commit_p50_ms": round(percentile(commits, 50), 2),
            "commit_p99_ms": round(percentile(commits, 99), 2),
        },
    )


def _row(name: str, values: Sequence[float]) -> Row:
    return {
        "milliseconds": name,
        "p50": round(percentile(values, 50), 1),
        "p99": round(percentile(values, 99), 1),
        "least": round(min(values), 1),
        "most": round(max(values), 1),
    }


def _note(hops: Hops, *steps: tuple[str, float, float]) -> None:
    for name, begin, end in steps:
        hops.setdefault(name, []).append((end - begin) * 1000)


async def _alone(watcher: Watcher, number: int, hops: Hops) -> None:
    session = f"bench-{number}"
    started = monotonic()
    await watcher.act(
        "session_start", session_id=session, energy_limit_wh=1000, time_limit_s=0, timer_start="relay", lease_s=60
    )
    await watcher.until(lambda states: states["relay"] is True)
    closed = watcher.seen_at["relay", True]
    stopped = monotonic()
    await watcher.act("session_stop", session_id=session, reason="Remote")
    await watcher.until(lambda states: states["relay"] is False)
    _note(
        hops,
        ("outlet alone: action to relay closed", started, closed),
        ("outlet alone: action to relay open", stopped, watcher.seen_at["relay", False]),
    )


async def _whole(driver: Driver, watcher: Watcher, passing: Passing, hops: Hops) -> None:
    await driver.until_free(CODES[0], 30)
    looked = monotonic()
    await driver.see_price(CODES[0], *WISH)
    asked = monotonic()
    session = await driver.confirm(CODES[0], *WISH)
    answered = monotonic()
    await watcher.until(lambda states: states["relay"] is True)
    closed = watcher.seen_at["relay", True]
    start_asked, start_acted = passing.at("start asked"), passing.at("start acted")
    stopped = monotonic()
    await driver.stop(session)
    await watcher.until(lambda states: states["relay"] is False)
    opened = watcher.seen_at["relay", False]
    await driver.until(session, DONE, 30)
    _note(
        hops,
        ("START: request to relay closed", asked, closed),
        ("  start: request to the server's frame to the site", asked, start_asked),
        ("  start: frame to the site's action to the outlet", start_asked, start_acted),
        ("  start: action to relay closed", start_acted, closed),
        ("  start: relay closed to the answer on the phone", closed, answered),
        ("  before it: the page with the price", looked, asked),
        ("STOP: request to relay open", stopped, opened),
        ("  stop: request to the server's frame to the site", stopped, passing.at("stop asked")),
        ("  stop: frame to the site's action to the outlet", passing.at("stop asked"), passing.at("stop acted")),
        ("  stop: action to relay open", passing.at("stop acted"), opened),
        ("  stop: request to the bill on the page", stopped, monotonic()),
    )
