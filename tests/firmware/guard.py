"""The session guard in a shared library, on a virtual clock, in front of a virtual car."""

import ctypes
import hashlib
import math
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
SHIM = Path(__file__).with_name("guard_shim.cpp")
COMPONENT = ROOT / "esphome" / "components" / "charging_outlet"
SOURCES = ("energy_meter.cpp", "session_guard.cpp")
HEADERS = ("energy_meter.h", "flash_record.h", "session_guard.h", "session_words.h")

UJ_PER_WH = 3_600_000_000
MEAN, MOMENTARY = 0, 1


class Settings(ctypes.Structure):
    """GuardSettings of session_guard.h."""

    _fields_ = (
        ("idle_power_mw", ctypes.c_uint32),
        ("idle_time_ms", ctypes.c_uint32),
        ("max_power_mw", ctypes.c_uint32),
        ("overload_time_ms", ctypes.c_uint32),
        ("meter_timeout_ms", ctypes.c_uint32),
        ("longest_gap_ms", ctypes.c_uint32),
        ("welded_power_mw", ctypes.c_uint32),
        ("settle_time_ms", ctypes.c_uint32),
        ("reading_kind", ctypes.c_uint8),
    )


def settings(**changes: int) -> Settings:
    """Return settings of a 4 kW outlet with a short idle time."""
    values = {
        "idle_power_mw": 10_000,
        "idle_time_ms": 60_000,
        "max_power_mw": 4_000_000,
        "overload_time_ms": 5_000,
        "meter_timeout_ms": 5_000,
        "longest_gap_ms": 2_500,
        "welded_power_mw": 20_000,
        "settle_time_ms": 3_000,
        "reading_kind": MEAN,
    }
    return Settings(**(values | changes))


class _View(ctypes.Structure):
    _fields_ = (
        ("energy_uj", ctypes.c_uint64),
        ("lifetime_uj", ctypes.c_uint64),
        ("supply_ms", ctypes.c_uint64),
        ("lease_left_ms", ctypes.c_uint64),
        ("durable_changes", ctypes.c_uint32),
        ("relay_closed", ctypes.c_uint8),
        ("enabled", ctypes.c_uint8),
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
    durable_changes: int

    @property
    def energy_wh(self) -> float:
        """Energy of the session, Wh."""
        return self.energy_uj / UJ_PER_WH


@cache
def library() -> ctypes.CDLL:
    """Return the guard as a shared library, compiled when its sources changed."""
    sources = [SHIM, *(COMPONENT / name for name in SOURCES + HEADERS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    built = ROOT / "build" / "firmware" / f"guard-{digest}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(f".{id(built)}")
        units = [str(path) for path in sources if path.suffix == ".cpp"]
        # Undefined behaviour ends the test run instead of going unseen.
        checks = ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(
            ["g++", "-std=c++20", "-O1", "-g", "-shared", "-fPIC", *checks, "-o", str(fresh), *units], check=True
        )
        fresh.rename(built)
    guard = ctypes.CDLL(str(built))
    guard.guard_new.restype = ctypes.c_void_p
    guard.guard_refusal.restype = ctypes.c_char_p
    for name in ("guard_restore", "guard_relay_closed"):
        getattr(guard, name).restype = ctypes.c_bool
    for name in ("guard_settings_size", "guard_view_size", "guard_record_size"):
        getattr(guard, name).restype = ctypes.c_size_t
    for name in ("guard_start", "guard_renew", "guard_stop", "guard_fault_clear"):
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
        self._library.guard_reading(self._guard, ctypes.c_float(power_w), ctypes.c_uint64(now))

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
            durable_changes=raw.durable_changes,
        )


class Bench:
    """A guard with a relay, a car and a meter around it; time passes only when asked to."""

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
        self.welded = False
        self.taken_uj = 0.0
        """What the car really took."""
        self._since_reading_uj = 0.0
        self._last_reading = 0
        self._next_reading = 370

    def run(self, milliseconds: int) -> None:
        """Let time pass."""
        end = self.now + milliseconds
        while self.now < end:
            step = min(self.TICK_MS, end - self.now)
            if self.guard.relay_closed or self.welded:
                self.taken_uj += self.load_w * 1000 * step
                self._since_reading_uj += self.load_w * 1000 * step
            self.now += step
            if self.now >= self._next_reading:
                self._read()
            self.guard.tick(self.now)

    def _read(self) -> None:
        self._next_reading += self.METER_MS
        mean_w = self._since_reading_uj / (self.now - self._last_reading) / 1000
        self._last_reading = self.now
        self._since_reading_uj = 0.0
        if self.meter_works:
            self.guard.reading(self.now, mean_w if self.meter_says is None else self.meter_says)

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
        self.guard = Guard.booted_with(self.settings, self.guard.record())
        self.now = 0
        self._last_reading = 0
        self._next_reading = 370
        self._since_reading_uj = 0.0


NOT_A_NUMBER = math.nan
