"""A plain outlet made of any Home Assistant switch and sensors: a `SwitchedMeter`, whatever they belong to."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_UNIT_OF_MEASUREMENT,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
    split_entity_id,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    ElectricCurrentConverter,
    ElectricPotentialConverter,
    EnergyConverter,
    PowerConverter,
)

from .control.clock import Clock, SystemClock
from .control.driver import OutletFacts, OutletRefusedError, OutletSilentError
from .control.soft.switched_meter import Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityParts:
    """The entities: registry ids, which stay over a renaming, or entity ids of those without; empty = none."""

    relay: str
    power: str = ""
    energy: str = ""
    voltage: str = ""
    current: str = ""


_UNITS: dict[str, tuple[type[BaseUnitConverter], str]] = {
    "power": (PowerConverter, UnitOfPower.WATT),
    "energy": (EnergyConverter, UnitOfEnergy.MILLIWATT_HOUR),
    "voltage": (ElectricPotentialConverter, UnitOfElectricPotential.VOLT),
    "current": (ElectricCurrentConverter, UnitOfElectricCurrent.AMPERE),
}


def stable_id(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity is remembered by."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry.id if entry else entity_id


def entity_id_of(hass: HomeAssistant, stable: str) -> str | None:
    """Return what the entity is called now; None when it is gone from the registry."""
    return er.async_resolve_entity_id(er.async_get(hass), stable)


def relay_of(state: State | None) -> bool | None:
    """Return what a switch shows: None when that is neither on nor off."""
    return {STATE_ON: True, STATE_OFF: False}.get(state.state) if state else None


def number_of(state: State | None, part: str) -> float | None:
    """Return what a sensor shows, in W, mWh, V or A; None when that is no number, or in a unit of something else."""
    if state is None:
        return None
    converter, unit = _UNITS[part]
    try:
        number = converter.convert(float(state.state), state.attributes.get(ATTR_UNIT_OF_MEASUREMENT), unit)
    except ValueError, HomeAssistantError:
        return None
    return number if math.isfinite(number) else None


class EntityPlug:
    """The relay and the meter of one outlet."""

    def __init__(self, hass: HomeAssistant, parts: EntityParts, clock: Clock | None = None) -> None:
        self._hass = hass
        self._parts = {each.name: stable for each in fields(parts) if (stable := getattr(parts, each.name))}
        self._clock = clock or SystemClock()
        self.has_power = bool(parts.power)
        self.has_counter = bool(parts.energy)
        self.relay: bool | None = None
        self.connected = False
        self.key_refused = False
        self.address_taken = False
        self._called: dict[str, str] = {}
        """What is used of an entity, by what it is called now."""
        self._readings: dict[str, Reading] = {}
        self._listeners: list[Callable[[], None]] = []
        self._tried = asyncio.Event()
        self._unlisten: list[Callable[[], None]] = []
        self._unlisten_registry: Callable[[], None] | None = None

    @property
    def power(self) -> Reading | None:
        """The newest power, W."""
        return self._readings.get("power")

    @property
    def counter(self) -> Reading | None:
        """The newest state of the counter, mWh."""
        return self._readings.get("energy")

    @property
    def voltage_v(self) -> float | None:
        """Line voltage where it is measured."""
        return reading.value if (reading := self._readings.get("voltage")) else None

    @property
    def current_a(self) -> float | None:
        """Current where it is measured."""
        return reading.value if (reading := self._readings.get("current")) else None

    @property
    def facts(self) -> OutletFacts:
        """What Home Assistant knows of the device that the switch belongs to."""
        entity_id = entity_id_of(self._hass, self._parts["relay"])
        entry = er.async_get(self._hass).async_get(entity_id) if entity_id else None
        device = dr.async_get(self._hass).async_get(entry.device_id) if entry and entry.device_id else None
        if not isinstance(device, dr.DeviceEntry):
            return OutletFacts()
        return OutletFacts(
            manufacturer=device.manufacturer or "", model=device.model or "", firmware=device.sw_version or ""
        )

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after everything that was heard; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    async def start(self) -> None:
        """Begin to follow the entities, also under other names."""
        self._unlisten_registry = self._hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._registry_updated)
        self._follow()

    async def stop(self) -> None:
        """Follow them no more."""
        self._unfollow()
        if self._unlisten_registry is not None:
            self._unlisten_registry()

    async def tried(self, timeout_s: float) -> None:
        """Wait until the switch shows what it is, at most `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._tried.wait()
        except TimeoutError:
            return

    def hang_up(self) -> None:
        """Do nothing: the connection belongs to another integration, which has its own ideas of when to renew it."""

    async def turn(self, on: bool) -> None:
        """Call the switch's action; what becomes of it shows in its state."""
        entity_id = entity_id_of(self._hass, self._parts["relay"])
        if entity_id is None:
            raise OutletSilentError("its switch is gone from Home Assistant")
        domain, _ = split_entity_id(entity_id)
        try:
            await self._hass.services.async_call(
                domain, SERVICE_TURN_ON if on else SERVICE_TURN_OFF, {ATTR_ENTITY_ID: entity_id}, blocking=True
            )
        except Exception as error:
            # Other integrations raise what they like.
            raise OutletSilentError(str(error) or type(error).__name__) from error

    async def loopback(self) -> None:
        """Refuse: Home Assistant knows no way to ask any device for an answer."""
        raise OutletRefusedError("not_supported", "entities cannot be asked for an answer")

    # --- what is heard

    @callback
    def _registry_updated(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        names = {event.data["entity_id"], event.data.get("old_entity_id")}
        now = {entity_id_of(self._hass, stable) for stable in self._parts.values()}
        if names & (now | self._called.keys()):
            self._follow()

    def _unfollow(self) -> None:
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten.clear()

    def _follow(self) -> None:
        self._unfollow()
        self._called = {
            entity_id: part for part, stable in self._parts.items() if (entity_id := entity_id_of(self._hass, stable))
        }
        entity_ids = list(self._called)
        self._unlisten = [
            async_track_state_change_event(self._hass, entity_ids, self._changed),
            async_track_state_report_event(self._hass, entity_ids, self._reported),
        ]
        for part in self._parts.keys() - set(self._called.values()):
            self._take(part, None)
        for entity_id, part in self._called.items():
            self._take(part, self._hass.states.get(entity_id))
        self._tell()

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        self._take(self._called[event.data["entity_id"]], event.data["new_state"])
        self._tell()

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        # The same again is as new as another number: the meter is alive.
        self._take(self._called[event.data["entity_id"]], event.data["new_state"])
        self._tell()

    def _take(self, part: str, state: State | None) -> None:
        if part == "relay":
            self.relay = relay_of(state)
            self.connected = state is not None and state.state != STATE_UNAVAILABLE
            if self.relay is not None:
                self._tried.set()
        elif (number := number_of(state, part)) is None:
            self._readings.pop(part, None)
        else:
            self._readings[part] = Reading(number, self._clock.monotonic())

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
