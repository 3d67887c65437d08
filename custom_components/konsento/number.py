"""What the site may draw now."""

from typing import override

from homeassistant.components.number import NumberDeviceClass, NumberEntity, NumberMode
from homeassistant.const import EntityCategory, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import BudgetEntity
from .hub import Hub, SiteConfigEntry

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the one of the site."""
    async_add_entities([PowerLimit(entry.runtime_data)])


class PowerLimit(BudgetEntity, NumberEntity):
    """What the site may draw, at most what its options say; automations lower it and raise it again.

    Unavailable where the options name no limit.
    """

    _attr_entity_category = EntityCategory.CONFIG
    _attr_device_class = NumberDeviceClass.POWER
    _attr_native_unit_of_measurement = UnitOfPower.WATT
    _attr_mode = NumberMode.BOX
    _attr_native_min_value = 0
    _attr_native_step = 1

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, "power_limit")

    @override
    def _look(self) -> object:
        self._attr_available = self._budget.contract_w is not None
        self._attr_native_max_value = self._budget.contract_w or 0
        self._attr_native_value = self._budget.limit_w
        return self._attr_native_max_value, self._attr_native_value

    @override
    async def async_set_native_value(self, value: float) -> None:
        await self._budget.set_limit(value)
