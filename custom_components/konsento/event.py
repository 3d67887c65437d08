"""What happens at outlets and on the way to management servers, for automations."""

from collections.abc import Callable
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import OUTLET_NEWS, SERVER_NEWS
from .control.happenings import Happening
from .entity import OutletEntity, ServerEntity
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .news import tell
from .texts import spelt

PARALLEL_UPDATES = 0

SERVER_HAPPENINGS = (Happening.LOST, Happening.BACK)


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add one for every outlet and every management server, now and later."""
    hub = entry.runtime_data

    @callback
    def add_outlet(unit: OutletUnit) -> None:
        async_add_entities([OutletEvent(hub, unit, OUTLET_NEWS)], config_subentry_id=unit.subentry.subentry_id)

    @callback
    def add_server(unit: ServerUnit) -> None:
        async_add_entities([ServerEvent(hub, unit, SERVER_NEWS)], config_subentry_id=unit.subentry.subentry_id)

    hub.on_outlet(add_outlet)
    hub.on_server(add_server)


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
            said = {name: spelt(value) for name, value in data.items()}
            self._trigger_event(str(happening), said)
            self.async_write_ha_state()
            tell(self, str(happening), said)


class ServerEvent(ServerEntity, EventEntity):
    """The news of the way to one management server."""

    # Not among the first things of a server: what it is about, the connection, is there as a state too.
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, hub: Hub, unit: ServerUnit, key: str) -> None:
        super().__init__(hub, unit, key)
        self._attr_event_types = [str(happening) for happening in SERVER_HAPPENINGS]
        self._reachable: bool | None = None

    @override
    def _look(self) -> object:
        online = self._unit.station.online
        if self._reachable is not None and online is not self._reachable:
            happening = str(Happening.BACK if online else Happening.LOST)
            self._trigger_event(happening)
            tell(self, happening)
        if online or self._reachable is not None:
            # Being away is no news of a server that has not been reached yet.
            self._reachable = online
        return self.state
