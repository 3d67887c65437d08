"""The real firmware of an outlet, as a program on this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from build_firmware import build
from rig.outlet import Outlet, OutletSpec, Watcher

_MAC_ADDRESS = "02:00:00:00:00:51"
"""None of the demo's: one may run on the same machine, and its Home Assistant looks for its outlets."""
MAC = _MAC_ADDRESS.replace(":", "")
_PLAIN_MAC_ADDRESS = "02:00:00:00:00:52"
PLAIN_MAC = _PLAIN_MAC_ADDRESS.replace(":", "")


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Device:
    """One outlet that can be switched off and on, and someone who looks at it past the integration."""

    def __init__(self, program: Path, mac: str, folder: Path) -> None:
        outlet = Outlet(OutletSpec(name="outlet", title="Outlet under test", mac=mac), program, free_port(), folder)
        self.port, self.process = outlet.port, outlet.process
        self.watcher = Watcher(self.port)

    async def start(self) -> None:
        await self.process.start()
        self.watcher = Watcher(self.port)
        await self.watcher.connect()

    async def kill(self) -> None:
        """Cut its power."""
        await self.watcher.close()
        await self.process.kill()


@asynccontextmanager
async def device(folder: Path, **settings: str) -> AsyncIterator[Device]:
    """Run an outlet whose car draws 3 kW, unless settings say otherwise."""
    program = await asyncio.to_thread(build, {"idle_time": "60s", **settings})
    async with _running(program, _MAC_ADDRESS, folder) as outlet:
        yield outlet


@asynccontextmanager
async def plain_device(folder: Path, **settings: str) -> AsyncIterator[Device]:
    """Run a plain ESPHome device whose car draws 3 kW, unless settings say otherwise."""
    program = await asyncio.to_thread(build, settings, device="host_plain")
    async with _running(program, _PLAIN_MAC_ADDRESS, folder) as outlet:
        yield outlet


@asynccontextmanager
async def _running(program: Path, mac: str, folder: Path) -> AsyncIterator[Device]:
    outlet = Device(program, mac, folder)
    await outlet.start()
    try:
        yield outlet
    finally:
        await outlet.watcher.close()
        await outlet.process.stop()
