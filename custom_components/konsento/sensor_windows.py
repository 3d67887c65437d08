"""When charging is recommended next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control.windows import Window
from .entity import WindowEntity
from .hub import Hub


@dataclass(frozen=True, kw_only=True)
class WindowSensorDescription(SensorEntityDescription):
    """A time of the window that is on or comes next."""

    value_fn: Callable[[Window], datetime]


WINDOW_SENSORS = (
    WindowSensorDescription(
        key="next_recommended_window",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda window: window.start,
    ),
    WindowSensorDescription(
        key="recommended_window_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda window: window.end,
    ),
)


def add_window_sensors(hub: Hub, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add those of a site."""
    async_add_entities([WindowSensor(hub, description) for description in WINDOW_SENSORS])


class WindowSensor(WindowEntity, SensorEntity):
    """A time of the window that is on or comes next; unknown where there is none."""

    entity_description: WindowSensorDescription

    def __init__(self, hub: Hub, description: WindowSensorDescription) -> None:
        super().__init__(hub, description.key)
        self.entity_description = description

    @override
    def _look(self) -> object:
        coming = self._windows.coming
        self._attr_native_value = self.entity_description.value_fn(coming[0]) if coming else None
        return self._attr_native_value
