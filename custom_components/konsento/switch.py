"""Whether an outlet takes sessions."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import OutletEntity
from .hub import OutletUnit, SiteConfigEntry
from .texts import asking

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        async_add_entities([AvailableSwitch(hub, unit, "available")], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add)


class AvailableSwitch(OutletEntity, SwitchEntity):
    """Takes the outlet out of service, which ends a running session, or puts it back. The outlet remembers it."""

    _attr_entity_category = EntityCategory.CONFIG

    @override
    def _look(self) -> object:
        report = self._unit.driver.report
        self._attr_is_on = report.enabled if report else None
        return self.available, self._attr_is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._enable(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._enable(False)

    async def _enable(self, enabled: bool) -> None:
        with asking(self._unit.subentry.title):
            await self._unit.driver.enable(enabled)
