"""The step of the options that puts all outlets into the energy dashboard. Only administrators see a site's options."""

from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow

from .energy_dashboard import add_to_dashboard, missing_outlets

_ENERGY = "energy"
"""The integration that has the energy dashboard."""


class EnergySteps(OptionsFlow):
    """The part of the options that is done at once instead of being kept."""

    async def async_step_energy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Name the outlets that the energy dashboard does not have, and add them."""
        if _ENERGY not in self.hass.config.components:
            return self.async_abort(reason="no_energy_dashboard")
        missing = await missing_outlets(self.hass, self.config_entry.runtime_data)
        if not missing:
            return self.async_abort(reason="energy_dashboard_complete")
        names = ", ".join(device["name"] for device in missing)
        if user_input is None:
            return self.async_show_form(
                step_id="energy", data_schema=vol.Schema({}), description_placeholders={"outlets": names}
            )
        await add_to_dashboard(self.hass, missing)
        return self.async_abort(reason="added_to_energy_dashboard", description_placeholders={"outlets": names})
