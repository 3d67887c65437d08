"""Builds the outlet's firmware as a program for this machine: esphome/devices/host.yaml with other settings.

With --device host_plain it is a plug without that firmware: esphome/devices/host_plain.yaml.

    .venv/firmware/bin/python tools/build_firmware.py --set load_w=3000 --set idle_time=10s

prints the path of the program on standard output. With --sanitize the program watches its own memory and arithmetic
(AddressSanitizer, UndefinedBehaviorSanitizer, the C++ library's assertions) and ends at the first fault. Programs are
cached in build/firmware/ by the hash of everything that goes into them; those of one device share a workshop, so that
another setting costs seconds. Two builds at a time never meet. Needs nothing but the standard library and `esphome`.
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
DEVICES = ("host", "host_plain")
ESPHOME = ROOT / ".venv" / "firmware" / "bin" / "esphome"
# No recovery: a fault that is only written to a log passes for a success.
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -D_GLIBCXX_ASSERTIONS"

_TOLD_AFTER_S = 2.0
_LINES_OF_A_FAILURE = 40


class BuildError(Exception):
    """The firmware could not be built; the message says why."""


def build(settings: dict[str, str], *, device: str = "host", sanitize: bool = False) -> Path:
    """Return the program of a device, building it when there is none of these inputs yet (30 s, the next ones 4 s).

    `device` is one of DEVICES, a file in esphome/devices, and `settings` are its substitutions; `sanitize` builds with
    SANITIZERS. Raises BuildError with the reason when a setting is wrong or ESPHome refuses.
    """
    if device not in DEVICES:
        raise BuildError(f"there is no device {device}; there are {', '.join(DEVICES)}")
    source = Path("esphome", "devices", f"{device}.yaml")
    known = _settings_of(ROOT / source)
    if unknown := sorted(settings.keys() - known):
        raise BuildError(f"unknown setting {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    flags = SANITIZERS if sanitize else ""
    tools = [device, _esphome_version(), _compiler(), flags]
    folder = BUILDS / _digest(tools, settings)
    program = folder / "program"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    workshop = BUILDS / f"workshop-{hashlib.sha256(json.dumps(tools).encode()).hexdigest()[:24]}"
    workshop.mkdir(exist_ok=True)
    with _alone(workshop / "lock", device):
        if not program.exists():
            _compile(source, settings, flags, workshop, folder)
    return program


def _settings_of(path: Path) -> set[str]:
    """Return the names of the substitutions of a file and of those that it always includes."""
    text = path.read_text()
    known = set(re.findall(r"^  (\w+):", _section(text, "substitutions"), re.MULTILINE))
    for included in re.findall(r"!include ([\w./-]+)$", text, re.MULTILINE):
        known |= _settings_of(path.parent / included)
    return known


def _section(text: str, name: str) -> str:
    """Return what stands indented under a key of the top level."""
    match = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return match[1] if match else ""


def _digest(tools: list[str], settings: dict[str, str]) -> str:
    """Return a hash of all that goes into a program: device, settings, sources, ESPHome, the compiler and its flags."""
    digest = hashlib.sha256(json.dumps([tools, settings], sort_keys=True).encode())
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
def _alone(lock: Path, device: str) -> Iterator[None]:
    """Hold a lock between processes; says so when it has to wait."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another build of {device}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(device: Path, settings: dict[str, str], flags: str, workshop: Path, folder: Path) -> None:
    """Compile in a copy of the sources, so that the source tree stays clean, and put the program into its place.

    What ESPHome has made for the settings before stays in the copy: it compiles again what differs.
    """
    sources = workshop / "esphome"
    for left in sources.glob("*/*"):
        if left.name != ".esphome":
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    for path in _sources():
        copy = sources / path.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = [str(_esphome())]
    for key, value in sorted(settings.items()):
        command += ["--substitution", key, value]
    log = folder / "build.log"
    # ESPHome compiles and links with what these name, arguments included.
    compilers = {"CC": f"gcc {flags}", "CXX": f"g++ {flags}"} if flags else {}
    _run([*command, "compile", str(device)], compilers, workshop, log, device.stem)
    built = [path for path in workshop.rglob("program") if path.is_file() and os.access(path, os.X_OK)]
    if len(built) != 1:
        raise BuildError(f"ESPHome left no program; its messages are in {log}")
    fresh = folder / "program.new"
    shutil.copy2(built[0], fresh)
    fresh.rename(folder / "program")


def _run(command: list[str], env: dict[str, str], work: Path, log: Path, device: str) -> None:
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=work, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            process.wait(_TOLD_AFTER_S)
        except subprocess.TimeoutExpired:
            _say(f"building the firmware {device} (30 s the first time, 4 s with other settings)")
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-_LINES_OF_A_FAILURE:])
        raise BuildError(f"ESPHome could not build {device}:\n{end}\n(all of it: {log})")
    _say(f"built the firmware {device} in {time.monotonic() - began:.0f} s")


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
    parser.add_argument("--device", choices=DEVICES, default="host", help="file in esphome/devices (host)")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="a substitution of the device or of what it includes; may be repeated",
    )
    parser.add_argument("--sanitize", action="store_true", help="end at the first memory fault or undefined behaviour")
    arguments = parser.parse_args()
    try:
        print(build(dict(arguments.settings), device=arguments.device, sanitize=arguments.sanitize))
    except BuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
