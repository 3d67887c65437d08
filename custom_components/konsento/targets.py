"""Which entities a trigger or a condition looks at, for the target that somebody has chosen."""

from collections.abc import Collection

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN


def entities_of(hass: HomeAssistant, chosen: set[str], keys: Collection[str]) -> set[str]:
    """Return the entities of those translation keys on the devices that the chosen entities belong to.

    So an outlet can be named by any of its entities, and one that is no part of a site stands for nothing.
    """
    registry = er.async_get(hass)
    entries = (registry.async_get(entity_id) for entity_id in chosen)
    devices = {entry.device_id for entry in entries if entry and entry.platform == DOMAIN and entry.device_id}
    return {
        entry.entity_id
        for device_id in devices
        for entry in er.async_entries_for_device(registry, device_id)
        if entry.platform == DOMAIN and entry.translation_key in keys
    }
