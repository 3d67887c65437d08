"""Home Assistant killed with -9 at random moments of sessions, again and again: what is told must be what was supplied.

The outlets are the real firmware. A kill comes while a session starts, runs, reaches its limit, is stopped, or while
the management server is away; a part of them lasts longer than the lease. Afterwards every transaction's events are
held against the firmware's own count, and their sum against what the simulated cars took.
`make bench ONLY=site_kills KILLS=100` (15 s each).
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from rig.bench import Row, Table
from rig.line import temporary_folder, to_stderr
from rig.outlet import Watcher
from tests.bench.csms import Csms, RefusedError, Told
from tests.bench.many import ManyOutlets

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "1"))
OUTLETS = 4
METER_S = 1
LEASE_S = 11
LEAST_WH, MOST_WH = 3, 30
STOPPED = 0.4
"""Part of the sessions that somebody stops before their limit."""
LONG = 0.25
"""Part of the kills after which Home Assistant stays away for longer than a lease."""
PHASES = ("start", "middle", "end", "stop", "server away")
SETTINGS = {"idle_time": "1h", "min_off_time": "0s", "max_cycles_per_hour": "3600"}
# What a car takes within one reading of the yardstick, which the firmware has not counted yet or counted before.
TOLERANCE_WH = 0.5


@dataclass
class Kill:
    """One kill: in which phase it came, and which sessions it hit."""

    phase: str
    sessions: set[str]
    alone_s: float
    """For how long a relay stayed closed, where Home Assistant stayed away for longer than a lease."""


@dataclass
class Outlet:
    """One outlet, what the firmware counted there, and what somebody does with it."""

    evse: int
    watcher: Watcher
    counted_mwh: dict[str, int] = field(default_factory=dict)
    """By session, at its end."""
    load_before: float = 0.0

    async def note_ends(self) -> None:
        """Keep the firmware's last word on every session, for ever."""
        states = self.watcher.follow("session_state")
        while True:
            state = await states.get()
            # It comes after all else of the same change.
            if state == "ended":
                count = round(self.watcher.number("session_energy") * 1000)
                self.counted_mwh[str(self.watcher.states["session_id"])] = count

    @property
    def running(self) -> str | None:
        """The session that is on."""
        on = self.watcher.states["session_state"] in {"supplying", "suspended"}
        return str(self.watcher.states["session_id"]) if on else None


class Moments:
    """What just happens, for a kill to fall into."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[None]]] = {phase: [] for phase in PHASES}

    def now(self, phase: str) -> None:
        """Say that it begins."""
        for waiting in self._waiting[phase]:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting[phase].clear()

    async def next(self, phase: str, patience: float) -> None:
        """Wait for the next one, for so long at most."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[phase].append(future)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await future


class Drivers:
    """Somebody at every outlet: one session after the other, asked for again until it is answered."""

    def __init__(self, csms: Csms, moments: Moments, random: Random) -> None:
        self._csms = csms
        self._moments = moments
        self._random = random
        self.refused: Counter[str] = Counter()
        self.ending = False

    async def run(self, outlet: Outlet) -> None:
        """Charge until `ending`."""
        while not self.ending:
            limit_wh = self._random.randint(LEAST_WH, MOST_WH)
            transaction = await self._start(outlet, limit_wh)
            if transaction is None:
                continue
            stopping = asyncio.create_task(self._stop_sometime(transaction, limit_wh))
            near = asyncio.create_task(self._watch_end(outlet, transaction, limit_wh))
            await self._csms.until(lambda t=transaction: _ended(self._csms.events[t]), 600)  # type: ignore[misc]  # mypy knows no default of a lambda
            for task in (stopping, near):
                task.cancel()
            await asyncio.gather(stopping, near, return_exceptions=True)

    async def _start(self, outlet: Outlet, limit_wh: int) -> str | None:
        number = self._csms.new_number()
        while True:
            self._moments.now("start")
            try:
                return await self._csms.start_session(outlet.evse, limit_wh, number)
            except ConnectionError, TimeoutError:
                await self._csms.until(lambda: self._csms.connected, 300)
            except RefusedError as error:
                # Not yet back, or its last session's end is not yet seen: another request, a little later.
                self.refused[str(error)] += 1
                await asyncio.sleep(0.3)
                return None

    async def _stop_sometime(self, transaction: str, limit_wh: int) -> None:
        if self._random.random() > STOPPED:
            return
        await asyncio.sleep(self._random.uniform(0, limit_wh * 1.2))
        while True:
            self._moments.now("stop")
            try:
                await self._csms.stop_session(transaction)
            except ConnectionError, TimeoutError:
                await self._csms.until(lambda: self._csms.connected, 300)
            else:
                return

    async def _watch_end(self, outlet: Outlet, transaction: str, limit_wh: int) -> None:
        watcher = outlet.watcher
        await watcher.until(
            lambda states: states["session_id"] != transaction or watcher.number("session_energy") > limit_wh - 1, 600
        )
        self._moments.now("end")


def _ended(events: Sequence[Told]) -> bool:
    return any(event.kind == "Ended" for event in events)


def run() -> Table:
    """Kill so often; raises RuntimeError when something was told wrongly."""
    return asyncio.run(_run())


async def _run() -> Table:
    random = Random(SEED)  # noqa: S311  # no secret, but the same again
    kills: list[Kill] = []
    async with ManyOutlets(temporary_folder() / "site", OUTLETS, SETTINGS, {"meter_interval": METER_S}) as site:
        outlets = [Outlet(number, Watcher(outlet.port)) for number, outlet in enumerate(site.outlets, start=1)]
        await asyncio.gather(*(outlet.watcher.connect(30) for outlet in outlets))
        for outlet in outlets:
            outlet.load_before = outlet.watcher.number("load_energy")
        moments = Moments()
        drivers = Drivers(site.csms, moments, random)
        notes = [asyncio.create_task(outlet.note_ends()) for outlet in outlets]
        charging = [asyncio.create_task(drivers.run(outlet)) for outlet in outlets]
        began = monotonic()
        for number in range(KILLS):
            kills.append(await _kill(site, outlets, moments, random, PHASES[number % len(PHASES)]))
            if (number + 1) % 10 == 0:
                to_stderr(f"{number + 1} kills after {monotonic() - began:.0f} s")
            if failed := [task for task in charging if task.done()]:
                failed[0].result()
        drivers.ending = True
        await asyncio.gather(*charging)
        await asyncio.gather(*(outlet.watcher.until(lambda states: states["power"] == 0) for outlet in outlets))
        for task in notes:
            task.cancel()
        table = _judge(site.csms, outlets, kills, drivers)
        await asyncio.gather(*(outlet.watcher.close() for outlet in outlets))
    return table


async def _kill(site: ManyOutlets, outlets: Sequence[Outlet], moments: Moments, random: Random, phase: str) -> Kill:
    match phase:
        case "start":
            await moments.next(phase, 40)
            await asyncio.sleep(random.uniform(0, 0.06))
        case "stop":
            await moments.next(phase, 60)
            await asyncio.sleep(random.uniform(0, 0.04))
        case "end":
            await moments.next(phase, 40)
            await asyncio.sleep(random.uniform(0, 2.0))
        case "server away":
            await site.csms.stop()
            await asyncio.sleep(random.uniform(0.5, 8.0))
        case _:
            await asyncio.sleep(random.uniform(0.2, 6.0))
    await site.home_assistant.process.kill()
    dead_at = monotonic()
    hit = {outlet.running for outlet in outlets}
    alone_s = 0.0
    if random.random() < LONG:
        for outlet in outlets:
            await outlet.watcher.until(lambda states: states["relay"] is False, LEASE_S + 5)
            # It may have been open all the while.
            alone_s = max(alone_s, outlet.watcher.seen_at.get(("relay", False), dead_at) - dead_at)
    await site.home_assistant.start()
    if phase == "server away":
        await asyncio.sleep(random.uniform(0, 12.0))
        await site.csms.start()
    await site.csms.until(lambda: site.csms.connected, 180)
    return Kill(phase, {session for session in hit if session}, alone_s)


def _judge(csms: Csms, outlets: Sequence[Outlet], kills: Sequence[Kill], drivers: Drivers) -> Table:
    closed_alone_s = max(kill.alone_s for kill in kills)
    counted = {session: mwh for outlet in outlets for session, mwh in outlet.counted_mwh.items()}
    told_mwh = {transaction: _energy(events) for transaction, events in csms.events.items()}
    wrong = {t: (told_mwh[t], counted.get(t)) for t in told_mwh if told_mwh[t] != counted.get(t)}
    gaps = [t for t, events in csms.events.items() if not _gapless(events)]
    ends = [t for t, events in csms.events.items() if len({e.seq_no for e in events if e.kind == "Ended"}) != 1]
    taken_wh = sum(outlet.watcher.number("load_energy") - outlet.load_before for outlet in outlets)
    told_wh = sum(told_mwh.values()) / 1000
    rows: list[Row] = [_row(phase, [kill for kill in kills if kill.phase == phase], csms, wrong) for phase in PHASES]
    facts: dict[str, object] = {
        "kills": len(kills),
        "sessions": len(told_mwh),
        "sessions_hit": len({session for kill in kills for session in kill.sessions}),
        "told_wh": round(told_wh, 3),
        "counted_by_the_firmware_wh": round(sum(counted.values()) / 1000, 3),
        "taken_by_the_cars_wh": round(taken_wh, 3),
        "sessions_told_wrongly": len(wrong),
        "worst_difference_mwh": max((abs(a - (b or 0)) for a, b in wrong.values()), default=0),
        "sessions_with_gaps": len(gaps),
        "sessions_without_exactly_one_end": len(ends),
        "relays_closed_without_a_session_told": len(counted.keys() - told_mwh.keys()),
        "longest_supply_without_control_s": round(closed_alone_s, 2),
        "events": sum(len(events) for events in csms.events.values()),
        "events_told_twice": sum(len(events) - len({e.seq_no for e in events}) for events in csms.events.values()),
        "starts_refused": dict(drivers.refused),
    }
    broken = wrong or gaps or ends or facts["relays_closed_without_a_session_told"]
    if broken or abs(told_wh - taken_wh) > TOLERANCE_WH * len(outlets) or closed_alone_s > LEASE_S + 0.5:
        raise RuntimeError(f"told wrongly: {facts}; {wrong}; {gaps}; {ends}; {counted.keys() - told_mwh.keys()}")
    return Table(rows=rows, facts=facts)


def _row(phase: str, kills: Sequence[Kill], csms: Csms, wrong: dict[str, tuple[int, int | None]]) -> Row:
    sessions = {session for kill in kills for session in kill.sessions}
    return {
        "killed during": phase,
        "kills": len(kills),
        "sessions hit": len(sessions),
        "told wrongly": len(sessions & wrong.keys()),
        "events told late": sum(event.offline for session in sessions for event in csms.events[session]),
    }


def _energy(events: Sequence[Told]) -> int:
    ordered = sorted(events, key=lambda event: event.seq_no)
    return ordered[-1].register_mwh - ordered[0].register_mwh


def _gapless(events: Sequence[Told]) -> bool:
    """Whether the numbers count from 0 without a gap and come in this order, repetitions aside."""
    first_seen = list(dict.fromkeys(event.seq_no for event in events))
    return first_seen == list(range(len(first_seen)))
