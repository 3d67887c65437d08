"""The activity log in plain words: what happened at an outlet, with a server, at a site.

Home Assistant has these sentences made on its own side, so they are in the language of the house, not of each reader.
"""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.const import ATTR_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN, OUTLET_NEWS
from .news import ATTR_HAPPENING, EVENT_NEWS

_EVENT = f"entity.event.{OUTLET_NEWS}.state_attributes"
_WORDS = ("end_reason", "problem", "reason")
"""What a happening says in a word that has its text."""


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Say how the news of a site are put."""
    made: dict[str, _Sentences] = {}

    def sentences() -> _Sentences:
        """Return those of the language. A log is long, and its texts are many."""
        language = hass.config.language
        if language not in made or not made[language].complete:
            made[language] = _Sentences(hass, language)
        return made[language]

    @callback
    def describe(event: Event) -> dict[str, Any]:
        said = event.data
        # Without the entity, whose name would stand in the place of the outlet's.
        return {
            LOGBOOK_ENTRY_NAME: said.get(ATTR_NAME),
            LOGBOOK_ENTRY_MESSAGE: sentences().of(said),
            LOGBOOK_ENTRY_ICON: _ICONS.get(said[ATTR_HAPPENING], "mdi:ev-station"),
        }

    async_describe_event(DOMAIN, EVENT_NEWS, describe)


_ICONS = {
    "connection_lost": "mdi:lan-disconnect",
    "connection_restored": "mdi:lan-connect",
    "problem": "mdi:alert-circle-outline",
    "problem_solved": "mdi:shield-check-outline",
    "tamper": "mdi:shield-alert-outline",
    "window_ended": "mdi:leaf-off",
    "window_started": "mdi:leaf",
}


class _Sentences:
    """Puts news into words of a language."""

    def __init__(self, hass: HomeAssistant, language: str) -> None:
        self._texts = {
            key.removeprefix(f"component.{DOMAIN}."): text
            for category in ("common", "entity")
            for key, text in async_get_cached_translations(hass, language, category, DOMAIN).items()
        }

    @property
    def complete(self) -> bool:
        """Whether its texts were there already: after a change of the language they come a moment later."""
        return "common.minutes" in self._texts

    def of(self, said: Mapping[str, Any]) -> str:
        """Return the sentence for one of the news, to be read after the name of whom it is about."""
        facts = {
            name: self._word(f"{_EVENT}.{name}.state.{value}", value) for name in _WORDS if (value := said.get(name))
        }
        if kind := said.get("session_kind"):
            facts["session"] = self._common(f"session_{kind}")
        if (energy := said.get("energy_wh")) is not None:
            facts["energy"] = f"{energy / 1000:.2f} kWh"
        if (supply := said.get("supply_s")) is not None:
            facts["time"] = self._span(supply)
        if said.get("limit"):
            facts["limit"] = self._common(f"limit_{said['limit']}")
        happening = said[ATTR_HAPPENING]
        # Of a session that waits at once, or is suspended, it is known why, mostly.
        because = f"news_{happening}_because"
        key = because if "reason" in facts and f"common.{because}" in self._texts else f"news_{happening}"
        return self._common(key).format_map(_Known(facts))

    def _common(self, key: str) -> str:
        return self._word(f"common.{key}", key)

    def _word(self, key: str, otherwise: str) -> str:
        return self._texts.get(key, otherwise)

    def _span(self, seconds: int) -> str:
        if seconds < 60:
            return self._common("seconds").format(seconds=seconds)
        hours, minutes = divmod(round(seconds / 60), 60)
        return self._common("hours_minutes" if hours else "minutes").format(hours=hours, minutes=minutes)


class _Known(dict[str, str]):
    """Facts of a sentence. An event that an earlier version has written may lack one."""

    def __missing__(self, key: str) -> str:
        return "?"
