"""Numbers for Home Assistant's system information."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .hub import Hub, SiteConfigEntry, journal_path


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register what is shown."""
    register.async_register_info(_info, f"/config/integrations/integration/{DOMAIN}")


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[SiteConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    hubs: list[Hub] = [entry.runtime_data for entry in entries]
    outlets = [unit for hub in hubs for unit in hub.outlets.values()]
    servers = [(hub, unit) for hub in hubs for unit in hub.servers.values()]
    waiting = [await hub.site.journal.waiting_of(unit.subentry.subentry_id) for hub, unit in servers]
    paths = [journal_path(hass, entry.entry_id) for entry in entries]
    return {
        "outlets_connected": f"{sum(unit.driver.report is not None for unit in outlets)} / {len(outlets)}",
        "servers_connected": f"{sum(unit.station.online for _, unit in servers)} / {len(servers)}",
        "running_sessions": sum(unit.control.session is not None for unit in outlets),
        "events_waiting": sum(waiting),
        "measurements_waiting": sum(hub.reporting.counts.waiting for hub in hubs),
        "measurements_refused": sum(hub.reporting.counts.refused for hub in hubs),
        **await hass.async_add_executor_job(_on_disk, paths),
    }


def _on_disk(journals: list[Path]) -> dict[str, str]:
    # What was written last is in SQLite's second file until it is copied into the first.
    files = [file for path in journals for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]
    size = sum(file.stat().st_size for file in files)
    return {"journal_size": f"{size / 1024:.0f} KiB", "aioesphomeapi_version": version("aioesphomeapi")}
