"""Blueprints as their users make automations of them: the real file, filled in as the form does it."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.components.notify import DATA_COMPONENT, NotifyEntity, NotifyEntityFeature
from homeassistant.components.notify import DOMAIN as NOTIFY
from homeassistant.core import CoreState, HomeAssistant, State
from homeassistant.helpers import restore_state
from homeassistant.helpers.restore_state import StoredState
from homeassistant.helpers.selector import selector
from homeassistant.setup import async_setup_component

from custom_components.konsento.const import DOMAIN

BLUEPRINTS = Path(__file__).parents[3] / "blueprints"
FILES = sorted(BLUEPRINTS.rglob("*.yaml"))


class Tagged(yaml.SafeLoader):
    """Reads a blueprint; what refers to an input becomes its name."""


Tagged.add_constructor("!input", lambda loader, node: f"!input {node.value}")


def read(path: Path) -> dict[str, Any]:
    """Return what a blueprint holds."""
    loaded: dict[str, Any] = yaml.load(path.read_text(), Tagged)  # noqa: S506 - a SafeLoader
    return loaded


def inputs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the inputs of a blueprint, whichever section they stand in."""
    found: dict[str, dict[str, Any]] = {}
    for name, described in read(path)["blueprint"]["input"].items():
        found |= described.get("input", {name: described})
    return found


type Make = Callable[..., Coroutine[Any, Any, str]]
"""Makes an automation of a blueprint: its name and the values of the form. Returns its entity."""
type GoOn = Callable[..., Coroutine[Any, Any, None]]
"""Lets time pass: to a time of the day (`at="20:00"`, today or tomorrow) or for a while (`minutes=5`)."""


async def settled() -> None:
    """Let everything run that does not wait for time to pass.

    Home Assistant's own `async_block_till_done` also waits for automations that wait, and the clock stands still.
    """
    for _ in range(40):
        await asyncio.sleep(0)


async def use(hass: HomeAssistant, config: Path, name: str, *, last: datetime | None = None, **values: Any) -> str:
    """Make an automation of a blueprint, in the configuration folder `config`; returns its entity.

    Every value must be one that the form could have given. `last`: Home Assistant starts just now, and the automation
    has run last at that time.
    """
    known = inputs(BLUEPRINTS / AUTOMATION / DOMAIN / f"{name}.yaml")
    for key, value in values.items():
        selector(known[key]["selector"])(value)
    shutil.copytree(BLUEPRINTS, config / "blueprints", dirs_exist_ok=True)
    hass.config.config_dir = str(config)
    if last:
        hass.set_state(CoreState.not_running)
        before = State(f"automation.{name}", "on", {"last_triggered": last.isoformat()})
        restore_state.async_get(hass).last_states[before.entity_id] = StoredState(before, None, last)
    automation = {"id": name, "alias": name, "use_blueprint": {"path": f"{DOMAIN}/{name}.yaml", "input": values}}
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [automation]})
    await hass.async_block_till_done()
    if last:
        await hass.async_start()
        await hass.async_block_till_done()
    entity_id = f"automation.{name}"
    state = hass.states.get(entity_id)
    assert state
    assert state.state == "on"
    return entity_id


class Pigeonhole(NotifyEntity):
    """Keeps the messages that it is sent."""

    _attr_name = "Office"
    _attr_supported_features = NotifyEntityFeature.TITLE

    def __init__(self) -> None:
        self.messages: list[tuple[str | None, str]] = []
        """Titles and texts."""

    async def async_send_message(self, message: str, title: str | None = None) -> None:
        self.messages.append((title, message))


async def pigeonhole(hass: HomeAssistant) -> Pigeonhole:
    """Return a recipient, `notify.office`."""
    assert await async_setup_component(hass, NOTIFY, {})
    recipient = Pigeonhole()
    await hass.data[DATA_COMPONENT].async_add_entities([recipient])
    return recipient
