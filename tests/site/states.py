"""What Home Assistant shows, and waiting for it."""

from collections.abc import Callable
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback

from rig.changes import Changes


async def until(hass: HomeAssistant, condition: Callable[[], bool], patience: float = 60) -> None:
    """Wait until the states of Home Assistant fulfil a condition."""
    changes = Changes()

    @callback
    def look(_: Event[Any]) -> None:
        changes.told()

    unlisten = hass.bus.async_listen(EVENT_STATE_CHANGED, look)
    try:
        await changes.until(condition, patience)
    finally:
        unlisten()


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state, `missing` where there is none."""
    found = hass.states.get(entity_id)
    return found.state if found else "missing"
