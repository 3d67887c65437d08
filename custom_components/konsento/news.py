"""What has just happened, on Home Assistant's bus: for the activity log, and for automations that want all of it."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import callback
from homeassistant.helpers.entity import Entity

EVENT_NEWS: Final = "konsento_news"
ATTR_HAPPENING: Final = "happening"

WINDOW_STARTED: Final = "window_started"
WINDOW_ENDED: Final = "window_ended"


@callback
def tell(entity: Entity, happening: str, said: Mapping[str, Any] | None = None) -> None:
    """Tell what has happened to the part of a site that an entity belongs to. Nothing in it says who charges."""
    device = entity.device_entry
    entity.hass.bus.async_fire(
        EVENT_NEWS,
        {
            ATTR_HAPPENING: happening,
            ATTR_ENTITY_ID: entity.entity_id,
            ATTR_DEVICE_ID: device.id if device else None,
            ATTR_NAME: (device.name_by_user or device.name) if device else None,
            **(said or {}),
        },
    )
