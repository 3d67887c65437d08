"""What helps to find a fault, without secrets and without a trace of a driver."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .const import CONF_KEY, CONF_LABEL_URL, CONF_STATION_ID, DOMAIN
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .measurements.measurement import Measurement, envelope
from .measurements.route import AT_MOST

_REDACTED = {
    CONF_HOST,
    CONF_KEY,
    CONF_LABEL_URL,
    CONF_PASSWORD,
    CONF_STATION_ID,
    CONF_TOKEN,
    CONF_URL,
    "Authorization",
    "note",
    "remote_start_id",
    "unique_id",
}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SiteConfigEntry) -> dict[str, Any]:
    """Return the state of a site."""
    hub = entry.runtime_data
    return async_redact_data(
        {
            "options": dict(entry.options),
            "common_name": hub.site.common_name,
            "settings": asdict(hub.site.settings),
            "power_w": hub.overview.power_w,
            "energy_today_mwh": hub.overview.energy_today_mwh,
            "power_budget": hub.budget.diagnostics(),
            "outlets": [_outlet(unit) for unit in hub.outlets.values()],
            "management_servers": [await _server(hub, unit) for unit in hub.servers.values()],
            "measurements": await _measurements(hub),
            "recommended_windows": [asdict(window) for window in hub.windows.coming] if hub.windows.known else None,
        },
        _REDACTED,
    )


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: SiteConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the state of one outlet or one management server; of the site itself, all of it."""
    hub = entry.runtime_data
    for outlet in hub.outlets.values():
        if (DOMAIN, outlet.control.outlet) in device.identifiers:
            return async_redact_data(_outlet(outlet), _REDACTED)
    for server in hub.servers.values():
        if (DOMAIN, server.subentry.subentry_id) in device.identifiers:
            return async_redact_data(await _server(hub, server), _REDACTED)
    return await async_get_config_entry_diagnostics(hass, entry)


async def _measurements(hub: Hub) -> dict[str, Any]:
    """Return what leaves the site, as it is written on the wire."""
    sender, counts = hub.reporting.sender, hub.reporting.counts
    return {
        "sends": sender.plan is not None,
        "sent_at": sender.sent_at.isoformat() if sender.sent_at else None,
        "waiting": counts.waiting,
        "trouble": str(sender.trouble) if sender.trouble else None,
        "sent_last": _request(await sender.outbox.last(AT_MOST)),
        "sent_next": _request(await sender.outbox.next(AT_MOST)),
        "refused": [
            {"reason": refusal.reason, "detail": refusal.detail, "measurement": measurement.to_wire()}
            for measurement, refusal in await sender.outbox.refused(AT_MOST)
        ],
    }


def _request(measurements: list[Measurement]) -> dict[str, Any] | None:
    if not measurements:
        return None
    return {
        "request": "POST /v1/measurements",
        "headers": {"Authorization": "Bearer …"},
        "body": envelope(measurements),
    }


def _outlet(unit: OutletUnit) -> dict[str, Any]:
    control, driver = unit.control, unit.driver
    return {
        "config": dict(unit.subentry.data),
        "facts": asdict(driver.facts),
        "connected": driver.connected,
        "guarded": driver.guarded,
        "key_refused": driver.key_refused,
        "address_taken": driver.address_taken,
        "problems": sorted(control.problems),
        "report": asdict(report) if (report := driver.report) else None,
        "session": control.session.to_json() if control.session else None,
        "last_session": control.last.to_json() if control.last else None,
        "round_trip_s": control.round_trip_s,
    }


async def _server(hub: Hub, unit: ServerUnit) -> dict[str, Any]:
    station = unit.station
    return {
        "config": dict(unit.subentry.data),
        "online": station.online,
        "refused": station.refused,
        "round_trip_s": station.round_trip_s,
        "clock_offset_s": station.clock_offset_s,
        "events_waiting": await hub.site.journal.waiting_of(unit.subentry.subentry_id),
    }
