"""A network of its own for what runs whole sites.

Outlets tell the network where they are, and a site goes after an outlet that it knows: two lines on one machine, or in
one house, would find each other's.
"""

import os
import shutil
import subprocess
import sys
from typing import Final

from rig.line import to_stderr

_MARK: Final = "KONSENTO_BENCH_APART"
_UNSHARE: Final = ("unshare", "--map-root-user", "--net")
_UP: Final = 'ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo; exec "$@"'


def go_apart() -> None:
    """Go on as the same program in a network namespace; returns there, or here where there can be none."""
    if _MARK in os.environ:
        return
    if shutil.which(_UNSHARE[0]) is None or subprocess.run([*_UNSHARE, "true"], check=False).returncode:
        to_stderr("no network namespace here: other lines in this network may be found, and find these outlets")
        return
    command = [*_UNSHARE, "sh", "-c", _UP, "sh", sys.executable, "-m", "tests.bench", *sys.argv[1:]]
    os.execvpe(command[0], command, {**os.environ, _MARK: "1"})  # noqa: S606  # none is needed
