"""What outlets, management servers and the site show, in numbers and words."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import (
    EntityCategory,
    Platform,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import ExtraStoredData, RestoreEntity, RestoreStateData
from homeassistant.util import dt as dt_util

from .const import DOMAIN, OCCUPANCY
from .control.estimate import EndEstimate
from .control.occupancy import Occupancy, occupancy
from .control.outlet import progress
from .control.problems import Problem, gravest
from .control.register import Register
from .control.report import OutletReport
from .control.words import EndReason, OutletState, SessionKind
from .entity import OutletEntity, ServerEntity, SiteEntity, outlet_unique_id
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .overview import Overview
from .sensor_measurements import add_measurement_sensors
from .sensor_power import add_budget_sensors
from .sensor_windows import add_window_sensors
from .texts import snake

PARALLEL_UPDATES = 0

NO_PROBLEM = "none"
NO_SESSION = "none"

type Value = float | int | str | datetime | None


@dataclass(frozen=True, kw_only=True)
class OutletSensorDescription(SensorEntityDescription):
    """A sensor of an outlet and where its value comes from."""

    value_fn: Callable[[OutletUnit], Value]
    known_while_away: bool = False
    """Whether the site knows it without the outlet."""
    measured_fn: Callable[[OutletReport], float | None] | None = None
    """Where only some outlets measure it: what says whether this one does."""


@dataclass(frozen=True, kw_only=True)
class ServerSensorDescription(SensorEntityDescription):
    """A sensor of a management server and where its value comes from."""

    value_fn: Callable[[ServerUnit], Value]


@dataclass(frozen=True, kw_only=True)
class SiteSensorDescription(SensorEntityDescription):
    """A sensor of the site and where its value comes from."""

    value_fn: Callable[[Overview], Value]
    midnight_fn: Callable[[Overview], datetime] | None = None
    """Since when it counts."""


def _reported(read: Callable[[OutletReport], Value]) -> Callable[[OutletUnit], Value]:
    def value(unit: OutletUnit) -> Value:
        return None if (report := unit.driver.report) is None else read(report)

    return value


def _remaining_energy(unit: OutletUnit) -> float | None:
    session = progress(unit.control)
    if session is None or not session.limits.energy_wh:
        return None
    return max(0, session.limits.energy_wh * 1000 - session.energy_mwh) / 1000


def _remaining_time(unit: OutletUnit) -> int | None:
    session = progress(unit.control)
    if session is None or not session.limits.time_s:
        return None
    # By the minute, as it is shown.
    return max(0, math.ceil((session.limits.time_s - session.supply_s) / 60) * 60)


def _energy_limit(unit: OutletUnit) -> int | None:
    session = unit.control.session
    return (session.limits.energy_wh or None) if session else None


def _time_limit(unit: OutletUnit) -> int | None:
    session = unit.control.session
    return (session.limits.time_s or None) if session else None


def _session_kind(unit: OutletUnit) -> str:
    session = unit.control.session
    return str(session.kind) if session else NO_SESSION


def _end_reason(unit: OutletUnit) -> str | None:
    last = unit.control.last
    return snake(last.end_reason) if last and last.end_reason else None


def _gravest_problem(unit: OutletUnit) -> str | None:
    problem = gravest(unit.control.problems)
    if problem is None:
        return NO_PROBLEM if unit.driver.report else None
    return str(problem)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


STATE = OutletSensorDescription(
    key="state",
    device_class=SensorDeviceClass.ENUM,
    options=[str(state) for state in OutletState],
    value_fn=_reported(lambda report: str(report.state)),
)
OCCUPANCY_SENSOR = OutletSensorDescription(
    key=OCCUPANCY,
    device_class=SensorDeviceClass.ENUM,
    options=[str(word) for word in Occupancy],
    value_fn=lambda unit: str(occupancy(unit.control, reserved=unit.reserved)),
    known_while_away=True,
)
ESTIMATED_END = OutletSensorDescription(
    key="estimated_end",
    device_class=SensorDeviceClass.TIMESTAMP,
    value_fn=lambda _: None,
)
"""Its value depends on the one before, so the entity finds it."""
LIFETIME_ENERGY = OutletSensorDescription(
    key="lifetime_energy",
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
    state_class=SensorStateClass.TOTAL_INCREASING,
    suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    suggested_display_precision=3,
    value_fn=lambda _: None,
)
"""Likewise."""

OUTLET_SENSORS = (
    STATE,
    OCCUPANCY_SENSOR,
    OutletSensorDescription(
        key="session_kind",
        device_class=SensorDeviceClass.ENUM,
        options=[NO_SESSION, *(str(kind) for kind in SessionKind)],
        value_fn=_session_kind,
        known_while_away=True,
    ),
    OutletSensorDescription(
        key="power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=_reported(lambda report: report.power_w),
    ),
    OutletSensorDescription(
        key="voltage",
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=_reported(lambda report: report.voltage_v),
        measured_fn=lambda report: report.voltage_v,
    ),
    OutletSensorDescription(
        key="current",
        device_class=SensorDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        value_fn=_reported(lambda report: report.current_a),
        measured_fn=lambda report: report.current_a,
    ),
    OutletSensorDescription(
        key="temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=_reported(lambda report: report.temperature_c),
        measured_fn=lambda report: report.temperature_c,
    ),
    OutletSensorDescription(
        key="session_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        # No state class: what a session has taken is on the lifetime register too, and the energy dashboard takes that.
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=_reported(lambda report: report.energy_mwh / 1000),
    ),
    OutletSensorDescription(
        key="remaining_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=_remaining_energy,
    ),
    OutletSensorDescription(
        key="remaining_time",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        value_fn=_remaining_time,
    ),
    OutletSensorDescription(
        key="energy_limit",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=_energy_limit,
        known_while_away=True,
    ),
    OutletSensorDescription(
        key="time_limit",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        value_fn=_time_limit,
        known_while_away=True,
    ),
    OutletSensorDescription(
        key="end_reason",
        device_class=SensorDeviceClass.ENUM,
        options=[snake(reason) for reason in EndReason],
        value_fn=_end_reason,
        known_while_away=True,
    ),
    OutletSensorDescription(
        key="gravest_problem",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        options=[NO_PROBLEM, *(str(problem) for problem in Problem)],
        value_fn=_gravest_problem,
        known_while_away=True,
    ),
    OutletSensorDescription(
        key="lease_left",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        value_fn=_reported(lambda report: report.lease_left_s),
        measured_fn=lambda report: report.lease_left_s,
    ),
    OutletSensorDescription(
        key="round_trip",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda unit: _milliseconds(unit.control.round_trip_s),
    ),
    OutletSensorDescription(
        key="relay_cycles",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=_reported(lambda report: report.relay_cycles),
        measured_fn=lambda report: report.relay_cycles,
    ),
)

SERVER_SENSORS = (
    ServerSensorDescription(
        key="events_waiting",
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda unit: unit.waiting,
    ),
    ServerSensorDescription(
        key="server_round_trip",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda unit: _milliseconds(unit.station.round_trip_s),
    ),
    ServerSensorDescription(
        key="clock_offset",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda unit: unit.station.clock_offset_s,
    ),
)

SITE_SENSORS = (
    SiteSensorDescription(
        key="site_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda site: site.power_w,
    ),
    SiteSensorDescription(
        key="running_sessions",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda site: site.sessions,
    ),
    SiteSensorDescription(
        key="energy_today",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        # Not total_increasing: the register of an outlet that was reset may take a little back.
        state_class=SensorStateClass.TOTAL,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=lambda site: site.energy_today_mwh / 1000,
        midnight_fn=lambda site: site.midnight,
    ),
    SiteSensorDescription(
        key="energy_for_drivers",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=lambda site: site.uses.drivers_mwh / 1000 if site.uses.known else None,
    ),
    SiteSensorDescription(
        key="energy_for_own_use",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=lambda site: site.uses.own_mwh / 1000 if site.uses.known else None,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of the site, and those of every outlet and server, now and later."""
    hub = entry.runtime_data

    @callback
    def add_outlet(unit: OutletUnit) -> None:
        subentry_id = unit.subentry.subentry_id
        always = [each for each in OUTLET_SENSORS if each.measured_fn is None or _is_known(hass, unit, each.key)]
        async_add_entities(
            [
                *(OutletSensor(hub, unit, each) for each in always),
                EndSensor(hub, unit, ESTIMATED_END),
                LifetimeSensor(hub, unit, LIFETIME_ENERGY),
            ],
            config_subentry_id=subentry_id,
        )
        missing = [each for each in OUTLET_SENSORS if each not in always]

        @callback
        def add_measured() -> None:
            report = unit.driver.report
            if report is None:
                return
            found = [each for each in missing if each.measured_fn and each.measured_fn(report) is not None]
            for each in found:
                missing.remove(each)
            if found:
                async_add_entities([OutletSensor(hub, unit, each) for each in found], config_subentry_id=subentry_id)

        add_measured()
        entry.async_on_unload(unit.listen(add_measured))

    @callback
    def add_server(unit: ServerUnit) -> None:
        async_add_entities(
            [ServerSensor(hub, unit, each) for each in SERVER_SENSORS], config_subentry_id=unit.subentry.subentry_id
        )

    async_add_entities([SiteSensor(hub, each) for each in SITE_SENSORS])
    add_measurement_sensors(hub, async_add_entities)
    add_window_sensors(hub, async_add_entities)
    add_budget_sensors(hub, async_add_entities)
    hub.on_outlet(add_outlet)
    hub.on_server(add_server)


def _is_known(hass: HomeAssistant, unit: OutletUnit, key: str) -> bool:
    """Whether an outlet that may be away now has had a sensor before."""
    registry = er.async_get(hass)
    return registry.async_get_entity_id(Platform.SENSOR, DOMAIN, outlet_unique_id(unit, key)) is not None


class OutletSensor(OutletEntity, SensorEntity):
    """One value of an outlet."""

    entity_description: OutletSensorDescription

    def __init__(self, hub: Hub, unit: OutletUnit, description: OutletSensorDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @property
    @override
    def available(self) -> bool:
        return self.entity_description.known_while_away or super().available

    def _value(self) -> Value:
        return self.entity_description.value_fn(self._unit)

    @override
    def _look(self) -> object:
        self._attr_native_value = self._value()
        return self.available, self._attr_native_value


class EndSensor(OutletSensor):
    """When the session will have ended."""

    def __init__(self, hub: Hub, unit: OutletUnit, description: OutletSensorDescription) -> None:
        super().__init__(hub, unit, description)
        self._estimate = EndEstimate()

    @override
    def _value(self) -> datetime | None:
        return self._estimate.of(progress(self._unit.control), dt_util.utcnow())


@dataclass(frozen=True, slots=True)
class _StoredRegister(ExtraStoredData):
    register: Register | None

    @override
    def as_dict(self) -> dict[str, Any]:
        return self.register.to_json() if self.register else {}


class LifetimeSensor(OutletSensor, RestoreEntity):
    """The register of an outlet for statistics and the energy dashboard.

    It is remembered with the entity's id, because that is what statistics go by: an outlet whose device was replaced
    keeps it when it gets its name again.
    """

    _register: Register | None = None

    @override
    async def async_added_to_hass(self) -> None:
        if (stored := await self.async_get_last_extra_data()) and (kept := stored.as_dict()):
            self._register = Register.from_json(kept)
        await super().async_added_to_hass()

    @override
    def _value(self) -> float | None:
        report, device, now = self._unit.driver.report, self._unit.control.outlet, dt_util.utcnow()
        if report is not None and report.lifetime_mwh is not None:
            if self._register is None:
                self._register = Register.first(device, report.lifetime_mwh, now)
            if self._register.take(device, report.lifetime_mwh, now):
                # What an interrupted Home Assistant would go on with is otherwise up to 15 minutes old.
                save = RestoreStateData.async_save_persistent_states(self.hass)
                self.hass.async_create_background_task(save, f"{DOMAIN} registers")
        return self._register.total_mwh / 1000 if self._register else None

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData:
        return _StoredRegister(self._register)


class ServerSensor(ServerEntity, SensorEntity):
    """One value of the link to a management server."""

    entity_description: ServerSensorDescription

    def __init__(self, hub: Hub, unit: ServerUnit, description: ServerSensorDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @override
    def _look(self) -> object:
        self._attr_native_value = self.entity_description.value_fn(self._unit)
        return self._attr_native_value


class SiteSensor(SiteEntity, SensorEntity):
    """One value of the site."""

    entity_description: SiteSensorDescription

    def __init__(self, hub: Hub, description: SiteSensorDescription) -> None:
        super().__init__(hub, description.key)
        self.entity_description = description

    @override
    def _look(self) -> object:
        self._attr_native_value = self.entity_description.value_fn(self._overview)
        if since := self.entity_description.midnight_fn:
            self._attr_last_reset = since(self._overview)
        return self._attr_native_value, self.last_reset
