"""The form for a circuit: what it can carry, which outlets hang on it, which circuit feeds it."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig, SelectSelectorMode

from .const import CONF_CIRCUIT_OUTLETS, CONF_EVSE, CONF_FEEDER, SUBENTRY_CIRCUIT, SUBENTRY_OUTLET
from .power_fields import limit_fields


class CircuitSubentryFlow(ConfigSubentryFlow):
    """Adds a circuit, or changes one."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a circuit."""
        errors: dict[str, str] = {}
        if user_input is not None:
            name, data = _taken(user_input)
            if not (errors := self._errors(name, None)):
                return self.async_create_entry(title=name, data=data)
        return self._form("user", user_input or {}, errors, None)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change a circuit; its limit holds at once."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            name, data = _taken(user_input)
            if not (errors := self._errors(name, subentry)):
                return self.async_update_and_abort(self._get_entry(), subentry, title=name, data=data)
        present = {part.subentry_id for part in self._parts(SUBENTRY_OUTLET)}
        outlets = [each for each in subentry.data[CONF_CIRCUIT_OUTLETS] if each in present]
        shown = {CONF_NAME: subentry.title, **subentry.data, CONF_CIRCUIT_OUTLETS: outlets}
        return self._form("reconfigure", user_input or shown, errors, subentry)

    def _form(
        self, step: str, shown: Mapping[str, Any], errors: dict[str, str], besides: ConfigSubentry | None
    ) -> SubentryFlowResult:
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_NAME): str,
            **limit_fields(self.hass, required=True),
            vol.Required(CONF_CIRCUIT_OUTLETS, default=[]): SelectSelector(
                SelectSelectorConfig(options=self._outlets(besides), multiple=True, mode=SelectSelectorMode.LIST)
            ),
        }
        if feeders := self._feeders(besides):
            fields[vol.Optional(CONF_FEEDER)] = SelectSelector(
                SelectSelectorConfig(options=feeders, mode=SelectSelectorMode.DROPDOWN)
            )
        schema = self.add_suggested_values_to_schema(vol.Schema(fields), shown)
        return self.async_show_form(step_id=step, data_schema=schema, errors=errors)

    def _parts(self, kind: str) -> list[ConfigSubentry]:
        return list(self._get_entry().get_subentries_of_type(kind))

    def _outlets(self, besides: ConfigSubentry | None) -> list[SelectOptionDict]:
        """Return the outlets that hang on no other circuit."""
        elsewhere = {
            outlet
            for part in self._parts(SUBENTRY_CIRCUIT)
            if besides is None or part.subentry_id != besides.subentry_id
            for outlet in part.data[CONF_CIRCUIT_OUTLETS]
        }
        outlets = sorted(self._parts(SUBENTRY_OUTLET), key=lambda part: part.data[CONF_EVSE])
        return [
            SelectOptionDict(value=part.subentry_id, label=part.title)
            for part in outlets
            if part.subentry_id not in elsewhere
        ]

    def _feeders(self, besides: ConfigSubentry | None) -> list[SelectOptionDict]:
        """Return the circuits that may feed this one: not itself, nor one that it feeds."""
        parts = {part.subentry_id: part for part in self._parts(SUBENTRY_CIRCUIT)}

        def is_fed_by(part: ConfigSubentry) -> bool:
            seen = set[str]()
            at: str | None = part.subentry_id
            while at in parts and at not in seen:
                seen.add(at)
                at = parts[at].data.get(CONF_FEEDER)
            return besides is not None and besides.subentry_id in seen

        return [
            SelectOptionDict(value=part.subentry_id, label=part.title) for part in parts.values() if not is_fed_by(part)
        ]

    def _errors(self, name: str, besides: ConfigSubentry | None) -> dict[str, str]:
        if not name:
            return {CONF_NAME: "empty_name"}
        if any(part.title == name and part is not besides for part in self._parts(SUBENTRY_CIRCUIT)):
            return {CONF_NAME: "name_taken"}
        return {}


def _taken(user_input: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return name and data of a circuit as the form says."""
    data = dict(user_input)
    return data.pop(CONF_NAME).strip(), data
