"""The form for a key or a password that is no longer taken: the new one is tried before it is saved."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.components import zeroconf
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_PORT, CONF_URL

from .const import CONF_KEY, CONF_STATION_ID, SUBENTRY_OUTLET
from .flow_outlet import KEY_SELECTOR, identify_error
from .flow_server import PASSWORD_SELECTOR, server_error, split_line
from .outlet.address import OutletAddress, identify
from .station.connection import ServerAddress


class ReauthSteps(ConfigFlow):
    """The part of the config flow that a site's outlets and management servers ask for."""

    _subentry_id = ""

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Find out who asks."""
        self._subentry_id = entry_data["subentry_id"]
        if (part := self._part()) is None:
            return self.async_abort(reason="part_removed")
        self.context["title_placeholders"] = {"name": part.title}
        if part.subentry_type == SUBENTRY_OUTLET:
            return await self.async_step_reauth_outlet()
        return await self.async_step_reauth_server()

    def _part(self) -> ConfigSubentry | None:
        return self._get_reauth_entry().subentries.get(self._subentry_id)

    async def async_step_reauth_outlet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the encryption key of an outlet; none is an answer, too."""
        if (part := self._part()) is None:
            return self.async_abort(reason="part_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            key = user_input.get(CONF_KEY) or None
            address = OutletAddress(host=part.data[CONF_HOST], port=part.data[CONF_PORT], key=key)
            try:
                identity = await identify(address, await zeroconf.async_get_async_instance(self.hass))
            except Exception as error:  # noqa: BLE001  # told apart, and logged when unknown, by identify_error
                errors["base"] = identify_error(error)
            else:
                if identity.mac == part.unique_id:
                    rest = {name: value for name, value in part.data.items() if name != CONF_KEY}
                    return self._save(part, {**rest, CONF_KEY: key} if key else rest)
                errors["base"] = "another_outlet"
        return self.async_show_form(
            step_id="reauth_outlet",
            data_schema=vol.Schema({vol.Optional(CONF_KEY): KEY_SELECTOR}),
            description_placeholders={"outlet": part.title},
            errors=errors,
        )

    async def async_step_reauth_server(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the station's password at a management server."""
        if (part := self._part()) is None:
            return self.async_abort(reason="part_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            typed = user_input[CONF_PASSWORD]
            # Who has got a whole set-up line with the new password may paste that.
            password = split_line({CONF_URL: typed, CONF_PASSWORD: typed})[CONF_PASSWORD]
            address = ServerAddress(url=part.data[CONF_URL], station_id=part.data[CONF_STATION_ID], password=password)
            if error := await server_error(self.hass, address):
                field, word = error
                # The form has one field, and words for outlets beside those for servers.
                errors[field if field == CONF_PASSWORD else "base"] = f"server_{word}"
            else:
                return self._save(part, {**part.data, CONF_PASSWORD: address.password})
        return self.async_show_form(
            step_id="reauth_server",
            data_schema=vol.Schema({vol.Required(CONF_PASSWORD): PASSWORD_SELECTOR}),
            description_placeholders={"server": part.title, "station": part.data[CONF_STATION_ID]},
            errors=errors,
        )

    def _save(self, part: ConfigSubentry, data: Mapping[str, Any]) -> ConfigFlowResult:
        # The site follows without a reload: sessions on other outlets go on.
        self.hass.config_entries.async_update_subentry(self._get_reauth_entry(), part, data=data)
        return self.async_abort(reason="reauth_successful")
