"""The device files as their users meet them: ESPHome accepts them, and says clearly what is wrong with a bad one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from build_firmware import ESPHOME, SOURCES

DEVICE = "esp32-bl0937.yaml"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A copy of the device files with the example's secrets."""
    copy = tmp_path / "esphome"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns(".esphome", "__pycache__", "secrets.yaml"))
    shutil.copyfile(copy / "devices" / "secrets.example.yaml", copy / "devices" / "secrets.yaml")
    return copy / "devices"


def esphome(devices: Path, *arguments: str) -> tuple[int, str]:
    """Run ESPHome; returns its exit code and what it said."""
    done = subprocess.run(
        [ESPHOME, *arguments], cwd=devices, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_the_real_device_is_accepted_without_a_warning(devices: Path) -> None:
    code, said = esphome(devices, "config", DEVICE)
    assert code == 0, said
    assert "WARNING" not in said


def test_code_is_generated_for_the_real_device(devices: Path) -> None:
    code, said = esphome(devices, "compile", "--only-generate", DEVICE)
    assert code == 0, said
    (main,) = devices.rglob("main.cpp")
    code_text = main.read_text()
    assert "charging_outlet::ReadingKind::MEAN" in code_text
    assert ".max_power_mw = 1500000" in code_text
    assert "set_reboot_timeout(0)" in code_text
    assert "set_batch_delay(0)" in code_text


def test_nothing_but_esphome_is_needed_for_the_simulated_outlet(devices: Path) -> None:
    (devices / "secrets.yaml").unlink()
    code, said = esphome(devices, "config", "host.yaml")
    assert code == 0, said


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("    internal: true\n", "    name: Relay switch\n", "would bypass the sessions"),
        ("restore_mode: ALWAYS_OFF", "restore_mode: RESTORE_DEFAULT_ON", "after a power cut it has to be open"),
        ("- multiply: ${power_factor}", "- throttle: 10s", "energy would be missed"),
        ("update_interval: 1s\n    power", "update_interval: 60s\n    power", "a reading at least every 2 s"),
        ("max_power: 1500W", "max_power: 50kW", "max_power"),
        ("max_power: 1500W", "max_power: lots", "max_power"),
        ("reading: mean", "reading: guess", "reading"),
        ("reading: mean", "reading: mean\n  idle_time: 10ms", "idle_time"),
        ("reading: mean", "reading: mean\n  meter_timeout: 1h", "meter_timeout"),
        ("reading: mean", "reading: mean\n  save_interval: -1s", "save_interval"),
        ("power_id: meter_power", "power_id: no_such_sensor", "no_such_sensor"),
    ],
)
def test_a_dangerous_or_nonsensical_device_is_refused(devices: Path, good: str, bad: str, says: str) -> None:
    path = devices / DEVICE
    text = path.read_text()
    assert text.count(good) == 1
    path.write_text(text.replace(good, bad))
    code, said = esphome(devices, "config", DEVICE)
    assert code != 0
    assert says in " ".join(said.split())
