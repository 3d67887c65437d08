"""A plain ESPHome device: a relay switch and sensors, without the component `charging_outlet`, over the native API."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import override

from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.model import EntityInfo, EntityState, SensorInfo, SensorState, SwitchInfo, SwitchState, UserService
from zeroconf.asyncio import AsyncZeroconf

from ..control.clock import SystemClock
from ..control.driver import OutletSilentError
from ..control.soft.switched_meter import Reading
from .address import OutletAddress
from .link import EsphomeLink

POWER_UNITS = {"mW": 0.001, "W": 1.0, "kW": 1000.0}
"""To W."""
ENERGY_UNITS = {"mWh": 1.0, "Wh": 1e3, "kWh": 1e6, "MWh": 1e9}
"""To mWh."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainParts:
    """Object ids of what is used of a device; empty = none. A relay, and power or energy, are needed."""

    relay: str
    power: str = ""
    energy: str = ""
    voltage: str = ""
    current: str = ""

    @property
    def named(self) -> frozenset[str]:
        """Those that are used."""
        return frozenset(filter(None, (getattr(self, each.name) for each in fields(self))))


class PlainDevice(EsphomeLink):
    """The relay and the meter of one device: a `SwitchedMeter`."""

    def __init__(
        self, address: OutletAddress, mac: str, name: str, zeroconf: AsyncZeroconf, *, parts: PlainParts
    ) -> None:
        """`mac`: 12 hexadecimal digits; another device at the same address is not talked to."""
        super().__init__(address, mac, name, zeroconf)
        self._parts = parts
        self._clock = SystemClock()
        self.has_power = bool(parts.power)
        self.has_counter = bool(parts.energy)
        self._names: dict[int, str] = {}
        self._factors: dict[str, float] = {}
        self._relay_key = 0
        self.relay: bool | None = None
        self._readings: dict[str, Reading] = {}

    @property
    def power(self) -> Reading | None:
        """The newest power, W."""
        return self._readings.get(self._parts.power)

    @property
    def counter(self) -> Reading | None:
        """The newest state of the counter, mWh."""
        return self._readings.get(self._parts.energy)

    @property
    def voltage_v(self) -> float | None:
        """Line voltage where it is measured."""
        return self._number(self._parts.voltage)

    @property
    def current_a(self) -> float | None:
        """Current where it is measured."""
        return self._number(self._parts.current)

    def _number(self, name: str) -> float | None:
        reading = self._readings.get(name)
        return reading.value if reading else None

    async def turn(self, on: bool) -> None:
        """Send a command to the relay. It has no answer; the state that follows is one."""
        if not self.connected:
            raise OutletSilentError("not connected")
        try:
            self._client.switch_command(self._relay_key, on)
        except APIConnectionError as error:
            raise OutletSilentError(str(error)) from error

    async def loopback(self) -> None:
        """Ask the device who it is and wait for its answer."""
        try:
            await self._client.device_info()
        except (APIConnectionError, TimeoutError) as error:
            raise OutletSilentError(str(error) or "no answer") from error

    @override
    def _describe(self, entities: Sequence[EntityInfo], services: Sequence[UserService]) -> Sequence[str]:
        used = {each.object_id: each for each in entities if not each.device_id and each.object_id in self._parts.named}
        missing = {name for name in self._parts.named if not isinstance(used.get(name), SwitchInfo | SensorInfo)}
        if not isinstance(used.get(self._parts.relay), SwitchInfo):
            missing.add(self._parts.relay)
        self._factors = {}
        for name, units in ((self._parts.power, POWER_UNITS), (self._parts.energy, ENERGY_UNITS)):
            if isinstance(sensor := used.get(name), SensorInfo):
                if (factor := units.get(sensor.unit_of_measurement)) is None:
                    missing.add(f"{name} in {'/'.join(units)}")
                else:
                    self._factors[name] = factor
        if not missing:
            self._relay_key = used[self._parts.relay].key
            self._names = {each.key: name for name, each in used.items()}
        return sorted(missing)

    @override
    def _hear(self, state: EntityState) -> None:
        if (name := self._names.get(state.key)) is None or state.device_id:
            return
        if isinstance(state, SwitchState):
            self.relay = state.state
            self._tried.set()
        elif isinstance(state, SensorState):
            if state.missing_state or not math.isfinite(state.state):
                self._readings.pop(name, None)
            else:
                value = state.state * self._factors.get(name, 1.0)
                self._readings[name] = Reading(value, self._clock.monotonic())
        self._tell()

    @override
    def _lose(self) -> None:
        self.relay = None
        self._readings = {}
