"""What automations can ask: how an outlet is used, and whether a site has power left or a recommended window."""

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, override

import probatio
from homeassistant.const import CONF_OPTIONS, STATE_ON, STATE_UNKNOWN, EntityStateAttribute, Platform, UnitOfPower
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL,
    Condition,
    ConditionConfig,
    EntityConditionBase,
    EntityStateConditionBase,
)
from homeassistant.helpers.target import async_track_target_selector_state_change_event
from homeassistant.util.unit_conversion import PowerConverter

from .const import OCCUPANCY, POWER_AVAILABLE, RECOMMENDED_WINDOW
from .control.occupancy import Occupancy
from .targets import entities_of

CONF_MARGIN = "margin"
_SENSOR: dict[str, DomainSpec] = {Platform.SENSOR: DomainSpec()}


class _Ours(EntityConditionBase):
    """Looks at one entity of each chosen device, whichever of its entities was chosen.

    What cannot be read does not hold, and neither does what nothing was chosen for: whoever starts supplying on a
    condition must be able to rely on it.
    """

    _keys: ClassVar[Collection[str]]
    """Translation keys of the entities that are looked at."""
    _primary_entities_only = False

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return entities_of(self._hass, entities, self._keys)

    @override
    def _should_include(self, _state: State) -> bool:
        return True

    @override
    def _check_all_match_state(self, states: list[State]) -> bool:
        return bool(states) and super()._check_all_match_state(states)

    @override
    async def _async_track_changes(self, action: Callable[[], None]) -> CALLBACK_TYPE:
        following = False

        @callback
        def entities_changed(added: set[str], removed: set[str], states: Mapping[str, State | None]) -> None:
            # The entities that there are at first are told as well.
            if following:
                action()

        end = await async_track_target_selector_state_change_event(
            self._hass,
            self._target,
            callback(lambda _: action()),
            self.entity_filter,
            entities_changed,
            primary_entities_only=False,
        )
        following = True
        return end


class _StateOfOurs(_Ours, EntityStateConditionBase):
    """Holds in certain states."""


def _is(key: str, state: str, domain: str = Platform.SENSOR) -> type[Condition]:
    """Return the condition that the entity of a key is in a state."""
    specs = {domain: DomainSpec()}
    wanted: set[str | bool] = {state}

    class Is(_StateOfOurs):
        _keys = (key,)
        _domain_specs = specs
        _states = wanted

    return Is


class BelowPowerLimit(_Ours):
    """Whether a site could take more power, by so much, without exceeding its limit."""

    _keys = (POWER_AVAILABLE,)
    _domain_specs = _SENSOR
    _schema = ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL.extend(
        {
            probatio.Required(CONF_OPTIONS, default={}): {
                probatio.Optional(CONF_MARGIN, default=0): probatio.All(probatio.Coerce(float), probatio.Range(min=0))
            }
        }
    )

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._margin_w: float = (config.options or {})[CONF_MARGIN]

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        if entity_state.state == STATE_UNKNOWN:
            # Without a limit nobody knows how much is left of it, and nothing exceeds it.
            return True
        # The owner may have chosen another unit for the sensor.
        unit = entity_state.attributes.get(EntityStateAttribute.UNIT_OF_MEASUREMENT)
        try:
            left_w = PowerConverter.convert(float(entity_state.state), unit, UnitOfPower.WATT)
        except ValueError, HomeAssistantError:
            return False
        return left_w > 0 and left_w >= self._margin_w


CONDITIONS: dict[str, type[Condition]] = {
    "is_free": _is(OCCUPANCY, Occupancy.FREE),
    "is_charging": _is(OCCUPANCY, Occupancy.CHARGING),
    "is_waiting": _is(OCCUPANCY, Occupancy.WAITING),
    "below_power_limit": BelowPowerLimit,
    "window_now": _is(RECOMMENDED_WINDOW, STATE_ON, Platform.BINARY_SENSOR),
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by name."""
    return CONDITIONS
