"""An outlet and a clock that obey a test: for the faults that real parts will not produce on demand.

The outlet keeps docs/contracts.md §1: limits, lease, one start per session id, memory over a reboot.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from custom_components.konsento.control.driver import OutletFacts, OutletRefusedError, OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.report import OutletReport
from custom_components.konsento.control.session import StartRequest
from custom_components.konsento.control.words import EndReason, OutletState

SUSPENDED_S = 1800.0
"""A session that waits for so long without a renewal ends."""


class ManualClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._epoch = datetime(2026, 5, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class SimulatedOutlet:
    """One outlet with a car that draws `load_w`."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.online = True
        self.lose_answers = 0
        """So many next commands are done, but their answer is lost."""
        self.lose_commands = 0
        """So many next commands do not arrive."""
        self.delay_commands = 0
        """So many next commands arrive later than anybody waits for them."""
        self._late: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._seen: OutletReport | None = None
        self.load_w = 3000
        self.state = OutletState.IDLE
        self.session_id = ""
        self.end_reason: EndReason | None = None
        self.energy_mwh = 0
        self.supply_s = 0.0
        self.lifetime_mwh = 5_000_000
        self.enabled = True
        self.fault = ""
        self.limits = Limits()
        self.lease_until = 0.0
        self.waits_until = 0.0
        self.seq = -1
        self.over: list[str] = []
        self.measured: dict[str, int] = {}
        """Energy that every session really took, mWh."""
        self.starts: list[str] = []
        self.closed_for: set[str] = set()
        """Sessions for which the relay was ever closed."""
        self.hung_up = 0
        self.facts = OutletFacts(firmware="0.2.0", can_wait=True)
        self.guarded = True
        self.key_refused = False
        self.address_taken = False
        self.refuse: OutletRefusedError | None = None
        """What the next command beside a session is answered."""
        self.done: list[tuple[str, object]] = []
        """Commands beside a session, with their argument."""
        self.more: dict[str, Any] = {}
        """What else it measures, by the names of OutletReport."""
        self.mute = False
        """Tells no readings, though it does what it is told."""
        self.idle_w = 0.0
        """What somebody draws from it without a session."""
        self.leases: list[int] = []
        self._boots = itertools.count(1)
        self.boot_id = f"boot-{next(self._boots)}"
        self._listeners: list[Callable[[], None]] = []

    @property
    def relay(self) -> bool:
        return self.state is OutletState.SUPPLYING

    # --- the world

    async def late_commands_arrive(self) -> None:
        """Do what was given up on, in another order than it was sent."""
        # One line carries both: where commands come through, readings do.
        self.hold_reports(False)
        late, self._late = self._late, []
        for command in reversed(late):
            with contextlib.suppress(OutletRefusedError, OutletSilentError):
                await command()

    def hold_reports(self, held: bool) -> None:
        """Show nothing newer than what is shown now, for as long as that is so."""
        self._seen = self.report if held else None
        self.changed()

    def pass_time(self, seconds: float) -> None:
        """Let the outlet supply for a while, stopping at its lease and limits."""
        end = self.clock.seconds + seconds
        while self.relay and self.clock.seconds < end:
            step = min(end, self.lease_until) - self.clock.seconds
            if self.limits.time_s:
                step = min(step, self.limits.time_s - self.supply_s)
            if self.limits.energy_wh and self.load_w:
                step = min(step, (self.limits.energy_wh * 1000 - self.energy_mwh) * 3.6 / self.load_w)
            step = max(step, 0.0)
            self.clock.seconds += step
            self.supply_s += step
            taken = round(self.load_w * step / 3.6)
            self.energy_mwh += taken
            self.lifetime_mwh += taken
            self.measured[self.session_id] = self.energy_mwh
            self._keep_limits()
            if self.relay and self.clock.seconds >= self.lease_until - 1e-9:
                self._suspend()
        self.clock.seconds = max(self.clock.seconds, end)
        if self.state is OutletState.SUSPENDED and self.clock.seconds >= self.waits_until:
            self._end(EndReason.OTHER)
        self.changed()

    def _suspend(self) -> None:
        self.state = OutletState.SUSPENDED
        self.waits_until = self.clock.seconds + SUSPENDED_S

    def _keep_limits(self) -> None:
        if self.limits.energy_wh and self.energy_mwh >= self.limits.energy_wh * 1000:
            self._end(EndReason.ENERGY_LIMIT)
        elif self.limits.time_s and self.supply_s >= self.limits.time_s - 1e-9:
            self._end(EndReason.TIME_LIMIT)

    def reboot(self) -> None:
        """Lose power and come back: the relay is open, the session remembered."""
        if self.relay:
            self._suspend()
            self.seq += 100_000
        self.boot_id = f"boot-{next(self._boots)}"
        self.changed()

    def wipe(self) -> None:
        """Lose the memory of the session."""
        self.state, self.session_id, self.end_reason, self.energy_mwh = OutletState.IDLE, "", None, 0
        self.changed()

    def trip(self) -> None:
        """Open for over-current."""
        self._end(EndReason.OVERCURRENT)
        self.fault = "overcurrent"
        self.changed()

    def find_nobody(self) -> None:
        """Open because no car has taken any power."""
        self._end(EndReason.NEVER_USED)
        self.changed()

    def lose_meter(self, lost: bool) -> None:
        """Open because the meter is silent, until it speaks again."""
        self.fault = "meter_silent" if lost else ""
        if lost and self.relay:
            self._suspend()
        self.changed()

    def set_online(self, online: bool) -> None:
        self.online = online
        # A new connection begins with the present state.
        self._seen = None
        self.changed()

    def _end(self, reason: EndReason) -> None:
        if self.state in {OutletState.SUPPLYING, OutletState.SUSPENDED}:
            self.state, self.end_reason = OutletState.ENDED, reason
            self.over.append(self.session_id)

    # --- the driver

    @property
    def connected(self) -> bool:
        return self.online

    async def start(self) -> None:
        self.changed()

    async def stop(self) -> None:
        self._listeners.clear()

    async def tried(self, timeout_s: float) -> None:
        return

    async def enable(self, enabled: bool) -> None:
        self._arrive()
        self.enabled = enabled
        if not enabled:
            self._end(EndReason.LOCAL)
        self._answer()

    async def clear_fault(self, fault: str) -> None:
        self._arrive()
        self._perhaps("clear_fault", fault)
        self.fault = ""
        self._answer()

    async def loopback(self, number: int) -> None:
        self._arrive()
        self._perhaps("loopback", number)
        self._answer()

    async def identify(self, seconds: int) -> None:
        self._arrive()
        self._perhaps("identify", seconds)
        self._answer()

    def _perhaps(self, command: str, argument: object) -> None:
        if self.refuse:
            raise self.refuse
        self.done.append((command, argument))

    @property
    def report(self) -> OutletReport | None:
        if not self.online:
            return None
        if self._seen is not None:
            return self._seen
        return OutletReport(
            state=self.state,
            session_id=self.session_id,
            end_reason=self.end_reason,
            energy_mwh=self.energy_mwh,
            supply_s=int(self.supply_s),
            power_w=float(self.load_w) if self.relay else self.idle_w,
            lifetime_mwh=self.lifetime_mwh,
            boot_id=self.boot_id,
            fault=self.fault,
            enabled=self.enabled,
            **self.more,
        )

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def changed(self) -> None:
        if self.mute:
            return
        for callback in list(self._listeners):
            callback()

    def hang_up(self) -> None:
        self.hung_up += 1
        asyncio.get_running_loop().call_soon(self.changed)

    async def session_start(self, session_id: str, limits: Limits, lease_s: int) -> None:
        self._arrive(lambda: self.session_start(session_id, limits, lease_s))
        self._check_lease(lease_s)
        if session_id in self.over:
            raise OutletRefusedError("already_ended", "that session is over")
        if self.state in {OutletState.SUPPLYING, OutletState.SUSPENDED}:
            if session_id != self.session_id:
                raise OutletRefusedError("busy", "another session runs")
        else:
            self.starts.append(session_id)
            self.session_id, self.end_reason = session_id, None
            self.energy_mwh, self.supply_s, self.limits, self.seq = 0, 0.0, limits, -1
            self.measured[session_id] = 0
            self._lease(lease_s)
        self._answer()

    async def session_renew(self, session_id: str, seq: int, lease_s: int) -> None:
        self._arrive(lambda: self.session_renew(session_id, seq, lease_s))
        self._check_lease(lease_s)
        if session_id in self.over:
            raise OutletRefusedError("already_ended", "that session is over")
        if session_id != self.session_id or self.state is OutletState.IDLE:
            raise OutletRefusedError("unknown_session", "not this one")
        if seq <= self.seq:
            raise OutletRefusedError("stale", "the number must rise")
        if self.fault:
            raise OutletRefusedError("fault", "the outlet has a fault")
        self.seq = seq
        self._lease(lease_s)
        self._answer()

    async def session_limit(self, session_id: str, limits: Limits) -> None:
        self._arrive(lambda: self.session_limit(session_id, limits))
        if session_id in self.over:
            raise OutletRefusedError("already_ended", "that session is over")
        if session_id != self.session_id:
            raise OutletRefusedError("unknown_session", "not this one")
        self.limits = limits
        self._keep_limits()
        self._answer()

    async def session_stop(self, session_id: str, reason: EndReason) -> None:
        self._arrive(lambda: self.session_stop(session_id, reason))
        if session_id != self.session_id and session_id not in self.over:
            raise OutletRefusedError("unknown_session", "not this one")
        if session_id == self.session_id:
            self._end(reason)
        self._answer()

    def _check_lease(self, lease_s: int) -> None:
        if not (0 if self.facts.can_wait else 1) <= lease_s <= 300:
            raise OutletRefusedError("bad_argument", "no such lease")

    def _lease(self, lease_s: int) -> None:
        self.leases.append(lease_s)
        self.lease_until = self.clock.seconds + lease_s
        if lease_s:
            self.state = OutletState.SUPPLYING
            self.closed_for.add(self.session_id)
        else:
            self._suspend()

    def _arrive(self, again: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        if not self.online:
            raise OutletSilentError("offline")
        if self.delay_commands and again:
            self.delay_commands -= 1
            self._late.append(again)
            raise OutletSilentError("no answer in time")
        if self.lose_commands:
            self.lose_commands -= 1
            raise OutletSilentError("lost on the way")

    def _answer(self) -> None:
        self.changed()
        if self.lose_answers:
            self.lose_answers -= 1
            raise OutletSilentError("answer lost")


def request(
    number: int, clock: ManualClock, *, evse: int = 1, server: str = "server", valid_s: float = 60, **limits: int
) -> StartRequest:
    """Return what a management server would ask for."""
    return StartRequest(
        server=server,
        remote_start_id=number,
        evse=evse,
        limits=Limits(**(limits or {"energy_wh": 1000})),
        expires_at=clock.now() + timedelta(seconds=valid_s),
        token=f"TOKEN{number:015}",
    )
