"""The form for an outlet: nothing is saved before the outlet has answered and shown that it is one."""

import logging
from types import MappingProxyType
from typing import Any

import voluptuous as vol
from homeassistant.components import zeroconf
from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .const import CONF_EVSE, CONF_KEY, DOMAIN, SUBENTRY_OUTLET
from .outlet.address import (
    DEFAULT_PORT,
    Identity,
    KeyRequiredError,
    NotAnOutletError,
    OutletAddress,
    UnreachableError,
    WrongKeyError,
    identify,
)

_LOGGER = logging.getLogger(__name__)

KEY_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_MAX_EVSE = 999
_ERRORS = {
    UnreachableError: "cannot_connect",
    KeyRequiredError: "key_required",
    WrongKeyError: "wrong_key",
    NotAnOutletError: "not_an_outlet",
}


def outlet_of(hass: HomeAssistant, mac: str) -> tuple[ConfigEntry, ConfigSubentry] | None:
    """Return the site that has an outlet, and the outlet."""
    for site in hass.config_entries.async_entries(DOMAIN):
        for subentry in site.get_subentries_of_type(SUBENTRY_OUTLET):
            if subentry.unique_id == mac:
                return site, subentry
    return None


def dismiss_discovery(hass: HomeAssistant, mac: str) -> None:
    """Withdraw the offer of an outlet that announced itself and was then added by its address."""
    for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN, match_context={"unique_id": mac}):
        hass.config_entries.flow.async_abort(flow["flow_id"])


def next_evse(site: ConfigEntry) -> int:
    """Return the smallest outlet number that is free."""
    taken = _taken(site)
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _taken(site: ConfigEntry) -> set[int]:
    return {subentry.data[CONF_EVSE] for subentry in site.get_subentries_of_type(SUBENTRY_OUTLET)}


def outlet_data(address: OutletAddress, evse: int) -> MappingProxyType[str, Any]:
    """Return what is stored of an outlet."""
    data: dict[str, Any] = {CONF_HOST: address.host, CONF_PORT: address.port, CONF_EVSE: evse}
    if address.key:
        data[CONF_KEY] = address.key
    return MappingProxyType(data)


def identify_error(error: Exception) -> str:
    """Return the form's word for what went wrong while an outlet was looked at."""
    if word := _ERRORS.get(type(error)):
        return word
    _LOGGER.error("Unexpected error while looking at an outlet", exc_info=error)
    return "unknown"


class OutletSubentryFlow(ConfigSubentryFlow):
    """Adds an outlet by its address, or corrects where it is."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add an outlet."""
        site = self._get_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            evse = user_input.get(CONF_EVSE) or next_evse(site)
            if evse in _taken(site):
                errors[CONF_EVSE] = "evse_taken"
            elif identity := await self._identify(user_input, errors):
                if outlet_of(self.hass, identity.mac):
                    return self.async_abort(reason="already_configured")
                dismiss_discovery(self.hass, identity.mac)
                return self.async_create_entry(
                    title=user_input.get(CONF_NAME, "").strip() or identity.name,
                    data=outlet_data(_address(user_input), evse),
                    unique_id=identity.mac,
                )
        schema = vol.Schema(
            {
                **_ADDRESS_FIELDS,
                vol.Optional(CONF_NAME): str,
                vol.Optional(CONF_EVSE, default=next_evse(site)): vol.All(
                    vol.Coerce(int), vol.Range(min=1, max=_MAX_EVSE)
                ),
            }
        )
        return self.async_show_form(
            step_id="user", data_schema=self.add_suggested_values_to_schema(schema, user_input), errors=errors
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Correct the address, key or name of an outlet. Its number stays: it is printed on the wall."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None and (identity := await self._identify(user_input, errors)):
            if identity.mac == subentry.unique_id:
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=user_input.get(CONF_NAME, "").strip() or identity.name,
                    data=outlet_data(_address(user_input), subentry.data[CONF_EVSE]),
                )
            errors["base"] = "another_outlet"
        schema = vol.Schema({**_ADDRESS_FIELDS, vol.Optional(CONF_NAME): str})
        shown = user_input or {**subentry.data, CONF_NAME: subentry.title}
        return self.async_show_form(
            step_id="reconfigure", data_schema=self.add_suggested_values_to_schema(schema, shown), errors=errors
        )

    async def _identify(self, user_input: dict[str, Any], errors: dict[str, str]) -> Identity | None:
        try:
            return await identify(_address(user_input), await zeroconf.async_get_async_instance(self.hass))
        except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
            errors["base"] = identify_error(error)
            return None


_ADDRESS_FIELDS: dict[Any, Any] = {
    vol.Required(CONF_HOST): str,
    vol.Required(CONF_PORT, default=DEFAULT_PORT): cv.port,
    vol.Optional(CONF_KEY): KEY_SELECTOR,
}


def _address(user_input: dict[str, Any]) -> OutletAddress:
    return OutletAddress(
        host=user_input[CONF_HOST].strip(), port=user_input[CONF_PORT], key=user_input.get(CONF_KEY) or None
    )
