"""The whole site in three numbers."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_change, async_track_time_interval
from homeassistant.util import dt as dt_util

from .control.day import DayEnergy
from .control.site import SiteControl
from .control.uses import UseEnergy
from .pace import Pace

_PAUSE_S = 1.0
"""Computed at most so often, however many outlets report."""
_DAY = timedelta(days=1)
_SAVE = timedelta(minutes=5)
"""A power cut around midnight moves what flowed in so much time from one day to the next."""


class Overview:
    """Power, running sessions and today's energy of a site."""

    def __init__(self, hass: HomeAssistant, site: SiteControl) -> None:
        self.power_w: float | None = None
        """Sum of the outlets that report; None when there are outlets and none does."""
        self.sessions = 0
        self.energy_today_mwh = 0
        """Since `midnight`."""
        self.midnight = dt_util.start_of_local_day()
        """When today began, by the site's time zone."""
        self._hass = hass
        self._site = site
        self.uses = UseEnergy(site.journal)
        self._day = DayEnergy(site.journal)
        self._listeners: list[Callable[[], None]] = []
        self._pace = Pace()
        self._due: asyncio.TimerHandle | None = None
        self._ends: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Read what the last run kept; the journal is open."""
        await self._day.open()
        await self.uses.open()
        self._ends = [
            async_track_time_change(self._hass, self._end_day, hour=23, minute=59, second=59),
            async_track_time_change(self._hass, self._new_day, hour=0, minute=0, second=0),
            async_track_time_interval(self._hass, self._save, _SAVE),
        ]
        self._show()

    async def stop(self) -> None:
        """End it, and keep what was counted; the journal is still open."""
        for end in self._ends:
            end()
        self._ends.clear()
        if self._due:
            self._due.cancel()
            self._show()
        await self._day.save()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when the numbers may have changed; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def touch(self) -> None:
        """Note that an outlet shows something new."""
        if self._due is None and self._ends:
            self._due = self._hass.loop.call_later(_PAUSE_S, self._refresh)

    @callback
    def _refresh(self) -> None:
        self._due = None
        self._count()
        if self._pace.is_due((self.sessions, self.power_w is None, self.uses.known), self.power_w or 0.0):
            self._tell()

    def _show(self) -> None:
        self._count()
        self._tell()

    def _count(self) -> None:
        # What is read after midnight and before the new day has begun here is still the old one's.
        now = min(dt_util.now(), self.midnight + _DAY - datetime.resolution)
        outlets = self._site.outlets.values()
        power, reports = 0.0, 0
        self.sessions = 0
        for control in outlets:
            self.sessions += control.session is not None
            if (report := control.driver.report) is not None:
                reports += 1
                power += report.power_w
                self._day.take(control.outlet, report.lifetime_mwh, now)
        self.uses.count(outlets)
        self.power_w = power if reports or not outlets else None
        self.energy_today_mwh = self._day.energy_mwh(now.date())

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    @callback
    def _end_day(self, _: datetime) -> None:
        # So that what flowed today stands in today's statistics.
        self._show()

    async def _new_day(self, _: datetime) -> None:
        # The sum of the old day, once more and complete: what is not shown of it before the new one begins, no
        # statistics will ever have.
        self._show()
        self.midnight = dt_util.start_of_local_day()
        self._show()
        await self._day.keep({control.outlet for control in self._site.outlets.values()}, self.midnight.date())

    async def _save(self, _: datetime) -> None:
        await self._day.save()
