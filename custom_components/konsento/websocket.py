"""What pages ask a site for, over Home Assistant's own socket.

Whoever is signed in may look: nothing here says who charged. Labels are printed by administrators, as they lead drivers
to pay somewhere. Times are ISO 8601 with a zone, days those of the site's time zone, energy Wh.
"""

from datetime import timedelta
from typing import Any

import voluptuous as vol
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.decorators import async_response, require_admin, websocket_command
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service import async_get_config_entry
from homeassistant.util import dt as dt_util

from . import footprint, history
from .const import CONF_EVSE, DOMAIN, SUBENTRY_OUTLET, SUBENTRY_SERVER
from .hub import Hub, SiteConfigEntry
from .labels import labels_of

_ENTRY: dict[str | vol.Marker, Any] = {vol.Required("entry_id"): str}
_PERIOD: dict[str | vol.Marker, Any] = {**_ENTRY, vol.Required("start"): cv.date, vol.Required("end"): cv.date}
"""Days; the last one belongs to it."""


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    for command in (_sites, _sessions, _energy_by_day, _environment, _labels):
        async_register_command(hass, command)


@websocket_command({vol.Required("type"): "konsento/sites"})
@callback
def _sites(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return every site with its parts and the ids of their entities, so that no page has to guess one.

    A site that is not loaded is told too (`loaded`), with the parts that it will have again. By `outlet` sessions and
    days name one.
    """
    connection.send_result(
        msg["id"], {"sites": [_site(hass, entry) for entry in hass.config_entries.async_entries(DOMAIN)]}
    )


def _site(hass: HomeAssistant, entry: SiteConfigEntry) -> dict[str, Any]:
    parts = _Parts(hass, entry)
    outlets = [
        {**parts.of(part, outlet_of(part)), "outlet": outlet_of(part), "evse": part.data[CONF_EVSE]}
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


def _hub(hass: HomeAssistant, msg: dict[str, Any]) -> Hub:
    """Return the site that is asked for. Raises ServiceValidationError where there is none, or it is not loaded."""
    entry: SiteConfigEntry = async_get_config_entry(hass, DOMAIN, msg["entry_id"])
    return entry.runtime_data


def _period(msg: dict[str, Any]) -> history.Period:
    """Return the days that are asked for, none of them to come. Raises ServiceValidationError."""
    first, last = msg["start"], min(msg["end"], dt_util.now().date())
    if first > msg["end"] or last - first > timedelta(days=history.MOST_DAYS):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="bad_period",
            translation_placeholders={"days": str(history.MOST_DAYS)},
        )
    return history.Period(first=first, last=last)


@websocket_command({vol.Required("type"): "konsento/sessions", **_PERIOD})
@async_response
async def _sessions(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return the sessions that ran in a period, the newest first, whole.

    `since`: the first day of which the journal has every session.
    """
    hub, period = _hub(hass, msg), _period(msg)
    sessions = await history.sessions_in(hub, period)
    connection.send_result(
        msg["id"],
        {
            "since": history.journal_begins(dt_util.utcnow()).isoformat(),
            "sessions": [history.described(hub, session) for session in sessions],
        },
    )


@websocket_command({vol.Required("type"): "konsento/energy_by_day", **_PERIOD})
@async_response
async def _energy_by_day(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return the energy of every outlet on every day of a period, and where each day comes from (`history.py`)."""
    hub, period = _hub(hass, msg), _period(msg)
    days = await history.energy_by_day(hass, hub, period)
    connection.send_result(
        msg["id"],
        {
            "days": [
                {
                    "day": day.day.isoformat(),
                    "source": day.source,
                    "wh": {outlet: mwh / 1000 for outlet, mwh in day.mwh.items()},
                }
                for day in days
            ]
        },
    )


@websocket_command({vol.Required("type"): "konsento/environment", **_PERIOD})
@async_response
async def _environment(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return what the energy of a period was made of and caused, and how far its measurements have got.

    Of the part of the period of which the journal has every session: only sessions know what was sold.
    """
    hub, period = _hub(hass, msg), _period(msg)
    first = max(period.first, history.journal_begins(dt_util.utcnow()))
    period = history.Period(first=first, last=max(first, period.last))
    sender = hub.reporting.sender
    measurements = None
    if (due := sender.next_at()) is not None:
        counts = hub.reporting.counts
        measurements = {
            "sent": await sender.outbox.sent(),
            "waiting": counts.waiting,
            "refused": counts.refused,
            "reasons": list(counts.reasons),
            "sent_at": sender.sent_at.isoformat() if sender.sent_at else None,
            "next_at": due.isoformat(),
            "trouble": str(sender.trouble.trouble) if sender.trouble else None,
        }
    grid = footprint.grid_factor(hub.entry.options, hass.config.country)
    sessions = await history.sessions_in(hub, period)
    summary = await hass.async_add_executor_job(footprint.summary, sessions, period, grid)
    connection.send_result(
        msg["id"],
        {
            "start": period.first.isoformat(),
            "end": period.last.isoformat(),
            **summary,
            "measurements": measurements,
        },
    )


@websocket_command({vol.Required("type"): "konsento/labels", **_ENTRY})
@require_admin
@async_response
async def _labels(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Return what is printed on the outlets' labels, for each management server; for administrators."""
    hub = _hub(hass, msg)
    connection.send_result(msg["id"], {"servers": await hass.async_add_executor_job(labels_of, hub)})


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
