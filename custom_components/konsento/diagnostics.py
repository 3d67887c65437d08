"""What helps to find a fault, without secrets and without a trace of a driver."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_URL
from homeassistant.core import HomeAssistant

from .const import CONF_KEY, CONF_STATION_ID
from .hub import SiteConfigEntry

_REDACTED = {CONF_HOST, CONF_KEY, CONF_PASSWORD, CONF_STATION_ID, CONF_URL, "remote_start_id", "unique_id"}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SiteConfigEntry) -> dict[str, Any]:
    """Return the state of a site."""
    hub = entry.runtime_data
    return async_redact_data(
        {
            "options": dict(entry.options),
            "settings": asdict(hub.site.settings),
            "outlets": [
                {
                    "config": dict(unit.subentry.data),
                    "facts": asdict(unit.driver.facts),
                    "report": asdict(report) if (report := unit.driver.report) else None,
                    "session": unit.control.session.to_json() if unit.control.session else None,
                    "round_trip_s": unit.control.round_trip_s,
                }
                for unit in hub.outlets.values()
            ],
            "management_servers": [
                {
                    "config": dict(unit.subentry.data),
                    "online": unit.station.online,
                    "events_waiting": await hub.site.journal.waiting_of(unit.subentry.subentry_id),
                }
                for unit in hub.servers.values()
            ],
        },
        _REDACTED,
    )
