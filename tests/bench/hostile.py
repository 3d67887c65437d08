"""Hostile clients for minutes: the program under AddressSanitizer and UBSan, half of them idle, half of them supplying.

`make bench ONLY=hostile MINUTES=10`; the seed is that of the clock and is in the result.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from time import monotonic, time

from build_firmware import build
from rig.bench import Row
from rig.line import temporary_folder
from rig.outlet import Outlet, OutletSpec, Watcher
from rig.ports import Ports
from tests.firmware.hostile import Keys, Mischief

MINUTES = float(os.environ.get("MINUTES", "2"))
SPEC = OutletSpec(
    name="outlet-hostile",
    title="Outlet under attack",
    mac="02:00:00:00:0b:02",
    settings={"min_off_time": "0s", "start_timeout": "24h", "idle_time": "24h"},
)


def run() -> Sequence[Row]:
    """Attack two outlets for so many minutes; raises where one of them dies or does what nobody may tell it."""
    return asyncio.run(_run())


async def _run() -> Sequence[Row]:
    program = await asyncio.to_thread(build, SPEC.settings, sanitize=True)
    folder, ports, seed = temporary_folder(), Ports(), int(time())
    try:
        return await asyncio.gather(
            _attack(program, ports.take(), folder / "idle", seed, session=False),
            _attack(program, ports.take(), folder / "supplying", seed + 1, session=True),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _attack(program: Path, port: int, folder: Path, seed: int, *, session: bool) -> Row:
    outlet = Outlet(SPEC, program, port, folder)
    await outlet.process.start()
    watcher = Watcher(port)
    try:
        await watcher.connect()
        mischief = Mischief(seed, await Keys.of(port))
        began = monotonic()
        attack = asyncio.create_task(mischief.play(port, MINUTES * 60))
        if session:
            await _charge(watcher, attack)
        await attack
        minutes = (monotonic() - began) / 60
        await outlet.process.check()
        closed_at = watcher.seen_at.get(("relay", True))
        once = began + (1 if session else 0)
        if watcher.states["relay"] is not session or (closed_at is not None and closed_at > once):
            raise RuntimeError(f"seed {seed}: the relay did not stay as it was; {watcher.states}")
        await watcher.until(lambda states: session or states["power"] == 0)
        if not session and watcher.number("lifetime_energy") != 0:
            raise RuntimeError(f"seed {seed}: something flowed; {watcher.states}")
    finally:
        await watcher.close()
        await outlet.process.kill()
    refused = outlet.process.log.read_text(errors="replace").count(" refused, ")
    return {
        "outlet": "supplying" if session else "idle",
        "minutes": round(minutes, 1),
        "connections": mischief.connections,
        "frames": mischief.frames,
        "actions refused": refused,
        "seed": seed,
    }


async def _charge(watcher: Watcher, attack: asyncio.Task[None]) -> None:
    """Keep a session alive as a control system does, as long as the attack goes on."""
    await watcher.act(
        "session_start", session_id="s", energy_limit_wh=0, time_limit_s=86_400, timer_start="relay", lease_s=10
    )
    for seq in count():
        await watcher.act("session_renew", session_id="s", seq=seq, lease_s=10)
        await asyncio.wait([attack], timeout=1)
        if attack.done():
            return
