"""A child process with a log file, which never outlives the program that started it."""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    # Even when this program is killed with -9, nothing that it started may stay behind.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessFailedError(Exception):
    """A process ended although it should have gone on, or did not become ready; holds the end of its log."""


class Process:
    """One program, restartable. Output goes to `log` (appended)."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._env = {**os.environ, **env}
        self._cwd = cwd
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether the program runs now."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The program's process id; raises ProcessFailedError when it was never started."""
        if self._process is None:
            raise ProcessFailedError(f"{self.name} was never started")
        return self._process.pid

    async def start(self) -> None:
        """Start the program."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    async def stop(self, patience: float = 30) -> None:
        """Ask the program to end; kill it after `patience` seconds."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(patience):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill the program and its children with -9, as a power cut would."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def check(self) -> None:
        """Raise ProcessFailedError when the program is not running."""
        if not self.running:
            raise ProcessFailedError(f"{self.name} is not running; {self.log} ends with:\n{self.log_tail()}")

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


async def run(name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> str:
    """Run a program to its end and return its standard output; raises ProcessFailedError with its error output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
        cwd=cwd,
        preexec_fn=_die_with_parent,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise ProcessFailedError(f"{name} ended with {process.returncode}:\n{err.decode(errors='replace')}")
    return out.decode()
