"""The simulated plug without Konsento's firmware: what whoever controls such an outlet meets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aioesphomeapi import SensorInfo
from aioesphomeapi.client import APIClient

from build_firmware import build
from rig.outlet import Outlet, OutletSpec, Watcher
from rig.ports import Ports

SPEC = OutletSpec(
    name="plug-test",
    title="Plug under test",
    mac="02:00:00:00:0f:03",
    settings={"load_noise_w": "0"},
    device="host_plain",
)


@dataclass
class Plug:
    """The running program and a connection to it."""

    outlet: Outlet
    watcher: Watcher

    async def restart(self) -> None:
        """Cut its power, give it back and connect anew."""
        await self.outlet.process.kill()
        await self.watcher.close()
        await self.outlet.process.start()
        self.watcher = Watcher(self.outlet.port)
        await self.watcher.connect()

    async def shows(self, **states: float | bool) -> None:
        """Wait until entities say this."""
        await self.watcher.until(lambda shown: states.items() <= shown.items())


@pytest.fixture(scope="module")
def program() -> Path:
    """The program, built when its inputs changed."""
    return build(SPEC.settings, device=SPEC.device)


@pytest.fixture
async def plug(program: Path, tmp_path: Path) -> AsyncIterator[Plug]:
    """A new plug with a car of 3 kW."""
    outlet = Outlet(SPEC, program, Ports().take(), tmp_path)
    await outlet.process.start()
    running = Plug(outlet, Watcher(outlet.port))
    try:
        await running.watcher.connect()
        yield running
    finally:
        await running.watcher.close()
        await outlet.process.kill()


async def test_it_is_no_konsento_outlet_and_has_what_a_plug_has(plug: Plug) -> None:
    client = APIClient("127.0.0.1", plug.outlet.port, None)
    await client.connect(login=True)
    try:
        assert (await client.device_info()).project_name == ""
        entities, actions = await client.list_entities_services()
    finally:
        await client.disconnect()
    told = {entity.object_id for entity in entities if not entity.object_id.startswith("load_")}
    assert told == {"relay", "power", "voltage", "current", "energy"}
    (energy,) = (entity for entity in entities if entity.object_id == "energy")
    assert isinstance(energy, SensorInfo)
    assert (energy.unit_of_measurement, energy.device_class) == ("kWh", "energy")
    assert {action.name for action in actions} == {"load_set", "load_curve"}


async def test_power_flows_and_energy_counts_while_the_switch_is_on(plug: Plug) -> None:
    await plug.shows(relay=False, power=0)
    plug.watcher.turn("relay", True)
    await plug.watcher.until(lambda states: states["power"] == pytest.approx(3000, abs=1))
    await plug.watcher.until(lambda _: plug.watcher.number("energy") >= 0.002)
    assert plug.watcher.states["relay"] is True
    plug.watcher.turn("relay", False)
    await plug.shows(relay=False, power=0)
    counted = plug.watcher.follow("energy")
    assert await counted.get() == await counted.get()
    assert plug.watcher.number("energy") * 1000 == pytest.approx(plug.watcher.number("load_energy"), abs=0.01)


async def test_after_a_power_cut_the_relay_is_off_and_the_meter_counts_from_zero(plug: Plug) -> None:
    plug.watcher.turn("relay", True)
    await plug.watcher.until(lambda _: plug.watcher.number("energy") > 0)
    await plug.restart()
    assert plug.watcher.states["relay"] is False
    await plug.shows(relay=False, power=0, energy=0)


async def test_a_car_that_is_pulled_out_takes_nothing(plug: Plug) -> None:
    plug.watcher.turn("relay", True)
    await plug.watcher.until(lambda _: plug.watcher.number("power") > 0)
    plug.watcher.plug(False)
    await plug.shows(relay=True, power=0)


async def test_a_welded_relay_goes_on_although_the_switch_is_off(plug: Plug) -> None:
    plug.watcher.turn("relay", True)
    await plug.watcher.set_load("relay_welded", 1)
    plug.watcher.turn("relay", False)
    await plug.shows(relay=False)
    power = plug.watcher.follow("power")
    assert [await power.get() for _ in range(3)][-1] == pytest.approx(3000, abs=1)


async def test_a_relay_that_does_not_close_lets_nothing_flow_although_the_switch_is_on(plug: Plug) -> None:
    await plug.watcher.set_load("relay_stuck_open", 1)
    plug.watcher.turn("relay", True)
    await plug.shows(relay=True)
    power = plug.watcher.follow("power")
    assert [await power.get() for _ in range(3)] == [0, 0, 0]


async def test_somebody_at_the_plug_can_switch_it_past_everybody(plug: Plug) -> None:
    plug.watcher.turn("relay", True)
    await plug.shows(relay=True)
    await plug.watcher.press(100)
    await plug.shows(relay=False)


async def test_it_can_be_a_plug_that_comes_back_switched_on(tmp_path: Path) -> None:
    settings = {**SPEC.settings, "restore_mode": "ALWAYS_ON"}
    program = build(settings, device=SPEC.device)
    outlet = Outlet(SPEC, program, Ports().take(), tmp_path)
    await outlet.process.start()
    watcher = Watcher(outlet.port)
    try:
        await watcher.connect()
        assert watcher.states["relay"] is True
        await watcher.until(lambda _: watcher.number("power") > 2900)
    finally:
        await watcher.close()
        await outlet.process.kill()
