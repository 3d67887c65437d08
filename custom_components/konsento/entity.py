"""What all entities have in common: they read what the site found out, and write a state when theirs is another."""

from collections.abc import Callable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity

from .const import DOMAIN, MANUFACTURER, VERSION
from .hub import CircuitUnit, Hub, OutletUnit, ServerUnit


class KonsentoEntity(Entity):
    """Something that is told when it may have changed."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _written: object = None

    def _look(self) -> object:
        """Take in what there is to show; a state is written when another value is returned than last time."""
        return self.available

    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called; returns what ends that."""
        raise NotImplementedError

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._written = self._look()
        self.async_on_remove(self._listen(self._changed))

    @callback
    def _changed(self) -> None:
        if (shown := self._look()) != self._written:
            self._written = shown
            self.async_write_ha_state()


def outlet_device(hub: Hub, unit: OutletUnit) -> DeviceInfo:
    """Return how an outlet stands in the device registry."""
    facts = unit.driver.facts
    return DeviceInfo(
        identifiers={(DOMAIN, unit.control.outlet)},
        name=unit.subentry.title,
        manufacturer=facts.manufacturer or MANUFACTURER,
        model=facts.model or "Outlet",
        serial_number=unit.control.outlet,
        sw_version=facts.firmware or None,
        via_device_id=hub.device_id,
    )


class OutletEntity(KonsentoEntity):
    """Something about an outlet."""

    def __init__(self, hub: Hub, unit: OutletUnit, key: str) -> None:
        self._unit = unit
        self._attr_translation_key = key
        self._attr_unique_id = outlet_unique_id(unit, key)
        self._attr_device_info = outlet_device(hub, unit)

    @property
    @override
    def available(self) -> bool:
        return self._unit.driver.report is not None

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._unit.listen(changed)


def outlet_unique_id(unit: OutletUnit, key: str) -> str:
    """Return an entity's name in the registry: by the outlet's own identity, so it stays when the rest changes."""
    return f"{unit.control.outlet}_{key}"


class ServerEntity(KonsentoEntity):
    """Something about the link to a management server."""

    def __init__(self, hub: Hub, unit: ServerUnit, key: str) -> None:
        self._hub = hub
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
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._unit.listen(changed)


class SiteEntity(KonsentoEntity):
    """Something about the site as a whole."""

    def __init__(self, hub: Hub, key: str) -> None:
        self._overview = hub.overview
        self._attr_translation_key = key
        self._attr_unique_id = f"{hub.entry.entry_id}_{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, hub.entry.entry_id)},
            name=hub.entry.title,
            manufacturer=MANUFACTURER,
            sw_version=VERSION,
            entry_type=DeviceEntryType.SERVICE,
        )

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._overview.listen(changed)


class BudgetEntity(SiteEntity):
    """Something about what the site may draw."""

    def __init__(self, hub: Hub, key: str) -> None:
        super().__init__(hub, key)
        self._budget = hub.budget

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._budget.listen(changed)


class CircuitEntity(KonsentoEntity):
    """Something about a circuit."""

    def __init__(self, hub: Hub, unit: CircuitUnit, key: str) -> None:
        self._budget = hub.budget
        self._circuit = unit.subentry.subentry_id
        self._attr_translation_key = key
        self._attr_unique_id = f"{self._circuit}_{key}"
        self._attr_device_info = circuit_device(hub, unit)

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._budget.listen(changed)


def circuit_device(hub: Hub, unit: CircuitUnit) -> DeviceInfo:
    """Return how a circuit stands in the device registry."""
    return DeviceInfo(
        identifiers={(DOMAIN, unit.subentry.subentry_id)},
        name=unit.subentry.title,
        model="Circuit",
        entry_type=DeviceEntryType.SERVICE,
        via_device_id=hub.device_id,
    )


class WindowEntity(SiteEntity):
    """Something about the times for which charging is recommended; unknown where no server has told any."""

    def __init__(self, hub: Hub, key: str) -> None:
        super().__init__(hub, key)
        self._windows = hub.windows

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._windows.listen(changed)
