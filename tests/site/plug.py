"""A plug that obeys a test: a relay, a load and a meter, each of which can fail in its own way, on a clock by hand."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from simulated import ManualClock

from custom_components.konsento.control.driver import OutletFacts, OutletRefusedError, OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.soft.outlet import SoftOutlet
from custom_components.konsento.control.soft.switched_meter import Reading
from custom_components.konsento.control.words import EndReason, OutletState

_J_PER_MWH = 3.6


class SimulatedPlug:
    """One plug. It measures every `period_s`, and its counter moves in whole steps."""

    facts = OutletFacts(model="Plug")
    voltage_v = 200.0
    current_a = None

    def __init__(
        self, clock: ManualClock, *, power: bool = True, counter: bool = True, period_s: float = 1.0, step_mwh: int = 1
    ) -> None:
        self.clock = clock
        self.has_power, self.has_counter = power, counter
        self.period_s, self.step_mwh = period_s, step_mwh
        self.load_w = 3000.0
        self.contact = False
        """What the relay really does."""
        self.relay: bool | None = False
        """What it says."""
        self.stuck = False
        """Takes commands and does nothing."""
        self.welded = False
        self.connected = True
        self.key_refused = False
        self.address_taken = False
        self.silent = False
        self.true_mwh = 5_000_000.0
        self.offset_mwh = 0.0
        """What the counter has lost by starting again."""
        self.power: Reading | None = None
        self.counter: Reading | None = None
        self.commands: list[bool] = []
        self._next = clock.seconds
        self._listeners: list[Callable[[], None]] = []

    # --- the world

    @property
    def flowing_w(self) -> float:
        return self.load_w if self.contact or self.welded else 0.0

    def until_reading(self) -> float:
        return max(0.0, self._next - self.clock.seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass; a reading that is due is told."""
        self.true_mwh += self.flowing_w * seconds / _J_PER_MWH
        self.clock.seconds += seconds
        if self.clock.seconds >= self._next - 1e-9:
            self._next = self.clock.seconds + self.period_s
            self.measure()

    def measure(self) -> None:
        if not self.connected or self.silent:
            return
        total = max(0.0, self.true_mwh - self.offset_mwh)
        self.tell(power=self.flowing_w, counter=math.floor(total / self.step_mwh) * self.step_mwh)

    def tell(self, *, power: float | None = None, counter: float | None = None) -> None:
        """Tell any numbers, true or not."""
        # Two readings at the same moment are two readings.
        self.clock.seconds += 1e-6
        if power is not None and self.has_power:
            self.power = Reading(power, self.clock.seconds)
        if counter is not None and self.has_counter:
            self.counter = Reading(counter, self.clock.seconds)
        self.changed()

    def no_numbers(self) -> None:
        """Become unavailable, the meter alone."""
        self.power = self.counter = None
        self.changed()

    def by_hand(self, closed: bool) -> None:
        """Somebody switches it past the guard."""
        self.contact = closed
        self.relay = closed if self.connected else None
        self.changed()

    def link(self, connected: bool) -> None:
        self.connected = connected
        self.relay = self.contact if connected else None
        if not connected:
            self.power = self.counter = None
        self.changed()

    # --- the port

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def changed(self) -> None:
        for callback in list(self._listeners):
            callback()

    async def start(self) -> None:
        self.relay = self.contact if self.connected else None

    async def stop(self) -> None:
        return

    async def tried(self, timeout_s: float) -> None:
        return

    def hang_up(self) -> None:
        return

    async def turn(self, on: bool) -> None:
        if not self.connected:
            raise OutletSilentError("not connected")
        self.commands.append(on)
        if not self.stuck:
            self.contact = self.relay = on
            self.changed()

    async def loopback(self) -> None:
        raise OutletRefusedError("not_supported", "only a simulation")


class DiskFullError(Exception):
    """Nothing can be written."""


class Watched:
    """A plug under a soft guard that can be killed and started again; time is moved by the test."""

    def __init__(self, plug: SimulatedPlug) -> None:
        self.plug = plug
        self.clock = plug.clock
        self.disk: dict[str, Any] | None = None
        self.disk_full = False
        self.renewing = True
        self.holding = False
        """Renews with a lease of 0."""
        self.seq = 0
        self.outlet: SoftOutlet
        self._next_renewal = 0.0

    async def remember(self, body: dict[str, Any]) -> None:
        if self.disk_full:
            raise DiskFullError
        self.disk = body

    async def start(self) -> None:
        self.outlet = SoftOutlet("A1", self.plug, self.disk, self.remember, clock=self.clock)
        await self.outlet.start()
        # The test makes the steps.
        await self._still()
        await self.outlet.step()

    async def _still(self) -> None:
        task = self.outlet._task
        assert task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def kill(self) -> None:
        """End without any good-bye; the relay stays as it is."""
        self.plug._listeners.clear()

    async def begin(self, session_id: str, lease_s: int = 11, **limits: int) -> None:
        """Start a session while time passes."""
        begun = asyncio.create_task(self.outlet.session_start(session_id, Limits(**limits), lease_s))
        await asyncio.sleep(0)
        for _ in range(40):
            if begun.done():
                break
            await self.live(0.5)
            await asyncio.sleep(0)
        await begun

    async def live(self, seconds: float) -> None:
        """Let time pass: the meter tells when it wants, the guard looks when something is due, a session is renewed."""
        end = self.clock.seconds + seconds
        while (left := end - self.clock.seconds) > 1e-9:
            renewal = max(self._next_renewal - self.clock.seconds, 0) if self.renewing else left
            # A renewal that is not wanted at the moment is looked at again soon.
            pause = min(left, self.plug.until_reading(), self.outlet.until_next(), renewal or 1.0)
            self.plug.advance(max(1e-6, pause))
            await self.outlet.step()
            await self._renew()

    async def _renew(self) -> None:
        report = self.outlet.report
        if not self.renewing or report is None or report.end_reason or not report.session_id:
            return
        if self.clock.seconds < self._next_renewal:
            return
        self._next_renewal = self.clock.seconds + 3
        self.seq += 1
        try:
            await self.outlet.session_renew(report.session_id, self.seq, 0 if self.holding else 11)
        except OutletRefusedError:
            return

    @property
    def energy_mwh(self) -> int:
        assert self.outlet.report
        return self.outlet.report.energy_mwh

    @property
    def state(self) -> OutletState:
        assert self.outlet.report
        return self.outlet.report.state

    @property
    def end_reason(self) -> EndReason | None:
        assert self.outlet.report
        return self.outlet.report.end_reason

    @property
    def fault(self) -> str:
        assert self.outlet.report
        return self.outlet.report.fault


async def watched(**plug: object) -> Watched:
    """Return a plug that has just been found."""
    world = Watched(SimulatedPlug(ManualClock(), **plug))  # type: ignore[arg-type]  # its own keywords
    world.plug.measure()
    await world.start()
    return world


METERS = pytest.mark.parametrize(
    "meter",
    [
        {"power": True, "counter": True},
        {"power": True, "counter": False},
        {"power": False, "counter": True},
        {"power": True, "counter": True, "step_mwh": 10_000, "period_s": 3.0},
    ],
    ids=["both", "power", "counter", "coarse-counter"],
)
"""Keywords of `watched` for every kind of meter."""
