"""A plain ESPHome device under the soft guard: a real program, its real relay and meter, over the native API."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from firmware import PLAIN_MAC, Device, device, plain_device
from zeroconf import Zeroconf
from zeroconf.asyncio import AsyncZeroconf

from custom_components.konsento.control.driver import OutletRefusedError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.report import OutletReport
from custom_components.konsento.control.signals import Signal
from custom_components.konsento.control.soft.outlet import SoftOutlet
from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.outlet.address import GuardedError, NoReadingError, OutletAddress
from custom_components.konsento.outlet.offer import look, try_parts
from custom_components.konsento.outlet.plain import PlainDevice, PlainParts

PARTS = PlainParts(relay="relay", power="power", energy="energy", voltage="voltage")
POWER_ONLY = PlainParts(relay="relay", power="power")


def quiet_zeroconf() -> MagicMock:
    """Return a zeroconf that hears nothing: the devices of these tests have addresses."""
    zeroconf = MagicMock(spec=AsyncZeroconf)
    zeroconf.zeroconf = MagicMock(spec=Zeroconf)
    return zeroconf


@pytest.fixture
async def real(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Device]:
    """Return a running device."""
    async with plain_device(tmp_path) as plug:
        yield plug


class Guarding:
    """A soft guard over the device; its memory outlives it."""

    def __init__(self, port: int, parts: PlainParts = PARTS) -> None:
        self.port = port
        self.parts = parts
        self.memory: dict[str, Any] | None = None
        self.signal = Signal()
        self.outlet: SoftOutlet

    async def remember(self, body: dict[str, Any]) -> None:
        self.memory = body

    async def start(self) -> None:
        address = OutletAddress(host="127.0.0.1", port=self.port)
        plug = PlainDevice(address, PLAIN_MAC, "A1", quiet_zeroconf(), parts=self.parts)
        self.outlet = SoftOutlet("A1", plug, self.memory, self.remember)
        self.outlet.listen(self.signal.notify)
        await self.outlet.start()
        await self.until()

    async def until(self, *, patience: float = 60, **values: object) -> OutletReport:
        """Wait for a report with these values."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            report = self.outlet.report
            if report and all(getattr(report, key) == value for key, value in values.items()):
                return report
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, f"{report} instead of {values}"
            await self.signal.wait(left)


@pytest.fixture
async def guarding(real: Device) -> AsyncIterator[Guarding]:
    """Return a guard that has seen relay and meter."""
    guard = Guarding(real.port)
    await guard.start()
    yield guard
    await guard.outlet.stop()


async def taken(real: Device) -> float:
    """Return what the load really took, mWh; the yardstick is published once a second."""
    real.watcher.follow("load_energy")
    await asyncio.wait_for(real.watcher.follow("load_energy").get(), 60)
    return real.watcher.number("load_energy") * 1000


@pytest.mark.parametrize("parts", [PARTS, POWER_ONLY], ids=["counter", "power-only"])
async def test_a_session_ends_at_its_limit_and_bills_what_the_load_took(real: Device, parts: PlainParts) -> None:
    guard = Guarding(real.port, parts)
    await guard.start()
    await guard.outlet.session_start("session-1", Limits(energy_wh=5), 60)
    assert real.watcher.states["relay"] is True
    ended = await guard.until(state=OutletState.ENDED)

    assert (ended.end_reason, ended.relay) == (EndReason.ENERGY_LIMIT, False)
    # Foreseen from the last reading: not a whole reading too late.
    really = await taken(real)
    assert really == pytest.approx(5000, abs=500)
    assert ended.energy_mwh == pytest.approx(really, abs=900)
    await guard.outlet.stop()


async def test_what_the_device_offers_is_seen_and_tried(real: Device) -> None:
    address = OutletAddress(host="127.0.0.1", port=real.port)
    offer = await look(address, quiet_zeroconf())

    assert offer.identity.mac == PLAIN_MAC
    assert offer.parts["relay"].keys() >= {"relay"}
    assert offer.parts["energy"].keys() >= {"energy"}
    await try_parts(address, quiet_zeroconf(), PARTS)


async def test_a_meter_that_tells_no_number_is_not_taken(real: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.konsento.outlet.offer._FIRST_READING_S", 1.0)
    await real.watcher.set_load("meter_nan", 1)
    await real.watcher.until(lambda _: math.isnan(real.watcher.number("power")))

    address = OutletAddress(host="127.0.0.1", port=real.port)
    with pytest.raises(NoReadingError):
        await try_parts(address, quiet_zeroconf(), PARTS)
    with pytest.raises(NoReadingError):
        await try_parts(address, quiet_zeroconf(), PlainParts(relay="relay", power="no_such_sensor"))


async def test_an_outlet_that_guards_itself_is_not_taken_for_a_plain_one(socket_enabled: None, tmp_path: Path) -> None:
    async with device(tmp_path) as guarded:
        with pytest.raises(GuardedError):
            await look(OutletAddress(host="127.0.0.1", port=guarded.port), quiet_zeroconf())


async def test_what_somebody_else_switches_on_is_switched_off(real: Device, guarding: Guarding) -> None:
    closed = real.watcher.follow("relay")
    real.watcher.turn("relay", True)

    assert await asyncio.wait_for(closed.get(), 60) is True
    assert await asyncio.wait_for(closed.get(), 60) is False


async def test_what_somebody_else_switches_off_is_the_end(real: Device, guarding: Guarding) -> None:
    await guarding.outlet.session_start("session-1", Limits(energy_wh=1000), 60)
    real.watcher.turn("relay", False)

    assert (await guarding.until(state=OutletState.ENDED)).end_reason is EndReason.LOCAL


async def test_the_lease_opens_the_relay(real: Device, guarding: Guarding) -> None:
    await guarding.outlet.session_start("session-1", Limits(energy_wh=1000), 2)
    await guarding.until(state=OutletState.SUSPENDED)
    await real.watcher.until(lambda states: states["relay"] is False)

    await guarding.outlet.session_renew("session-1", 1, 60)
    await guarding.until(state=OutletState.SUPPLYING)


async def test_a_device_that_loses_power_is_resumed_and_its_counter_that_starts_again_subtracts_nothing(
    real: Device, guarding: Guarding
) -> None:
    await guarding.outlet.session_start("session-1", Limits(energy_wh=1000), 300)
    before = await guarding.until(state=OutletState.SUPPLYING)
    while before.energy_mwh < 2000:
        await guarding.signal.wait(10)
        before = await guarding.until(state=OutletState.SUPPLYING)
    await real.kill()
    while guarding.outlet.report is not None:
        await guarding.signal.wait(30)
    await real.start()
    await guarding.until(state=OutletState.SUSPENDED, patience=40)
    await guarding.outlet.session_renew("session-1", 1, 60)
    await guarding.until(state=OutletState.SUPPLYING)
    after = before
    while after.energy_mwh <= before.energy_mwh + 2000:
        assert after.energy_mwh >= before.energy_mwh
        await guarding.signal.wait(10)
        after = await guarding.until(state=OutletState.SUPPLYING)


async def test_a_stop_opens_the_relay_and_the_next_run_goes_on(real: Device) -> None:
    guard = Guarding(real.port)
    await guard.start()
    await guard.outlet.session_start("session-1", Limits(energy_wh=1000), 60)
    await guard.outlet.stop()
    await real.watcher.until(lambda states: states["relay"] is False)

    await guard.start()
    assert guard.outlet.report
    assert (guard.outlet.report.session_id, guard.outlet.report.state) == ("session-1", OutletState.SUSPENDED)
    await guard.outlet.stop()


async def test_a_welded_contact_is_found(real: Device, guarding: Guarding) -> None:
    await guarding.outlet.session_start("session-1", Limits(energy_wh=1000), 60)
    await real.watcher.set_load("relay_welded", 1)
    await guarding.outlet.session_stop("session-1", EndReason.REMOTE)

    await guarding.until(fault="welded_contact", patience=40)
    with pytest.raises(OutletRefusedError, match="fault"):
        await guarding.outlet.session_start("session-2", Limits(energy_wh=1000), 60)


async def test_the_device_answers_a_loopback_but_cannot_show_itself(guarding: Guarding) -> None:
    await guarding.outlet.loopback(7)
    with pytest.raises(OutletRefusedError, match="not_supported"):
        await guarding.outlet.identify(5)
