"""What the owner sees of the measurements that leave the site."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import SiteEntity
from .hub import Hub
from .reporting import Reporting


@dataclass(frozen=True, kw_only=True)
class MeasurementSensorDescription(SensorEntityDescription):
    """A sensor of what leaves the site and where its value comes from."""

    value_fn: Callable[[Reporting], int | datetime | None]


MEASUREMENT_SENSORS = (
    MeasurementSensorDescription(
        key="measurements_sent",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda reporting: reporting.sender.sent_at,
    ),
    MeasurementSensorDescription(
        key="measurements_waiting",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda reporting: reporting.counts.waiting,
    ),
    MeasurementSensorDescription(
        key="measurements_refused",
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda reporting: reporting.counts.refused,
    ),
)


def add_measurement_sensors(hub: Hub, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the sensors as soon as there is a route: who sends nothing need not see how much of it."""

    @callback
    def add() -> None:
        if hub.reporting.sender.plan is not None:
            end_waiting()
            async_add_entities([MeasurementSensor(hub, each) for each in MEASUREMENT_SENSORS])

    end_waiting = hub.reporting.listen(add)
    add()


class MeasurementSensor(SiteEntity, SensorEntity):
    """One value of what leaves the site."""

    entity_description: MeasurementSensorDescription

    def __init__(self, hub: Hub, description: MeasurementSensorDescription) -> None:
        super().__init__(hub, description.key)
        self.entity_description = description
        self._reporting = hub.reporting

    @property
    @override
    def available(self) -> bool:
        return self._reporting.sender.plan is not None

    @override
    def _look(self) -> object:
        self._attr_native_value = self.entity_description.value_fn(self._reporting)
        return self.available, self._attr_native_value

    @override
    def _listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._reporting.listen(changed)
