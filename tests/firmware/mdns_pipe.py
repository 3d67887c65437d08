"""The multicast DNS responder as a program of its own, under sanitizers, on a virtual clock."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "esphome" / "components" / "host_mdns"
MAIN = Path(__file__).with_name("mdns_pipe.cpp")
UNITS = ("dns_packet.cpp", "dns_records.cpp", "responder.cpp")
# A byte too far, or undefined behaviour, ends the program instead of going unseen.
FLAGS = ["-std=c++20", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


@cache
def program() -> Path:
    """Return the program, compiled when its sources changed."""
    sources = [MAIN, *sorted(COMPONENT.glob("*.h")), *(COMPONENT / name for name in UNITS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    built = ROOT / "build" / "firmware" / f"mdns-pipe-{digest}"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(f".{id(built)}")
        units = [str(path) for path in sources if path.suffix == ".cpp"]
        subprocess.run(["g++", *FLAGS, *WARNINGS, "-o", str(fresh), *units], check=True)
        fresh.rename(built)
    return built


class Responder:
    """A responder of outlet-1 at 192.0.2.7 and 192.0.2.8 with the service _esphomelib._tcp on port 6053."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def hear(self, now_ms: int, packet: bytes = b"", *, from_mdns: bool = True) -> tuple[bytes, bytes]:
        """Give it a packet, or only time; returns what goes back to the sender and what goes to everybody."""
        return self._say(f"{now_ms} {int(from_mdns)} {packet.hex() or '-'}")

    def goodbye(self) -> bytes:
        """Return what it says to everybody at its end."""
        return self._say("goodbye")[1]

    def _say(self, line: str) -> tuple[bytes, bytes]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        assert len(answer) == 2, f"the responder died of: {line}"
        alone, everybody = (b"" if part == "-" else bytes.fromhex(part) for part in answer)
        return alone, everybody


@contextmanager
def responder() -> Iterator[Responder]:
    """Run a responder; asserts that no sanitizer found anything."""
    process = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Responder(process)
    finally:
        process.communicate(timeout=10)
    assert process.returncode == 0
