"""The guard and its parts as native programs: millions of steps that a scripting language would not get through."""

import subprocess
from pathlib import Path

from rig import native

from .guard import CHECKED

TESTS = Path(__file__).with_name("native")


def test_the_native_tests_pass() -> None:
    units = [*sorted(TESTS.glob("*.cpp")), *native.sources_of("charging_outlet")]
    program = native.build("guard-tests", units, CHECKED)
    done = subprocess.run([program, "--no-intro"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
