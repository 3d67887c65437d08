"""The forms for what holds for the whole site. All of it holds at once, also in running sessions."""

from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.data_entry_flow import section

from .const import CONF_CONTINUITY, CONF_GRACE, CONF_GRID_FACTOR, CONF_HANDOVER, CONF_METER, CONF_UNLIMITED
from .control.limits import MAX_TIME_S
from .control.settings import MAX_LEASE_S, ControlSettings
from .flow_energy import EnergySteps
from .flow_measurements import MeasurementSteps
from .flow_power import PowerSteps
from .footprint import MOST_G_PER_KWH
from .power_fields import number

_INTERRUPTIONS = "interruptions"
_OTHER_SERVERS = "other_servers"


_DEFAULT = ControlSettings()
_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_CONTINUITY, default=_DEFAULT.continuity_s): number(1, 60, 0.5, "s"),
        vol.Required(CONF_METER, default=_DEFAULT.meter_s): vol.All(number(1, 900, 1, "s"), vol.Coerce(int)),
        vol.Optional(_INTERRUPTIONS): section(
            vol.Schema(
                {
                    vol.Required(CONF_HANDOVER, default=_DEFAULT.handover_s): vol.All(
                        number(1, MAX_LEASE_S, 1, "s"), vol.Coerce(int)
                    ),
                    vol.Required(CONF_GRACE, default=_DEFAULT.abandon_s / 60): number(1, 1440, 1, "min"),
                }
            ),
            {"collapsed": True},
        ),
        vol.Optional(_OTHER_SERVERS): section(
            vol.Schema(
                {
                    vol.Required(CONF_UNLIMITED, default=_DEFAULT.unlimited_s / 3600): number(
                        0.5, MAX_TIME_S / 3600, 0.5, "h"
                    )
                }
            ),
            {"collapsed": True},
        ),
    }
)
_ENVIRONMENT = vol.Schema({vol.Optional(CONF_GRID_FACTOR): number(0, MOST_G_PER_KWH, 0.1, "g/kWh")})


class SiteOptionsFlow(EnergySteps, MeasurementSteps, PowerSteps):
    """Shows and takes what the owner can set."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what is to be set."""
        menu = ["numbers", "power", "energy", "measurements", "environment"]
        return self.async_show_menu(step_id="init", menu_options=menu)

    async def async_step_numbers(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take the numbers."""
        options = dict(self.config_entry.options)
        if user_input is not None:
            parts = [user_input.pop(name, {}) for name in (_INTERRUPTIONS, _OTHER_SERVERS)]
            for part in (user_input, *parts):
                options.update(part)
            return self.async_create_entry(data=options)
        shown = {**options, _INTERRUPTIONS: options, _OTHER_SERVERS: options}
        return self.async_show_form(step_id="numbers", data_schema=self.add_suggested_values_to_schema(_SCHEMA, shown))

    async def async_step_environment(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take the factor of the grid; left empty, it is none of the owner's."""
        options = dict(self.config_entry.options)
        if user_input is not None:
            options.pop(CONF_GRID_FACTOR, None)
            return self.async_create_entry(data={**options, **user_input})
        return self.async_show_form(
            step_id="environment", data_schema=self.add_suggested_values_to_schema(_ENVIRONMENT, options)
        )
