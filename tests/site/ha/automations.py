"""Automations as an owner writes them, and what came of them."""

from typing import Any

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component


class Ran:
    """What the automations of a test have been told, in order."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.told: list[dict[str, Any]] = []
        hass.services.async_register("test", "note", self._note)

    @callback
    def _note(self, call: ServiceCall) -> None:
        self.told.append(dict(call.data))

    @property
    def names(self) -> list[str]:
        return [each["name"] for each in self.told]


async def automate(hass: HomeAssistant, *automations: dict[str, Any], note: dict[str, Any] | None = None) -> Ran:
    """Set up automations; each tells what its trigger says: `note`, or the names of all variables."""
    ran = Ran(hass)
    told = note or {"name": "{{ trigger.name }}", "device_id": "{{ trigger.device_id }}"}
    config = [
        {"alias": f"test {number}", "actions": [{"action": "test.note", "data": told}], **automation}
        for number, automation in enumerate(automations)
    ]
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    return ran


def trigger(key: str, target: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return an automation that one of our triggers starts."""
    return {"triggers": [{"trigger": f"konsento.{key}", "target": target, "options": options}]}


def asking(key: str, target: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return an automation that the event `look` starts, on one of our conditions."""
    return {
        "triggers": [{"trigger": "event", "event_type": "look"}],
        "conditions": [{"condition": f"konsento.{key}", "target": target, "options": options}],
    }
