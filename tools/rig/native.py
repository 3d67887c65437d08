"""Compiles what of the firmware knows no ESPHome, for this machine: the guard, the mDNS responder."""

import hashlib
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

from rig.paths import BUILD, ROOT

_BUILDS = BUILD / "firmware" / "native"
_ALWAYS = ("-std=c++20", "-Wall", "-Wextra", "-Werror")


def folder_of(component: str) -> Path:
    """Return the folder of one of our ESPHome components."""
    return ROOT / "esphome" / "components" / component


def sources_of(component: str) -> list[Path]:
    """Return a component's files of C++ that include nothing of ESPHome, neither they nor their headers."""
    return [unit for unit in sorted(folder_of(component).glob("*.cpp")) if not _includes_esphome(unit)]


def _includes_esphome(unit: Path) -> bool:
    texts = [path.read_text() for path in (unit, unit.with_suffix(".h")) if path.exists()]
    return any('#include "esphome/' in text for text in texts)


def compile_objects(units: Sequence[Path], flags: Sequence[str]) -> list[Path]:
    """Return the objects of these files; each is compiled when it, a header beside any of them, or a flag changed."""
    headers = sorted({header for unit in units for header in unit.parent.glob("*.h")})
    common = hashlib.sha256(" ".join((*_ALWAYS, *flags)).encode())
    common.update(subprocess.run(["g++", "--version"], check=True, capture_output=True).stdout)
    for header in headers:
        common.update(header.read_bytes() + b"\0")

    def compile_one(unit: Path) -> Path:
        digest = common.copy()
        digest.update(unit.read_bytes())
        built = _BUILDS / f"{unit.stem}-{digest.hexdigest()[:16]}.o"
        return _made(["g++", *_ALWAYS, *flags, "-c", str(unit)], built)

    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(compile_one, units))


def build(name: str, units: Sequence[Path], flags: Sequence[str], *, shared: bool = False) -> Path:
    """Return the program, or the shared library, of these files. Raises CalledProcessError when they do not compile."""
    objects = compile_objects(units, flags)
    digest = hashlib.sha256(" ".join(path.name for path in objects).encode()).hexdigest()[:16]
    return _made(["g++", *flags, *(["-shared"] if shared else []), *map(str, objects)], _BUILDS / f"{name}-{digest}")


def _made(command: Sequence[str], built: Path) -> Path:
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        # Two at a time never see a half written file.
        fresh = built.with_suffix(f".{id(built)}")
        subprocess.run([*command, "-o", str(fresh)], check=True)
        fresh.rename(built)
    return built
