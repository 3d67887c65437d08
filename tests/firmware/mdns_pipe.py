"""The multicast DNS responder as a program of its own, under sanitizers, on a virtual clock."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from rig import native

MAIN = Path(__file__).with_name("mdns_pipe.cpp")
# A byte too far, or undefined behaviour, ends the program instead of going unseen.
CHECKED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@cache
def program() -> Path:
    """Return the program, compiled when its sources changed."""
    return native.build("mdns-pipe", [MAIN, *native.sources_of("host_mdns")], CHECKED)


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
