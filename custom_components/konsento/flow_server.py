"""The form for a management server: nothing is saved before the server has let the site in."""

import logging
from ipaddress import ip_address
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME, CONF_PASSWORD, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from yarl import URL

from .const import CONF_LABEL_URL, CONF_STATION_ID, SUBENTRY_SERVER
from .labels import EVSE_FIELD, is_pattern
from .station.connection import ServerAddress, probe
from .station.errors import NoCommonVersionError, UnknownStationError, UnreachableError, WrongPasswordError

_LOGGER = logging.getLogger(__name__)

PASSWORD_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_ERRORS: dict[type[Exception], tuple[str, str]] = {
    WrongPasswordError: (CONF_PASSWORD, "invalid_auth"),
    UnknownStationError: (CONF_STATION_ID, "unknown_station"),
    UnreachableError: ("base", "cannot_connect"),
    NoCommonVersionError: ("base", "no_common_version"),
}
_MAX_STATION_ID = 48
"""OCPP's length of a station identity. A colon would end the user name of HTTP Basic."""


async def server_error(hass: HomeAssistant, address: ServerAddress) -> tuple[str, str] | None:
    """Sign in and leave again; returns the form's field and word for what went wrong."""
    try:
        await probe(async_get_clientsession(hass), address)
    except Exception as error:  # every kind has its word; what has none is a mistake here
        if (known := _ERRORS.get(type(error))) is None:
            _LOGGER.exception("Unexpected error while trying a management server")
        return known or ("base", "unknown")
    return None


class ServerSubentryFlow(ConfigSubentryFlow):
    """Links a management server, or corrects how it is reached."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Link a management server."""
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = split_line(user_input)
            address = _address(user_input)
            if self._is_linked(address):
                return self.async_abort(reason="already_configured")
            if await self._works(address, user_input, errors):
                return self.async_create_entry(
                    title=_title(user_input, address),
                    data=_data(address, user_input),
                    unique_id=_unique_id(address),
                )
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, _shown(user_input)),
            description_placeholders=_PLACEHOLDERS,
            errors=errors,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Correct address, station or password."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = split_line(user_input)
            address = _address(user_input)
            if self._is_linked(address, besides=subentry):
                return self.async_abort(reason="already_configured")
            if await self._works(address, user_input, errors):
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    unique_id=_unique_id(address),
                    title=_title(user_input, address),
                    data=_data(address, user_input),
                )
        shown = _shown(user_input or {**subentry.data, CONF_NAME: subentry.title})
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(_SCHEMA, shown),
            description_placeholders=_PLACEHOLDERS,
            errors=errors,
        )

    def _is_linked(self, address: ServerAddress, besides: ConfigSubentry | None = None) -> bool:
        return any(
            other.unique_id == _unique_id(address) and other is not besides
            for other in self._get_entry().get_subentries_of_type(SUBENTRY_SERVER)
        )

    async def _works(self, address: ServerAddress, user_input: dict[str, Any], errors: dict[str, str]) -> bool:
        pattern = _pattern(user_input)
        if pattern and not is_pattern(pattern):
            errors[CONF_LABEL_URL] = "invalid_label_url"
        elif not _is_websocket(address.url):
            errors[CONF_URL] = "invalid_url"
        elif address.url.startswith("ws:") and not is_local(address.url):
            # The station's password, and what drivers are billed by, would be open to everybody on the way.
            errors[CONF_URL] = "insecure_url"
        elif not 1 <= len(address.station_id) <= _MAX_STATION_ID or ":" in address.station_id:
            errors[CONF_STATION_ID] = "invalid_station_id"
        elif not address.password:
            errors[CONF_PASSWORD] = "password_missing"
        elif error := await server_error(self.hass, address):
            field, word = error
            errors[field] = word
        return not errors


_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_URL): str,
        # Not asked for where the set-up line stands in the first field.
        vol.Optional(CONF_STATION_ID): str,
        vol.Optional(CONF_PASSWORD): PASSWORD_SELECTOR,
        vol.Optional(CONF_NAME): str,
        vol.Optional(CONF_LABEL_URL): str,
    }
)
# No text may hold an address.
_PLACEHOLDERS = {"label_example": f"https://charge.example.org/{EVSE_FIELD}", "evse_field": EVSE_FIELD}


def _address(user_input: dict[str, Any]) -> ServerAddress:
    return ServerAddress(
        url=_complete(user_input[CONF_URL].strip().rstrip("/")),
        station_id=user_input.get(CONF_STATION_ID, "").strip(),
        password=user_input.get(CONF_PASSWORD, ""),
    )


def split_line(user_input: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the form; what a set-up line in that for the address says counts more than the others.

    `wss://STATION:PASSWORD@HOST/PATH`: from here on the password is in its own field, neither shown nor logged.
    """
    try:
        line = URL(user_input[CONF_URL].strip())
    except ValueError:
        return user_input
    if not line.user or not line.password:
        return user_input
    plain = str(line.with_user(None))
    return {**user_input, CONF_URL: plain, CONF_STATION_ID: line.user, CONF_PASSWORD: line.password}


def _data(address: ServerAddress, user_input: dict[str, Any]) -> dict[str, Any]:
    data = {CONF_URL: address.url, CONF_STATION_ID: address.station_id, CONF_PASSWORD: address.password}
    pattern = _pattern(user_input)
    return {**data, CONF_LABEL_URL: pattern} if pattern else data


def _pattern(user_input: dict[str, Any]) -> str:
    return str(user_input.get(CONF_LABEL_URL, "")).strip()


def _shown(values: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a form is filled with: never the password."""
    return {key: value for key, value in (values or {}).items() if key != CONF_PASSWORD}


def _unique_id(address: ServerAddress) -> str:
    return f"{address.station_id}@{address.url}"


def _title(user_input: dict[str, Any], address: ServerAddress) -> str:
    name: str = user_input.get(CONF_NAME, "").strip()
    return name or URL(address.url).host or address.url


def _complete(url: str) -> str:
    """Return an address with its scheme: encrypted, unless the server is in the same network."""
    if "://" in url or url.partition(":")[0] in {"ws", "wss"}:
        return url
    return f"ws://{url}" if is_local(f"ws://{url}") else f"wss://{url}"


def is_local(url: str) -> bool:
    """Whether an address is in the same network, as far as it can be told from it."""
    try:
        host = URL(url).host or ""
    except ValueError:
        return False
    try:
        # Private, loopback and link-local addresses: none of them is routed over the internet.
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa"))


def _is_websocket(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    # A password in the address would end up in logs; it has its own field.
    return parsed.scheme in {"ws", "wss"} and bool(parsed.host) and parsed.user is None and parsed.password is None
