"""The session guard of a plain outlet: does from here what the firmware of a guarded outlet does by itself.

Pure: what happens is told to it, with the time in s of a clock that never steps back; `opening` and `closing` say what
the relay has to be told. Words, limits and rules are those of docs/contracts.md §1. What it cannot do: open the relay
while the program, the network or the device is dead.
"""

import math
import re
from dataclasses import asdict
from typing import Any

from ..driver import OutletRefusedError
from ..limits import MAX_ENERGY_WH, MAX_TIME_S, Limits
from ..report import OutletReport
from ..settings import MAX_LEASE_S
from ..words import EndReason, OutletState, TimerStart
from .energy import Flow, SoftEnergy
from .session import SoftSession
from .times import GuardTimes

WELDED_CONTACT = "welded_contact"
METER_SILENT = "meter_silent"
METER_FROZEN = "meter_frozen"
STORAGE = "storage"
_FAULTS = (WELDED_CONTACT, METER_FROZEN, METER_SILENT, STORAGE)
"""The gravest first."""

_SESSION_ID = re.compile(r"[A-Za-z0-9-]{1,36}")
_REMEMBERED = 8
_IMPLAUSIBLE_W = 20_000.0
_BACKWARDS_W = -20.0
_STUCK_MWH = 200_000
"""A counter that stands still while the power tells of so much is broken."""
_UNUSED_SUPPLIES = 3


class SoftGuard:
    """Decides whether the relay of one plain outlet may be closed, and counts."""

    def __init__(self, *, has_power: bool, has_counter: bool, times: GuardTimes | None = None) -> None:
        self.times = times or GuardTimes()
        self._has_counter = has_counter
        self._meter = SoftEnergy(has_power=has_power, has_counter=has_counter)
        self._has_power = has_power
        self._session = SoftSession()
        self._before: SoftSession | None = None
        """The session before one that has not begun yet: until the relay has closed it is the one to show, and until
        one that begins waiting is on disk."""
        self._fresh = False
        """Whether the relay has not been told to close for this session yet: what the meter tells is not its own."""
        self._ended: list[str] = []
        self._register = 0.0
        self._enabled = True
        self._faults: set[str] = set()
        self._unused = 0
        self._supplying = False
        self._asked_at = 0.0
        self._closing_at: float | None = None
        """When the relay was told to close, while it is to be closed."""
        self._confirmed = False
        """Whether it has been seen closed since."""
        self._opening = False
        """Whether it has to be told to open."""
        self._opened_at = -math.inf
        self._off_since: float | None = None
        """When it was told to open; None while it is to be closed, or nobody has told it."""
        self._unopened_since: float | None = None
        """Since when it is to be open; None once it was seen open, or while it is to be closed."""
        self._relay: bool | None = None
        self._foreign = False
        """Whether somebody else has closed it."""
        self._used_this_supply = False
        self._lost = False
        """Whether the device was away since it was last seen."""
        self._adopt_since: float | None = None
        """Since when nobody looks at a relay that may still be closed after a kill."""
        self._now = self._clock_at = 0.0
        self._lease_until = self._suspended_at = self._in_use_at = self._heard_at = 0.0
        self._gone_since: float | None = None
        self._power_at = -math.inf
        self._heard_anything = False
        self._last_word_until: float | None = None
        self._owned_until: float | None = None
        """Until when the counter's steps belong to the session although it has ended."""
        self._late = 0.0
        """What the counter may still tell of it: what can have flowed since it was heard, mWh."""
        self._behind_open = 0
        self._dirty = False
        self._counted = False
        self._saved_at = -math.inf

    # --- memory

    def memory(self) -> dict[str, Any]:
        """Return what has to outlive a kill."""
        return {
            "session": asdict(self._session),
            "ended": list(self._ended),
            "register": self._register,
            "enabled": self._enabled,
            "welded": WELDED_CONTACT in self._faults,
            "supplying": self._supplying or self._adopt_since is not None,
            "fresh": self._fresh and not self._supplying,
            "unwatched_s": 0.0 if self._adopt_since is None else self._now - self._adopt_since,
            "unopened_s": None if self._unopened_since is None else self._now - self._unopened_since,
            # Written before the relay closes.
            "meter": self._meter.memory(fresh=self._fresh),
        }

    def restore(self, memory: dict[str, Any], ago_s: float, now: float) -> None:
        """Go on from what `memory` had returned `ago_s` seconds ago. The relay may still be closed."""
        self._now = now
        self._session = SoftSession.from_json(memory["session"])
        self._ended = list(memory["ended"])
        self._register = memory["register"]
        self._enabled = memory["enabled"]
        self._fresh = memory.get("fresh", False)
        if memory["welded"]:
            self._faults.add(WELDED_CONTACT)
        ago_s = max(0.0, ago_s)
        self._meter.restore(memory["meter"], now - ago_s)
        self._suspended_at = self._clock_at = now
        if memory["supplying"]:
            self._session.power_lost = True
            self._session.doubtful_s += ago_s
            self._adopt_since = now - ago_s - memory["unwatched_s"]
        elif memory["unopened_s"] is not None:
            self._session.doubtful_s += ago_s
            self._unopened_since = now - ago_s - memory["unopened_s"]

    def save_due(self, now: float) -> bool:
        """Whether memory has to be written before anything else is done."""
        if self._dirty and STORAGE not in self._faults:
            return True
        return self._save_wanted and now >= self._saved_at + self.times.save_s

    @property
    def _save_wanted(self) -> bool:
        return self._dirty or self._counted

    def saving(self, now: float) -> None:
        """Note that what `memory` has returned is about to be written."""
        self._dirty = self._counted = False
        self._saved_at = now

    def saved(self) -> None:
        """Note that it is on disk."""
        self._faults.discard(STORAGE)
        if not self._supplying and not self._dirty:
            self._before = None

    def save_failed(self, now: float) -> bool:
        """Note that it could not be written: nothing flows that a kill would make forgotten. True the first time."""
        first = STORAGE not in self._faults
        self._now = self._saved_at = now
        self._dirty = True
        self._fault(STORAGE)
        return first

    # --- what others ask for. A refusal changes nothing.

    def start(self, session_id: str, limits: Limits, lease_s: int, now: float) -> None:
        """Close the relay under these limits; with a lease of 0 the session begins waiting."""
        self.tick(now)
        _check_id(session_id)
        _check_limits(limits)
        _check_lease(lease_s)
        if session_id in self._ended:
            raise OutletRefusedError("already_ended", "this session has ended")
        if self._session.running:
            if self._session.id == session_id and self._session.limits == limits:
                return
            raise OutletRefusedError("busy", "a session is running")
        if self._last_word_until is not None:
            raise OutletRefusedError("busy", "the last session is being closed")
        if not self._enabled:
            raise OutletRefusedError("disabled", "the outlet is disabled")
        self._check_faults()
        if not lease_s and self._relay is not False:
            raise OutletRefusedError("relay", "the relay is not open")
        self._before = self._session
        self._session = SoftSession(
            id=session_id, limits=limits, clock_started=limits.timer_start is TimerStart.RELAY, last_seq=-1
        )
        self._owned_until = None
        self._fresh = self._dirty = True
        if lease_s:
            self._supply(lease_s)
        else:
            self._suspended_at, self._unopened_since = now, None
            if self._off_since is None:
                # It has just been seen open: what flows from now on tells of a welded contact.
                self._off_since = now

    def renew(self, session_id: str, seq: int, lease_s: int, now: float) -> None:
        """Prolong the lease; closes the relay again for a suspended session. A lease of 0 opens it, to wait anew."""
        self.tick(now)
        self._check_running(session_id)
        _check_lease(lease_s)
        if seq <= self._session.last_seq:
            raise OutletRefusedError("stale", "seq must be higher than that of the last renewal")
        self._check_faults()
        self._session.last_seq = seq
        if not lease_s:
            # One whose relay was about to close has begun with this, waiting.
            self._before = None
            self._open()
            self._suspended_at = now
        elif self._supplying:
            self._lease_until = now + lease_s
        else:
            self._supply(lease_s)
            # A limit that was reached by what was counted since the suspension is found before the relay moves.
            self.tick(now)

    def limit(self, session_id: str, limits: Limits, now: float) -> None:
        """Change the limits of a session; ends it when they are used up."""
        self.tick(now)
        _check_limits(limits)
        self._check_running(session_id)
        kept = Limits(energy_wh=limits.energy_wh, time_s=limits.time_s, timer_start=self._session.limits.timer_start)
        if kept != self._session.limits:
            self._session.limits = kept
            self._dirty = True
            self._end_at_limit()

    def stop(self, session_id: str, reason: EndReason, now: float) -> None:
        """End a session; one that has ended stays so."""
        self.tick(now)
        if session_id not in self._ended:
            self._check_running(session_id)
            self._end(reason)

    def enable(self, enabled: bool, now: float) -> None:
        """Take sessions, or refuse them; refusing ends a running one."""
        self.tick(now)
        if enabled is self._enabled:
            return
        self._enabled = enabled
        self._dirty = True
        if not enabled and self._session.running:
            self._end(EndReason.LOCAL)

    def clear_fault(self, fault: str, now: float) -> None:
        """Forget a fault that stays until somebody has looked."""
        self.tick(now)
        if fault not in _FAULTS:
            raise OutletRefusedError("bad_argument", f"a plain outlet knows {', '.join(_FAULTS)}")
        if fault not in self._faults:
            return
        if fault not in {WELDED_CONTACT, METER_FROZEN}:
            raise OutletRefusedError("fault", "this fault is still there; it goes away with its cause")
        self._faults.discard(fault)
        self._behind_open = 0
        self._dirty = True
        if fault == METER_FROZEN:
            self._count(self._meter.doubt())

    def suspend(self, now: float) -> None:
        """Nobody will look for a while: the relay opens until a renewal."""
        self.tick(now)
        if self._adopt_since is not None:
            # It was never reached; the next run opens it.
            self._unopened_since, self._adopt_since = self._adopt_since, None
            self._dirty = True
        self._open()

    # --- what happens

    def relay(self, closed: bool | None, now: float) -> None:
        """Take in what the relay was seen to be; None: the device is away."""
        self.tick(now)
        before, self._relay = self._relay, closed
        if closed is None:
            self._lost = True
            self._meter.connecting()
            return
        lost, self._lost = self._lost, False
        self._adopt(closed)
        if closed:
            self._seen_closed(was_closed=before is True)
        else:
            self._seen_open(after_loss=lost)

    def _adopt(self, closed: bool) -> None:
        """Take up the relay as a kill has left it."""
        since, self._adopt_since = self._adopt_since, None
        if since is None or not self._session.running:
            return
        self._count(self._meter.unwatched(self._now - since))
        if closed:
            self._supplying = self._confirmed = True
            self._closing_at = self._in_use_at = self._heard_at = self._now
            self._lease_until = self._now + self.times.adopt_s
            self._meter.adopt(since, self._now)

    def _seen_closed(self, *, was_closed: bool) -> None:
        if self._closing_at is None:
            if not was_closed and self._unopened_since is None:
                # Somebody else's doing: what flows now belongs to nobody.
                self._foreign = True
                self._off_since = None
        elif not self._confirmed:
            self._confirmed = True
            self._before = None
            self._in_use_at = self._heard_at = self._now

    def _seen_open(self, *, after_loss: bool) -> None:
        if self._confirmed and after_loss:
            self._session.power_lost = True
            self._open()
        elif self._confirmed:
            self._end(EndReason.LOCAL)
        since, self._unopened_since = self._unopened_since, None
        if since is None or not self._session.running:
            return
        # Or a kill would make it look as if the relay had been closed until the next look at it.
        self._dirty = True
        late = self._now - since
        if not self._has_counter and late > self.times.switch_s:
            # Nobody has measured what flowed through a relay that opened later than it was told.
            self._count(self._meter.unwatched(late))

    def power(self, watts: float, now: float) -> None:
        """Take in a power that the meter has told, W."""
        if not math.isfinite(watts) or not _BACKWARDS_W <= watts <= _IMPLAUSIBLE_W:
            return
        self.tick(now)
        watts = max(0.0, watts)
        self._heard()
        self._power_at = now
        self._count(self._meter.power(watts, now))
        self._watch_load(watts)
        self.tick(now)

    def counter(self, total_mwh: float, now: float) -> None:
        """Take in what the meter has told of its counter, mWh."""
        if not math.isfinite(total_mwh):
            return
        self.tick(now)
        flow = self._meter.counter(round(total_mwh), now)
        if flow is None:
            return
        self._heard()
        self._count(flow)
        if flow.measured:
            self._faults.discard(METER_FROZEN)
            if not self._has_power:
                self._watch_load(self._meter.load_w(now))
        self.tick(now)

    def meter_there(self, there: bool, now: float) -> None:
        """Whether the meter tells any number at the moment."""
        if there:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now

    def sent(self, closed: bool, now: float) -> None:
        """Note that the relay was told."""
        self._now = now
        if closed:
            self._closing_at = now
            self._off_since = self._unopened_since = None
            self._foreign = self._used_this_supply = False
            self._meter.close(now, fresh=self._fresh)
            self._fresh = False
        else:
            self._opening = False
            if self._off_since is None:
                self._off_since = now
                self._behind_open = 0

    def not_sent(self) -> None:
        """Note that the relay could not be told to open."""
        self._opening = True

    def not_closed(self, now: float) -> None:
        """Give up a relay that does not close: a start comes to nothing, another supply is suspended."""
        self._now = now
        self._open()

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._now = max(self._now, now)
        self._run_clock()
        self._watch_switch()
        if self._confirmed:
            self._watch_supply()
        elif self._waits and self._now - self._suspended_at >= self.times.suspended_s:
            self._end(EndReason.POWER_LOSS if self._session.power_lost else EndReason.OTHER)
        self._watch_meter()
        if self._last_word_until is not None and (
            self._now >= self._last_word_until or (self._relay is False and self._meter.settled)
        ):
            self._last_word_until = None

    # --- what is so

    def due(self) -> float:
        """Return when `tick` has something to do, at the latest; inf when nothing is foreseen."""
        times, moments = self.times, [math.inf]
        if self._supplying and self._closing_at is None:
            moments += [self._rested_at, self._rested_at + times.switch_s]
        elif self._closing_at is not None and not self._confirmed:
            moments.append(self._closing_at + times.switch_s)
        if self._confirmed:
            moments += [self._lease_until, self._in_use_at + (times.idle_s if self._session.used else times.start_s)]
            moments += [self._heard_at + self._silence_s, *self._limit_moments()]
        elif self._waits:
            moments.append(self._suspended_at + times.suspended_s)
        if self._gone_since is not None and METER_SILENT not in self._faults:
            moments.append(self._gone_since + times.gone_s)
        if self._last_word_until is not None:
            moments.append(self._last_word_until)
        if self._save_wanted:
            moments.append(self._saved_at + times.save_s)
        return min(moments)

    def _limit_moments(self) -> list[float]:
        session, moments = self._session, []
        if session.limits.energy_wh:
            left = session.limits.energy_wh * 1000 - session.energy - session.doubtful
            if (reached := self._meter.reaches(left, self._now)) is not None:
                moments.append(reached)
        if session.limits.time_s and session.clock_started:
            moments.append(self._clock_at + session.limits.time_s - session.supply_s - session.doubtful_s)
        return moments

    @property
    def starting(self) -> str:
        """Id of a session that has not begun yet, empty without."""
        return self._session.id if self._before is not None else ""

    @property
    def session_id(self) -> str:
        """Of the running or the last session."""
        return self._session.id

    @property
    def supplying(self) -> bool:
        """Whether the relay is to be closed, at once or as soon as it has rested."""
        return self._supplying

    @property
    def opening(self) -> bool:
        """Whether the relay has to be told to open."""
        return self._opening or (self._relay is True and self._closing_at is None)

    def closing(self, now: float) -> bool:
        """Whether the relay has to be told to close."""
        asked = self._supplying and self._closing_at is None and not self._dirty
        return asked and self._relay is False and now >= self._rested_at

    @property
    def _rested_at(self) -> float:
        return max(self._asked_at, self._opened_at + self.times.min_off_s)

    def report(self) -> OutletReport | None:
        """Return what a guarded outlet would report; None until relay and meter are known."""
        if self._relay is None or not self._heard_anything:
            return None
        session = self._before or self._session
        # The end is told together with the last word on the energy.
        ending = self._last_word_until is not None
        if session.running or ending:
            state = OutletState.SUPPLYING if self._confirmed or ending else OutletState.SUSPENDED
        elif self._faults:
            state = OutletState.FAULT
        else:
            state = OutletState.ENDED if session.id else OutletState.IDLE
        return OutletReport(
            state=state,
            session_id=session.id,
            end_reason=None if ending else session.end_reason,
            energy_mwh=int(session.energy),
            supply_s=int(session.supply_s),
            power_w=self._load_w(),
            lifetime_mwh=int(self._register),
            # Nothing here restarts without its memory.
            boot_id="soft",
            fault=next((fault for fault in _FAULTS if fault in self._faults), ""),
            enabled=self._enabled,
            relay=self._relay,
            without_power=self._unused >= _UNUSED_SUPPLIES,
            lease_left_s=max(0.0, self._lease_until - self._now) if self._supplying else 0.0,
        )

    # --- inside

    def _load_w(self) -> float:
        # After the opening a slow sensor goes on telling of the time before.
        old = self._has_power and self._power_at < self._opened_at + self.times.settle_s
        return 0.0 if old and not self._supplying else self._meter.load_w(self._now)

    @property
    def _waits(self) -> bool:
        """Whether a session waits for its renewal."""
        return self._session.running and not self._supplying

    @property
    def _silence_s(self) -> float:
        return self.times.silence_s if self._has_counter else self.times.silence_without_counter_s

    def _check_running(self, session_id: str) -> None:
        _check_id(session_id)
        if not self._session.running or self._session.id != session_id:
            if session_id in self._ended:
                raise OutletRefusedError("already_ended", "this session has ended")
            raise OutletRefusedError("unknown_session", "no such session here")

    def _check_faults(self) -> None:
        if self._faults:
            raise OutletRefusedError("fault", "the outlet has a fault")

    def _supply(self, lease_s: int) -> None:
        self._dirty = self._dirty or not self._supplying
        self._supplying = True
        self._asked_at = self._now
        self._lease_until = self._now + lease_s

    def _open(self) -> None:
        if self._before is not None:
            # It never began: what was before it stands.
            self._remember_ended(self._session.id)
            self._session, self._before = self._before, None
            self._fresh = False
            self._meter.open(self._now)
            if self._supplying:
                self._stop_supply()
            return
        if not self._supplying:
            return
        if self._confirmed:
            self._owned_until = self._now + self.times.late_s
            self._late = self._meter.unheard(self._now)
            self._unused = 0 if self._used_this_supply else self._unused + 1
        self._count(self._meter.open(self._now))
        self._stop_supply()
        self._dirty = True

    def _stop_supply(self) -> None:
        self._supplying = self._confirmed = False
        self._closing_at = None
        self._opening = True
        self._opened_at = self._suspended_at = self._unopened_since = self._now

    def _end(self, reason: EndReason) -> None:
        if self._before is not None:
            self._open()
            return
        if self._confirmed:
            self._last_word_until = self._now + self.times.last_reading_s
        self._open()
        self._session.end_reason = reason
        self._remember_ended(self._session.id)

    def _remember_ended(self, session_id: str) -> None:
        self._ended = [*self._ended, session_id][-_REMEMBERED:]
        self._dirty = True

    def _count(self, flow: Flow) -> None:
        if flow == Flow():
            return
        self._register += flow.measured
        if self._owns_what_flows():
            counted = flow.counted
            if not self._session.running:
                counted = min(counted, self._late)
                self._late -= counted
            self._session.energy += counted
            self._session.doubtful += flow.doubtful
            self._counted = True

    def _owns_what_flows(self) -> bool:
        if self._foreign or self._fresh:
            return False
        return self._session.running or (self._owned_until is not None and self._now <= self._owned_until)

    def _run_clock(self) -> None:
        session, elapsed = self._session, self._now - self._clock_at
        self._clock_at = self._now
        if not session.running or not session.clock_started:
            return
        if self._closing_at is not None:
            session.supply_s += elapsed
        elif self._unopened_since is not None or self._adopt_since is not None:
            session.doubtful_s += elapsed

    def _watch_switch(self) -> None:
        if not self._supplying or self._confirmed:
            return
        since = self._rested_at if self._closing_at is None else self._closing_at
        if self._now - since >= self.times.switch_s:
            self.not_closed(self._now)

    def _watch_supply(self) -> None:
        unused = self._now - self._in_use_at
        if self._end_at_limit():
            return
        if self._session.used and unused >= self.times.idle_s:
            self._end(EndReason.IDLE)
        elif not self._session.used and unused >= self.times.start_s:
            self._end(EndReason.NEVER_USED)
        elif self._now >= self._lease_until:
            self._open()

    def _end_at_limit(self) -> bool:
        session = self._session
        spent = session.energy + session.doubtful + self._meter.pending(self._now)
        if session.limits.energy_wh and spent >= session.limits.energy_wh * 1000 - _ROUNDING_MWH:
            self._end(EndReason.ENERGY_LIMIT)
        elif session.limits.time_s and session.supply_s + session.doubtful_s >= session.limits.time_s - _ROUNDING_S:
            self._end(EndReason.TIME_LIMIT)
        return not session.running

    def _watch_meter(self) -> None:
        gone = self._gone_since is not None and self._now - self._gone_since >= self.times.gone_s
        if gone or (self._confirmed and self._now - self._heard_at >= self._silence_s):
            self._fault(METER_SILENT)
        if self._has_counter and self._has_power and self._confirmed and self._meter.pending(self._now) >= _STUCK_MWH:
            self._fault(METER_FROZEN)

    def _watch_load(self, watts: float) -> None:
        if self._confirmed and watts >= self.times.idle_w:
            self._in_use_at = self._now
            # What a kill leaves flowing is judged by the load that was remembered.
            self._dirty = self._dirty or not self._used_this_supply
            self._session.used = self._used_this_supply = True
            if not self._session.clock_started:
                self._session.clock_started = True
                self._clock_at = self._now
        if self._off_since is None or self._now - self._off_since < self.times.settle_s:
            return
        self._behind_open = self._behind_open + 1 if watts >= self.times.welded_w else 0
        # One reading may have been on its way.
        if self._behind_open >= 2 and WELDED_CONTACT not in self._faults:
            self._faults.add(WELDED_CONTACT)
            self._dirty = True
            if self._session.running:
                self._end(EndReason.OTHER)

    def _heard(self) -> None:
        self._heard_anything = True
        self._heard_at = self._now
        self._faults.discard(METER_SILENT)

    def _fault(self, fault: str) -> None:
        if fault not in self._faults:
            self._faults.add(fault)
            self._open()


_ROUNDING_MWH = 1e-3
_ROUNDING_S = 1e-6


def _check_id(session_id: str) -> None:
    if not _SESSION_ID.fullmatch(session_id):
        raise OutletRefusedError("bad_argument", "session_id must be 1 to 36 characters of A-Z a-z 0-9 -")


def _check_limits(limits: Limits) -> None:
    if not 0 <= limits.energy_wh <= MAX_ENERGY_WH:
        raise OutletRefusedError("bad_argument", f"energy_limit_wh must be 0 to {MAX_ENERGY_WH}")
    if not 0 <= limits.time_s <= MAX_TIME_S:
        raise OutletRefusedError("bad_argument", f"time_limit_s must be 0 to {MAX_TIME_S}")
    if not limits.energy_wh and not limits.time_s:
        raise OutletRefusedError("bad_argument", "a session needs an energy limit or a time limit")


def _check_lease(lease_s: int) -> None:
    if not 0 <= lease_s <= MAX_LEASE_S:
        raise OutletRefusedError("bad_argument", f"lease_s must be 0 to {MAX_LEASE_S}")
