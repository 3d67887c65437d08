"""The session guard in a shared library, on a virtual clock, in front of a virtual car."""

import ctypes
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Self

from rig import native

SHIM = Path(__file__).with_name("guard_shim.cpp")
# Undefined behaviour ends the test run instead of going unseen.
CHECKED = ("-O1", "-g", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all")

UJ_PER_WH = 3_600_000_000
MEAN, MOMENTARY = 0, 1
NOT_A_NUMBER = math.nan
AFTER_A_CUT = 200_000
"""A renewal's number so high that it can't have been heard before a power cut."""


class Settings(ctypes.Structure):
    """GuardSettings of session_guard.h."""

    _fields_ = (
        ("max_power_mw", ctypes.c_uint32),
        ("max_current_ma", ctypes.c_uint32),
        ("thermal_time_ms", ctypes.c_uint32),
        ("max_temperature", ctypes.c_uint32),
        ("idle_power_mw", ctypes.c_uint32),
        ("idle_time_ms", ctypes.c_uint32),
        ("start_timeout_ms", ctypes.c_uint32),
        ("suspended_time_ms", ctypes.c_uint32),
        ("meter_timeout_ms", ctypes.c_uint32),
        ("frozen_time_ms", ctypes.c_uint32),
        ("welded_power_mw", ctypes.c_uint32),
        ("settle_time_ms", ctypes.c_uint32),
        ("min_off_time_ms", ctypes.c_uint32),
        ("max_cycles_per_hour", ctypes.c_uint32),
        ("save_energy_mwh", ctypes.c_uint32),
        ("save_interval_ms", ctypes.c_uint32),
        ("reading_kind", ctypes.c_uint8),
        ("has_counter", ctypes.c_bool),
    )


def settings(**changes: int) -> Settings:
    """Return settings of a 4 kW outlet with a short idle time, whose relay may switch as often as it likes."""
    values = {
        "max_power_mw": 4_000_000,
        "thermal_time_ms": 60_000,
        "idle_power_mw": 10_000,
        "idle_time_ms": 60_000,
        "start_timeout_ms": 120_000,
        "suspended_time_ms": 1_800_000,
        "meter_timeout_ms": 5_000,
        "frozen_time_ms": 120_000,
        "welded_power_mw": 20_000,
        "settle_time_ms": 3_000,
        "min_off_time_ms": 0,
        "max_cycles_per_hour": 3_600,
        "save_energy_mwh": 50_000,
        "save_interval_ms": 900_000,
        "reading_kind": MEAN,
    }
    return Settings(**(values | changes))


class _View(ctypes.Structure):
    _fields_ = (
        ("energy_uj", ctypes.c_uint64),
        ("lifetime_uj", ctypes.c_uint64),
        ("supply_ms", ctypes.c_uint64),
        ("lease_left_ms", ctypes.c_uint64),
        ("doubtful_uj", ctypes.c_uint64),
        ("durable_changes", ctypes.c_uint32),
        ("energy_limit_wh", ctypes.c_uint32),
        ("time_limit_s", ctypes.c_uint32),
        ("relay_cycles", ctypes.c_uint32),
        ("relay_delay_us", ctypes.c_uint16),
        ("relay_closed", ctypes.c_uint8),
        ("enabled", ctypes.c_uint8),
        ("without_power", ctypes.c_uint8),
        ("state", ctypes.c_char * 16),
        ("end_reason", ctypes.c_char * 24),
        ("fault", ctypes.c_char * 24),
        ("session_id", ctypes.c_char * 37),
    )


@dataclass(frozen=True, kw_only=True)
class View:
    """What the guard says at one moment."""

    state: str
    session_id: str
    end_reason: str
    fault: str
    relay_closed: bool
    enabled: bool
    energy_uj: int
    lifetime_uj: int
    supply_ms: int
    lease_left_ms: int
    doubtful_uj: int
    durable_changes: int
    energy_limit_wh: int
    time_limit_s: int
    relay_cycles: int
    relay_delay_us: int
    without_power: bool

    @property
    def energy_wh(self) -> float:
        """Energy of the session, Wh."""
        return self.energy_uj / UJ_PER_WH


@cache
def library() -> ctypes.CDLL:
    """Return the guard as a shared library, compiled when its sources changed."""
    units = [SHIM, *native.sources_of("charging_outlet")]
    guard = ctypes.CDLL(str(native.build("guard.so", units, CHECKED, shared=True)))
    guard.guard_new.restype = ctypes.c_void_p
    guard.guard_refusal.restype = ctypes.c_char_p
    for name in ("guard_restore", "guard_relay_closed", "guard_save_due", "guard_save_useful"):
        getattr(guard, name).restype = ctypes.c_bool
    for name in ("guard_settings_size", "guard_view_size", "guard_record_size"):
        getattr(guard, name).restype = ctypes.c_size_t
    for name in ("guard_start", "guard_renew", "guard_limit", "guard_stop", "guard_fault_clear"):
        getattr(guard, name).restype = ctypes.c_uint8
    assert guard.guard_settings_size() == ctypes.sizeof(Settings)
    assert guard.guard_view_size() == ctypes.sizeof(_View)
    return guard


class Guard:
    """One guard. Every call says at which ms of the virtual clock it happens."""

    def __init__(self, chosen: Settings) -> None:
        """Boot with an empty flash at 0 ms."""
        self._library = library()
        self._settings = chosen
        self._guard = ctypes.c_void_p(self._library.guard_new(ctypes.byref(chosen)))
        empty = ctypes.create_string_buffer(self._library.guard_record_size())
        self._library.guard_empty_record(empty)
        assert self.restore(empty.raw, 0)

    def __del__(self) -> None:
        self._library.guard_delete(self._guard)

    @classmethod
    def booted_with(cls, chosen: Settings, record: bytes) -> Self:
        """Boot with what was in flash."""
        guard = cls(chosen)
        assert guard.restore(record, 0)
        return guard

    def restore(self, record: bytes, now: int) -> bool:
        """Read a flash record; False when it is none of ours."""
        return bool(self._library.guard_restore(self._guard, record, ctypes.c_uint64(now)))

    def record(self) -> bytes:
        """Return what is written to flash."""
        buffer = ctypes.create_string_buffer(self._library.guard_record_size())
        self._library.guard_record(self._guard, buffer)
        return buffer.raw

    def _name(self, refusal: int) -> str:
        name: bytes = self._library.guard_refusal(refusal)
        return name.decode()

    def start(  # noqa: PLR0917  # the action's own arguments in its own order
        self, now: int, session_id: str, energy_wh: int = 0, time_s: int = 0, timer: str = "relay", lease_s: int = 300
    ) -> str:
        """Start a session; returns the code of the refusal, empty when accepted."""
        name, word = session_id.encode(), timer.encode()
        return self._name(
            self._library.guard_start(
                self._guard,
                name,
                ctypes.c_size_t(len(name)),
                energy_wh,
                time_s,
                word,
                ctypes.c_size_t(len(word)),
                lease_s,
                ctypes.c_uint64(now),
            )
        )

    def renew(self, now: int, session_id: str, seq: int, lease_s: int = 300) -> str:
        """Renew the lease."""
        name = session_id.encode()
        return self._name(
            self._library.guard_renew(self._guard, name, ctypes.c_size_t(len(name)), seq, lease_s, ctypes.c_uint64(now))
        )

    def limit(self, now: int, session_id: str, energy_wh: int = 0, time_s: int = 0) -> str:
        """Change the limits of the running session."""
        name = session_id.encode()
        return self._name(
            self._library.guard_limit(
                self._guard, name, ctypes.c_size_t(len(name)), energy_wh, time_s, ctypes.c_uint64(now)
            )
        )

    def stop(self, now: int, session_id: str, reason: str = "Remote") -> str:
        """Stop a session."""
        name, word = session_id.encode(), reason.encode()
        return self._name(
            self._library.guard_stop(
                self._guard,
                name,
                ctypes.c_size_t(len(name)),
                word,
                ctypes.c_size_t(len(word)),
                ctypes.c_uint64(now),
            )
        )

    def clear(self, now: int, code: str) -> str:
        """Clear a fault."""
        word = code.encode()
        return self._name(
            self._library.guard_fault_clear(self._guard, word, ctypes.c_size_t(len(word)), ctypes.c_uint64(now))
        )

    def enable(self, now: int, enabled: bool) -> None:
        """Allow or forbid sessions."""
        self._library.guard_enable(self._guard, enabled, ctypes.c_uint64(now))

    def reading(self, now: int, power_w: float) -> None:
        """Give the guard a reading."""
        self._library.guard_power(self._guard, ctypes.c_float(power_w), ctypes.c_uint64(now))

    def counter(self, now: int, energy_wh: float) -> None:
        """Give the guard a reading of the meter's own counter."""
        self._library.guard_energy(self._guard, ctypes.c_double(energy_wh), ctypes.c_uint64(now))

    def current(self, now: int, amperes: float) -> None:
        """Give the guard a reading of the current."""
        self._library.guard_current(self._guard, ctypes.c_float(amperes), ctypes.c_uint64(now))

    def temperature(self, now: int, celsius: float) -> None:
        """Give the guard a reading of the temperature."""
        self._library.guard_temperature(self._guard, ctypes.c_float(celsius), ctypes.c_uint64(now))

    def stop_by_hand(self, now: int) -> None:
        """Press the button."""
        self._library.guard_stop_by_hand(self._guard, ctypes.c_uint64(now))

    def save_due(self, now: int) -> bool:
        """Whether the record has to be written."""
        return bool(self._library.guard_save_due(self._guard, ctypes.c_uint64(now)))

    def save_useful(self) -> bool:
        """Whether writing it, with the relay open, would settle something."""
        return bool(self._library.guard_save_useful(self._guard))

    def saved(self) -> None:
        """Say that the record was written."""
        self._library.guard_saved(self._guard)

    def save_failed(self, now: int) -> None:
        """Say that it could not be."""
        self._library.guard_save_failed(self._guard, ctypes.c_uint64(now))

    def tick(self, now: int) -> None:
        """Let the guard look at the clock."""
        self._library.guard_tick(self._guard, ctypes.c_uint64(now))

    def suspend(self, now: int) -> None:
        """Open the relay before the loop is held up."""
        self._library.guard_suspend(self._guard, ctypes.c_uint64(now))

    def relay_opened_by_others(self, now: int) -> None:
        """Say that the relay was opened by something else."""
        self._library.guard_relay_opened_by_others(self._guard, ctypes.c_uint64(now))

    @property
    def relay_closed(self) -> bool:
        """Whether the relay is to be closed."""
        return bool(self._library.guard_relay_closed(self._guard))

    def view(self, now: int) -> View:
        """Return all that the guard says."""
        raw = _View()
        self._library.guard_view(self._guard, ctypes.c_uint64(now), ctypes.byref(raw))
        return View(
            state=raw.state.decode(),
            session_id=raw.session_id.decode(),
            end_reason=raw.end_reason.decode(),
            fault=raw.fault.decode(),
            relay_closed=bool(raw.relay_closed),
            enabled=bool(raw.enabled),
            energy_uj=raw.energy_uj,
            lifetime_uj=raw.lifetime_uj,
            supply_ms=raw.supply_ms,
            lease_left_ms=raw.lease_left_ms,
            doubtful_uj=raw.doubtful_uj,
            durable_changes=raw.durable_changes,
            energy_limit_wh=raw.energy_limit_wh,
            time_limit_s=raw.time_limit_s,
            relay_cycles=raw.relay_cycles,
            relay_delay_us=raw.relay_delay_us,
            without_power=bool(raw.without_power),
        )


class Bench:
    """A guard with a relay, a car, a meter and a flash around it; time passes only when asked to."""

    TICK_MS = 16
    METER_MS = 1000

    def __init__(self, **changes: int) -> None:
        """`changes` are settings of the guard."""
        self.settings = settings(**changes)
        self.guard = Guard(self.settings)
        self.now = 0
        self.load_w = 3000.0
        self.meter_works = True
        self.meter_says: float | None = None
        """A reading that the meter gives instead of the truth."""
        self.counter_step_wh = 0.0
        """The step of the meter's own counter; 0 where it has none."""
        self.counter_works = True
        self.counter_first = False
        """Whether a reading of the counter comes before that of the power (CSE7766)."""
        self.relay_delay_ms = 0
        self.welded = False
        self.flash_works = True
        self.flash = self.guard.record()
        self.writes = 0
        self.taken_uj = 0.0
        """What the car really took."""
        self.closings = 0
        self._closed = False
        self._opened_at = -(10**9)
        self._start_meter()

    def _start_meter(self) -> None:
        self._jitter = Random(1)  # noqa: S311  # a steady one is wanted
        self._since_reading_uj = 0.0
        self._last_reading = 0
        self._next_reading = 370

    def run(self, milliseconds: int) -> None:
        """Let time pass."""
        end = self.now + milliseconds
        self.follow()
        while self.now < end:
            step = min(self.TICK_MS, end - self.now)
            conducting = self._closed or self.welded or self.now - self._opened_at < self.relay_delay_ms
            if conducting:
                flowed_uj = self.load_w * 1000 * step
                self.taken_uj += flowed_uj
                self._since_reading_uj += flowed_uj
            self.now += step
            if self.now >= self._next_reading:
                self._read()
            self.guard.tick(self.now)
            self.follow()

    def follow(self) -> None:
        """Do what the component does after everything that happens: save, then switch."""
        if not self.guard.relay_closed:
            self._switch(False)
        if self.guard.save_due(self.now) or self.guard.save_useful():
            self.save()
        self._switch(self.guard.relay_closed)

    def save(self) -> None:
        """Write the record."""
        if self.flash_works:
            self.flash = self.guard.record()
            self.guard.saved()
            self.writes += 1
        else:
            self.guard.save_failed(self.now)

    def _switch(self, closed: bool) -> None:
        if self._closed and not closed:
            self._opened_at = self.now
        self.closings += closed and not self._closed
        self._closed = closed

    def _read(self) -> None:
        self._next_reading += self.METER_MS
        power_w = self._since_reading_uj / (self.now - self._last_reading) / 1000
        if self.settings.reading_kind == MOMENTARY:
            power_w = self.load_w if self._closed or self.welded else 0.0
        # No mains and no meter is steady to the last bit.
        power_w *= 1 + self._jitter.uniform(-1e-5, 1e-5)
        self._last_reading = self.now
        self._since_reading_uj = 0.0
        if self.counter_first:
            self._read_counter()
        if self.meter_works:
            self.guard.reading(self.now, power_w if self.meter_says is None else self.meter_says)
        if not self.counter_first:
            self._read_counter()

    def _read_counter(self) -> None:
        if self.counter_step_wh and self.counter_works:
            steps = int(self.taken_uj / UJ_PER_WH / self.counter_step_wh)
            self.guard.counter(self.now, steps * self.counter_step_wh)

    def run_until(self, state: str, patience_ms: int = 3_600_000) -> View:
        """Let time pass until the guard says so."""
        end = self.now + patience_ms
        while self.view.state != state:
            assert self.now < end, f"{self.view} after {patience_ms} ms, not {state}"
            self.run(self.TICK_MS)
        return self.view

    @property
    def view(self) -> View:
        """What the guard says now."""
        return self.guard.view(self.now)

    def power_cut(self) -> None:
        """Lose the power and boot again with what was in flash."""
        self.follow()
        self.guard = Guard.booted_with(self.settings, self.flash)
        self.now = 0
        self._closed = False
        self._opened_at = -(10**9)
        self._start_meter()


def supplying(energy_wh: int = 1000, time_s: int = 0, timer: str = "relay", **changes: int) -> Bench:
    """Return a bench with a session `s` that has just started."""
    bench = Bench(**changes)
    bench.run(2_000)
    assert bench.guard.start(bench.now, "s", energy_wh, time_s, timer) == ""
    return bench
