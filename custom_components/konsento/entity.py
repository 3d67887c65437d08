"""What all entities have in common: they read what the site found out, and are told when it changed."""

from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity

from .const import DOMAIN, MANUFACTURER
from .hub import Hub, OutletUnit, ServerUnit


class OutletEntity(Entity):
    """Something about an outlet."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, hub: Hub, unit: OutletUnit, key: str) -> None:
        self._unit = unit
        self._site = hub.site
        self._attr_translation_key = key
        self._attr_unique_id = f"{unit.control.outlet}_{key}"
        facts = unit.driver.facts
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, unit.control.outlet)},
            name=unit.subentry.title,
            manufacturer=facts.manufacturer or MANUFACTURER,
            model=facts.model or "Outlet",
            sw_version=facts.firmware or None,
            via_device_id=hub.device_id,
        )

    @property
    @override
    def available(self) -> bool:
        return self._unit.driver.report is not None

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._site.on_status(self._changed))

    @callback
    def _changed(self, evse: int) -> None:
        if evse == self._unit.control.evse:
            self.async_write_ha_state()


class ServerEntity(Entity):
    """Something about the link to a management server."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, hub: Hub, unit: ServerUnit, key: str) -> None:
        self._unit = unit
        self._attr_translation_key = key
        self._attr_unique_id = f"{unit.subentry.subentry_id}_{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, unit.subentry.subentry_id)},
            name=unit.subentry.title,
            model="Management server",
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=hub.device_id,
        )

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._unit.listen(self._changed))

    @callback
    def _changed(self) -> None:
        self.async_write_ha_state()
