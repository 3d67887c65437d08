"""The demo does the main job by itself and leaves nothing behind."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from pathlib import Path

import pytest

from rig.paths import ROOT

# In the loop of the shared line, whose links would stand still meanwhile.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

KEYS = {
    "requested_wh",
    "delivered_wh",
    "billed_wh",
    "billed_minor",
    "currency",
    "unit_price",
    "end_reason",
    "overshoot_wh",
    "start_latency_ms",
    "stop_latency_ms",
    "relay_closed_at_end",
    "site_saw_user_identity",
}


@pytest.fixture
def mark() -> str:
    """A word in the environment of the demo, which every process that it starts inherits."""
    return f"KONSENTO_TEST_RUN={uuid.uuid4()}"


async def _demo(mark: str, *options: str) -> asyncio.subprocess.Process:
    name, _, value = mark.partition("=")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "rig.demo", *options),
        cwd=ROOT / "tools",
        env={**os.environ, name: value},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )


def _processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # A process of somebody else, or one that ends just now, cannot be read and is not meant.
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found


async def test_demo_once_prints_one_json_object_last_and_leaves_no_process(mark: str, tmp_path: Path) -> None:
    process = await _demo(mark, "--once", "--json", "--limit", "energy=3", "--keep", str(tmp_path))
    out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    report = json.loads(out.decode().splitlines()[-1])
    assert report.keys() >= KEYS
    assert report["delivered_wh"] == pytest.approx(3, abs=0.5)
    assert report["relay_closed_at_end"] is False
    assert report["site_saw_user_identity"] is False
    assert _processes_with(mark) == []


async def test_demo_runs_until_ctrl_c_which_leaves_no_process(mark: str) -> None:
    process = await _demo(mark)
    assert process.stdout
    shown = ""
    while "Ctrl-C ends everything" not in shown:
        line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        shown += line.decode()
    # The demo itself, four outlets, Home Assistant, two suppliers' servers, portal, platform and computation system.
    assert len(_processes_with(mark)) >= 11
    for word in ("/o/", "driver@example.com", "Portal", "Kaze Denki", "Home Assistant", "Platform", "Computation"):
        assert word in shown

    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    assert _processes_with(mark) == []


async def test_demo_says_in_a_sentence_what_is_wrong_with_its_options(mark: str) -> None:
    for options in (["--limit", "energy"], ["--outlet", "9"], ["--port-base", "80"]):
        process = await _demo(mark, *options)
        _, err = await process.communicate()
        assert process.returncode == 2
        assert "error: argument" in err.decode()
