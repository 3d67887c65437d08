"""Lost leases: how long after the lease's end the relay opens, when the control system falls silent without a word.

It is a process of its own. Either it is stopped (SIGSTOP: its connection stays), or its cable is pulled: it sits in a
network namespace of its own, whose link is set down (needs root). A second client, on another way, sees the relay.
`make bench ONLY=lost_leases`.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic

from build_firmware import build
from rig.bench import Row, summary
from rig.line import temporary_folder
from rig.outlet import Outlet, OutletSpec, Watcher
from rig.paths import ROOT
from rig.ports import Ports
from rig.process import ProcessFailedError
from rig.process import run as run_program
from tests.bench.lag import Lag
from tests.firmware.hostile import Keys

TRIALS = 100
OUTLETS = 8
LEASES_S = (1, 2, 3)
PATIENCE_S = 5
TITLE = "relay open after the lease's end, ms"
SPEC = OutletSpec(
    name="outlet-lease",
    title="Outlet whose control system falls silent",
    mac="02:00:00:00:0b:03",
    settings={"min_off_time": "0s", "max_cycles_per_hour": "3600"},
)


@dataclass
class Place:
    """One outlet, and the numbers that set it apart from the others."""

    number: int
    outlet: Outlet
    keys: Keys
    random: Random


class Peer:
    """The process that renews."""

    def __init__(self, place: Place, session: str, lease_s: int, *, apart: bool) -> None:
        self._place = place
        self._apart = apart
        self._session = session
        self._lease_s = lease_s
        self._link = f"lease{os.getpid() % 10_000}p{place.number}"
        self._host = f"10.213.{place.number}.1" if apart else "127.0.0.1"
        self.sent_at: list[float] = []

    async def start(self) -> None:
        """Start it."""
        actions = self._place.keys.actions
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.lease_peer", self._host, str(self._place.outlet.port),
            str(actions["session_start"]), str(actions["session_renew"]), self._session, str(self._lease_s),
            *(["--apart"] if self._apart else []),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        if self._apart:
            await self._lay_cable()
        self._reader = asyncio.create_task(self._read())

    async def _lay_cable(self) -> None:
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018  # both are pipes
        await process.stdout.readline()
        inside = ["nsenter", "-t", str(process.pid), "-n", "ip"]
        await _ip("link", "add", self._link, "type", "veth", "peer", "name", "cable", "netns", str(process.pid))
        await _ip("address", "add", f"{self._host}/30", "dev", self._link)
        await _ip("link", "set", self._link, "up")
        await run_program("nsenter", [*inside, "address", "add", f"{self._host[:-1]}2/30", "dev", "cable"], {}, ROOT)
        await run_program("nsenter", [*inside, "link", "set", "cable", "up"], {}, ROOT)
        process.stdin.write(b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None  # it is a pipe
        while line := await self._process.stdout.readline():
            self.sent_at.append(float(line))

    async def silence(self) -> float:
        """Stop it, or pull its cable; returns since when it is certainly silent."""
        if self._apart:
            await _ip("link", "set", self._link, "down")
        else:
            self._process.send_signal(signal.SIGSTOP)
        return monotonic()

    async def end(self) -> None:
        """Kill it and take its cable away; the namespace stays while what it sent last finds no way out."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._apart:
            with contextlib.suppress(ProcessFailedError):
                await _ip("link", "delete", self._link)


async def _ip(*words: str) -> None:
    await run_program("ip", ["ip", *words], {}, ROOT)


async def _trial(place: Place, session: str, *, apart: bool) -> float:
    """Return how long after the lease's end the relay opened, ms. Raises TimeoutError when it did not."""
    lease_s = place.random.choice(LEASES_S)
    peer = Peer(place, session, lease_s, apart=apart)
    # A new start every time: to a program that goes on, a peer that was cut off holds one of its eight slots for 150 s.
    await place.outlet.process.start()
    watcher = Watcher(place.outlet.port)
    try:
        await watcher.connect()
        await peer.start()
        await watcher.until(lambda states: states["session_id"] == session and states["relay"] is True, 20)
        await asyncio.sleep(place.random.uniform(0.3, 1.5))
        silent_at = await peer.silence()
        await watcher.until(lambda states: states["relay"] is False, lease_s + PATIENCE_S)
        await watcher.act("session_stop", session_id=session, reason="Other")
    finally:
        await watcher.close()
        await peer.end()
        await place.outlet.process.kill()
    # The last one that it began may have been on its way: then the lease is one renewal older than assumed here.
    lease_end = max(at for at in peer.sent_at if at <= silent_at) + lease_s
    return (watcher.seen_at["relay", False] - lease_end) * 1000


def run() -> Sequence[Row]:
    """Let so many leases run out in both ways; raises TimeoutError when a relay stays closed."""
    return asyncio.run(_run())


async def _run() -> Sequence[Row]:
    program = await asyncio.to_thread(build, SPEC.settings)
    folder, ports, places = temporary_folder(), Ports(), list[Place]()
    try:
        for number in range(OUTLETS):
            outlet = Outlet(SPEC, program, ports.take(), folder / str(number))
            await outlet.process.start()
            await (watcher := Watcher(outlet.port)).connect()
            await watcher.close()
            keys = await Keys.of(outlet.port)
            await outlet.process.kill()
            places.append(Place(number, outlet, keys, Random(number)))  # noqa: S311  # no secret, but the same again
        rows = [await _row(places, "peer stopped", apart=False)]
        try:
            await run_program("unshare", ["unshare", "--net", "true"], {}, ROOT)
        except ProcessFailedError as refused:
            rows.append({**dict.fromkeys(rows[0], "-"), TITLE: f"cable pulled: not measured, {refused}"})
        else:
            rows.append(await _row(places, "cable pulled", apart=True))
        return rows
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _row(places: Sequence[Place], name: str, *, apart: bool) -> Row:
    late_ms: list[float] = []
    numbers = iter(range(TRIALS))
    lag = Lag()

    async def turn(place: Place) -> None:
        for number in numbers:
            session = f"{'cable' if apart else 'peer'}-{number}"
            late_ms.append(await _trial(place, session, apart=apart))

    watch = asyncio.create_task(lag.watch())
    await asyncio.gather(*(turn(place) for place in places))
    watch.cancel()
    return {TITLE: name, **summary(late_ms), "trials": len(late_ms), "own lag, most": round(lag.worst * 1000, 1)}
