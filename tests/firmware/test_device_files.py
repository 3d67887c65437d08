"""The device files as their users meet them: ESPHome accepts them, and says clearly what is wrong with a bad one."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from build_firmware import DEVICES as HOST_DEVICES
from build_firmware import ESPHOME, ROOT, SOURCES

GENERATE = Path(__file__).with_name("generate.py")
PAGES = ROOT / "docs" / "devices"
NO_DEVICES = {*HOST_DEVICES, "secrets", "secrets.example"}
DEVICES = sorted(path.stem for path in (SOURCES / "devices").glob("*.yaml") if path.stem not in NO_DEVICES)
METERS = sorted(path.stem for path in (SOURCES / "packages" / "meters").glob("*.yaml"))
DIY = "esp32-bl0937"
WIRED_SO = re.compile(r"WARNING (GPIO\d+) is (?:a strapping pin|used by the USB)")
"""What ESPHome warns of where a maker has wired a button or an LED to such a pin."""


@dataclass(frozen=True)
class Generated:
    """What ESPHome made of a device file."""

    code: str
    said: str
    accepted: bool


def copy_of_the_sources(folder: Path) -> Path:
    """Return the device files in a copy, with the example's secrets."""
    copy = folder / "esphome"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "secrets.yaml"))
    shutil.copyfile(copy / "devices" / "secrets.example.yaml", copy / "devices" / "secrets.yaml")
    return copy / "devices"


def generate(path: Path, *settings: str) -> Generated:
    """Generate the code of a device file, with the component of this tree."""
    command = [ESPHOME.with_name("python"), GENERATE, path, "components=../components", *settings]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    accepted = done.returncode == 0
    return Generated(done.stdout, done.stderr if accepted else done.stderr + done.stdout, accepted)


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A copy of the device files with the example's secrets."""
    return copy_of_the_sources(tmp_path)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Generated]:
    """The code of every device."""
    folder = copy_of_the_sources(tmp_path_factory.mktemp("devices"))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(DEVICES, pool.map(lambda name: generate(folder / f"{name}.yaml"), DEVICES), strict=True))


def test_there_are_devices_to_buy_for_every_chip() -> None:
    used = {match for name in DEVICES for match in re.findall(r"meters/(\w+)\.yaml", _text(name))}
    assert len(DEVICES) >= 10
    assert used == set(METERS) - {"bl0940"}


@pytest.mark.parametrize("name", DEVICES)
def test_code_is_generated_for_every_device(generated: dict[str, Generated], name: str) -> None:
    made = generated[name]
    assert made.accepted, made.said
    assert "set_reboot_timeout(0)" in made.code
    assert "set_batch_delay(0)" in made.code
    assert "charging_outlet" in made.code


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_warned_of_only_where_its_maker_wired_it_so_and_its_page_says_it(
    generated: dict[str, Generated], name: str
) -> None:
    warnings = [line for line in generated[name].said.splitlines() if "WARNING" in line]
    page = (PAGES / f"{name}.md").read_text()
    for warning in warnings:
        pin = WIRED_SO.search(warning)
        assert pin, warning
        assert pin[1] in page


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_is_encrypted_recoverable_and_open_after_a_power_cut(
    generated: dict[str, Generated], name: str
) -> None:
    code = generated[name].code
    assert "set_noise_psk" in code
    assert "safe_mode" in code
    assert 1 <= code.count("set_restore_mode(") == code.count("set_restore_mode(switch_::SWITCH_ALWAYS_OFF)")
    # One way to set Wi-Fi, and the one that opens a web server only where there is no other.
    assert ("improv" in code) != ("web_server" in code)


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_can_be_adopted_as_the_version_that_it_is(generated: dict[str, Generated], name: str) -> None:
    version = re.search(r'version: "([\d.]+)"', (SOURCES / "packages" / "charging_outlet.yaml").read_text())
    assert version
    assert f"github://konsento/konsento/esphome/devices/{name}.yaml@v{version[1]}" in generated[name].code


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_saves_so_seldom_that_its_flash_lasts_for_years(
    generated: dict[str, Generated], name: str
) -> None:
    stated = re.search(r"forget (\d+) Wh at most; .* which lasts ([\d.]+) years", generated[name].said)
    assert stated, generated[name].said
    assert float(stated[1]) <= 500
    assert float(stated[2]) >= 2


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_tells_its_rating_as_a_current_where_it_has_one(generated: dict[str, Generated], name: str) -> None:
    code = generated[name].code
    assert code.count("->set_max_power_sensor(") == 1
    assert code.count("->set_max_current_sensor(") == (0 if ".max_current_ma = 0," in code else 1)


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_has_a_page_that_says_what_it_may_carry(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    watts = re.search(r"max_power: (\d+)W", _text(name))
    assert watts
    assert f"{int(watts[1]):,} W" in page
    assert f"[{name}]({name}.md)" in (PAGES / "index.md").read_text()
    for heading in ("## Rating", "## Wiring", "## Flashing", "## Calibration", "## Limits"):
        assert heading in page


@pytest.mark.parametrize("meter", METERS)
def test_every_meter_package_works_on_a_board_of_ones_own(devices: Path, meter: str) -> None:
    path = devices / f"{DIY}.yaml"
    path.write_text(path.read_text().replace("meters/bl0937.yaml", f"meters/{meter}.yaml"))
    pins = {
        "meter_tx_pin": 17, "meter_rx_pin": 16, "meter_sda_pin": 21, "meter_scl_pin": 22, "meter_irq_pin": 19,
        "meter_pulse_pin": 32,
    }  # fmt: skip
    made = generate(path, "max_current=10A", *(f"{name}=GPIO{pin}" for name, pin in pins.items()))
    assert made.accepted, made.said


def test_a_file_of_ones_own_takes_a_device_from_a_repository(tmp_path: Path) -> None:
    repository = tmp_path / "konsento"
    copy_of_the_sources(repository)
    (repository / "esphome" / "devices" / "secrets.yaml").unlink()
    for command in (["init", "-q", "-b", "v1"], ["add", "."], ["commit", "-q", "-m", "release"]):
        name = ["-c", "user.name=release", "-c", "user.email=release@example.com"]
        subprocess.run(["git", *name, *command], cwd=repository, check=True)
    own = tmp_path / "own"
    own.mkdir()
    shutil.copyfile(SOURCES / "devices" / "secrets.example.yaml", own / "secrets.yaml")
    (own / "outlet-7.yaml").write_text(f"""\
substitutions:
  name: outlet-7
  max_power: 1500W
packages:
  konsento:
    url: file://{repository}
    ref: v1
    files: [esphome/devices/shelly-1pm-gen3.yaml]
""")
    made = generate(own / "outlet-7.yaml", f"components={repository}/esphome/components")
    assert made.accepted, made.said
    assert ".max_power_mw = 1500000" in made.code


@pytest.mark.parametrize("name", HOST_DEVICES)
def test_nothing_but_esphome_is_needed_for_the_simulated_outlets(devices: Path, name: str) -> None:
    (devices / "secrets.yaml").unlink()
    command = [ESPHOME, "config", f"{name}.yaml"]
    done = subprocess.run(command, cwd=devices, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


METER, RELAY, CORE = "meters/bl0937.yaml", "relay.yaml", "charging_outlet.yaml"


@pytest.mark.parametrize(
    ("package", "good", "bad", "says"),
    [
        (RELAY, "    internal: true\n", "    name: Relay switch\n", "would bypass the sessions"),
        (RELAY, "ALWAYS_OFF", "RESTORE_DEFAULT_ON", "after a power cut it has to be open"),
        (METER, "- multiply: ${power_factor}\n    energy", "- throttle: 10s\n    energy", "energy would be missed"),
        (METER, "update_interval: 1s", "update_interval: 60s", "a reading at least every 2 s"),
        (METER, "  energy: meter_energy\n", "", "give its 'energy' too"),
        (METER, "      internal: true\n", "      internal: true\n      unit_of_measurement: J\n", "count in Wh or kWh"),
        (METER, "  reading: mean\n", "  reading: mean\n  current: meter_power\n", "belong together"),
        (METER, "  power: meter_power\n", "  power: no_such_sensor\n", "no_such_sensor"),
        (CORE, "${thermal_time}", "1h", "thermal_time"),
        (CORE, "${save_energy}", "5Wh", "save_energy"),
        (CORE, "${save_interval}", "1s", "save_interval"),
        (CORE, "${max_cycles_per_hour}", "1", "max_cycles_per_hour"),
        (CORE, "${meter_timeout}", "1h", "meter_timeout"),
        (CORE, "${start_timeout}", "soon", "start_timeout"),
    ],
)  # fmt: skip
def test_a_dangerous_or_nonsensical_outlet_is_refused(
    devices: Path, package: str, good: str, bad: str, says: str
) -> None:
    path = devices.parent / "packages" / package
    text = path.read_text()
    assert text.count(good) == 1
    path.write_text(text.replace(good, bad))
    made = generate(devices / f"{DIY}.yaml")
    assert not made.accepted
    assert says in " ".join(made.said.split())


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("max_power=50kW", "max_power"),
        ("max_power=lots", "max_power"),
        ("idle_time=10ms", "idle_time"),
        ("relay_pin=no_pin", "no_pin"),
    ],
)
def test_a_nonsensical_setting_is_refused(devices: Path, setting: str, says: str) -> None:
    made = generate(devices / f"{DIY}.yaml", setting)
    assert not made.accepted
    assert says in made.said


def test_a_device_whose_flash_would_not_last_a_year_is_refused(devices: Path) -> None:
    made = generate(devices / "nous-a1t.yaml", "save_energy=20Wh")
    assert not made.accepted
    assert "worn out within a year" in " ".join(made.said.split())


def _text(name: str) -> str:
    return (SOURCES / "devices" / f"{name}.yaml").read_text()
