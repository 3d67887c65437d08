"""How exactly the firmware's session guard keeps an energy limit, beside what ESPHome offers by itself.

Random cars in virtual time (`world.h`) at an outlet that is held by the guard's own C++ (`guard.cpp`), and the same
cars at one with ESPHome's `total_daily_energy` and `on_value_range` (`baseline.yaml`, its own code on a virtual clock).
Overshoot is what the car really took beyond the limit, after the relay's contact had opened. The goal: not more than
0.1 % of the limit or 0.2 Wh, whichever is larger, beyond it or short of it.
"""

import csv
import hashlib
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rig import native
from rig.bench import Row, Table
from rig.paths import BUILD, ROOT, program

SEED = 20_261_123
SESSIONS = 1_000
GOAL_WH = 0.2
GOAL_FRACTION = 0.001

HERE = Path(__file__).parent
COMPONENT = "charging_outlet"
PROGRAMS = BUILD / "bench" / "cutoff"
# What the guard needs of flash, estimated by this machine's compiler, with the options of ESPHome's for an ESP32.
SMALL = ("-Os", "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables")
S_PER_DAY = 86_400
# ESPHome sums in 32 bit floats, which falsifies large sums of small steps; up to here that does not show.
SMALL_LIMIT_WH = 1_000

# The first is compared with the baseline: a meter without the quirks of a chip, which is in the baseline's favour.
GUARDED = {
    "guard, mean power": ("mean", "power"),
    "guard, BL0937: power and counter": ("bl0937", "counter"),
    "guard, BL0937: power alone": ("bl0937", "power"),
    "guard, HLW8012: power and counter": ("hlw8012", "counter"),
    "guard, mean power and counter of whole Wh": ("whole-wh", "counter"),
    "guard, momentary power": ("momentary", "power"),
}
BASELINE = "total_daily_energy, mean power"


@dataclass(frozen=True, kw_only=True)
class Session:
    """How one session went."""

    limit_wh: float
    taken_wh: float
    seconds: float
    interruptions: int
    reached_limit: bool

    @property
    def excess_wh(self) -> float:
        """Beyond the limit; below zero when short of it."""
        return self.taken_wh - self.limit_wh

    @property
    def part_of_goal(self) -> float:
        """How much of what the goal allows this session needed."""
        return abs(self.excess_wh) / max(GOAL_WH, GOAL_FRACTION * self.limit_wh)


def run() -> Table:
    """Measure; takes about two minutes of two cores, and half a minute more when ESPHome has to be compiled."""
    guard, baseline = _guard_program(), _baseline_program()
    environment = {"CUTOFF_SEED": str(SEED), "CUTOFF_SESSIONS": str(SESSIONS), "ESPHOME_PREFDIR": str(PROGRAMS)}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        last = pool.submit(_sessions, [str(baseline)], environment)
        guarded = {
            name: pool.submit(_sessions, [str(guard), str(SEED), str(SESSIONS), *arguments], {})
            for name, arguments in GUARDED.items()
        }
        measured = {name: future.result() for name, future in (guarded | {BASELINE: last}).items()}
    ours, theirs = measured[next(iter(GUARDED))], measured[BASELINE]
    facts: dict[str, object] = {
        "seed": SEED,
        "n": len(ours),
        "p99_overshoot_wh": _p99([session.excess_wh for session in ours]),
        "p99_overshoot_fraction": _p99([session.excess_wh / session.limit_wh for session in ours]),
        "max_overshoot_wh": round(max(session.excess_wh for session in ours), 6),
        "p99_underdelivery_wh": _p99([-session.excess_wh for session in ours]),
        "p99_underdelivery_fraction": _p99([-session.excess_wh / session.limit_wh for session in ours]),
        "max_underdelivery_wh": round(max(-session.excess_wh for session in ours), 6),
        "share_within_goal": _share_within_goal(ours),
        "baseline_p99_overshoot_wh": _p99([session.excess_wh for session in theirs]),
        "baseline_p99_underdelivery_wh": _p99([-session.excess_wh for session in theirs]),
        "p99_overshoot_wh_up_to_1_kwh": _p99_of_small(ours),
        "baseline_p99_overshoot_wh_up_to_1_kwh": _p99_of_small(theirs),
        "baseline_max_overshoot_wh": round(max(session.excess_wh for session in theirs), 6),
        "baseline_share_within_goal": _share_within_goal(theirs),
        # How many would have begun again from zero, had the clock gone on from a random time of day.
        "baseline_sessions_over_midnight": round(sum(min(1.0, session.seconds / S_PER_DAY) for session in theirs)),
        **_costs(guard),
    }
    return Table(rows=[_row(name, sessions) for name, sessions in measured.items()], facts=facts)


def _row(name: str, sessions: Sequence[Session]) -> Row:
    excess = [session.excess_wh for session in sessions]
    return {
        "cut-off": name,
        "p99 over Wh": _p99(excess),
        "worst over Wh": round(max(excess), 3),
        "p99 over Wh to 1 kWh": _p99_of_small(sessions),
        "p99 over %": round(100 * _p99([session.excess_wh / session.limit_wh for session in sessions]), 3),
        "p99 short Wh": _p99([-wh for wh in excess]),
        "worst short Wh": round(max(-wh for wh in excess), 3),
        "p99 short %": round(100 * _p99([-session.excess_wh / session.limit_wh for session in sessions]), 3),
        "p99 of goal": round(_p99([session.part_of_goal for session in sessions]), 2),
        "within goal": _share_within_goal(sessions),
        "interrupted": sum(session.interruptions > 0 for session in sessions),
        "not by limit": sum(not session.reached_limit for session in sessions),
    }


def _p99_of_small(sessions: Sequence[Session]) -> float:
    return _p99([session.excess_wh for session in sessions if session.limit_wh <= SMALL_LIMIT_WH])


def _share_within_goal(sessions: Sequence[Session]) -> float:
    return round(sum(session.part_of_goal <= 1 for session in sessions) / len(sessions), 4)


def _p99(values: Sequence[float]) -> float:
    """Return the least value that 99 % of them do not exceed."""
    return round(sorted(values)[math.ceil(0.99 * len(values)) - 1], 6)


def _sessions(command: Sequence[str], environment: dict[str, str]) -> list[Session]:
    return [
        Session(
            limit_wh=float(row["limit_wh"]),
            taken_wh=float(row["taken_wh"]),
            seconds=float(row["seconds"]),
            interruptions=int(row["openings"]) - 1,
            reached_limit=row["reason"] == "EnergyLimitReached",
        )
        for row in csv.DictReader(_output(command, environment).splitlines())
    ]


def _costs(guard: Path) -> dict[str, object]:
    """Return how long the guard's calls take here, and how much memory it needs."""
    measured = dict(line.split(",") for line in _output([str(guard)]).splitlines()[1:])
    objects = map(str, native.compile_objects(native.sources_of(COMPONENT), SMALL))
    sizes = [line.split() for line in _output(["size", *objects]).splitlines()[1:]]
    return {
        "tick_ns": float(measured["tick"]),
        "power_reading_ns": float(measured["power reading"]),
        "energy_reading_ns": float(measured["energy reading"]),
        "ram_session_guard_bytes": int(measured["SessionGuard bytes"]),
        "ram_static_bytes": sum(int(data) + int(bss) for _text, data, bss, *_rest in sizes),
        "flash_core_text_bytes": sum(int(text) for text, *_rest in sizes),
        "flash_record_bytes": int(measured["FlashRecord bytes"]),
    }


def _guard_program() -> Path:
    units = [HERE / "guard.cpp", *native.sources_of(COMPONENT)]
    return native.build("cutoff-guard", units, ("-O2", f"-I{native.folder_of(COMPONENT)}"))


def _baseline_program() -> Path:
    """Return the baseline's program, built when there is none of these sources and this ESPHome yet."""
    sources = [HERE / name for name in ("baseline.yaml", "baseline.h", "baseline.cpp", "world.h")]
    digest = hashlib.sha256(_output(["g++", "--version"]).encode())
    for path in (Path(__file__), *sources, ROOT / "requirements" / "firmware.txt"):
        digest.update(path.read_bytes() + b"\0")
    built = PROGRAMS / f"baseline-{digest.hexdigest()[:16]}"
    if built.exists():
        return built
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in sources:
            shutil.copy(source, folder)
        # The host platform does not optimise by itself.
        optimising = {**os.environ, "CC": "gcc -O2", "CXX": "g++ -O2"}
        done = subprocess.run(
            [program("firmware", "esphome"), "compile", "baseline.yaml"],
            check=False,
            cwd=folder,
            env=optimising,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"ESPHome could not build the baseline:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        fresh = built.with_suffix(f".{os.getpid()}")
        shutil.copy2(next(path for path in folder.rglob("program") if path.is_file()), fresh)
        fresh.rename(built)
    return built


def _output(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | (environment or {}))
    return done.stdout
