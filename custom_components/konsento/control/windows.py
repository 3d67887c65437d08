"""Times for which charging is recommended, as the management servers tell them ([0173]): of all of them together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST: Final = 20
"""Windows that one server may tell at once."""
LONGEST: Final = timedelta(hours=24)
"""Of one window."""
AHEAD: Final = timedelta(days=3)
"""How far ahead a window may begin."""
KNOWN_FOR: Final = timedelta(hours=48)
"""How long what a server told is believed: it tells the windows of so much time, and again at every connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A time for which charging is recommended."""

    start: datetime
    """UTC."""
    end: datetime
    """The first moment after it, UTC."""


class RecommendedWindows:
    """What the management servers of a site recommend. Asked by time, so that what is past needs no clearing."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[datetime, tuple[Window, ...]]] = {}
        self._listeners: list[Callable[[], None]] = []

    def take(self, server: str, windows: Iterable[Window], now: datetime) -> None:
        """Take what a server tells in the place of what it told before."""
        self._told[server] = (now, tuple(windows))
        self._tell()

    def forget(self, server: str) -> None:
        """Forget what a server has told: it is not one of the site's any more."""
        if self._told.pop(server, None):
            self._tell()

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when something was told; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def known(self, now: datetime) -> bool:
        """Tell whether any server has told lately what it recommends, be it nothing."""
        return any(now - at < KNOWN_FOR for at, _ in self._told.values())

    def coming(self, now: datetime) -> list[Window]:
        """Return the windows that are on or to come, in order; those of several servers that touch are one."""
        told = sorted(
            (window for at, windows in self._told.values() if now - at < KNOWN_FOR for window in windows),
            key=lambda window: window.start,
        )
        united: list[Window] = []
        for window in told:
            if united and window.start <= united[-1].end:
                united[-1] = Window(start=united[-1].start, end=max(united[-1].end, window.end))
            else:
                united.append(window)
        return [window for window in united if window.end > now]

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the answers above change by themselves; None for never."""
        moments = [moment for window in self.coming(now) for moment in (window.start, window.end)]
        moments += [at + KNOWN_FOR for at, _ in self._told.values()]
        return min((moment for moment in moments if moment > now), default=None)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()
