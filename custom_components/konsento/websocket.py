"""What pages ask a site for, over Home Assistant's own socket: which sites, outlets and entities there are.

Whoever is signed in may ask for what is shown; nothing here says who charged. Times are ISO 8601 with a zone.
"""

from typing import Any

import voluptuous as vol
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.decorators import websocket_command
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from .const import CONF_EVSE, DOMAIN, SUBENTRY_OUTLET, SUBENTRY_SERVER
from .hub import SiteConfigEntry


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    async_register_command(hass, _sites)


@websocket_command({vol.Required("type"): "konsento/sites"})
@callback
def _sites(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return every site with its parts and the ids of their entities, so that no page has to guess one.

    A site that is not loaded is told too (`loaded`), with the parts that it will have again.
    """
    connection.send_result(
        msg["id"], {"sites": [_site(hass, entry) for entry in hass.config_entries.async_entries(DOMAIN)]}
    )


def _site(hass: HomeAssistant, entry: SiteConfigEntry) -> dict[str, Any]:
    parts = _Parts(hass, entry)
    outlets = [
        {**parts.of(part, outlet_of(part)), "evse": part.data[CONF_EVSE]}
        for part in entry.get_subentries_of_type(SUBENTRY_OUTLET)
    ]
    return {
        "entry_id": entry.entry_id,
        "loaded": entry.state is ConfigEntryState.LOADED,
        "title": entry.title,
        "device_id": parts.device_id(entry.entry_id),
        "entities": parts.entities(entry.entry_id),
        "outlets": sorted(outlets, key=lambda outlet: outlet["evse"]),
        "servers": [parts.of(part, part.subentry_id) for part in entry.get_subentries_of_type(SUBENTRY_SERVER)],
    }


def outlet_of(part: ConfigSubentry) -> str:
    """Return the name by which the site knows an outlet."""
    return part.unique_id or part.subentry_id


class _Parts:
    """Devices and entities of one site, as the registries have them."""

    def __init__(self, hass: HomeAssistant, entry: SiteConfigEntry) -> None:
        self._entry = entry
        self._devices = dr.async_get(hass)
        self._entities = [
            entity
            for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
            if entity.disabled_by is None
        ]

    def of(self, part: ConfigSubentry, name: str) -> dict[str, Any]:
        device = self._device(name)
        return {
            "subentry_id": part.subentry_id,
            # As its owner calls it.
            "title": (device.name_by_user if device else None) or part.title,
            "device_id": device.id if device else None,
            "entities": self.entities(name),
        }

    def device_id(self, name: str) -> str | None:
        device = self._device(name)
        return device.id if device else None

    def entities(self, name: str) -> dict[str, str]:
        """Return the entities of a part by their keys: they are named by it (`entity.py`)."""
        prefix = f"{name}_"
        return {
            entity.unique_id.removeprefix(prefix): entity.entity_id
            for entity in self._entities
            if entity.unique_id.startswith(prefix)
        }

    def _device(self, name: str) -> dr.AnyDeviceEntry | None:
        return self._devices.async_get_device_by_identifier((DOMAIN, name), self._entry.entry_id)
