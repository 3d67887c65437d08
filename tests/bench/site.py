"""What a charging outlet costs Home Assistant: CPU, memory, database, the time after a kill, the queue while offline.

Every outlet is the real firmware, draws 3 kW and says so once a second. Home Assistant has its frontend, the recorder,
history and logbook; the last size is measured without the recorder too. `SIZES=1,10,50,200 MEASURE_S=30 make bench
ONLY=site`. The last size is also killed and left without its management server; AFTERMATH=0 leaves that out.
"""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rig.bench import Row, Table
from rig.line import temporary_folder, to_stderr
from rig.outlet import Watcher
from tests.bench.many import ManyOutlets

SIZES = [int(size) for size in os.environ.get("SIZES", "1,10,50,200").split(",")]
SECONDS = float(os.environ.get("MEASURE_S", "30"))
SETTLE_S = 15.0
METER_S = 5
"""The site's default: every so often a session tells its meter."""
AFTERMATH = os.environ.get("AFTERMATH", "1") == "1"
OFFLINE_S = float(os.environ.get("OFFLINE_S", "20"))
AT_ONCE = 10
LIMIT_WH = 100_000
GOAL_PERCENT = 0.2
SETTINGS = {"idle_time": "1h"}
_TICKS = os.sysconf("SC_CLK_TCK")
_SUPPLYING = "supplying"


def cpu_seconds(pid: int) -> float:
    """Return what all threads of a process have computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def run() -> Table:
    """Measure each size on a site of its own."""
    return asyncio.run(_run())


async def _run() -> Table:
    rows: list[Row] = []
    facts: dict[str, object] = {}
    idle = 0.0
    for size in sorted({0, *SIZES}):
        async with _site(size) as site:
            measured = await _measure(site, size)
            idle = measured.percent if size == 0 else idle
            rows.append(measured.row(size, idle, "yes"))
            if size == max(SIZES) and AFTERMATH:
                facts |= await _offline(site, size)
                facts |= await _killed(site, set(measured.transactions))
    async with _site(max(SIZES), recorder=False) as site:
        measured = await _measure(site, max(SIZES))
        rows.append(measured.row(max(SIZES), idle, "no"))
    return Table(
        rows=rows,
        facts={
            "cpu_goal_percent": GOAL_PERCENT,
            "cpu_percent_per_outlet": rows[-2]["CPU per outlet, %"],
            "rss_mb": rows[-2]["RSS, MB"],
            "states_per_outlet_and_hour": rows[-2]["states per outlet and hour"],
            "meter_interval_s": METER_S,
            **facts,
        },
    )


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """What a site costs while all of its outlets charge."""

    percent: float
    """Of a core."""
    rss_mb: float
    started_s: float
    states_per_hour: float
    """Rows that the recorder writes."""
    transactions: list[str]

    def row(self, size: int, idle: float, recorder: str) -> Row:
        return {
            "outlets": size,
            "recorder": recorder,
            "CPU, % of a core": round(self.percent, 1),
            "CPU per outlet, %": round((self.percent - idle) / size, 3) if size else "-",
            "RSS, MB": round(self.rss_mb, 1),
            "states per outlet and hour": round(self.states_per_hour / size) if size else "-",
            "all started after, s": round(self.started_s, 2) if size else "-",
        }


def _site(size: int, *, recorder: bool = True) -> ManyOutlets:
    to_stderr(f"a site with {size} outlets" if recorder else f"a site with {size} outlets, without the recorder")
    return ManyOutlets(temporary_folder() / "site", size, SETTINGS, {"meter_interval": METER_S}, recorder=recorder)


async def _measure(site: ManyOutlets, size: int) -> _Measured:
    started = monotonic()
    transactions = await _start_all(site, size)
    started_s = monotonic() - started
    await site.home_assistant.ready()
    await site.home_assistant.onboard()
    await site.home_assistant.running()
    await asyncio.sleep(SETTLE_S)
    pid = site.home_assistant.process.pid
    began, before = monotonic(), _states(site)
    percent = await _cpu_percent(pid)
    written = (_states(site) - before) / (monotonic() - began)
    return _Measured(
        percent=percent,
        rss_mb=rss_mb(pid),
        started_s=started_s,
        states_per_hour=written * 3600,
        transactions=transactions,
    )


def _states(site: ManyOutlets) -> int:
    """Return how many states the recorder has written."""
    if not (path := site.home_assistant.config / "home-assistant_v2.db").exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT max(state_id) FROM states").fetchone()[0] or 0)


async def _start_all(site: ManyOutlets, size: int) -> list[str]:
    """Start a session on every outlet, some at a time, as drivers come; returns their transactions."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def start(evse: int) -> str:
        async with turns:
            return await site.csms.start_session(evse, LIMIT_WH)

    return await asyncio.gather(*(start(evse) for evse in range(1, size + 1)))


async def _cpu_percent(pid: int) -> float:
    began, before = monotonic(), cpu_seconds(pid)
    await asyncio.sleep(SECONDS)
    return (cpu_seconds(pid) - before) / (monotonic() - began) * 100


async def _killed(site: ManyOutlets, transactions: set[str]) -> dict[str, object]:
    """Kill Home Assistant, wait until every lease has run out, start it, and see all sessions go on."""
    await site.home_assistant.process.kill()
    watchers = [Watcher(outlet.port) for outlet in site.outlets]
    await asyncio.gather(*(watcher.connect(60) for watcher in watchers))
    await asyncio.gather(*(watcher.until(lambda s: s["session_state"] == "suspended", 60) for watcher in watchers))
    began = monotonic()
    await site.home_assistant.start()
    await asyncio.gather(*(watcher.until(lambda s: s["session_state"] == _SUPPLYING, 300) for watcher in watchers))
    back = sorted(watcher.seen_at["session_state", _SUPPLYING] - began for watcher in watchers)
    same = {str(watcher.states["session_id"]) for watcher in watchers} == transactions
    if not same:
        raise RuntimeError("an outlet supplies under another session than before the kill")
    await asyncio.gather(*(watcher.close() for watcher in watchers))
    return {
        "sessions_at_the_kill": len(transactions),
        "first_supplies_after_s": round(back[0], 2),
        "all_supply_after_s": round(back[-1], 2),
    }


async def _offline(site: ManyOutlets, size: int) -> dict[str, object]:
    """Take the management server away while every session tells its meter once a second, and bring it back."""
    csms = site.csms
    await csms.set_meter_interval(1)
    await csms.stop()
    await asyncio.sleep(OFFLINE_S)
    with closing(sqlite3.connect(f"file:{site.journal}?mode=ro", uri=True)) as journal:
        (waiting,) = journal.execute("SELECT count(*) FROM event").fetchone()
    before = {transaction: len(events) for transaction, events in csms.events.items()}
    told = sum(before.values())
    await csms.start()
    await csms.until(lambda: csms.connected, 60)
    await csms.set_meter_interval(900)

    def offline() -> list[float]:
        return sorted(e.at for t, events in csms.events.items() for e in events[before.get(t, 0) :] if e.offline)

    await csms.until(lambda: sum(map(len, csms.events.values())) >= told + waiting, 600)
    times = offline()
    await csms.set_meter_interval(METER_S)
    numbers = [[event.seq_no for event in events] for events in csms.events.values()]
    if any(sorted(set(seq)) != list(range(max(seq) + 1)) for seq in numbers):
        raise RuntimeError("an event was lost on the way")
    return {
        "events_journalled": len(times),
        "delivered_in_s": round(times[-1] - times[0], 2),
        "delivered_per_s": round(len(times) / (times[-1] - times[0])),
        "sessions_while_offline": size,
    }
