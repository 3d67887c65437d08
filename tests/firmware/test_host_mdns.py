"""The host build on the network: found by multicast DNS as a real device is, by the clients that look for real ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
from aioesphomeapi.client import APIClient
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from build_firmware import ROOT, build
from rig.changes import Changes
from rig.outlet import Outlet, OutletSpec
from rig.ports import Ports

from .conftest import SPEC
from .counting import COUNTING

TYPE = "_esphomelib._tcp.local."
MANIFEST = ROOT / "custom_components" / "konsento" / "manifest.json"
PATIENCE_S = 10


class Neighbourhood:
    """What a browser sees on this network."""

    def __init__(self, zeroconf: Zeroconf) -> None:
        self.zeroconf = zeroconf
        self.names: set[str] = set()
        self._changes = Changes()
        self._browser = AsyncServiceBrowser(zeroconf, [TYPE], handlers=[self._on_change])

    def _on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        host = name.removesuffix(f".{service_type}")
        if state_change is ServiceStateChange.Removed:
            self.names.discard(host)
        else:
            self.names.add(host)
        self._changes.told()

    async def until(self, condition: Callable[[set[str]], bool]) -> None:
        """Wait until the names that are seen fulfil a condition."""
        await self._changes.until(lambda: condition(self.names), PATIENCE_S)

    async def close(self) -> None:
        await self._browser.async_cancel()

    async def details(self, spec: OutletSpec) -> AsyncServiceInfo:
        """Return what an outlet says about itself."""
        info = AsyncServiceInfo(TYPE, f"{spec.host_name}.{TYPE}")
        assert await info.async_request(self.zeroconf, PATIENCE_S * 1000)
        return info


@pytest.fixture
async def zeroconf() -> AsyncIterator[Zeroconf]:
    """A client without memory."""
    client = AsyncZeroconf()
    yield client.zeroconf
    await client.async_close()


@pytest.fixture
async def neighbourhood(zeroconf: Zeroconf) -> AsyncIterator[Neighbourhood]:
    """A browser that has begun before the outlet starts."""
    browser = Neighbourhood(zeroconf)
    yield browser
    await browser.close()


@pytest.fixture
async def outlet(tmp_path: Path) -> AsyncIterator[Outlet]:
    """An outlet whose name is nobody else's, not started yet."""
    program = await asyncio.to_thread(build, COUNTING.settings)
    outlet = Outlet(COUNTING, program, Ports().take(), tmp_path)
    yield outlet
    await outlet.process.kill()


async def test_a_started_outlet_is_found_with_its_port_and_project(
    neighbourhood: Neighbourhood, outlet: Outlet
) -> None:
    await outlet.process.start()
    await neighbourhood.until(lambda names: COUNTING.host_name in names)
    info = await neighbourhood.details(COUNTING)
    assert info.port == outlet.port
    assert info.server == f"{COUNTING.host_name}.local."
    said = info.decoded_properties
    assert said["project_name"] == "konsento.outlet"
    assert said["project_version"]
    assert said["friendly_name"] == f"Simulated outlet {COUNTING.host_name[-6:]}"
    assert said["mac"] == COUNTING.mac.replace(":", "")


async def test_home_assistant_would_offer_the_outlet_to_the_integration(
    neighbourhood: Neighbourhood, outlet: Outlet
) -> None:
    await outlet.process.start()
    info = await neighbourhood.details(COUNTING)
    (matcher,) = json.loads(MANIFEST.read_text())["zeroconf"]
    assert matcher["type"] == info.type
    assert matcher["properties"]
    for key, pattern in matcher["properties"].items():
        assert fnmatch(str(info.decoded_properties[key]).lower(), pattern)


async def test_an_outlet_that_has_been_running_is_found_by_who_comes_later(outlet: Outlet, zeroconf: Zeroconf) -> None:
    await outlet.process.start()
    first = AsyncZeroconf()
    browser = Neighbourhood(first.zeroconf)
    await browser.until(lambda names: COUNTING.host_name in names)
    await browser.close()
    await first.async_close()
    late = Neighbourhood(zeroconf)
    await late.until(lambda names: COUNTING.host_name in names)
    await late.close()


async def test_a_stopped_outlet_disappears_at_once(neighbourhood: Neighbourhood, outlet: Outlet) -> None:
    await outlet.process.start()
    await neighbourhood.until(lambda names: COUNTING.host_name in names)
    await outlet.process.stop()
    await neighbourhood.until(lambda names: COUNTING.host_name not in names)


async def test_two_outlets_on_one_machine_are_both_found(
    neighbourhood: Neighbourhood, outlet: Outlet, firmware: Path, tmp_path: Path
) -> None:
    second = Outlet(SPEC, firmware, Ports().take(), tmp_path / "second")
    await asyncio.gather(outlet.process.start(), second.process.start())
    try:
        await neighbourhood.until(lambda names: {COUNTING.host_name, SPEC.host_name} <= names)
        assert (await neighbourhood.details(COUNTING)).port == outlet.port
    finally:
        await second.process.stop()
    await outlet.process.check()
    assert (await neighbourhood.details(COUNTING)).port == outlet.port


async def test_the_client_of_home_assistant_connects_by_name(outlet: Outlet, zeroconf: Zeroconf) -> None:
    await outlet.process.start()
    client = APIClient(f"{COUNTING.host_name}.local", outlet.port, None, zeroconf_instance=zeroconf)
    async with asyncio.timeout(PATIENCE_S):
        await client.connect(login=True)
    try:
        assert (await client.device_info()).name == COUNTING.host_name
    finally:
        await client.disconnect()
