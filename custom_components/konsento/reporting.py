"""The site's measurements in Home Assistant: when they are sent, and what the owner sees of it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval

from .const import CONF_MEASUREMENTS, CONF_REGION, CONF_SCHEDULE, DOMAIN
from .control.clock import SystemClock
from .control.happenings import Happening
from .control.site import SiteControl
from .measurements.outbox import Counts
from .measurements.route import Route, RouteError, Trouble
from .measurements.sender import Outcome, Plan, Sender
from .measurements.timetable import Schedule

_TICK = timedelta(minutes=1)
_OVER = frozenset({Happening.ENDED, Happening.CORRECTED})


def plan_of(options: Mapping[str, Any]) -> Plan | None:
    """Return what the owner has chosen; None without a route."""
    if not (chosen := options.get(CONF_MEASUREMENTS)):
        return None
    return Plan(
        route=Route(url=chosen[CONF_URL], token=chosen[CONF_TOKEN]),
        region=chosen[CONF_REGION],
        schedule=Schedule(chosen[CONF_SCHEDULE]),
    )


class Reporting:
    """Measurements of one site, on their way to the platform or the computation system."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], site: SiteControl) -> None:
        self.counts = Counts()
        self._hass = hass
        self._entry = entry
        self._site = site
        self.sender = Sender(site.journal, async_get_clientsession(hass), SystemClock())
        self._listeners: list[Callable[[], None]] = []
        self._ends: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Go on where the last run ended; the journal is open."""
        await self.sender.open(plan_of(self._entry.options))
        await self._count()
        self._ends = [
            async_track_time_interval(self._hass, self._tick, _TICK, cancel_on_shutdown=True),
            self._site.on_happening(self._happened),
        ]

    async def stop(self) -> None:
        """End it; what is on its way is sent again by the next run."""
        for end in self._ends:
            end()
        self._ends.clear()
        await self._interrupt()

    async def follow(self) -> None:
        """Do as the options say now."""
        if (plan := plan_of(self._entry.options)) != self.sender.plan:
            await self._interrupt()
            await self.sender.follow(plan)
            await self._count()

    async def send(self, *, again: bool) -> Outcome:
        """Send what waits now. Raises RouteError."""
        task = self._begin(self._send(again))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise RouteError(Trouble.UNREACHABLE, "interrupted by a change of the site") from None
            raise

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when the numbers may have changed; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _begin[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._entry.async_create_background_task(
            self._hass, work, f"{DOMAIN} measurements of {self._entry.title}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _interrupt(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @callback
    def _tick(self, _: datetime) -> None:
        if not self._one_at_a_time.locked():
            self._begin(self._look())

    @callback
    def _happened(self, evse: int, happening: Happening, data: dict[str, Any]) -> None:
        if happening in _OVER:
            self._begin(self._register())

    async def _look(self) -> None:
        async with self._one_at_a_time:
            await self.sender.tick()
        await self._count()

    async def _register(self) -> None:
        await self.sender.register()
        await self._count()

    async def _send(self, again: bool) -> Outcome:
        try:
            async with self._one_at_a_time:
                return await self.sender.send(again=again)
        finally:
            await self._count()

    async def _count(self) -> None:
        self.counts = await self.sender.outbox.counts()
        for listener in list(self._listeners):
            listener()
