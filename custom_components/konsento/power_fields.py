"""The fields of a power limit, which the site's options and the forms of its circuits share."""

from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
)

from .const import CONF_LIMIT, CONF_UNIT, CONF_VOLTAGE, UNIT_AMPERE, UNIT_WATT

_VOLTAGE_OF = {"JP": 100, "TW": 110, "US": 120, "CA": 120, "MX": 127}
"""By country, where limits are told in A at another voltage than elsewhere."""
_VOLTAGE = 230
MOST_W = 1_000_000


def number(least: float, most: float, step: float, unit: str) -> NumberSelector:
    """Return a box for a number."""
    return NumberSelector(
        NumberSelectorConfig(min=least, max=most, step=step, mode=NumberSelectorMode.BOX, unit_of_measurement=unit)
    )


def limit_fields(hass: HomeAssistant, *, required: bool) -> dict[vol.Marker, Any]:
    """Return the fields for a limit in W, or in A with its voltage."""
    limit = vol.Required(CONF_LIMIT) if required else vol.Optional(CONF_LIMIT)
    volts = _VOLTAGE_OF.get(hass.config.country or "", _VOLTAGE)
    return {
        # In the unit of the next field. Nothing at all is no limit of a wire, but what an empty field would stand for.
        limit: NumberSelector(NumberSelectorConfig(min=1, max=MOST_W, step=0.1, mode=NumberSelectorMode.BOX)),
        vol.Required(CONF_UNIT, default=UNIT_WATT): SelectSelector(
            SelectSelectorConfig(options=[UNIT_WATT, UNIT_AMPERE], translation_key=CONF_UNIT)
        ),
        vol.Required(CONF_VOLTAGE, default=volts): vol.All(number(50, 1000, 1, "V"), vol.Coerce(int)),
    }
