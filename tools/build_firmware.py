"""Builds the outlet's firmware as a program for this machine: esphome/devices/host.yaml with other settings.

    .venv/firmware/bin/python tools/build_firmware.py --name outlet-1 --set load_w=3000 --set idle_time=10s

prints the path of the program on standard output; --device takes another file for this machine. With --sanitize the
program watches its own memory and arithmetic (AddressSanitizer, UndefinedBehaviorSanitizer, the C++ library's
assertions) and ends at the first fault. Programs are cached in build/firmware/ by the hash of everything that goes into
them; two builds at a time never meet. Needs nothing but the standard library and `esphome`.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "esphome"
BUILDS = ROOT / "build" / "firmware"
DEVICES = Path("esphome") / "devices"
DEVICE = "host"
ESPHOME = ROOT / ".venv" / "firmware" / "bin" / "esphome"
# No recovery: a fault that is only written to a log passes for a success.
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -D_GLIBCXX_ASSERTIONS"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")
_TOLD_AFTER_S = 2.0
_LINES_OF_A_FAILURE = 40


class BuildError(Exception):
    """The firmware could not be built; the message says why."""


def build(name: str, settings: dict[str, str], *, device: str = DEVICE, sanitize: bool = False) -> Path:
    """Return the program of the outlet `name`, building it when there is none of these inputs yet (about 30 s).

    `settings` are substitutions of esphome/devices/<device>.yaml; `sanitize` builds with SANITIZERS. Raises BuildError
    with the reason when a name or a setting is wrong or ESPHome refuses.
    """
    if not _NAME.fullmatch(name):
        raise BuildError(f"'{name}' is no device name: 1 to 24 characters of a-z 0-9 -, not at the ends")
    _check_settings(device, settings)
    substitutions = {"name": name, **settings}
    flags = SANITIZERS if sanitize else ""
    folder = BUILDS / _digest(device, substitutions, flags)
    program = folder / "program"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / "lock", name):
        if not program.exists():
            _compile(device, substitutions, flags, folder)
    return program


def _check_settings(device: str, settings: dict[str, str]) -> None:
    path = _file_of(device)
    if not path.is_file():
        raise BuildError(f"there is no device {path}")
    known = _substitutions(path)
    if device == DEVICE:
        known |= _substitutions(SOURCES / "packages" / "charging_outlet.yaml")
    if unknown := sorted(settings.keys() - known):
        raise BuildError(f"unknown setting {', '.join(unknown)}; there are {', '.join(sorted(known))}")


def _file_of(device: str) -> Path:
    return ROOT / DEVICES / f"{device}.yaml"


def _substitutions(path: Path) -> set[str]:
    return set(re.findall(r"^  (\w+):", _section(path.read_text(), "substitutions"), re.MULTILINE))


def _section(text: str, name: str) -> str:
    """Return what stands indented under a key of the top level."""
    match = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return match[1] if match else ""


def _digest(device: str, substitutions: dict[str, str], flags: str) -> str:
    """Return a hash of all that goes into a program: sources, settings, ESPHome, the compiler and its flags."""
    digest = hashlib.sha256()
    digest.update(json.dumps([_esphome_version(), _compiler(), flags, device, substitutions], sort_keys=True).encode())
    for path in _sources():
        digest.update(f"{path.relative_to(SOURCES)}\0".encode())
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _sources() -> list[Path]:
    suffixes = {".yaml", ".py", ".h", ".cpp"}
    return sorted(path for path in SOURCES.rglob("*") if path.suffix in suffixes and not _is_leftover(path))


def _is_leftover(path: Path) -> bool:
    """Whether a file is somebody's secret or made by a tool."""
    folders = path.relative_to(SOURCES).parent.parts
    return path.name == "secrets.yaml" or any(folder.startswith((".", "__")) for folder in folders)


def _esphome_version() -> str:
    """Return the version as the environment's own metadata tell it: asking the program would take a second."""
    found = sorted(_esphome().parent.parent.glob("lib/python*/site-packages/esphome-*.dist-info"))
    return found[-1].name if found else _output([str(_esphome()), "version"])


def _compiler() -> str:
    if shutil.which("g++") is None:
        raise BuildError("there is no g++ here; on Debian: apt-get install g++")
    return _output(["g++", "--version"]).splitlines()[0]


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _esphome() -> Path:
    beside = Path(sys.executable).with_name("esphome")
    for candidate in (beside, ESPHOME):
        if candidate.exists():
            return candidate
    raise BuildError("ESPHome is not installed; `tools/setup firmware` does it")


@contextmanager
def _alone(lock: Path, name: str) -> Iterator[None]:
    """Hold a lock between processes; says so when it has to wait."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another build of {name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(device: str, substitutions: dict[str, str], flags: str, folder: Path) -> None:
    """Compile in a copy of the sources, so that the source tree stays clean, and put the program into its place."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    for path in _sources():
        copy = work / "esphome" / path.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = [str(_esphome())]
    for key, value in sorted(substitutions.items()):
        command += ["--substitution", key, value]
    log = folder / "build.log"
    # ESPHome compiles and links with what these name, arguments included.
    compilers = {"CC": f"gcc {flags}", "CXX": f"g++ {flags}"} if flags else {}
    _run([*command, "compile", str(DEVICES / f"{device}.yaml")], compilers, work, log, substitutions["name"])
    built = [path for path in work.rglob("program") if path.is_file() and os.access(path, os.X_OK)]
    if len(built) != 1:
        raise BuildError(f"ESPHome left no program; its messages are in {log}")
    fresh = folder / "program.new"
    shutil.copy2(built[0], fresh)
    fresh.rename(folder / "program")
    shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str], env: dict[str, str], work: Path, log: Path, name: str) -> None:
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=work, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            process.wait(_TOLD_AFTER_S)
        except subprocess.TimeoutExpired:
            _say(f"building the firmware of {name} (about 30 s, cached afterwards)")
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-_LINES_OF_A_FAILURE:])
        raise BuildError(f"ESPHome could not build {name}:\n{end}\n(all of it: {log})")
    _say(f"built the firmware of {name} in {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    print(f"firmware: {text}", file=sys.stderr, flush=True)


def _setting(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise argparse.ArgumentTypeError(f"'{text}' is not key=value")
    return key, value


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Build the outlet's firmware for this machine; prints the program's path."
    )
    parser.add_argument("--name", required=True, help="device name, for instance outlet-1")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="a substitution of the device file, or of esphome/packages/charging_outlet.yaml; may be repeated",
    )
    parser.add_argument("--device", default=DEVICE, help="file in esphome/devices, without .yaml; host unless said")
    parser.add_argument("--sanitize", action="store_true", help="end at the first memory fault or undefined behaviour")
    arguments = parser.parse_args()
    try:
        print(build(arguments.name, dict(arguments.settings), device=arguments.device, sanitize=arguments.sanitize))
    except BuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
