"""What Home Assistant's statistics and its energy dashboard make of outlets, held against what the meters have seen."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from struct import pack, unpack
from types import MappingProxyType

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.sensor import ATTR_STATE_CLASS
from homeassistant.config_entries import ConfigFlowResult, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.restore_state import RestoreStateData
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from parts import FIRST, SECOND, outlet_part
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    RecorderInstanceContextManager,
    WebSocketGenerator,
)
from simulated import ManualClock, SimulatedOutlet
from states import state

LIFETIME = "sensor.a1_lifetime_energy"
START = datetime.fromisoformat("2026-05-04T01:00:00+00:00")
PERIOD = timedelta(minutes=5)


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: RecorderInstanceContextManager) -> None:
    """Prepare the database before Home Assistant is there, as the test plugin wants it."""


@pytest.fixture(autouse=True)
def recorded(recorder_mock: Recorder, freezer: FrozenDateTimeFactory) -> None:
    """Let states be recorded, at times that the test names."""
    freezer.move_to(START)


class Meter:
    """An outlet whose real consumption is known, and what the statistics say about it."""

    def __init__(
        self, hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, freezer: FrozenDateTimeFactory
    ) -> None:
        self.hass = hass
        self.place = place
        self.outlet = outlet
        self.freezer = freezer
        self.wh = [0.0]
        """What has really flowed, by period of 5 minutes."""

    def supply(self, wh: float) -> None:
        """Have some energy flow."""
        self.wh[-1] += wh
        self.outlet.lifetime_mwh += round(wh * 1000)

    async def show(self) -> None:
        """Have the outlet tell its reading."""
        self.freezer.tick(10)
        self.outlet.changed()
        # The site's numbers follow a moment later.
        self.freezer.tick(1)
        await asyncio.sleep(0)
        await self.hass.async_block_till_done()

    async def flow(self, wh: float) -> None:
        """Have some energy flow, and the outlet tell it."""
        self.supply(wh)
        await self.show()

    async def end_period(self) -> None:
        """Compile the statistics of 5 minutes."""
        await async_wait_recording_done(self.hass)
        start = START + (len(self.wh) - 1) * PERIOD
        self.freezer.move_to(start + PERIOD + timedelta(seconds=10))
        do_adhoc_statistics(self.hass, start=start)
        await async_wait_recording_done(self.hass)
        self.wh.append(0.0)

    async def pass_periods(self, number: int = 1, wh: float = 100.0) -> None:
        """Supply steadily."""
        for _ in range(number):
            await self.flow(wh)
            await self.end_period()

    async def reload(self) -> None:
        """Restart the integration, as a restart of Home Assistant does."""
        assert await self.hass.config_entries.async_unload(self.place.entry_id)
        await RestoreStateData.async_save_persistent_states(self.hass)
        assert await self.hass.config_entries.async_setup(self.place.entry_id)
        await self.hass.async_block_till_done()

    async def change(self, statistic: str = LIFETIME) -> list[float]:
        """Return what the statistics say has flowed, Wh by period, up to the one that is not over."""
        rows = await get_instance(self.hass).async_add_executor_job(
            lambda: statistics_during_period(
                self.hass, START - PERIOD, None, {statistic}, "5minute", {"energy": "Wh"}, {"change"}
            )
        )
        by_start = {row["start"]: row.get("change") or 0.0 for row in rows.get(statistic, [])}
        starts = [(START + number * PERIOD).timestamp() for number in range(len(self.wh) - 1)]
        return [round(by_start.get(start, 0.0), 3) for start in starts]


@pytest.fixture
async def meter(
    hass: HomeAssistant, place: MockConfigEntry, outlet: SimulatedOutlet, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Meter]:
    """Return a meter that has run for one period, which gives the statistics their zero point."""
    meter = Meter(hass, place, outlet, freezer)
    await meter.pass_periods(wh=0)
    yield meter
    changes = await meter.change()
    assert changes == [round(wh, 3) for wh in meter.wh[:-1]]
    assert all(change >= 0 for change in changes)


async def add_outlet(meter: Meter, mac: str, evse: int, **more: str) -> None:
    part = outlet_part(mac, evse, **more)
    subentry = ConfigSubentry(
        data=MappingProxyType(part["data"]),
        subentry_type=part["subentry_type"],
        title=part["title"],
        unique_id=part["unique_id"],
    )
    meter.hass.config_entries.async_add_subentry(meter.place, subentry)
    await meter.hass.async_block_till_done()


async def test_what_an_outlet_supplies_is_what_the_statistics_say(meter: Meter) -> None:
    for wh in (0.001, 4.167, 250.0, 0.0, 1234.567):
        await meter.pass_periods(wh=wh)


async def test_whatever_a_device_makes_of_its_register_only_what_flowed_counts(meter: Meter) -> None:
    # Its memory is lost.
    meter.outlet.lifetime_mwh = 0
    await meter.show()
    assert state(meter.hass, LIFETIME) == "5.0"
    await meter.pass_periods(2, wh=12.5)
    assert float(state(meter.hass, LIFETIME)) == pytest.approx(5.025)

    # It is lost and nobody has seen it: what flowed before the first reading counts.
    await meter.pass_periods(1)
    meter.outlet.lifetime_mwh = 0
    meter.supply(30)
    await meter.pass_periods(2, wh=12.5)

    # An older copy is restored: Home Assistant would count it as negative energy.
    await meter.pass_periods(4, wh=1000)
    meter.outlet.lifetime_mwh -= 200_000
    await meter.show()
    await meter.pass_periods(1, wh=12.5)

    # It leaps: nobody can have supplied megawatt hours since the last reading.
    meter.outlet.lifetime_mwh += 3_000_000_000
    await meter.show()
    await meter.pass_periods(1, wh=12.5)
    meter.outlet.lifetime_mwh -= 2_000_000_000
    await meter.show()
    await meter.pass_periods(1, wh=12.5)


async def test_interruptions_neither_lose_nor_add_anything(meter: Meter, tmp_path: Path) -> None:
    # The outlet is away, supplies on its lease, loses power and comes back.
    await meter.pass_periods()
    meter.outlet.set_online(False)
    await meter.end_period()
    meter.supply(150)
    meter.outlet.reboot()
    meter.outlet.set_online(True)
    await meter.pass_periods()

    # Home Assistant restarts while the outlet is away.
    meter.outlet.set_online(False)
    await meter.reload()
    await meter.end_period()
    meter.supply(40)
    meter.outlet.set_online(True)
    await meter.pass_periods(2)

    # The outlet loses its memory, then Home Assistant restarts; then it loses it during the restart.
    meter.outlet.lifetime_mwh = 0
    await meter.pass_periods()
    await meter.reload()
    await meter.pass_periods()
    meter.outlet.set_online(False)
    await meter.reload()
    meter.outlet.lifetime_mwh = 0
    meter.supply(7)
    meter.outlet.set_online(True)
    await meter.pass_periods()

    # The journal is lost.
    assert await meter.hass.config_entries.async_unload(meter.place.entry_id)
    journal = tmp_path / "journal.sqlite3"
    await meter.hass.async_add_executor_job(journal.unlink)
    assert await meter.hass.config_entries.async_setup(meter.place.entry_id)
    await meter.hass.async_block_till_done()
    await meter.pass_periods(2)


async def test_large_registers_are_rounded_by_the_native_api_but_no_error_adds_up(
    meter: Meter, simulated: dict[str, SimulatedOutlet]
) -> None:
    """Above 16.8 MWh a float of 32 bits counts in steps of 2 Wh; what is left out now comes with the next step."""

    class Narrow(SimulatedOutlet):
        exact_mwh = 20_000_001_000

        @property
        def lifetime_mwh(self) -> int:  # type: ignore[override]  # what the wire makes of it
            return round(unpack("f", pack("f", self.exact_mwh / 1000))[0] * 1000)

        @lifetime_mwh.setter
        def lifetime_mwh(self, value: int) -> None:
            return

    narrow = Narrow(ManualClock())
    simulated[FIRST] = narrow
    await meter.reload()
    meter.outlet = narrow
    await meter.show()
    for _ in range(20):
        narrow.exact_mwh += 12_345
        await meter.show()
    await meter.end_period()
    (changed,) = (await meter.change())[1:]
    assert changed == pytest.approx(20 * 12.345, abs=2)
    meter.wh = [0.0, changed, 0.0]


async def test_a_device_that_is_replaced_under_the_same_outlet_goes_on_where_the_old_one_ended(
    meter: Meter, simulated: dict[str, SimulatedOutlet]
) -> None:
    """New or used before: what it has supplied elsewhere is not this outlet's."""
    shown, mac = 5.0, FIRST
    for number, lifetime_mwh in enumerate((0, 1_000_000, 5_100_000, 9_000_000_000)):
        subentry = next(each for each in meter.place.subentries.values() if each.unique_id == mac)
        meter.hass.config_entries.async_remove_subentry(meter.place, subentry.subentry_id)
        await meter.hass.async_block_till_done()
        assert state(meter.hass, LIFETIME) == "missing"
        await meter.end_period()

        mac = f"aabbccddee1{number}"
        simulated[mac] = meter.outlet = SimulatedOutlet(ManualClock())
        meter.outlet.lifetime_mwh = lifetime_mwh
        await add_outlet(meter, mac, 1)
        assert float(state(meter.hass, LIFETIME)) == pytest.approx(shown)
        await meter.pass_periods()
        shown += 0.1
        assert float(state(meter.hass, LIFETIME)) == pytest.approx(shown)
    await meter.reload()
    await meter.pass_periods()


async def test_a_new_outlet_counts_from_its_first_watt_hour(
    meter: Meter, simulated: dict[str, SimulatedOutlet]
) -> None:
    """Nothing of the first session is lost to an unknown first reading."""
    subentry = next(each for each in meter.place.subentries.values() if each.unique_id == SECOND)
    meter.hass.config_entries.async_remove_subentry(meter.place, subentry.subentry_id)
    await meter.hass.async_block_till_done()
    third = "aabbccddee03"
    simulated[third] = new = SimulatedOutlet(ManualClock())
    new.lifetime_mwh = 0
    await add_outlet(meter, third, 3)
    assert state(meter.hass, "sensor.a3_lifetime_energy") == "0.0"
    await meter.end_period()
    new.lifetime_mwh = 4_000
    meter.freezer.tick(10)
    new.changed()
    await meter.end_period()
    assert await meter.change("sensor.a3_lifetime_energy") == [0, 0, 4.0]


async def test_a_plain_outlet_whose_own_counter_begins_again_goes_on_counting(meter: Meter) -> None:
    """Most plugs count from 0 after a power cut, and say 0 while they start."""
    hass = meter.hass
    plug = {"relay": "input_boolean.plug", "energy": "sensor.plug_energy"}

    async def tell(wh: float | str) -> None:
        meter.freezer.tick(10)
        kwh = wh / 1000 if isinstance(wh, float | int) else wh
        attributes = {"unit_of_measurement": "kWh", "device_class": "energy"}
        hass.states.async_set("sensor.plug_energy", str(kwh), attributes, force_update=True)
        await hass.async_block_till_done()

    await async_setup_component(hass, "homeassistant", {})
    await async_setup_component(hass, "input_boolean", {"input_boolean": {"plug": {}}})
    await tell(812_400)
    await add_outlet(meter, plug["relay"], 3, kind="entities", **plug)
    await meter.end_period()
    expected = [0.0, 0.0]
    for readings, wh in (
        ((812_410, 812_420), 20.0),
        # A counter that has begun again is followed when the next reading agrees with it.
        ((0, 0, 5, 15), 15.0),
        (("unavailable", 15, 25), 10.0),
        (("unknown", 0, 0, 30), 30.0),
    ):
        for reading in readings:
            await tell(reading)
        await meter.end_period()
        expected.append(wh)
    assert await meter.change("sensor.a3_lifetime_energy") == expected


async def test_energy_today_adds_up_over_midnight_and_a_reset(meter: Meter) -> None:
    """The site's register of the day begins at 0; its statistics are the sum of what the outlets supplied."""
    today = "sensor.car_park_energy_today"
    await meter.pass_periods(2)
    midnight = dt_util.start_of_local_day() + timedelta(days=1)
    periods = round((midnight - START) / PERIOD) - len(meter.wh)
    for _ in range(periods):
        meter.wh.append(0.0)
    meter.freezer.move_to(START + (len(meter.wh) - 1) * PERIOD)
    await meter.pass_periods(4)
    meter.outlet.lifetime_mwh = 0
    await meter.pass_periods(2, wh=12.5)
    assert sum(await meter.change(today)) == pytest.approx(sum(meter.wh), abs=0.002)


async def test_only_registers_that_add_up_are_offered_to_the_energy_dashboard(
    hass: HomeAssistant, meter: Meter
) -> None:
    """A session's own energy begins at 0 again and again, what is left runs backwards: neither is a register."""
    registers = {
        entry.entity_id
        for entry in er.async_entries_for_config_entry(er.async_get(hass), meter.place.entry_id)
        if (found := hass.states.get(entry.entity_id))
        and found.attributes.get("device_class") == "energy"
        and ATTR_STATE_CLASS in found.attributes
    }
    assert registers == {
        "sensor.a1_lifetime_energy",
        "sensor.a2_lifetime_energy",
        "sensor.car_park_energy_for_drivers",
        "sensor.car_park_energy_for_own_use",
        "sensor.car_park_energy_today",
    }
    lifetime = hass.states.get(LIFETIME)
    assert lifetime
    assert lifetime.attributes[ATTR_STATE_CLASS] == "total_increasing"
    assert lifetime.attributes["unit_of_measurement"] == "kWh"
    power = hass.states.get("sensor.a1_power")
    assert power
    assert (power.attributes["device_class"], power.attributes[ATTR_STATE_CLASS]) == ("power", "measurement")


async def open_energy(hass: HomeAssistant, place: MockConfigEntry) -> ConfigFlowResult:
    menu = await hass.config_entries.options.async_init(place.entry_id)
    return await hass.config_entries.options.async_configure(menu["flow_id"], {"next_step_id": "energy"})


async def test_all_outlets_come_into_the_energy_dashboard_at_once_and_it_finds_nothing_wrong_with_them(
    meter: Meter, hass_ws_client: WebSocketGenerator
) -> None:
    hass, place = meter.hass, meter.place
    refused = await open_energy(hass, place)
    assert (refused["type"], refused["reason"]) == (FlowResultType.ABORT, "no_energy_dashboard")

    assert await async_setup_component(hass, "energy", {})
    client = await hass_ws_client(hass)
    own = {"stat_consumption": "sensor.heat_pump"}
    await client.send_json_auto_id({"type": "energy/save_prefs", "device_consumption": [own]})
    assert (await client.receive_json())["success"]

    form = await open_energy(hass, place)
    assert form["description_placeholders"] == {"outlets": "A1, A2"}
    done = await hass.config_entries.options.async_configure(form["flow_id"], {})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "added_to_energy_dashboard")
    again = await open_energy(hass, place)
    assert again["reason"] == "energy_dashboard_complete"

    await client.send_json_auto_id({"type": "energy/get_prefs"})
    preferences = (await client.receive_json())["result"]
    assert preferences["energy_sources"] == []
    assert preferences["device_consumption"] == [
        own,
        {"stat_consumption": LIFETIME, "stat_rate": "sensor.a1_power", "name": "A1"},
        {"stat_consumption": "sensor.a2_lifetime_energy", "stat_rate": "sensor.a2_power", "name": "A2"},
    ]
    await meter.pass_periods()
    await client.send_json_auto_id({"type": "energy/validate"})
    assert (await client.receive_json())["result"]["device_consumption"][1:] == [[], []]


async def test_only_an_administrator_can_change_the_energy_dashboard(
    meter: Meter, hass_client: ClientSessionGenerator, hass_read_only_access_token: str
) -> None:
    assert await async_setup_component(meter.hass, "config", {})
    client = await hass_client(hass_read_only_access_token)
    answer = await client.post("/api/config/config_entries/options/flow", json={"handler": meter.place.entry_id})
    assert answer.status == HTTPStatus.UNAUTHORIZED
