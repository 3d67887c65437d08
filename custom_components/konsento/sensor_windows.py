"""When charging is recommended next."""

from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import WindowEntity
from .hub import Hub


def add_window_sensors(hub: Hub, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the two of a site."""
    async_add_entities([WindowStart(hub, "next_recommended_window"), WindowEnd(hub, "recommended_window_end")])


class _WindowTime(WindowEntity, SensorEntity):
    _attr_device_class = SensorDeviceClass.TIMESTAMP

    def _time(self) -> datetime | None:
        raise NotImplementedError

    @override
    def _look(self) -> object:
        self._attr_native_value = self._time()
        return self._attr_native_value


class WindowStart(_WindowTime):
    """When the window begins that is on or comes next."""

    @override
    def _time(self) -> datetime | None:
        coming = self._windows.coming
        return coming[0].start if coming else None


class WindowEnd(_WindowTime):
    """When that window ends."""

    @override
    def _time(self) -> datetime | None:
        coming = self._windows.coming
        return coming[0].end if coming else None
