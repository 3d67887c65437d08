"""The simulated world behind the host build: each fault and each quantity does what it says, seen from outside."""

import asyncio
import math
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from build_firmware import build
from rig.outlet import Watcher

from .conftest import Device
from .counting import COUNTING, READING_S


@pytest.fixture(scope="session")
def firmware() -> Path:
    """The program whose meter is read more often: these tests wait for many readings."""
    return build(COUNTING.settings)


async def readings(watcher: Watcher, name: str, count: int) -> list[float]:
    """Return the next values that an entity gets, the same value again included."""
    values: list[float] = []
    watch = watcher.follow(name)
    async with asyncio.timeout(count * READING_S + 5):
        while len(values) < count:
            value = await watch.get()
            assert isinstance(value, float)
            values.append(value)
    return values


async def grown(watcher: Watcher, name: str, by: float) -> None:
    """Wait until a sensor shows so much more than now."""
    before = watcher.number(name)
    await watcher.until(lambda _: watcher.number(name) >= before + by)


async def charging(device: Device) -> Watcher:
    """Start a session and wait until the meter has seen its power."""
    await device.start()
    await device.watcher.until(lambda _: device.watcher.number("power") > 2000)
    return device.watcher


# --- the actions themselves


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("wattage", 1, "there are power_w, ramp_s"),
        ("", 1, "there are"),
        ("power_w", -1, "power_w must be 0 to 20000"),
        ("power_w", 20001, "power_w must be 0 to 20000"),
        ("power_w", math.nan, "power_w must be"),
        ("meter_gain", math.inf, "meter_gain must be 0 to 10"),
        ("plugged", 2, "plugged must be 0 or 1"),
        ("plugged", 0.5, "plugged must be 0 or 1"),
        ("counter_step_wh", 0, "counter_step_wh must be 0.0001 to 1"),
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(device: Device, key: str, value: float, says: str) -> None:
    before = dict(device.watcher.states)
    with pytest.raises(RuntimeError, match=rf"^bad_argument: {says}"):
        await device.watcher.set_load(key, value)
    assert {name: device.watcher.states[name] for name in KNOBS} == {name: before[name] for name in KNOBS}


KNOBS = ("load_power", "load_plugged", "load_relay_welded", "load_meter_silent")


@pytest.mark.parametrize(
    "points",
    [
        [(0, 1000), (0, 2000)],
        [(5, 1000), (1, 2000)],
        [(-1, 1000)],
        [(0, -5)],
        [(0, math.nan)],
        [(math.inf, 1)],
        [(float(second), 1.0) for second in range(257)],
    ],
    ids=["standing", "falling", "early", "negative", "no-number", "endless", "long"],
)
async def test_what_is_no_curve_is_refused(device: Device, points: list[tuple[float, float]]) -> None:
    with pytest.raises(RuntimeError, match=r"^bad_argument: as many watts as seconds"):
        await device.watcher.curve(points)


async def test_entities_and_actions_are_two_ways_to_the_same_setting(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("plugged", 0)
    await watcher.set_load("power_w", 1234)
    await watcher.set_load("meter_silent", 1)
    await watcher.until(lambda states: states["load_meter_silent"] is True)
    assert (watcher.states["load_plugged"], watcher.states["load_power"]) == (False, 1234)
    watcher.plug(True)
    await watcher.until(lambda states: states["load_plugged"] is True)


# --- the car and the line


async def test_the_power_follows_a_curve_from_the_closing_of_the_contact_on(device: Device) -> None:
    watcher = device.watcher
    await watcher.curve([(0, 0), (4, 4000), (5, 1000)])
    before = watcher.number("load_energy")
    await device.start()
    await watcher.until(lambda _: watcher.number("session_time") >= 6)
    await grown(watcher, "load_energy", 0.1)
    # Areas under the curve: 4 s × 2000 W, 1 s × 2500 W, then 1000 W.
    seconds_after = (watcher.number("load_energy") - before - (8000 + 2500) / 3600) * 3600 / 1000
    assert 1 <= seconds_after <= 4
    assert (await readings(watcher, "power", 1))[0] == pytest.approx(1000, abs=20)
    await watcher.curve([])
    await readings(watcher, "power", 1)
    assert (await readings(watcher, "power", 1))[0] == pytest.approx(3000, abs=20)


async def test_the_power_ramps_up_at_every_closing(device: Device) -> None:
    await device.watcher.set_load("ramp_s", 4)
    await device.start()
    powers = [power for power in await readings(device.watcher, "power", 20) if power > 50]
    assert all(later > earlier - 20 for earlier, later in pairwise(powers))
    assert powers[0] < 500
    assert powers[-1] == pytest.approx(3000, abs=20)


async def test_a_battery_that_gets_full_takes_less_and_less(device: Device) -> None:
    await device.watcher.set_load("taper_after_wh", 1)
    await device.watcher.set_load("taper_wh", 1)
    watcher = await charging(device)
    await watcher.until(lambda _: watcher.number("power") < 500)
    assert 1 < watcher.number("load_energy") < 2


async def test_noise_has_the_width_that_is_asked_for(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("noise_w", 0)
    await readings(watcher, "power", 1)
    quiet = await readings(watcher, "power", 2)
    await watcher.set_load("noise_w", 3000)
    await readings(watcher, "power", 1)
    loud = await readings(watcher, "power", 3)
    assert max(quiet) - min(quiet) < 1
    # Each is the mean of some sixteen values: a standard deviation of some 750 W.
    assert max(abs(power - 3000) for power in loud) > 50


async def test_the_line_voltage_is_what_the_meter_shows(device: Device) -> None:
    await device.watcher.set_load("voltage_v", 101)
    watcher = await charging(device)
    await readings(watcher, "current", 1)
    assert watcher.number("voltage") == 101
    assert watcher.number("current") == pytest.approx(3000 / 101, abs=0.5)


async def test_an_unplugged_car_takes_nothing_and_another_one_is_empty(device: Device) -> None:
    await device.watcher.set_load("taper_after_wh", 1)
    await device.watcher.set_load("taper_wh", 0.5)
    watcher = await charging(device)
    await watcher.until(lambda _: watcher.number("power") < 300)
    await watcher.set_load("plugged", 0)
    await watcher.set_load("plugged", 1)
    await watcher.until(lambda _: watcher.number("power") > 2000)


# --- the relay


async def test_a_welded_contact_lets_energy_flow_without_a_session(device: Device) -> None:
    await device.watcher.set_load("relay_welded", 1)
    await grown(device.watcher, "load_energy", 1)
    assert device.watcher.states["relay"] is False


async def test_a_contact_that_does_not_close_lets_nothing_flow(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("relay_stuck_open", 1)
    await device.start()
    await device.state("supplying")
    assert await readings(watcher, "power", 4) == [0] * 4
    assert watcher.number("load_energy") == 0
    await watcher.set_load("relay_stuck_open", 0)
    await grown(watcher, "load_energy", 0.5)


async def test_the_contact_follows_its_command_after_the_delay_and_chance(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("relay_delay_ms", 800)
    await watcher.set_load("relay_jitter_ms", 200)
    await device.start()
    await device.state("supplying")
    closed = monotonic()
    await watcher.set_load("power_w", 10_000)
    await watcher.until(lambda _: watcher.number("load_energy") > 0)
    flowing_s = watcher.number("load_energy") * 3600 / 10_000
    assert 0.5 <= watcher.told_at("load_energy") - closed - flowing_s <= 1.5


# --- the meter


async def test_a_silent_meter_says_nothing_while_energy_flows(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("meter_silent", 1)
    last = watcher.told_at("power")
    await grown(watcher, "load_energy", 1)
    assert watcher.told_at("power") == last


async def test_a_frozen_meter_repeats_its_last_reading_while_energy_flows(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("meter_frozen", 1)
    # Nothing new comes from now on.
    frozen, counter = watcher.number("power"), watcher.number("meter_energy")
    watcher.draw(1000)
    before = watcher.number("load_energy")
    assert await readings(watcher, "power", 3) == [frozen] * 3
    assert watcher.number("meter_energy") == counter
    assert watcher.number("load_energy") > before
    await watcher.set_load("meter_frozen", 0)
    await readings(watcher, "meter_energy", 1)
    assert watcher.number("meter_energy") == pytest.approx(watcher.number("load_energy"), abs=0.002)


async def test_a_meter_without_a_number_says_so(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("meter_nan", 1)
    assert all(math.isnan(power) for power in await readings(watcher, "power", 2))
    await readings(watcher, "meter_energy", 1)
    assert all(math.isnan(watcher.number(name)) for name in ("voltage", "current", "meter_energy"))


async def test_a_reversed_meter_shows_negative_power_and_counts_on(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("meter_reversed", 1)
    assert (await readings(watcher, "power", 1))[0] == pytest.approx(-3000, abs=20)
    await grown(watcher, "meter_energy", 0.5)


async def test_a_stuck_meter_shows_one_value_whatever_flows(device: Device) -> None:
    watcher = await charging(device)
    await watcher.set_load("meter_stuck_w", -4321)
    await watcher.set_load("meter_stuck", 1)
    assert await readings(watcher, "power", 2) == [-4321, -4321]
    await watcher.set_load("meter_stuck", 0)
    await readings(watcher, "power", 1)
    assert (await readings(watcher, "power", 1))[0] == pytest.approx(3000, abs=20)


async def test_a_gain_error_goes_into_power_and_counter(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("meter_gain", 0.5)
    await device.start()
    await watcher.until(lambda _: watcher.number("load_energy") > 2)
    assert (await readings(watcher, "power", 1))[0] == pytest.approx(1500, abs=20)
    await readings(watcher, "meter_energy", 1)
    assert watcher.number("meter_energy") == pytest.approx(watcher.number("load_energy") / 2, rel=0.01)


async def test_the_counter_counts_in_its_steps_wraps_and_starts_again(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("counter_step_wh", 0.25)
    await watcher.set_load("counter_wrap_wh", 2)
    await device.start()
    counts = await readings(watcher, "meter_energy", 20)
    assert all(count % 0.25 == 0 and count < 2 for count in counts)
    assert any(later < earlier for earlier, later in pairwise(counts))
    await watcher.set_load("counter_wrap_wh", 0)
    await watcher.set_load("counter_wh", 500)
    assert 500 <= (await readings(watcher, "meter_energy", 1))[0] < 502


async def test_the_counter_agrees_with_what_has_flowed(device: Device) -> None:
    watcher = await charging(device)
    await grown(watcher, "load_energy", 3)
    await readings(watcher, "meter_energy", 1)
    assert watcher.number("meter_energy") == pytest.approx(watcher.number("load_energy"), abs=0.002)


async def test_the_counter_is_told_after_the_power_or_before_it(device: Device) -> None:
    watcher = device.watcher
    await readings(watcher, "meter_energy", 2)
    assert watcher.told_at("power") < watcher.told_at("meter_energy")
    await watcher.set_load("counter_first", 1)
    await readings(watcher, "power", 2)
    assert watcher.told_at("meter_energy") < watcher.told_at("power")


# --- thermometer, button, lamp and buzzer


async def test_the_contacts_warm_up_with_the_square_of_the_power(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("ambient_c", 20)
    await watcher.set_load("heat_time_s", 0.1)
    await watcher.set_load("heat_k_per_kw2", 5)
    await charging(device)
    await watcher.until(lambda states: states["temperature"] == pytest.approx(20 + 5 * 9, abs=0.5))
    watcher.draw(1000)
    await watcher.until(lambda states: states["temperature"] == pytest.approx(20 + 5, abs=0.5))


async def test_a_temperature_can_be_held_and_the_thermometer_broken(device: Device) -> None:
    watcher = device.watcher
    await watcher.set_load("heat_time_s", 0.1)
    await watcher.set_load("temperature_c", 70)
    assert await readings(watcher, "temperature", 2) == [70, 70]
    await watcher.set_load("temperature_nan", 1)
    assert math.isnan((await readings(watcher, "temperature", 1))[0])
    await watcher.set_load("temperature_nan", 0)
    await watcher.set_load("temperature_held", 0)
    await watcher.until(lambda states: states["temperature"] == pytest.approx(25, abs=0.1))


async def test_the_button_is_down_for_so_long_as_it_is_pressed(device: Device) -> None:
    watcher = device.watcher
    assert watcher.states["button"] is False
    await watcher.press(300)
    await watcher.until(lambda states: states["button"] is True)
    down = watcher.told_at("button")
    await watcher.until(lambda states: states["button"] is False)
    assert 0.15 <= watcher.told_at("button") - down <= 0.8


async def test_a_press_that_was_there_before_the_session_does_not_end_it(device: Device) -> None:
    watcher = device.watcher
    await watcher.press(600)
    await watcher.until(lambda states: states["button"] is True)
    await charging(device)
    await watcher.until(lambda states: states["button"] is False)
    assert watcher.states["session_state"] == "supplying"
    await watcher.press(200)
    await watcher.until(lambda states: states["session_state"] == "ended")
    assert watcher.states["end_reason"] == "Local"


async def test_the_lamp_is_seen_blinking(device: Device) -> None:
    watcher = device.watcher
    await watcher.act("identify", seconds=2)
    flashes = watcher.follow("load_led")
    async with asyncio.timeout(5):
        seen = [await flashes.get() for _ in range(4)]
    assert seen in ([True, False] * 2, [False, True] * 2)
    assert watcher.states["load_buzzer"] is False
