"""The firmware as a program, started for one test at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import pytest

from build_firmware import build
from rig.outlet import Outlet, OutletSpec, Watcher
from rig.ports import Ports

# One program for all tests: 3 kW, and everything that takes time takes little of it.
SETTINGS = {
    "load_w": "3000",
    "idle_time": "4s",
    "start_timeout": "5s",
    "suspended_time": "20s",
    "thermal_time": "2s",
    "meter_timeout": "3s",
    "min_off_time": "0s",
    "max_cycles_per_hour": "3600",
    "save_energy": "10Wh",
    "save_interval": "10s",
}
SPEC = OutletSpec(name="outlet-test", title="Outlet under test", mac="02:00:00:00:0f:01", settings=SETTINGS)


@pytest.fixture(scope="session")
def firmware() -> Path:
    """The program, built when its inputs changed."""
    return build(SPEC.settings)


@dataclass
class Device:
    """The running program and a connection to it."""

    outlet: Outlet
    watcher: Watcher

    async def restart(self) -> None:
        """Start the program again and connect anew."""
        await self.watcher.close()
        await self.outlet.process.start()
        self.watcher = Watcher(self.outlet.port)
        await self.watcher.connect()
        await self.settled()

    async def settled(self) -> None:
        """Wait until every entity has told its state."""
        await self.watcher.until(lambda states: {"session_state", "power", "load_power"} <= states.keys(), 60)

    async def start(self, session_id: str = "s", **changes: int | str) -> None:
        """Start a session of 1 kWh, or under other limits."""
        arguments: dict[str, int | str] = {
            "energy_limit_wh": 1000,
            "time_limit_s": 0,
            "timer_start": "relay",
            "lease_s": 60,
        }
        await self.watcher.act("session_start", session_id=session_id, **(arguments | changes))

    async def limit(self, energy_limit_wh: int, time_limit_s: int = 0, session_id: str = "s") -> None:
        """Change the limits of the running session."""
        await self.watcher.act(
            "session_limit", session_id=session_id, energy_limit_wh=energy_limit_wh, time_limit_s=time_limit_s
        )

    async def limits(self, energy_limit_wh: int, time_limit_s: int = 0) -> None:
        """Wait until the outlet says that these are the limits."""
        asked = {"energy_limit": energy_limit_wh, "time_limit": time_limit_s}
        await self.watcher.until(lambda states: asked.items() <= states.items(), 60)

    async def state(self, name: str, patience: float = 60) -> None:
        """Wait until the session state is so."""
        await self.watcher.until(lambda states: states.get("session_state") == name, patience)

    async def used(self, watt_hours: float) -> None:
        """Wait until the session has used so much."""
        await self.watcher.until(lambda _: self.watcher.number("session_energy") >= watt_hours, 60)

    async def refused(self, action: Awaitable[None], code: str) -> None:
        """Assert that an action is refused for that reason, with a sentence, and changes nothing."""
        before = {key: self.watcher.states[key] for key in UNCHANGED}
        with pytest.raises(RuntimeError, match=rf"^{code}: \w.+"):
            await action
        assert {key: self.watcher.states[key] for key in UNCHANGED} == before


UNCHANGED = (
    "session_state", "session_id", "end_reason", "fault", "relay", "outlet_enabled", "energy_limit", "time_limit",
)  # fmt: skip


@pytest.fixture
async def device(firmware: Path, tmp_path: Path) -> AsyncIterator[Device]:
    """A new outlet."""
    outlet = Outlet(SPEC, firmware, Ports().take(), tmp_path)
    await outlet.process.start()
    watcher = Watcher(outlet.port)
    running = Device(outlet, watcher)
    try:
        await watcher.connect()
        await running.settled()
        yield running
    finally:
        await asyncio.shield(running.watcher.close())
        await outlet.process.kill()
