"""Repairs that can be made with a click: clearing a fault that an outlet keeps until somebody has looked."""

from typing import Any

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant

from .control.driver import OutletRefusedError, OutletSilentError


class ClearFaultFlow(RepairsFlow):
    """Asks once, clears the fault, and says so when the outlet does not agree."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._entry_id: str = data.pop("entry_id")
        self._subentry_id: str = data.pop("subentry_id")
        self._fault: str = data["fault"]
        self._placeholders = data

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask, then clear."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entry = self.hass.config_entries.async_get_entry(self._entry_id)
            hub = getattr(entry, "runtime_data", None)
            unit = hub.outlets.get(self._subentry_id) if hub else None
            if unit is None:
                return self.async_abort(reason="outlet_gone")
            try:
                await unit.driver.clear_fault(self._fault)
            except OutletRefusedError as error:
                errors["base"] = "not_supported" if error.code == "not_supported" else "still_there"
            except OutletSilentError:
                errors["base"] = "silent"
            else:
                # The issue goes when the outlet reports that the fault is gone.
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            description_placeholders=self._placeholders,
            errors=errors,
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for an issue; only latched faults have one."""
    return ClearFaultFlow(dict(data or {}))
