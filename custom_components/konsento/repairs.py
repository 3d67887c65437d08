"""Repairs that are made with a click, and those of which a click tells whether they have been made."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant

from .const import CONF_ACCEPTED, CONF_MEASUREMENTS, DEVICES, FIRMWARE, FIRMWARE_GUIDE
from .control.driver import OutletRefusedError, OutletSilentError
from .control.problems import Problem
from .flow_measurements import measurements_error
from .flow_server import PASSWORD_SELECTOR
from .hub import Hub, SiteConfigEntry
from .station.errors import LineDownError, RpcError
from .station.station import CLOCK_TOLERANCE_S
from .supervision import ISSUE_CLOCKS, ISSUE_EVENTS, ISSUE_TOKEN, ISSUE_UNGUARDED, LATCHED


class PartGoneError(Exception):
    """What was to be repaired no longer belongs to the site, or the site does not run."""


class SiteRepairFlow(RepairsFlow):
    """Explains, and does something when the owner says so."""

    fields: Mapping[Any, Any] = {}

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take what supervision.py has written: whose the issue is, and what its texts need."""
        self._entry_id: str = data["entry_id"]
        self._subentry_id: str = data["subentry_id"]
        self._fault: str = data.get("fault", "")
        self.placeholders = {name: str(value) for name, value in data.items() if not name.endswith("_id")}

    @property
    def entry(self) -> SiteConfigEntry:
        """The site. Raises PartGoneError."""
        entry: SiteConfigEntry | None = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or not isinstance(getattr(entry, "runtime_data", None), Hub):
            raise PartGoneError
        return entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Explain, then do it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                errors = await self.repair(user_input)
            except PartGoneError:
                return self.async_abort(reason="part_gone")
            if not errors:
                return self.done()
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema(dict(self.fields)),
            description_placeholders=self.placeholders,
            errors=errors,
        )

    def done(self) -> RepairsFlowResult:
        """Close the issue; one whose cause is still there comes back."""
        return self.async_create_entry(data={})

    @abstractmethod
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        """Do it; returns the form's words for what went wrong. Raises PartGoneError."""


class ClearFaultFlow(SiteRepairFlow):
    """Clears a fault that an outlet keeps until somebody has looked, and says so when the outlet does not agree."""

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        if (unit := self.entry.runtime_data.outlets.get(self._subentry_id)) is None:
            raise PartGoneError
        try:
            await unit.driver.clear_fault(self._fault)
        except OutletRefusedError as error:
            return {"base": "not_supported" if error.code == "not_supported" else "still_there"}
        except OutletSilentError:
            return {"base": "silent"}
        return {}


class FirmwareFlow(SiteRepairFlow):
    """Leads to how firmware is installed, and looks whether it was."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.placeholders |= {"guide": FIRMWARE_GUIDE, "version": FIRMWARE}

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        if (unit := self.entry.runtime_data.outlets.get(self._subentry_id)) is None:
            raise PartGoneError
        return {"base": "still_outdated"} if unit.driver.facts.missing else {}


class ClocksFlow(SiteRepairFlow):
    """Compares the clocks of site and server again."""

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        if (unit := self.entry.runtime_data.servers.get(self._subentry_id)) is None:
            raise PartGoneError
        try:
            await unit.station.loopback()
        except LineDownError, RpcError:
            return {"base": "server_silent"}
        unit.tell()
        offset = abs(unit.station.clock_offset_s or 0.0)
        self.placeholders |= {"seconds": f"{offset:.0f}"}
        return {"base": "still_differ"} if offset > CLOCK_TOLERANCE_S else {}


class EventsFlow(SiteRepairFlow):
    """Makes the link to a server anew."""

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        hub = self.entry.runtime_data
        if (unit := hub.servers.get(self._subentry_id)) is None:
            raise PartGoneError
        await hub.reconnect(unit)
        return {}

    @override
    def done(self) -> RepairsFlowResult:
        # The issue stays until the events have been delivered.
        return self.async_abort(reason="reconnected", description_placeholders=self.placeholders)


class TokenFlow(SiteRepairFlow):
    """Takes a new token for measurements, which is tried before it is saved."""

    fields: Mapping[Any, Any] = {vol.Required(CONF_TOKEN): PASSWORD_SELECTOR}

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        entry = self.entry
        if (known := entry.options.get(CONF_MEASUREMENTS)) is None:
            raise PartGoneError
        chosen = {**known, CONF_TOKEN: user_input[CONF_TOKEN].strip()}
        if error := await measurements_error(self.hass, chosen):
            field, word = error
            return {CONF_TOKEN: word} if field == CONF_TOKEN else {"base": "cannot_connect"}
        self.hass.config_entries.async_update_entry(entry, options={**entry.options, CONF_MEASUREMENTS: chosen})
        return {}


class UnguardedFlow(SiteRepairFlow):
    """Has the owner decide about an outlet that cannot protect itself."""

    @override
    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Explain, and ask what is to become of it."""
        return self.async_show_menu(
            step_id="init", menu_options=["confirm", "devices"], description_placeholders=self.placeholders
        )

    async def async_step_devices(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Say where the devices are that guard themselves; the issue stays."""
        self.placeholders |= {"devices": DEVICES}
        return self.async_abort(reason="see_devices", description_placeholders=self.placeholders)

    @override
    async def repair(self, user_input: dict[str, Any]) -> dict[str, str]:
        entry = self.entry
        accepted = sorted({*entry.options.get(CONF_ACCEPTED, ()), self._subentry_id})
        self.hass.config_entries.async_update_entry(entry, options={**entry.options, CONF_ACCEPTED: accepted})
        return {}


FLOWS: Mapping[str, type[SiteRepairFlow]] = {
    **dict.fromkeys(LATCHED, ClearFaultFlow),
    Problem.FIRMWARE_OUTDATED: FirmwareFlow,
    ISSUE_CLOCKS: ClocksFlow,
    ISSUE_EVENTS: EventsFlow,
    ISSUE_TOKEN: TokenFlow,
    ISSUE_UNGUARDED: UnguardedFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for an issue."""
    told = data or {}
    return FLOWS[str(told["issue"])](told)
