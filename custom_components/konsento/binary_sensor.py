"""Whether outlets and management servers can be reached."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import OutletEntity, ServerEntity
from .hub import OutletUnit, ServerUnit, SiteConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet and every management server, now and later."""
    hub = entry.runtime_data

    @callback
    def add_outlet(unit: OutletUnit) -> None:
        async_add_entities(
            [OutletConnectivity(hub, unit, "connectivity")], config_subentry_id=unit.subentry.subentry_id
        )

    @callback
    def add_server(unit: ServerUnit) -> None:
        async_add_entities(
            [ServerConnectivity(hub, unit, "server_connectivity")], config_subentry_id=unit.subentry.subentry_id
        )

    hub.on_outlet(add_outlet)
    hub.on_server(add_server)


class OutletConnectivity(OutletEntity, BinarySensorEntity):
    """Whether the outlet reports."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def available(self) -> bool:
        # It is the one that says that the outlet is away.
        return True

    @property
    @override
    def is_on(self) -> bool:
        return self._unit.driver.report is not None


class ServerConnectivity(ServerEntity, BinarySensorEntity):
    """Whether the management server has accepted the site and the line stands."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def is_on(self) -> bool:
        return self._unit.station.online
