"""When the recommended windows begin and end: tells whoever shows them, also when nothing but time has passed."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .control.windows import RecommendedWindows, Window


class WindowWatch:
    """The windows of a site, by Home Assistant's clock."""

    def __init__(self, hass: HomeAssistant, windows: RecommendedWindows) -> None:
        self._hass = hass
        self._windows = windows
        self._listeners: list[Callable[[], None]] = []
        self._unlisten: Callable[[], None] | None = None
        self._unplan: Callable[[], None] | None = None

    @property
    def known(self) -> bool:
        """Whether any server has told lately what it recommends."""
        return self._windows.known(dt_util.utcnow())

    @property
    def coming(self) -> list[Window]:
        """The windows that are on or to come, in order."""
        return self._windows.coming(dt_util.utcnow())

    @property
    def on(self) -> bool:
        """Whether charging is recommended now."""
        coming = self.coming
        return bool(coming) and coming[0].start <= dt_util.utcnow()

    @callback
    def start(self) -> None:
        """Begin to watch."""
        self._unlisten = self._windows.listen(self._look)
        self._look()

    @callback
    def stop(self) -> None:
        """End it."""
        if self._unlisten:
            self._unlisten()
            self._unlisten = None
        if self._unplan:
            self._unplan()
            self._unplan = None

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when there may be something new; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def _look(self, _: datetime | None = None) -> None:
        if self._unplan:
            self._unplan()
        change = self._windows.next_change(dt_util.utcnow())
        self._unplan = async_track_point_in_utc_time(self._hass, self._look, change) if change else None
        for listener in list(self._listeners):
            listener()
