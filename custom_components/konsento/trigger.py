"""What automations can begin with: the news of outlets and servers, and the recommended windows of a site."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast, override

import probatio
from homeassistant.components.event.const import EventEntityStateAttribute
from homeassistant.const import (
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_NAME,
    CONF_FOR,
    CONF_OPTIONS,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, State, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.target import TargetStateChangedData, async_track_target_selector_state_change_event
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    EntityTargetStateTriggerBase,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .const import OUTLET_NEWS, RECOMMENDED_WINDOW, SERVER_NEWS
from .control.happenings import Happening
from .control.problems import Problem
from .control.words import SessionKind
from .targets import entities_of

ATTR_LIMIT = "limit"
ATTR_PROBLEM = "problem"
ATTR_SESSION_KIND = "session_kind"
ANY = "any"
LIMITS = ("energy", "time")

NEWS = (
    "session_id",
    ATTR_SESSION_KIND,
    "energy_wh",
    "supply_s",
    "end_reason",
    ATTR_LIMIT,
    "energy_limit_wh",
    "time_limit_s",
    "reason",
    ATTR_PROBLEM,
)
"""What a happening may say, as variables of the trigger; None where this one does not."""

_FOR: dict[probatio.Marker, Any] = {probatio.Optional(CONF_FOR): cv.positive_time_period}
_KIND: dict[probatio.Marker, Any] = {
    probatio.Optional(ATTR_SESSION_KIND, default=ANY): probatio.In([ANY, *map(str, SessionKind)])
}
_LIMIT: dict[probatio.Marker, Any] = {probatio.Optional(ATTR_LIMIT, default=ANY): probatio.In([ANY, *LIMITS])}
_PROBLEM: dict[probatio.Marker, Any] = {
    probatio.Optional(ATTR_PROBLEM, default=[]): probatio.All(
        probatio.EnsureList(), [probatio.In([*map(str, Problem)])]
    )
}


class HappeningTrigger(Trigger):
    """Fires at a happening or, with `for`, when it has not been undone for so long."""

    _keys: ClassVar[Collection[str]]
    """Translation keys of the event entities that tell it."""
    _happening: ClassVar[Happening]
    _undone_by: ClassVar[Collection[Happening]]
    _schema: ClassVar[probatio.Schema]

    @override
    @classmethod
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        return cast("ConfigType", cls._schema(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        options = config.options or {}
        self._target = config.target or {}
        self._duration: timedelta | None = options.get(CONF_FOR)
        self._kind: str = options.get(ATTR_SESSION_KIND, ANY)
        self._limit: str = options.get(ATTR_LIMIT, ANY)
        self._problems: list[str] = options.get(ATTR_PROBLEM, [])

    def _entities(self, chosen: set[str]) -> set[str]:
        return entities_of(self._hass, chosen, self._keys)

    def _is_meant(self, said: Mapping[str, Any]) -> bool:
        return (
            said.get(EventEntityStateAttribute.EVENT_TYPE) == self._happening
            and self._kind in {ANY, said.get(ATTR_SESSION_KIND)}
            and self._limit in {ANY, said.get(ATTR_LIMIT)}
            and (not self._problems or said.get(ATTR_PROBLEM) in self._problems)
        )

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        # An outlet can have several problems at a time; nothing else happens twice before it is undone.
        pending: dict[tuple[str, str | None], CALLBACK_TYPE] = {}

        @callback
        def cancel(entity_id: str, problem: str | None) -> None:
            for key in [key for key in pending if key[0] == entity_id and problem in {None, key[1]}]:
                pending.pop(key)()

        @callback
        def fire(entity_id: str, old: State, new: State, context: Context) -> None:
            run_action(
                {
                    ATTR_ENTITY_ID: entity_id,
                    "from_state": old,
                    "to_state": new,
                    "for": self._duration,
                    "event": str(self._happening),
                    **self._whose(entity_id),
                    **{name: new.attributes.get(name) for name in NEWS},
                },
                f"news of {entity_id}",
                context,
            )

        @callback
        def changed(data: TargetStateChangedData) -> None:
            event = data.state_change_event
            entity_id, old, new = event.data["entity_id"], event.data["old_state"], event.data["new_state"]
            if new is None or new.state in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
                cancel(entity_id, None)
                return
            if old is None or old.state in {STATE_UNAVAILABLE, new.state}:
                # Back with what it had told before, or merely under another name.
                return
            said = new.attributes
            problem = said.get(ATTR_PROBLEM)
            if said.get(EventEntityStateAttribute.EVENT_TYPE) in self._undone_by:
                cancel(entity_id, problem)
            if not self._is_meant(said):
                return
            if not self._duration:
                fire(entity_id, old, new, event.context)
                return

            @callback
            def held(_: datetime) -> None:
                del pending[entity_id, problem]
                fire(entity_id, old, new, event.context)

            if before := pending.pop((entity_id, problem), None):
                before()
            pending[entity_id, problem] = async_call_later(self._hass, self._duration, held)

        @callback
        def entities_changed(added: set[str], removed: set[str], states: Mapping[str, State | None]) -> None:
            for entity_id in removed:
                cancel(entity_id, None)

        unlisten = await async_track_target_selector_state_change_event(
            self._hass, self._target, changed, self._entities, entities_changed, primary_entities_only=False
        )

        @callback
        def detach() -> None:
            unlisten()
            for end in pending.values():
                end()
            pending.clear()

        return detach

    def _whose(self, entity_id: str) -> dict[str, str | None]:
        """Return the device, for actions, and what its owner calls it, for messages."""
        entry = er.async_get(self._hass).async_get(entity_id)
        device = dr.async_get(self._hass).async_get(entry.device_id) if entry and entry.device_id else None
        if device is None:
            return {ATTR_DEVICE_ID: None, ATTR_NAME: None}
        return {ATTR_DEVICE_ID: device.id, ATTR_NAME: device.name_by_user or device.name}


def _happens(
    happening: Happening,
    *options: dict[probatio.Marker, Any],
    undone_by: Collection[Happening] = (),
    keys: Collection[str] = (OUTLET_NEWS,),
) -> type[HappeningTrigger]:
    """Return the trigger for a happening. It takes a `for` where there is something that undoes it."""
    fields = {name: value for each in (*options, *([_FOR] if undone_by else [])) for name, value in each.items()}

    class Happens(HappeningTrigger):
        _keys = keys
        _happening = happening
        _undone_by = undone_by
        _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend({probatio.Required(CONF_OPTIONS, default={}): fields})

    return Happens


_BINARY_SENSOR: dict[str, DomainSpec] = {Platform.BINARY_SENSOR: DomainSpec()}
_ON, _OFF = {STATE_ON}, {STATE_OFF}


class _WindowTrigger(EntityTargetStateTriggerBase):
    """Fires when the recommended window of a site begins or ends."""

    _domain_specs = _BINARY_SENSOR
    _primary_entities_only = False

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return entities_of(self._hass, entities, {RECOMMENDED_WINDOW})


class WindowStarted(_WindowTrigger):
    """From now on charging is recommended."""

    _to_states = _ON


class WindowEnded(_WindowTrigger):
    """From now on it is not."""

    _to_states = _OFF


_LINKS = (OUTLET_NEWS, SERVER_NEWS)

TRIGGERS: dict[str, type[Trigger]] = {
    "session_requested": _happens(Happening.REQUESTED, _KIND),
    "session_started": _happens(Happening.STARTED, _KIND, undone_by=(Happening.ENDED,)),
    "session_suspended": _happens(Happening.SUSPENDED, _KIND, undone_by=(Happening.RESUMED, Happening.ENDED)),
    "session_resumed": _happens(Happening.RESUMED, _KIND, undone_by=(Happening.SUSPENDED, Happening.ENDED)),
    "limit_reached": _happens(Happening.LIMIT_REACHED, _KIND, _LIMIT),
    "session_ended": _happens(Happening.ENDED, _KIND, undone_by=(Happening.STARTED,)),
    "outlet_fault": _happens(Happening.PROBLEM, _PROBLEM, undone_by=(Happening.SOLVED,)),
    "outlet_fault_cleared": _happens(Happening.SOLVED, _PROBLEM, undone_by=(Happening.PROBLEM,)),
    "tamper": _happens(Happening.TAMPER, undone_by=(Happening.SOLVED,)),
    "link_lost": _happens(Happening.LOST, undone_by=(Happening.BACK,), keys=_LINKS),
    "link_restored": _happens(Happening.BACK, undone_by=(Happening.LOST,), keys=_LINKS),
    "button_pressed": _happens(Happening.BUTTON),
    "window_started": WindowStarted,
    "window_ended": WindowEnded,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by name."""
    return TRIGGERS
