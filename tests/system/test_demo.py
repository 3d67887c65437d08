"""The demo does the main job by itself and leaves nothing behind."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from rig.paths import ROOT

pytestmark = [pytest.mark.timeout(240)]

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


async def test_demo_once_prints_one_json_object_last_and_leaves_no_process(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "rig.demo", "--once", "--json", "--limit", "energy=3", "--keep", str(tmp_path)),
        cwd=ROOT / "tools",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    report = json.loads(out.decode().splitlines()[-1])
    assert report.keys() >= KEYS
    assert report["delivered_wh"] == pytest.approx(3, abs=0.5)
    assert report["relay_closed_at_end"] is False
    assert report["site_saw_user_identity"] is False
    assert _processes_that_name(str(tmp_path)) == []


def _processes_that_name(text: str) -> list[str]:
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process.name for process in processes if text.encode() in (process / "environ").read_bytes()]
