"""The form for what the site may draw, and for the meter of the building that shares its limit."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import EntitySelector, EntitySelectorConfig, SelectSelector, SelectSelectorConfig

from .const import (
    CONF_FALLBACK,
    CONF_LIMIT,
    CONF_METER_COUNTS,
    CONF_METER_ENTITY,
    CONF_MIN_ON,
    CONF_POWER,
    COUNTS_EVERYTHING,
    COUNTS_OTHERS,
    DOMAIN,
)
from .entity_plug import entity_id_of, number_of, stable_id
from .power_fields import MOST_W, limit_fields, number
from .site_budget import DEFAULT_MIN_ON_MIN

_BUILDING = "building"


class PowerSteps(OptionsFlow):
    """The part of the options that says what the site may draw."""

    async def async_step_power(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take the limit."""
        options = dict(self.config_entry.options)
        known: Mapping[str, Any] = options.get(CONF_POWER, {})
        errors: dict[str, str] = {}
        if user_input is not None:
            building = user_input.pop(_BUILDING, {})
            values = {**user_input, **building}
            if error := self._error(values):
                errors["base"] = error
            else:
                if entity_id := values.pop(CONF_METER_ENTITY, None):
                    values[CONF_METER_ENTITY] = stable_id(self.hass, entity_id)
                return self.async_create_entry(data={**options, CONF_POWER: values})
            shown: dict[str, Any] = {**user_input, _BUILDING: building}
        else:
            shown = {**known, _BUILDING: self._shown(known)}
        return self.async_show_form(
            step_id="power", data_schema=self.add_suggested_values_to_schema(self._schema(known), shown), errors=errors
        )

    def _schema(self, known: Mapping[str, Any]) -> vol.Schema:
        meter = EntitySelectorConfig(
            domain="sensor", device_class=SensorDeviceClass.POWER, exclude_entities=self._own()
        )
        building = vol.Schema(
            {
                vol.Optional(CONF_METER_ENTITY): EntitySelector(meter),
                vol.Required(CONF_METER_COUNTS, default=COUNTS_OTHERS): SelectSelector(
                    SelectSelectorConfig(options=[COUNTS_OTHERS, COUNTS_EVERYTHING], translation_key=CONF_METER_COUNTS)
                ),
                vol.Required(CONF_FALLBACK, default=0): number(0, MOST_W, 1, "W"),
            }
        )
        return vol.Schema(
            {
                **limit_fields(self.hass, required=False),
                vol.Required(CONF_MIN_ON, default=DEFAULT_MIN_ON_MIN): number(5, 240, 1, "min"),
                vol.Optional(_BUILDING): section(building, {"collapsed": CONF_METER_ENTITY not in known}),
            }
        )

    def _own(self) -> list[str]:
        """Return the site's own sensors: what outlets draw is no meter of the building."""
        registry = er.async_get(self.hass)
        return [each.entity_id for each in registry.entities.values() if each.platform == DOMAIN]

    def _shown(self, known: Mapping[str, Any]) -> dict[str, Any]:
        shown = dict(known)
        if stable := shown.pop(CONF_METER_ENTITY, None):
            shown[CONF_METER_ENTITY] = entity_id_of(self.hass, stable)
        return shown

    def _error(self, values: Mapping[str, Any]) -> str | None:
        if (entity_id := values.get(CONF_METER_ENTITY)) is None:
            return None
        if CONF_LIMIT not in values:
            return "limit_missing"
        return None if number_of(self.hass.states.get(entity_id), "power") is not None else "no_power"
