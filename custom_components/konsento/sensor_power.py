"""What is left below the limits, who waits for it, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import UnitOfPower
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import BudgetEntity, CircuitEntity, OutletEntity
from .hub import CircuitUnit, Hub, OutletUnit
from .site_budget import WAITING_FOR, SiteBudget


@dataclass(frozen=True, kw_only=True)
class BudgetSensorDescription(SensorEntityDescription):
    """A number of the site's budget."""

    value_fn: Callable[[SiteBudget], float | None]


@dataclass(frozen=True, kw_only=True)
class CircuitSensorDescription(SensorEntityDescription):
    """A number of a circuit."""

    value_fn: Callable[[SiteBudget, str], float | None]


def _whole(watts: float | None) -> int | None:
    return None if watts is None else round(watts)


BUDGET_SENSORS = (
    BudgetSensorDescription(
        key="power_available",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda budget: _whole(budget.free_w),
    ),
    BudgetSensorDescription(
        key="waiting",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda budget: budget.waiting,
    ),
)
CIRCUIT_SENSORS = (
    CircuitSensorDescription(
        key="circuit_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda budget, circuit: _whole(budget.load_w(circuit)),
    ),
    CircuitSensorDescription(
        key="circuit_power_available",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda budget, circuit: _whole(budget.circuit_free_w(circuit)),
    ),
)


def add_budget_sensors(hub: Hub, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add those of a site, and those of every outlet and circuit, now and later."""
    async_add_entities([BudgetSensor(hub, description) for description in BUDGET_SENSORS])

    def add_outlet(unit: OutletUnit) -> None:
        async_add_entities([WaitingForSensor(hub, unit)], config_subentry_id=unit.subentry.subentry_id)

    def add_circuit(unit: CircuitUnit) -> None:
        async_add_entities(
            [CircuitSensor(hub, unit, description) for description in CIRCUIT_SENSORS],
            config_subentry_id=unit.subentry.subentry_id,
        )

    hub.on_outlet(add_outlet)
    hub.on_circuit(add_circuit)


class BudgetSensor(BudgetEntity, SensorEntity):
    """A number of the site's budget."""

    entity_description: BudgetSensorDescription

    def __init__(self, hub: Hub, description: BudgetSensorDescription) -> None:
        super().__init__(hub, description.key)
        self.entity_description = description

    @override
    def _look(self) -> object:
        self._attr_native_value = self.entity_description.value_fn(self._budget)
        return self._attr_native_value


class CircuitSensor(CircuitEntity, SensorEntity):
    """A number of a circuit."""

    entity_description: CircuitSensorDescription

    def __init__(self, hub: Hub, unit: CircuitUnit, description: CircuitSensorDescription) -> None:
        super().__init__(hub, unit, description.key)
        self.entity_description = description

    @override
    def _look(self) -> object:
        self._attr_native_value = self.entity_description.value_fn(self._budget, self._circuit)
        return self._attr_native_value


class WaitingForSensor(OutletEntity, SensorEntity):
    """Why the session at an outlet is not supplied; known also while the outlet is away."""

    _attr_device_class = SensorDeviceClass.ENUM

    def __init__(self, hub: Hub, unit: OutletUnit) -> None:
        super().__init__(hub, unit, "waiting_for")
        self._attr_options = list(WAITING_FOR)
        self._budget = hub.budget

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        ends = [super()._listen(changed), self._budget.listen(changed)]

        def end() -> None:
            for each in ends:
                each()

        return end

    @override
    def _look(self) -> object:
        self._attr_native_value = self._budget.waiting_for(self._unit.control)
        return self._attr_native_value
