"""The driver of a plain outlet: a soft guard over a relay and a meter that have no mind of their own."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..clock import Clock, SystemClock
from ..driver import OutletFacts, OutletRefusedError, OutletSilentError
from ..limits import Limits
from ..report import OutletReport
from ..signals import Signal
from ..words import EndReason
from .guard import SoftGuard
from .switched_meter import Reading, SwitchedMeter
from .times import GuardTimes

_LOGGER = logging.getLogger(__name__)

_RETRY_S = 2.0
"""A relay that does not open is told again so often."""
_SHORTEST_S = 0.01
_LONGEST_S = 60.0

type Remember = Callable[[dict[str, Any]], Awaitable[None]]


class SoftOutlet:
    """One plain outlet. Its relay is closed only while this object is alive and has written down why."""

    guarded = False

    def __init__(
        self,
        name: str,
        meter: SwitchedMeter,
        memory: dict[str, Any] | None,
        remember: Remember,
        *,
        clock: Clock | None = None,
        times: GuardTimes | None = None,
    ) -> None:
        """`memory`: what `remember` was given last, None for a new outlet. `remember` returns when it is on disk."""
        self.name = name
        self._meter = meter
        self._remember = remember
        self._clock = clock or SystemClock()
        self._guard = SoftGuard(has_power=meter.has_power, has_counter=meter.has_counter, times=times)
        if memory is not None:
            ago = (self._clock.now() - datetime.fromisoformat(memory["saved_at"])).total_seconds()
            self._guard.restore(memory["guard"], ago, self._clock.monotonic())
        self._power_at = self._counter_at = -math.inf
        self._report: OutletReport | None = None
        self._listeners: list[Callable[[], None]] = []
        self._changed = Signal()
        self._stepped = Signal()
        self._news = False
        self._lock = asyncio.Lock()
        self._next_off = -math.inf
        self._stopped = False
        self._unlisten: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    # --- what is so

    @property
    def report(self) -> OutletReport | None:
        """The newest reading; None while the device is away or has not yet told relay and meter."""
        return self._report

    @property
    def connected(self) -> bool:
        """Whether the relay can be commanded."""
        return self._meter.connected

    @property
    def facts(self) -> OutletFacts:
        """What the device has told about itself."""
        return replace(self._meter.facts, can_wait=True)

    @property
    def key_refused(self) -> bool:
        """Whether the device does not take the encryption key, or wants one that is not known."""
        return self._meter.key_refused

    @property
    def address_taken(self) -> bool:
        """Whether another device answers where this one should."""
        return self._meter.address_taken

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every look at the outlet; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # --- life

    async def start(self) -> None:
        """Begin to connect, and to watch."""
        self._unlisten = self._meter.listen(self._hear)
        await self._meter.start()
        self._hear()
        self._task = asyncio.create_task(self._run(), name=f"konsento guard {self.name}")

    async def stop(self) -> None:
        """Open the relay, because nobody will watch it any more, and end the connection. A session stays suspended."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._guard.suspend(self._clock.monotonic())
        await self.step()
        deadline = self._clock.monotonic() + self._guard.times.switch_s
        while self._guard.opening and self._meter.connected and self._clock.monotonic() < deadline:
            await self._changed.wait(deadline - self._clock.monotonic())
            await self.step()
        if self._unlisten is not None:
            self._unlisten()
        await self._meter.stop()

    async def tried(self, timeout_s: float) -> None:
        """Wait until the device has told its relay or could not be reached, at most `timeout_s` seconds."""
        await self._meter.tried(timeout_s)

    def hang_up(self) -> None:
        """Drop a connection that no longer answers."""
        self._meter.hang_up()

    async def _run(self) -> None:
        while True:
            self._news = False
            try:
                await self.step()
            except Exception:
                # An outlet that nobody watches is worse than a failed step.
                _LOGGER.exception("Outlet %s: the guard's step failed", self.name)
                await asyncio.sleep(_RETRY_S)
            if not self._news:
                await self._changed.wait(self.until_next())

    def until_next(self) -> float:
        """Return for how many seconds nothing is due."""
        now = self._clock.monotonic()
        due = self._guard.due()
        if self._guard.opening and self._meter.connected:
            due = min(due, self._next_off)
        return min(_LONGEST_S, max(_SHORTEST_S, due - now))

    def _hear(self) -> None:
        """Take in what the device says, at the moment at which it does."""
        meter, guard, now = self._meter, self._guard, self._clock.monotonic()
        guard.relay(meter.relay if meter.connected else None, now)
        if (counter := meter.counter) and counter.at > self._counter_at:
            self._counter_at = counter.at
            guard.counter(counter.value, now)
        if (power := meter.power) and power.at > self._power_at:
            self._power_at = power.at
            guard.power(power.value, now)
        guard.meter_there(_any(meter.power, meter.counter), now)
        self._news = True
        self._changed.notify()

    async def step(self) -> None:
        """Do what is due."""
        async with self._lock:
            self._guard.tick(self._clock.monotonic())
            # Opening waits for nothing, closing waits for the disk.
            await self._open()
            await self._save()
            await self._open()
            if self._guard.closing(self._clock.monotonic()) and not self._stopped:
                await self._turn(True)
                await self._open()
            self._publish()
        self._stepped.notify()

    async def _open(self) -> None:
        now = self._clock.monotonic()
        if not self._guard.opening:
            self._next_off = -math.inf
        elif self._meter.connected and now >= self._next_off:
            self._next_off = now + _RETRY_S
            await self._turn(False)

    async def _turn(self, on: bool) -> None:
        self._guard.sent(on, self._clock.monotonic())
        try:
            async with asyncio.timeout(self._guard.times.switch_s):
                await self._meter.turn(on)
        except (OutletSilentError, TimeoutError) as error:
            _LOGGER.warning("Outlet %s: its relay was not told to turn %s: %s", self.name, "on" if on else "off", error)
            if on:
                self._guard.not_closed(self._clock.monotonic())
            else:
                self._guard.not_sent()

    async def _save(self) -> None:
        now = self._clock.monotonic()
        if not self._guard.save_due(now):
            return
        self._guard.saving(now)
        body = {"saved_at": self._clock.now().isoformat(), "guard": self._guard.memory()}
        try:
            await self._remember(body)
        except Exception:
            # Whatever it was, nothing is on disk.
            if self._guard.save_failed(self._clock.monotonic()):
                _LOGGER.exception("Outlet %s: its memory cannot be written; the relay stays open", self.name)
        else:
            self._guard.saved()

    def _publish(self) -> None:
        report = self._guard.report() if self._meter.connected else None
        if report is not None:
            report = replace(report, voltage_v=self._meter.voltage_v, current_a=self._meter.current_a)
        if report is None and self._report is None:
            return
        self._report = report
        for callback in list(self._listeners):
            callback()

    # --- commands

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        """Close the relay under these limits; returns when it was seen closed.

        With a lease of 0 the session begins waiting; then it returns when that is on disk.
        """
        self._there()
        self._guard.start(session_id, limits, lease_s, self._clock.monotonic())
        await self._acted()
        while self._guard.starting == session_id:
            await self._stepped.wait(_LONGEST_S)
        if self._guard.session_id != session_id:
            raise OutletRefusedError("relay", "the relay does not follow its command, or nothing can be written down")

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        """Prolong the lease; closes the relay again for a suspended session. A lease of 0 opens it."""
        self._there()
        self._guard.renew(session_id, seq, lease_s, self._clock.monotonic())
        await self._acted()

    async def session_limit(self, session_id: str, limits: Limits) -> None:
        """Change the limits of a session."""
        self._there()
        self._guard.limit(session_id, limits, self._clock.monotonic())
        await self._acted()

    async def session_stop(self, session_id: str, reason: EndReason) -> None:
        """End a session."""
        self._there()
        self._guard.stop(session_id, reason, self._clock.monotonic())
        await self._acted()

    async def enable(self, enabled: bool) -> None:
        """Take sessions, or refuse them."""
        self._there()
        self._guard.enable(enabled, self._clock.monotonic())
        await self._acted()

    async def clear_fault(self, fault: str) -> None:
        """Forget a latched fault whose cause is gone."""
        self._there()
        self._guard.clear_fault(fault, self._clock.monotonic())
        await self._acted()

    async def loopback(self, number: int) -> None:
        """Ask the device something and wait for its answer; it cannot send the number back."""
        self._there()
        await self._meter.loopback()

    async def identify(self, seconds: int) -> None:
        """Refuse: a plain outlet has no light that is known here."""
        raise OutletRefusedError("not_supported", "a plain outlet cannot show itself")

    def _there(self) -> None:
        if self._stopped or self._report is None:
            raise OutletSilentError("not connected")

    async def _acted(self) -> None:
        await self.step()
        self._changed.notify()


def _any(*readings: Reading | None) -> bool:
    return any(reading is not None for reading in readings)
