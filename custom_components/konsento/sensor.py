"""What an outlet does, in numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import UnitOfEnergy, UnitOfPower, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control.outlet import progress
from .control.words import OutletState
from .entity import OutletEntity
from .hub import Hub, OutletUnit, SiteConfigEntry

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class OutletSensorDescription(SensorEntityDescription):
    """A sensor and where its value comes from; only asked while the outlet reports."""

    value_fn: Callable[[OutletUnit], float | int | str | None]


def _state(unit: OutletUnit) -> str | None:
    report = unit.driver.report
    return str(report.state) if report else None


def _power(unit: OutletUnit) -> float | None:
    report = unit.driver.report
    return report.power_w if report else None


def _session_energy(unit: OutletUnit) -> float | None:
    report = unit.driver.report
    return report.energy_mwh / 1000 if report else None


def _lifetime(unit: OutletUnit) -> float | None:
    report = unit.driver.report
    return None if report is None or report.lifetime_mwh is None else report.lifetime_mwh / 1000


def _remaining_energy(unit: OutletUnit) -> float | None:
    session = progress(unit.control)
    if session is None or not session.limits.energy_wh:
        return None
    return max(0, session.limits.energy_wh * 1000 - session.energy_mwh) / 1000


def _remaining_time(unit: OutletUnit) -> int | None:
    session = progress(unit.control)
    if session is None or not session.limits.time_s:
        return None
    return max(0, session.limits.time_s - session.supply_s)


SENSORS = (
    OutletSensorDescription(
        key="state",
        device_class=SensorDeviceClass.ENUM,
        options=[str(state) for state in OutletState],
        value_fn=_state,
    ),
    OutletSensorDescription(
        key="power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=_power,
    ),
    OutletSensorDescription(
        key="session_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        # Not total_increasing: the energy dashboard takes the lifetime counter, and each session begins at 0.
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=1,
        value_fn=_session_energy,
    ),
    OutletSensorDescription(
        key="remaining_energy",
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_display_precision=1,
        value_fn=_remaining_energy,
    ),
    OutletSensorDescription(
        key="remaining_time",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        value_fn=_remaining_time,
    ),
    OutletSensorDescription(
        key="lifetime_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=_lifetime,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SiteConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of every outlet, now and later."""
    hub = entry.runtime_data

    @callback
    def add(unit: OutletUnit) -> None:
        async_add_entities(
            [OutletSensor(hub, unit, description) for description in SENSORS],
            config_subentry_id=unit.subentry.subentry_id,
        )

    hub.on_outlet(add)


class OutletSensor(OutletEntity, SensorEntity):
    """One number of an outlet."""

    entity_description: OutletSensorDescription

    def __init__(self, hub: Hub, unit: OutletUnit, description: OutletSensorDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> float | int | str | None:
        return self.entity_description.value_fn(self._unit)
