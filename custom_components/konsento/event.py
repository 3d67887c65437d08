"""What happens at an outlet, for automations."""

from collections.abc import Callable
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control.happenings import Happening
from .entity import OutletEntity
from .hub import Hub, OutletUnit, SiteConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        async_add_entities([OutletEvent(hub, unit, "happening")], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add)


class OutletEvent(OutletEntity, EventEntity):
    """The news of one outlet. What it says of a session is what the owner may know: never whose it is."""

    def __init__(self, hub: Hub, unit: OutletUnit, key: str) -> None:
        super().__init__(hub, unit, key)
        self._attr_event_types = [str(happening) for happening in Happening]
        self._site = hub.site

    @property
    @override
    def available(self) -> bool:
        # Being away is news as well.
        return True

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._site.on_happening(self._happened)

    @callback
    def _happened(self, evse: int, happening: Happening, data: dict[str, Any]) -> None:
        if evse == self._unit.control.evse:
            self._trigger_event(str(happening), data)
            self.async_write_ha_state()
