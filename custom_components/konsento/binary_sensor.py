"""Whether outlets and servers can be reached, whether something is wrong, and whether charging is recommended."""

from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import RECOMMENDED_WINDOW
from .entity import OutletEntity, ServerEntity, WindowEntity
from .hub import OutletUnit, ServerUnit, SiteConfigEntry
from .news import WINDOW_ENDED, WINDOW_STARTED, tell

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add those of the site, and of every outlet and every management server, now and later."""
    hub = entry.runtime_data

    @callback
    def add_outlet(unit: OutletUnit) -> None:
        async_add_entities(
            [OutletConnectivity(hub, unit, "connectivity"), OutletProblem(hub, unit, "problem")],
            config_subentry_id=unit.subentry.subentry_id,
        )

    @callback
    def add_server(unit: ServerUnit) -> None:
        async_add_entities(
            [ServerConnectivity(hub, unit, "server_connectivity")], config_subentry_id=unit.subentry.subentry_id
        )

    async_add_entities([RecommendedWindow(hub, RECOMMENDED_WINDOW)])
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

    @override
    def _look(self) -> object:
        self._attr_is_on = self._unit.driver.report is not None
        return self._attr_is_on


class OutletProblem(OutletEntity, BinarySensorEntity):
    """Whether something is wrong with the outlet."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def available(self) -> bool:
        # Some problems are why it does not report.
        return super().available or bool(self._unit.control.problems)

    @override
    def _look(self) -> object:
        self._attr_is_on = bool(self._unit.control.problems)
        return self.available, self._attr_is_on


class ServerConnectivity(ServerEntity, BinarySensorEntity):
    """Whether the management server has accepted the site and the line stands."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @override
    def _look(self) -> object:
        self._attr_is_on = self._unit.station.online
        return self._attr_is_on


class RecommendedWindow(WindowEntity, BinarySensorEntity):
    """Whether charging is recommended now."""

    @override
    def _look(self) -> object:
        before = self._attr_is_on
        self._attr_is_on = self._windows.on if self._windows.known else None
        if before is not None and self._attr_is_on not in {before, None}:
            tell(self, WINDOW_STARTED if self._attr_is_on else WINDOW_ENDED)
        return self._attr_is_on
