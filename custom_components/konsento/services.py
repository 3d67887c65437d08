"""The actions of the integration: what automations and scripts may ask of a site."""

import itertools
import time
from datetime import UTC, datetime, timedelta

import voluptuous as vol
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry, async_get_device_and_config_entry
from homeassistant.util import dt as dt_util

from .const import CONF_EVSE, DOMAIN
from .control.holds import Hold, suspension
from .control.limits import BadLimitError, Limits
from .control.session import LOCAL, NOTE_LENGTH, Session, StartRequest
from .control.trace import Hop, trace_outlet
from .control.words import EndReason, Refusal, SessionKind
from .hub import Hub, OutletUnit, SiteConfigEntry
from .listing import LARGEST_PAGE, PAGE, Wish, listed
from .measurements.route import RouteError
from .texts import asking, snake, start_refused

SERVICE_START_SESSION = "start_session"
SERVICE_STOP_SESSION = "stop_session"
SERVICE_SUSPEND_SESSION = "suspend_session"
SERVICE_RESUME_SESSION = "resume_session"
SERVICE_SET_AVAILABILITY = "set_availability"
SERVICE_LIST_SESSIONS = "list_sessions"
SERVICE_LINK_TRACE = "link_trace"
SERVICE_SEND_MEASUREMENTS = "send_measurements"

ATTR_AVAILABLE = "available"
ATTR_DURATION = "duration"
ATTR_ENERGY = "energy"
ATTR_LIMIT = "limit"
ATTR_LOCAL = "local"
ATTR_NOTE = "note"
ATTR_OFFSET = "offset"
ATTR_REFUSED = "refused"
ATTR_SINCE = "since"

_START_VALID = timedelta(minutes=1)
_SINCE = timedelta(days=30)

_OUTLET = {
    vol.Exclusive(ATTR_DEVICE_ID, "outlet"): cv.string,
    vol.Exclusive(CONF_EVSE, "outlet"): cv.positive_int,
    vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
}
_NEEDS_OUTLET = cv.has_at_least_one_key(ATTR_DEVICE_ID, CONF_EVSE)
OUTLET_SCHEMA = vol.All(_NEEDS_OUTLET, vol.Schema(_OUTLET))
START_SCHEMA = vol.All(
    _NEEDS_OUTLET,
    vol.Schema(
        {
            **_OUTLET,
            vol.Optional(ATTR_ENERGY): vol.All(vol.Coerce(float), vol.Range(min=0)),
            vol.Optional(ATTR_DURATION): cv.positive_time_period,
            vol.Optional(ATTR_NOTE, default=""): vol.All(cv.string, vol.Strip, vol.Length(max=NOTE_LENGTH)),
        }
    ),
)
AVAILABILITY_SCHEMA = vol.All(_NEEDS_OUTLET, vol.Schema({**_OUTLET, vol.Required(ATTR_AVAILABLE): cv.boolean}))
SEND_SCHEMA = vol.Schema(
    {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string, vol.Optional(ATTR_REFUSED, default=False): cv.boolean}
)
LIST_SCHEMA = vol.Schema(
    {
        **_OUTLET,
        vol.Optional(ATTR_SINCE): cv.datetime,
        vol.Optional(ATTR_LOCAL): cv.boolean,
        vol.Optional(ATTR_LIMIT, default=PAGE): vol.All(vol.Coerce(int), vol.Range(min=1, max=LARGEST_PAGE)),
        vol.Optional(ATTR_OFFSET, default=0): vol.All(vol.Coerce(int), vol.Range(min=0)),
    }
)

_request_numbers = itertools.count(time.time_ns())
"""Higher than those of every earlier run, so that no request is taken for one that was answered before."""


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN, SERVICE_START_SESSION, _start_session, START_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(
        DOMAIN, SERVICE_STOP_SESSION, _stop_session, OUTLET_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(
        DOMAIN, SERVICE_SUSPEND_SESSION, _suspend_session, OUTLET_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(
        DOMAIN, SERVICE_RESUME_SESSION, _resume_session, OUTLET_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_SET_AVAILABILITY,
        _set_availability,
        AVAILABILITY_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN, SERVICE_LIST_SESSIONS, _list_sessions, LIST_SCHEMA, supports_response=SupportsResponse.ONLY
    )
    hass.services.async_register(
        DOMAIN, SERVICE_LINK_TRACE, _link_trace, OUTLET_SCHEMA, supports_response=SupportsResponse.ONLY
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_SEND_MEASUREMENTS,
        _send_measurements,
        SEND_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


def _site_of(call: ServiceCall) -> Hub:
    entry: SiteConfigEntry = async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
    return entry.runtime_data


def _outlet_of(call: ServiceCall) -> tuple[Hub, OutletUnit]:
    """Return the outlet that an action is for, by its device, or by its number at a site."""
    if (device_id := call.data.get(ATTR_DEVICE_ID)) is None:
        hub, number = _site_of(call), call.data[CONF_EVSE]
        found = (unit for unit in hub.outlets.values() if unit.control.evse == number)
        name = str(number)
    else:
        device, entry = async_get_device_and_config_entry(call.hass, DOMAIN, device_id, include_child_devices=False)
        hub = entry.runtime_data
        found = (unit for unit in hub.outlets.values() if (DOMAIN, unit.control.outlet) in device.identifiers)
        name = device.name_by_user or device.name or device_id
    if (unit := next(found, None)) is None:
        raise start_refused(Refusal.UNKNOWN_OUTLET, name)
    return hub, unit


async def _start_session(call: ServiceCall) -> ServiceResponse:
    hub, unit = _outlet_of(call)
    energy, duration = call.data.get(ATTR_ENERGY), call.data.get(ATTR_DURATION)
    try:
        limits = Limits.parse(
            None if energy is None else round(energy * 1000),
            None if duration is None else round(duration.total_seconds()),
        )
    except BadLimitError as error:
        raise start_refused(error.refusal, unit.subentry.title) from error
    answer = await hub.site.start(
        StartRequest(
            server=LOCAL,
            remote_start_id=next(_request_numbers),
            evse=unit.control.evse,
            limits=limits,
            expires_at=datetime.now(UTC) + _START_VALID,
            note=call.data[ATTR_NOTE],
        )
    )
    if answer.refusal:
        raise start_refused(answer.refusal, unit.subentry.title)
    why = suspension(unit.control)
    return {
        "session_id": answer.session_id,
        "energy_limit_wh": limits.energy_wh or None,
        "time_limit_s": limits.time_s or None,
        "waits_for": str(why) if why else None,
    }


async def _stop_session(call: ServiceCall) -> ServiceResponse:
    _, unit = _outlet_of(call)
    session = _session_at(unit)
    await unit.control.end_now(EndReason.LOCAL)
    last = unit.control.last
    ended = last is not None and last.id == session.id
    newest = last if last is not None and ended else unit.control.session or session
    # An outlet that is away is stopped as soon as it is back.
    return {
        "session_id": session.id,
        "local": session.kind is SessionKind.LOCAL,
        "energy_wh": newest.energy_mwh / 1000,
        "seconds": newest.supply_s,
        "end_reason": snake(newest.end_reason) if newest.end_reason else None,
        "ended": ended,
    }


async def _suspend_session(call: ServiceCall) -> ServiceResponse:
    _, unit = _outlet_of(call)
    session = _session_at(unit)
    if not await unit.control.hold(Hold.OWNER):
        raise _no_session(unit)
    return {"session_id": session.id}


async def _resume_session(call: ServiceCall) -> ServiceResponse:
    _, unit = _outlet_of(call)
    session = _session_at(unit)
    if not await unit.control.release(Hold.OWNER):
        raise _no_session(unit)
    return {"session_id": session.id}


def _session_at(unit: OutletUnit) -> Session:
    if (session := unit.control.session) is None:
        raise _no_session(unit)
    return session


def _no_session(unit: OutletUnit) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="no_session",
        translation_placeholders={"outlet": unit.subentry.title},
    )


async def _set_availability(call: ServiceCall) -> ServiceResponse:
    _, unit = _outlet_of(call)
    available, session = call.data[ATTR_AVAILABLE], unit.control.session
    with asking(unit.subentry.title):
        await unit.driver.enable(available)
    # The outlet ends it by itself.
    return {"available": available, "ends_session_id": session.id if session and not available else None}


async def _list_sessions(call: ServiceCall) -> ServiceResponse:
    if call.data.keys() & {ATTR_DEVICE_ID, CONF_EVSE}:
        hub, unit = _outlet_of(call)
        wanted: str | None = unit.control.outlet
    else:
        hub = _site_of(call)
        wanted = None
    since = call.data.get(ATTR_SINCE)
    # A time without a zone is the owner's.
    after = dt_util.as_utc(since) if since else datetime.now(UTC) - _SINCE
    local = call.data.get(ATTR_LOCAL)
    kind = None if local is None else SessionKind.LOCAL if local else SessionKind.DRIVER
    wish = Wish(since=after, outlet=wanted, kind=kind, offset=call.data[ATTR_OFFSET], limit=call.data[ATTR_LIMIT])
    return await listed(hub, wish)


async def _send_measurements(call: ServiceCall) -> ServiceResponse:
    hub = _site_of(call)
    if hub.reporting.sender.plan is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_route",
            translation_placeholders={"site": hub.entry.title},
        )
    try:
        outcome = await hub.reporting.send(again=call.data[ATTR_REFUSED])
    except RouteError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="not_sent",
            translation_placeholders={"reason": str(error), "waiting": str(hub.reporting.counts.waiting)},
        ) from error
    return {"sent": outcome.sent, "refused": outcome.refused, "waiting": outcome.waiting}


async def _link_trace(call: ServiceCall) -> ServiceResponse:
    hub, unit = _outlet_of(call)
    outlet = await trace_outlet(unit.control)
    servers = [
        ("management_server", server.subentry.title, _server_hop(server.station.online, server.station.round_trip_s))
        for server in hub.servers.values()
    ]
    hops = [
        *servers,
        ("site", hub.entry.title, Hop(name="", reachable=True)),
        ("outlet", unit.subentry.title, outlet),
    ]
    return {
        "hops": [
            {
                "kind": kind,
                "name": name,
                "reachable": hop.reachable,
                "round_trip_ms": None if hop.round_trip_s is None else round(hop.round_trip_s * 1000, 1),
                "error": hop.error or None,
            }
            for kind, name, hop in hops
        ]
    }


def _server_hop(online: bool, round_trip_s: float | None) -> Hop:
    return Hop(name="", reachable=online, round_trip_s=round_trip_s if online else None)
