"""How a site comes into Home Assistant: the site itself, outlets that announce themselves, and new keys."""

import logging
from typing import Any, override

import voluptuous as vol
from homeassistant.components import zeroconf
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
)
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .const import CONF_KEY, DOMAIN, SUBENTRY_CIRCUIT, SUBENTRY_OUTLET, SUBENTRY_SERVER
from .flow_circuit import CircuitSubentryFlow
from .flow_options import SiteOptionsFlow
from .flow_outlet import KEY_SELECTOR, OutletSubentryFlow, identify_error, next_evse, outlet_data, outlet_of
from .flow_reauth import ReauthSteps
from .flow_server import ServerSubentryFlow
from .outlet.address import DEFAULT_PORT, OutletAddress, identify

_LOGGER = logging.getLogger(__name__)

_CONF_SITE = "site"
_DEFAULT_SITE = "Konsento"


class KonsentoConfigFlow(ReauthSteps, domain=DOMAIN):
    """Adds a site, or a discovered outlet to one."""

    # What every earlier version has written holds as it is, so nothing is migrated; Home Assistant itself refuses the
    # entries of a later major version (tests/site/ha/test_life.py).
    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        self._mac = ""
        self._name = ""
        self._host = ""
        self._port = DEFAULT_PORT

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow for the site's numbers."""
        return SiteOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what a site consists of."""
        return {
            SUBENTRY_OUTLET: OutletSubentryFlow,
            SUBENTRY_SERVER: ServerSubentryFlow,
            SUBENTRY_CIRCUIT: CircuitSubentryFlow,
        }

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a site; its outlets and servers are added to it afterwards."""
        errors: dict[str, str] = {}
        if user_input is not None:
            name = user_input[CONF_NAME].strip()
            if not name:
                errors[CONF_NAME] = "empty_name"
            elif any(entry.title == name for entry in self._async_current_entries()):
                return self.async_abort(reason="already_configured")
            else:
                return self.async_create_entry(title=name, data={})
        schema = vol.Schema({vol.Required(CONF_NAME, default=_DEFAULT_SITE): str})
        return self.async_show_form(step_id="user", data_schema=schema, errors=errors)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with what a new site lacks: its first outlet, or, when that was discovered, a management server."""
        site = result["result"]
        part = SUBENTRY_SERVER if site.subentries else SUBENTRY_OUTLET
        flow = await self.hass.config_entries.subentries.async_init(
            (site.entry_id, part), context={"source": SOURCE_USER}
        )
        result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the name of a site; nothing that runs on it is touched."""
        site = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            name = user_input[CONF_NAME].strip()
            if not name:
                errors[CONF_NAME] = "empty_name"
            elif any(entry.title == name and entry is not site for entry in self._async_current_entries()):
                errors[CONF_NAME] = "name_taken"
            else:
                return self.async_update_and_abort(site, title=name)
        schema = vol.Schema({vol.Required(CONF_NAME, default=site.title): str})
        return self.async_show_form(step_id="reconfigure", data_schema=schema, errors=errors)

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Meet an outlet that announces itself."""
        mac = str(discovery_info.properties.get("mac", "")).replace(":", "").lower()
        if not mac:
            return self.async_abort(reason="no_mac")
        self._mac, self._host, self._port = mac, discovery_info.host, discovery_info.port or DEFAULT_PORT
        self._name = discovery_info.properties.get("friendly_name") or discovery_info.name.partition(".")[0]
        await self.async_set_unique_id(mac)
        self._abort_if_unique_id_configured()
        if known := outlet_of(self.hass, mac):
            self._follow_address(*known)
            return self.async_abort(reason="already_configured")
        self.context["title_placeholders"] = {"name": self._name}
        return await self.async_step_zeroconf_confirm()

    async def async_step_zeroconf_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether, and to which site, the outlet is to be added."""
        errors: dict[str, str] = {}
        sites = self._async_current_entries()
        if user_input is not None:
            address = OutletAddress(host=self._host, port=self._port, key=user_input.get(CONF_KEY))
            try:
                identity = await identify(address, await zeroconf.async_get_async_instance(self.hass))
            except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
                errors["base"] = identify_error(error)
            else:
                if identity.mac != self._mac:
                    return self.async_abort(reason="another_outlet")
                return await self._add(user_input, address, sites)
        return self.async_show_form(
            step_id="zeroconf_confirm",
            data_schema=self.add_suggested_values_to_schema(self._schema(sites), user_input),
            description_placeholders={"name": self._name, "host": self._host},
            errors=errors,
        )

    def _schema(self, sites: list[ConfigEntry]) -> vol.Schema:
        fields: dict[Any, Any] = {vol.Required(CONF_NAME, default=self._name): str}
        if len(sites) > 1:
            options = [SelectOptionDict(value=site.entry_id, label=site.title) for site in sites]
            fields[vol.Required(_CONF_SITE)] = SelectSelector(SelectSelectorConfig(options=options))
        fields[vol.Optional(CONF_KEY)] = KEY_SELECTOR
        return vol.Schema(fields)

    async def _add(
        self, user_input: dict[str, Any], address: OutletAddress, sites: list[ConfigEntry]
    ) -> ConfigFlowResult:
        if outlet_of(self.hass, self._mac):
            return self.async_abort(reason="already_configured")
        title = user_input[CONF_NAME]
        if not sites:
            # The new entry is the site, not this outlet: the flow's unique id must not become its.
            await self.async_set_unique_id(None)
            first = ConfigSubentryData(
                data=outlet_data(address, 1), subentry_type=SUBENTRY_OUTLET, title=title, unique_id=self._mac
            )
            return self.async_create_entry(title=_DEFAULT_SITE, data={}, subentries=[first])
        site = next((site for site in sites if site.entry_id == user_input.get(_CONF_SITE)), sites[0])
        subentry = ConfigSubentry(
            data=outlet_data(address, next_evse(site)),
            subentry_type=SUBENTRY_OUTLET,
            title=title,
            unique_id=self._mac,
        )
        self.hass.config_entries.async_add_subentry(site, subentry)
        return self.async_abort(reason="outlet_added", description_placeholders={"name": title, "site": site.title})

    def _follow_address(self, site: ConfigEntry, subentry: ConfigSubentry) -> None:
        """Use the address at which an outlet shows up, unless it answers at the one that was given."""
        hub = getattr(site, "runtime_data", None)
        unit = hub.outlets.get(subentry.subentry_id) if hub else None
        if unit is None or unit.driver.connected:
            return
        data = {**subentry.data, CONF_HOST: self._host, CONF_PORT: self._port}
        if self.hass.config_entries.async_update_subentry(site, subentry, data=data):
            _LOGGER.info("Outlet %s is now at %s", subentry.title, self._host)
