"""The guard and its parts as native programs: millions of steps that a scripting language would not get through."""

import subprocess

from .core import NATIVE, compile_objects, link, sources


def test_the_native_tests_pass() -> None:
    program = link(compile_objects([*sorted(NATIVE.glob("*.cpp")), *sources()]), "native", shared=False)
    done = subprocess.run([program, "--no-intro"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
