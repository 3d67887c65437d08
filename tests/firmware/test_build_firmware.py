"""tools/build_firmware.py: what the rest of the tests and the demo rely on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from build_firmware import ROOT, SOURCES, BuildError, build

from .conftest import SPEC

TOOL = [sys.executable, str(ROOT / "tools" / "build_firmware.py")]


def test_a_program_is_built_once(firmware: Path) -> None:
    before = firmware.stat().st_mtime_ns
    assert build(dict(reversed(SPEC.settings.items()))) == firmware
    assert firmware.stat().st_mtime_ns == before


def test_the_path_alone_goes_to_standard_output(firmware: Path) -> None:
    settings = [part for key, value in SPEC.settings.items() for part in ("--set", f"{key}={value}")]
    done = subprocess.run([*TOOL, *settings], capture_output=True, text=True, check=True)
    assert done.stdout == f"{firmware}\n"
    assert done.stderr == ""


def test_calls_at_the_same_time_get_the_same_program(firmware: Path) -> None:
    settings = [part for key, value in SPEC.settings.items() for part in ("--set", f"{key}={value}")]
    calls = [subprocess.Popen([*TOOL, *settings], stdout=subprocess.PIPE) for _ in range(4)]
    assert {call.communicate()[0].decode().strip() for call in calls} == {str(firmware)}


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    done = subprocess.run([*TOOL, "--set", "wattage=1"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unknown setting wattage" in done.stderr
    assert "load_w" in done.stderr


def test_a_plug_has_no_settings_of_the_firmware() -> None:
    with pytest.raises(BuildError, match=r"unknown setting idle_time; there are .*load_w.*restore_mode"):
        build({"idle_time": "10s"}, device="host_plain")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(BuildError, match="there is no device nous-a1t; there are host, host_plain"):
        build({}, device="nous-a1t")


def test_a_setting_that_esphome_refuses_is_reported_with_its_words_and_leaves_the_sources_clean() -> None:
    before = set(SOURCES.rglob("*"))
    with pytest.raises(BuildError, match="idle_time"):
        build({"idle_time": "soon"})
    assert set(SOURCES.rglob("*")) == before


def started_with(variable: str, value: str, program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a program that is to end by itself."""
    env = {**os.environ, variable: value, "ESPHOME_PREFDIR": str(folder)}
    return subprocess.run([program], env=env, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "80 "])
def test_a_program_without_a_proper_port_does_not_start(firmware: Path, tmp_path: Path, port: str) -> None:
    done = started_with("KONSENTO_API_PORT", port, firmware, tmp_path)
    assert done.returncode == 2
    assert "is no port" in done.stdout + done.stderr


@pytest.mark.parametrize("mac", ["", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:01:"])
def test_a_program_without_a_proper_mac_address_does_not_start(firmware: Path, tmp_path: Path, mac: str) -> None:
    done = started_with("KONSENTO_MAC_ADDRESS", mac, firmware, tmp_path)
    assert done.returncode == 2
    assert "is no MAC address" in done.stderr
