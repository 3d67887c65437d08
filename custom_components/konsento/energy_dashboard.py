"""Outlets in the preferences of Home Assistant's energy dashboard, as individual devices."""

from homeassistant.components.energy.data import DeviceConsumption, async_get_manager
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .entity import outlet_unique_id
from .hub import Hub, OutletUnit


async def missing_outlets(hass: HomeAssistant, hub: Hub) -> list[DeviceConsumption]:
    """Return what the energy dashboard does not have yet, by the order of the outlets' numbers."""
    preferences = (await async_get_manager(hass)).data
    present = {device["stat_consumption"] for device in preferences["device_consumption"]} if preferences else set()
    units = sorted(hub.outlets.values(), key=lambda unit: unit.control.evse)
    devices = [device for unit in units if (device := _device(hass, unit))]
    return [device for device in devices if device["stat_consumption"] not in present]


async def add_to_dashboard(hass: HomeAssistant, devices: list[DeviceConsumption]) -> None:
    """Put devices behind those that the owner has chosen; everything else stays as it is."""
    manager = await async_get_manager(hass)
    preferences = manager.data or manager.default_preferences()
    # With what else may be required of an update, because a type says so; it is not changed.
    await manager.async_update({**preferences, "device_consumption": [*preferences["device_consumption"], *devices]})


def _device(hass: HomeAssistant, unit: OutletUnit) -> DeviceConsumption | None:
    register = _entity_id(hass, unit, "lifetime_energy")
    if register is None:
        return None
    device = DeviceConsumption(stat_consumption=register, name=unit.subentry.title)
    if power := _entity_id(hass, unit, "power"):
        device["stat_rate"] = power
    return device


def _entity_id(hass: HomeAssistant, unit: OutletUnit, key: str) -> str | None:
    """Return the id of a sensor that its owner has not disabled."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, outlet_unique_id(unit, key))
    entry = registry.async_get(entity_id) if entity_id else None
    return entry.entity_id if entry and not entry.disabled else None
