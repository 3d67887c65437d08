"""What a bad network may do to the driver of an outlet: the real firmware behind a slow, silent or broken line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from firmware import MAC, Device, device, free_port
from leaks import Held
from outlet.test_guarded import Connected, quiet_zeroconf

from custom_components.konsento.control.driver import OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.outlet.address import OutletAddress
from custom_components.konsento.outlet.guarded import GuardedOutlet
from rig.proxy import TcpProxy

LIMITS = Limits(energy_wh=1000)
LEASE_S = 300
DELAY_S = 0.2
RECONNECTS = 200


class Relayed(Connected):
    """A driver that reaches its outlet through a relay, and a session that runs there."""

    def __init__(self, driver: GuardedOutlet, real: Device, proxy: TcpProxy) -> None:
        super().__init__(driver)
        self.real = real
        self.proxy = proxy
        self._renewals = 0

    async def start(self) -> None:
        await self.driver.session_start("session-1", LIMITS, LEASE_S)
        await self.until(state=OutletState.SUPPLYING)

    async def lost(self, patience: float = 20) -> None:
        await self.until(patience=patience)

    async def right_again(self) -> None:
        """The same session supplies, and the driver knows as much energy as the firmware, and can command it."""
        await self.until(state=OutletState.SUPPLYING, session_id="session-1", relay=True, patience=30)
        await self.driver.session_renew("session-1", self.next_seq(), LEASE_S)
        await self.real.watcher.until(lambda states: self.real.watcher.number("session_energy") > 0)
        await self.driver.session_stop("session-1", EndReason.REMOTE)
        ended = await self.until(state=OutletState.ENDED)
        assert ended
        await self.real.watcher.until(lambda states: states["session_state"] == "ended")
        assert ended.energy_mwh == round(self.real.watcher.number("session_energy") * 1000)
        assert ended.energy_mwh > 0

    def next_seq(self) -> int:
        self._renewals += 1
        return self._renewals


@pytest.fixture
async def relayed(socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relayed]:
    """Return a driver that is connected through a relay, its session running. Only its patience is shorter."""
    monkeypatch.setattr("custom_components.konsento.outlet.address._KEEPALIVE_S", 1.0)
    monkeypatch.setattr("custom_components.konsento.outlet.guarded._ANSWER_S", 3.0)
    async with device(tmp_path) as real:
        proxy = TcpProxy(free_port(), real.port)
        await proxy.start()
        driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=proxy.port), MAC, "A1", quiet_zeroconf())
        line = Relayed(driver, real, proxy)
        await driver.start()
        await driver.tried(20)
        await line.start()
        yield line
        await driver.stop()
        await proxy.stop()


def told(caplog: pytest.LogCaptureFixture) -> tuple[int, int]:
    """Return how often the log says that the outlet was lost, and that it is back."""
    messages = [record.getMessage() for record in caplog.records]
    return sum("cannot be reached" in m for m in messages), sum("is back" in m for m in messages)


async def test_a_slow_network_only_makes_it_slow(relayed: Relayed, caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    relayed.proxy.delay_s = DELAY_S

    await relayed.driver.session_renew("session-1", relayed.next_seq(), LEASE_S)
    await relayed.right_again()

    assert told(caplog) == (0, 0)
    await held.again()


async def test_a_line_that_swallows_everything_is_noticed_and_left(
    relayed: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = Held()
    relayed.proxy.cut()

    # Nothing tells that the line is dead but the answers that do not come.
    with pytest.raises(OutletSilentError):
        await relayed.driver.session_renew("session-1", relayed.next_seq(), LEASE_S)
    await relayed.lost(patience=30)
    assert relayed.driver.report is None
    relayed.proxy.mend()
    await relayed.right_again()

    assert told(caplog) == (1, 1)
    await held.again()


async def test_a_line_that_is_hung_up_after_silence_is_made_anew(
    relayed: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = Held()
    relayed.proxy.cut()
    relayed.driver.hang_up()
    await relayed.lost()
    relayed.proxy.mend()
    await relayed.right_again()

    assert told(caplog) == (1, 1)
    await held.again()


@pytest.mark.parametrize("from_outlet", [True, False])
@pytest.mark.parametrize("count", [1, 2, 7])
async def test_a_line_that_breaks_off_inside_a_frame_is_made_anew(
    relayed: Relayed, caplog: pytest.LogCaptureFixture, count: int, from_outlet: bool
) -> None:
    caplog.set_level("INFO")
    held = Held()
    relayed.proxy.break_after(count, from_target=from_outlet)
    command = asyncio.create_task(relayed.driver.session_renew("session-1", relayed.next_seq(), LEASE_S))
    await relayed.lost()
    with pytest.raises(OutletSilentError):
        await command
    await relayed.right_again()

    assert told(caplog) == (1, 1)
    await held.again()


async def test_two_hundred_reconnections_leave_nothing_behind(
    relayed: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = Held()
    for _ in range(RECONNECTS):
        relayed.proxy.drop()
        await relayed.lost()
        await relayed.until(state=OutletState.SUPPLYING)
    await relayed.right_again()

    assert told(caplog) == (RECONNECTS, RECONNECTS)
    await held.again()


async def test_a_driver_that_is_stopped_leaves_nothing_behind(socket_enabled: None, tmp_path: Path) -> None:
    async with device(tmp_path) as real:
        held = Held()
        for _ in range(3):
            driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=real.port), MAC, "A1", quiet_zeroconf())
            await driver.start()
            await driver.tried(20)
            assert driver.connected
            await driver.stop()
        await held.again()
