"""A day of a site in a process of its own, as fast as it goes; `make bench ONLY=site_week` is its long form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from firmware import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.usefixtures("socket_enabled")
def test_after_a_day_of_faults_statistics_and_sessions_say_what_the_meters_have_seen(tmp_path: Path) -> None:
    paths = os.pathsep.join(str(path) for path in (ROOT, HERE, ROOT / "tools"))
    done = subprocess.run(
        [sys.executable, HERE / "week.py", tmp_path, "1", "3", "1", str(free_port())],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert found["unexplained"] == []
    # It was a day on which something happened.
    assert found["sessions"]["listed"] > 5
    assert found["happened"].keys() >= {"own sessions", "links lost", "power cuts", "memories lost", "restarts"}
