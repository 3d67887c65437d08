"""What Home Assistant shows, and waiting for it."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback


async def until(hass: HomeAssistant, condition: Callable[[], bool], patience: float = 20) -> None:
    """Wait until the states of Home Assistant fulfil a condition."""
    changed = asyncio.Event()

    @callback
    def look(_: Event[Any]) -> None:
        changed.set()

    unlisten = hass.bus.async_listen(EVENT_STATE_CHANGED, look)
    try:
        async with asyncio.timeout(patience):
            while not condition():
                changed.clear()
                await changed.wait()
    finally:
        unlisten()


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state, `missing` where there is none."""
    found = hass.states.get(entity_id)
    return found.state if found else "missing"
