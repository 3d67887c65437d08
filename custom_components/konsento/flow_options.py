"""The form for the site's numbers. They hold at once, also in running sessions."""

from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode

from .const import CONF_CONTINUITY, CONF_HANDOVER, CONF_METER
from .control.settings import MAX_LEASE_S, ControlSettings


def _seconds(least: float, most: float, step: float) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(min=least, max=most, step=step, mode=NumberSelectorMode.BOX, unit_of_measurement="s")
    )


_DEFAULT = ControlSettings()
_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_CONTINUITY, default=_DEFAULT.continuity_s): _seconds(1, 60, 0.5),
        vol.Required(CONF_METER, default=_DEFAULT.meter_s): vol.All(_seconds(1, 900, 1), vol.Coerce(int)),
        vol.Required(CONF_HANDOVER, default=_DEFAULT.handover_s): vol.All(_seconds(1, MAX_LEASE_S, 1), vol.Coerce(int)),
    }
)


class SiteOptionsFlow(OptionsFlow):
    """Shows and takes the numbers."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the only form."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init", data_schema=self.add_suggested_values_to_schema(_SCHEMA, self.config_entry.options)
        )
