"""Which outlet goes first where there is not enough power for all."""

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control.budget import Priority
from .entity import OutletEntity
from .hub import Hub, OutletUnit, SiteConfigEntry

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        async_add_entities([PrioritySelect(hub, unit)], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add)


class PrioritySelect(OutletEntity, SelectEntity):
    """The priority of an outlet's sessions. The site remembers it, also while the outlet is away."""

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, hub: Hub, unit: OutletUnit) -> None:
        super().__init__(hub, unit, "priority")
        self._budget = hub.budget
        self._attr_options = [priority.name.lower() for priority in Priority]

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    def _look(self) -> object:
        self._attr_current_option = self._budget.priority(self._unit.control.outlet).name.lower()
        return self._attr_current_option

    @override
    async def async_select_option(self, option: str) -> None:
        await self._budget.set_priority(self._unit.control.outlet, Priority[option.upper()])
        self._changed()
