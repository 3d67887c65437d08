"""Outlets made of Home Assistant's own switches and sensors: followed under any name, in any unit, never guessed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.components.homeassistant import DOMAIN as CORE
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from states import state, until

from custom_components.konsento.const import SUBENTRY_OUTLET
from custom_components.konsento.control.driver import OutletRefusedError, OutletSilentError
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import StartRequest
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.entity_plug import EntityParts, EntityPlug

SWITCH = "input_boolean.plug"
POWER = "sensor.plug_power"
ENERGY = "sensor.plug_energy"


@pytest.fixture
async def plug(hass: HomeAssistant) -> None:
    """Let there be a switch, a power sensor and an energy sensor."""
    assert await async_setup_component(hass, CORE, {})
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"plug": {"name": "Plug"}}})
    measure(hass, 0, 1.5)


def measure(hass: HomeAssistant, power: object, energy: object, power_unit: str = "W", unit: str = "kWh") -> None:
    """Let the sensors show something."""
    hass.states.async_set(POWER, str(power), {"unit_of_measurement": power_unit, "device_class": "power"})
    hass.states.async_set(ENERGY, str(energy), {"unit_of_measurement": unit, "device_class": "energy"})


async def choose(hass: HomeAssistant, site: MockConfigEntry, **values: Any) -> Any:
    """Fill in the form."""
    flow = await hass.config_entries.subentries.async_init(
        (site.entry_id, SUBENTRY_OUTLET), context={"source": SOURCE_USER}
    )
    assert flow["type"] is FlowResultType.MENU
    form = await hass.config_entries.subentries.async_configure(flow["flow_id"], {"next_step_id": "entities"})
    assert form["type"] is FlowResultType.FORM
    return await hass.config_entries.subentries.async_configure(form["flow_id"], values)


async def outlet_of(hass: HomeAssistant, site: MockConfigEntry) -> Any:
    """Add the outlet and return its driver."""
    done = await choose(hass, site, relay=SWITCH, power=POWER, energy=ENERGY)
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    (unit,) = site.runtime_data.outlets.values()
    return unit.driver


async def begin(site: MockConfigEntry, **limits: int) -> str:
    """Start a session as a management server would."""
    expires = dt_util.utcnow() + timedelta(seconds=60)
    request = StartRequest(server="server", remote_start_id=1, evse=1, limits=Limits(**limits), expires_at=expires)
    answer = await site.runtime_data.site.start(request)
    assert answer.refusal is None
    return str(answer.session_id)


@pytest.mark.usefixtures("plug")
async def test_a_session_switches_the_switch_and_bills_the_counter(hass: HomeAssistant, site: MockConfigEntry) -> None:
    driver = await outlet_of(hass, site)
    assert not driver.guarded
    session = await begin(site, energy_wh=100)
    assert state(hass, SWITCH) == "on"
    measure(hass, 3000, 1.5)
    measure(hass, 3000, 1.502)
    measure(hass, 3000, 1.504)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    site.runtime_data.site.on_happening(lambda _, what, facts: what is Happening.ENDED and told.put_nowait(facts))
    await site.runtime_data.site.stop("server", session, EndReason.REMOTE)
    await until(hass, lambda: state(hass, SWITCH) == "off")
    measure(hass, 0, 1.505)
    ended = await asyncio.wait_for(told.get(), 60)

    assert ended["end_reason"] == "Remote"
    # Of the first step only what the power can have drawn since the relay closed.
    assert 2 <= ended["energy_wh"] <= 3.5


@pytest.mark.usefixtures("plug")
async def test_the_relay_opens_where_the_limit_is_reached(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await outlet_of(hass, site)
    await begin(site, energy_wh=2)
    measure(hass, 6000, 1.5)

    # 2 Wh at 6 kW take 1.2 s, and no further reading comes.
    await until(hass, lambda: state(hass, SWITCH) == "off", 4)


@pytest.mark.usefixtures("plug")
@pytest.mark.parametrize(
    ("power", "power_unit", "energy", "unit"),
    [
        ("1.2", "kW", "1500", "Wh"),
        ("1200", "W", "1.5", "kWh"),
        ("1200000", "mW", "0.0015", "MWh"),
        (1200, "W", 5.4, "MJ"),
    ],
)
async def test_any_unit_is_understood(hass: HomeAssistant, power: str, power_unit: str, energy: str, unit: str) -> None:
    entities = EntityPlug(hass, EntityParts(relay=SWITCH, power=POWER, energy=ENERGY))
    await entities.start()
    measure(hass, power, energy, power_unit, unit)
    await hass.async_block_till_done()

    assert entities.power
    assert entities.counter
    assert entities.power.value == pytest.approx(1200)
    assert entities.counter.value == pytest.approx(1_500_000)
    await entities.stop()


@pytest.mark.usefixtures("plug")
@pytest.mark.parametrize("word", ["unavailable", "unknown", "nan", "inf", ""])
async def test_what_is_no_number_is_no_reading(hass: HomeAssistant, word: str) -> None:
    entities = EntityPlug(hass, EntityParts(relay=SWITCH, power=POWER, energy=ENERGY))
    await entities.start()
    measure(hass, word, word)
    await hass.async_block_till_done()
    assert (entities.power, entities.counter) == (None, None)
    measure(hass, 1, 2, "°C", "m")
    await hass.async_block_till_done()
    assert (entities.power, entities.counter) == (None, None)
    await entities.stop()


@pytest.mark.usefixtures("plug")
async def test_the_same_number_again_is_another_reading(hass: HomeAssistant) -> None:
    entities = EntityPlug(hass, EntityParts(relay=SWITCH, power=POWER))
    await entities.start()
    measure(hass, 1200, 1.5)
    await hass.async_block_till_done()
    first = entities.power
    measure(hass, 1200, 1.5)
    await hass.async_block_till_done()

    assert first
    assert entities.power
    assert entities.power.at > first.at
    await entities.stop()


@pytest.mark.usefixtures("plug")
async def test_a_switch_that_is_unavailable_or_removed_is_away_and_one_that_is_back_is_used_again(
    hass: HomeAssistant, site: MockConfigEntry
) -> None:
    driver = await outlet_of(hass, site)
    hass.states.async_set(SWITCH, "unavailable")
    await hass.async_block_till_done()
    await driver.step()
    assert (driver.connected, driver.report) == (False, None)
    with pytest.raises(OutletSilentError):
        await driver.session_start("session-1", Limits(energy_wh=1), 60)
    hass.states.async_set(SWITCH, "off")
    await hass.async_block_till_done()
    await driver.step()
    assert driver.report

    hass.states.async_remove(SWITCH)
    await hass.async_block_till_done()
    await driver.step()
    assert driver.report is None


@pytest.mark.usefixtures("plug")
async def test_a_renamed_entity_is_followed(hass: HomeAssistant) -> None:
    registry = er.async_get(hass)
    entry = registry.async_get_or_create("sensor", "test", "1", suggested_object_id="plug_power")
    entities = EntityPlug(hass, EntityParts(relay=SWITCH, power=entry.id))
    await entities.start()
    old = entry.entity_id
    hass.states.async_set(old, "100", {"unit_of_measurement": "W"})
    await hass.async_block_till_done()
    registry.async_update_entity(old, new_entity_id="sensor.wall_power")
    hass.states.async_set("sensor.wall_power", "200", {"unit_of_measurement": "W"})
    await hass.async_block_till_done()
    assert entities.power
    assert entities.power.value == 200

    registry.async_remove("sensor.wall_power")
    await hass.async_block_till_done()
    assert entities.power is None
    await entities.stop()


@pytest.mark.usefixtures("plug")
async def test_what_somebody_switches_on_is_switched_off(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await outlet_of(hass, site)
    await hass.services.async_call("input_boolean", "turn_on", {"entity_id": SWITCH}, blocking=True)

    await until(hass, lambda: state(hass, SWITCH) == "off", 3)


@pytest.mark.usefixtures("plug")
async def test_a_switch_that_cannot_be_called_refuses_the_start(hass: HomeAssistant, site: MockConfigEntry) -> None:
    driver = await outlet_of(hass, site)
    hass.services.async_remove("input_boolean", "turn_on")

    with pytest.raises(OutletRefusedError):
        await driver.session_start("session-1", Limits(energy_wh=1), 60)
    with pytest.raises(OutletRefusedError, match="not_supported"):
        await driver.loopback(1)


@pytest.mark.usefixtures("plug")
async def test_a_reload_opens_the_switch_and_keeps_the_session(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await outlet_of(hass, site)
    session = await begin(site, energy_wh=100)
    await hass.config_entries.async_unload(site.entry_id)
    assert state(hass, SWITCH) == "off"
    await hass.config_entries.async_setup(site.entry_id)
    await hass.async_block_till_done()

    await until(hass, lambda: state(hass, SWITCH) == "on", 10)
    (unit,) = site.runtime_data.outlets.values()
    assert unit.driver.report
    assert unit.driver.report.session_id == session


# --- the form


@pytest.mark.usefixtures("plug")
async def test_nothing_is_saved_that_shows_nothing(hass: HomeAssistant, site: MockConfigEntry) -> None:
    none = await choose(hass, site, relay=SWITCH)
    assert none["errors"] == {"base": "no_meter"}
    measure(hass, "unavailable", 1.5)
    silent = await choose(hass, site, relay=SWITCH, power=POWER, energy=ENERGY)
    assert silent["errors"] == {"power": "no_reading"}
    measure(hass, 0, 1.5)
    hass.states.async_set(SWITCH, "unknown")
    unknown = await choose(hass, site, relay=SWITCH, power=POWER)
    assert unknown["errors"] == {"base": "no_relay_state"}
    assert not site.subentries


@pytest.mark.usefixtures("plug")
async def test_a_switch_belongs_to_one_outlet(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await outlet_of(hass, site)
    again = await choose(hass, site, relay=SWITCH, power=POWER)

    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.usefixtures("plug")
async def test_the_sensors_can_be_changed_and_the_switch_stays(hass: HomeAssistant, site: MockConfigEntry) -> None:
    await outlet_of(hass, site)
    (subentry,) = site.subentries.values()
    form = await site.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    assert form["step_id"] == "reconfigure_entities"
    done = await hass.config_entries.subentries.async_configure(form["flow_id"], {"power": POWER, "name": "B7"})
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    (subentry,) = site.subentries.values()
    registered = er.async_get(hass).async_get(SWITCH)
    assert registered is None or subentry.unique_id == registered.id
    assert dict(subentry.data) == {"kind": "entities", "relay": subentry.unique_id, "power": POWER, "evse": 1}
    assert subentry.title == "B7"
