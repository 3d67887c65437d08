"""The form for where measurements go: nothing is saved before the other side has taken the token."""

import logging
from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, TextSelector, TextSelectorConfig
from yarl import URL

from .const import CONF_MEASUREMENTS, CONF_REGION, CONF_ROUTE, CONF_SCHEDULE
from .control.clock import SystemClock
from .flow_server import PASSWORD_SELECTOR, is_local
from .measurements.measurement import is_region
from .measurements.route import Line, Route, RouteError, Trouble
from .measurements.timetable import Schedule

_LOGGER = logging.getLogger(__name__)

NO_ROUTE = "none"
ROUTES = (NO_ROUTE, "platform", "computation")
_ERRORS = {Trouble.TOKEN: (CONF_TOKEN, "invalid_auth"), Trouble.UNREACHABLE: (CONF_URL, "cannot_connect")}

SCHEMA = vol.Schema(
    {
        vol.Required(CONF_ROUTE, default=NO_ROUTE): SelectSelector(
            SelectSelectorConfig(options=list(ROUTES), translation_key=CONF_ROUTE)
        ),
        vol.Optional(CONF_URL): TextSelector(TextSelectorConfig()),
        vol.Optional(CONF_TOKEN): PASSWORD_SELECTOR,
        vol.Optional(CONF_REGION): TextSelector(TextSelectorConfig()),
        vol.Required(CONF_SCHEDULE, default=Schedule.TWELVE_HOURLY.value): SelectSelector(
            SelectSelectorConfig(options=[each.value for each in Schedule], translation_key=CONF_SCHEDULE)
        ),
    }
)


class MeasurementSteps(OptionsFlow):
    """The part of the options that says where measurements go, and when."""

    async def async_step_measurements(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take the choice."""
        options = dict(self.config_entry.options)
        known: Mapping[str, Any] = options.get(CONF_MEASUREMENTS, {})
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_ROUTE] == NO_ROUTE:
                # The token is forgotten, too.
                options.pop(CONF_MEASUREMENTS, None)
                return self.async_create_entry(data=options)
            chosen = _chosen(user_input, known)
            if error := await measurements_error(self.hass, chosen):
                field, word = error
                errors[field] = word
            else:
                return self.async_create_entry(data={**options, CONF_MEASUREMENTS: chosen})
        shown = {name: value for name, value in (user_input or known).items() if name != CONF_TOKEN}
        return self.async_show_form(
            step_id="measurements", data_schema=self.add_suggested_values_to_schema(SCHEMA, shown), errors=errors
        )


def _chosen(user_input: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    url = _complete(user_input.get(CONF_URL, "").strip().rstrip("/"))
    token = user_input.get(CONF_TOKEN, "").strip()
    if not token and url == known.get(CONF_URL):
        # Left empty it stays; but what one address knows is not shown to another one.
        token = known[CONF_TOKEN]
    return {
        CONF_ROUTE: user_input[CONF_ROUTE],
        CONF_URL: url,
        CONF_TOKEN: token,
        CONF_REGION: user_input.get(CONF_REGION, "").strip().upper(),
        CONF_SCHEDULE: user_input[CONF_SCHEDULE],
    }


def _complete(url: str) -> str:
    """Return an address with its scheme: encrypted, unless it is in the same network."""
    if not url or "://" in url:
        return url
    return f"http://{url}" if is_local(f"http://{url}") else f"https://{url}"


async def measurements_error(hass: HomeAssistant, chosen: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the form's field and word for what is wrong with a choice."""
    url, token = chosen[CONF_URL], chosen[CONF_TOKEN]
    if not is_region(chosen[CONF_REGION]):
        return CONF_REGION, "invalid_region"
    if not _is_address(url):
        return CONF_URL, "invalid_url"
    if url.startswith("http:") and not is_local(url):
        return CONF_URL, "insecure_url"
    if not token:
        return CONF_TOKEN, "token_missing"
    if not token.isascii() or not token.isprintable() or " " in token:
        return CONF_TOKEN, "invalid_auth"
    try:
        await Line(async_get_clientsession(hass), Route(url=url, token=token), SystemClock()).wanted()
    except RouteError as error:
        _LOGGER.info("The receiver of measurements was not accepted: %s", error)
        return _ERRORS.get(error.trouble, (CONF_URL, "no_receiver"))
    return None


def _is_address(url: str) -> bool:
    try:
        parsed = URL(url)
        # Reading the port is what finds a bad one.
        return (
            parsed.scheme in {"http", "https"}
            and bool(parsed.host)
            and parsed.port is not None
            and parsed.user is None
            and not parsed.query_string
            and not parsed.fragment
        )
    except ValueError:
        return False
