"""Compiles the part of the component that knows no ESPHome, for tests on this machine."""

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "esphome" / "components" / "charging_outlet"
NATIVE = Path(__file__).with_name("native")
BUILDS = ROOT / "build" / "firmware" / "core"
GLUE = {"charging_outlet", "zero_cross_pin"}
"""What needs ESPHome."""
# Undefined behaviour ends the test run instead of going unseen.
FLAGS = ["-std=c++20", "-O1", "-g", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def sources() -> list[Path]:
    """Return the component's files of C++ that need no ESPHome."""
    return sorted(path for path in COMPONENT.glob("*.cpp") if path.stem not in GLUE)


@cache
def _headers() -> bytes:
    return b"".join(path.read_bytes() for path in sorted(COMPONENT.glob("*.h")))


def compile_objects(units: list[Path]) -> list[Path]:
    """Return the objects of these files; each is compiled when it, or a header, changed."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_compile, units))


def _compile(unit: Path) -> Path:
    digest = hashlib.sha256(_headers() + unit.read_bytes() + " ".join(FLAGS).encode()).hexdigest()[:16]
    built = BUILDS / f"{unit.stem}-{digest}.o"
    if not built.exists():
        _run(["g++", *FLAGS, *WARNINGS, "-c", str(unit)], built)
    return built


def link(objects: list[Path], name: str, *, shared: bool) -> Path:
    """Return the program, or the shared library, of these objects."""
    digest = hashlib.sha256(" ".join(path.name for path in objects).encode()).hexdigest()[:16]
    built = BUILDS / f"{name}-{digest}"
    if not built.exists():
        _run(["g++", *FLAGS, *(["-shared"] if shared else []), *map(str, objects)], built)
    return built


def _run(command: list[str], built: Path) -> None:
    # Two test runs at a time never see a half written file.
    fresh = built.with_suffix(f".{id(built)}")
    subprocess.run([*command, "-o", str(fresh)], check=True)
    fresh.rename(built)
