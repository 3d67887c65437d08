"""The site: its outlets, its links to management servers, its journal, and when each of them starts and stops."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_PASSWORD, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .const import (
    CONF_CONTINUITY,
    CONF_EVSE,
    CONF_GRACE,
    CONF_HANDOVER,
    CONF_LABEL_URL,
    CONF_METER,
    CONF_STATION_ID,
    CONF_UNLIMITED,
    DOMAIN,
    SUBENTRY_CIRCUIT,
    SUBENTRY_OUTLET,
    SUBENTRY_SERVER,
    VERSION,
)
from .control.driver import OutletDriver
from .control.journal import Journal
from .control.outlet import OutletControl
from .control.settings import ControlSettings
from .control.site import SiteControl
from .drivers import make_driver
from .overview import Overview
from .pace import Pace
from .recommended import WindowWatch
from .reporting import Reporting
from .site_budget import SiteBudget
from .station.connection import ServerAddress
from .station.station import Station
from .station.variables import Wishes

_LOGGER = logging.getLogger(__name__)

_ANSWER_FIRST_S = 1.0
_FIRST_CONTACT_S = 5.0
"""How long the links to management servers wait for the outlets, so that what they tell first is true."""

type SiteConfigEntry = ConfigEntry[Hub]


@dataclass(kw_only=True)
class OutletUnit:
    """One outlet: its driver and its control, which are others after its address has changed."""

    subentry: ConfigSubentry
    driver: OutletDriver
    control: OutletControl
    reserved: bool = False
    """Whether it is kept for somebody who has not come yet."""
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _pace: Pace = field(default_factory=Pace)

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the outlet shows something new; returns what ends that.

        What happens is told at once, a step of the power too, what merely counts on at its pace: written down once a
        second, the meters of a large site would cost more than everything else together.
        """
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def changed(self) -> None:
        """Call back those who listen if there is something new for them."""
        report = self.driver.report
        if self._pace.is_due((self.control.essence, self.reserved), report.power_w if report else 0.0):
            self.tell()

    def tell(self) -> None:
        """Call back everyone who listens."""
        for listener in list(self._listeners):
            listener()


class ServerUnit:
    """One management server: its link and the task that keeps it, which are others after its address has changed."""

    def __init__(self, subentry: ConfigSubentry, station: Station, task: asyncio.Task[None]) -> None:
        self._listeners: list[Callable[[], None]] = []
        self.waiting: int | None = None
        """Events that the server has not yet answered, as last counted."""
        self.use(subentry, station, task)

    def use(self, subentry: ConfigSubentry, station: Station, task: asyncio.Task[None]) -> None:
        """Go on with another link to the same server."""
        self.subentry = subentry
        self.station = station
        self.task = task
        station.listen(self.tell)

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when something about the link is new, also after it has become another; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def tell(self) -> None:
        """Call back everyone who listens."""
        for listener in list(self._listeners):
            listener()


@dataclass(kw_only=True)
class CircuitUnit:
    """One circuit; its numbers are the budget's."""

    subentry: ConfigSubentry


def journal_path(hass: HomeAssistant, entry_id: str) -> Path:
    """Return where the journal of a site is."""
    return Path(hass.config.path(".storage", f"{DOMAIN}.{entry_id}.sqlite3"))


def common_name_of(entry_id: str) -> str:
    """Return the name of a site that all its management servers know it by (contracts, 5).

    Of 60 bits that nobody guesses, and from which nobody gets back to Home Assistant's own id.
    """
    digest = hashlib.sha256(f"konsento common name {entry_id}".encode()).digest()
    return base64.b32encode(digest).decode()[:12]


def settings_of(options: Mapping[str, Any]) -> ControlSettings:
    """Return the site's numbers: its options, over the defaults."""
    default = ControlSettings()
    return ControlSettings(
        continuity_s=float(options.get(CONF_CONTINUITY, default.continuity_s)),
        meter_s=int(options.get(CONF_METER, default.meter_s)),
        handover_s=int(options.get(CONF_HANDOVER, default.handover_s)),
        unlimited_s=round(options.get(CONF_UNLIMITED, default.unlimited_s / 3600) * 3600),
        abandon_s=options.get(CONF_GRACE, default.abandon_s / 60) * 60.0,
    )


def _linked(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a link is made with: what is printed on labels is none of it."""
    return {key: value for key, value in data.items() if key != CONF_LABEL_URL}


class Hub:
    """One site.

    Outlets and servers come and go one by one, as their subentries do: the sessions on the others go on untouched.
    """

    def __init__(self, hass: HomeAssistant, entry: SiteConfigEntry, device_id: str) -> None:
        """`device_id`: the site's own device, which the others hang on."""
        self.hass = hass
        self.entry = entry
        self.device_id = device_id
        self.outlets: dict[str, OutletUnit] = {}
        """By subentry id."""
        self.servers: dict[str, ServerUnit] = {}
        """By subentry id."""
        self.circuits: dict[str, CircuitUnit] = {}
        """By subentry id."""
        self.site = SiteControl(
            Journal(journal_path(hass, entry.entry_id)),
            settings_of(entry.options),
            common_name=common_name_of(entry.entry_id),
        )
        self.overview = Overview(hass, self.site)
        self.reporting = Reporting(hass, entry, self.site)
        self.windows = WindowWatch(hass, self.site.windows)
        self.budget = SiteBudget(hass, entry, self.site)
        self._unit_of: dict[int, OutletUnit] = {}
        self._data: dict[str, Mapping[str, Any]] = {}
        self._outlet_listeners: list[Callable[[OutletUnit], None]] = []
        self._server_listeners: list[Callable[[ServerUnit], None]] = []
        self._circuit_listeners: list[Callable[[CircuitUnit], None]] = []
        self._changes = asyncio.Lock()
        self._closed = False
        self.site.on_status(self._outlet_changed)

    @callback
    def _outlet_changed(self, evse: int) -> None:
        # One look-up, whoever listens: at a site of 200 outlets this is called 200 times a second.
        if unit := self._unit_of.get(evse):
            unit.reserved = self.site.reservations.on(evse) is not None
            unit.changed()
        self.overview.touch()

    async def start(self) -> None:
        """Open the journal and begin with the outlets, then with the servers. Raises JournalError."""
        await self.site.open()
        await self.overview.start()
        await self.reporting.start()
        self.windows.start()
        await self.budget.start()
        self._follow_circuits()
        for subentry in self.entry.get_subentries_of_type(SUBENTRY_OUTLET):
            await self._add_outlet(subentry)
        await self.site.end_abandoned()
        self.entry.async_create_background_task(self.hass, self._link_servers(), f"{DOMAIN} links {self.entry.title}")

    async def _link_servers(self) -> None:
        await asyncio.gather(*(unit.driver.tried(_FIRST_CONTACT_S) for unit in list(self.outlets.values())))
        async with self._changes:
            if not self._closed:
                self._add_servers()

    async def stop(self, lease_s: int | None = None) -> None:
        """End everything. `lease_s`: how long running sessions may go on without anyone asking after them."""
        async with self._changes:
            if self._closed:
                return
            self._closed = True
            # First: whoever goes on alone does so as was decided last.
            await self.budget.stop()
            if lease_s is not None:
                await self.site.hand_over(lease_s)
            for server in list(self.servers.values()):
                await self._unlink(server)
            self.servers.clear()
            await self.overview.stop()
            await self.reporting.stop()
            self.windows.stop()
            await self.site.close()
            self.outlets.clear()

    async def follow(self) -> None:
        """Bring outlets, servers and numbers to what the entry says now; touch nothing that has not changed."""
        async with self._changes:
            if self._closed:
                return
            # First: what follows may wait for outlets, and a limit protects wires.
            self._follow_circuits()
            await self._follow_servers()
            await self._follow_outlets()
            self._add_servers()
            if (settings := settings_of(self.entry.options)) != self.site.settings:
                self.site.apply(settings)
            await self.reporting.follow()

    async def _follow_servers(self) -> None:
        wanted = self.entry.subentries
        for subentry_id, server in list(self.servers.items()):
            if subentry_id not in wanted:
                await self.site.forget_server(subentry_id)
            if self._is_changed(subentry_id):
                await self._unlink(server)
                if subentry_id in wanted:
                    server.use(wanted[subentry_id], *self._link(wanted[subentry_id]))
                else:
                    del self.servers[subentry_id]

    async def _follow_outlets(self) -> None:
        wanted = self.entry.subentries
        moved: list[OutletUnit] = []
        for subentry_id, outlet in list(self.outlets.items()):
            if self._is_changed(subentry_id):
                # The same outlet at another address keeps its session; one that is gone or renumbered ends it.
                stays = subentry_id in wanted and wanted[subentry_id].data[CONF_EVSE] == outlet.control.evse
                await self.site.remove_outlet(outlet.control.evse, end=not stays)
                await outlet.driver.stop()
                if subentry_id in wanted:
                    outlet.subentry = wanted[subentry_id]
                    moved.append(outlet)
                else:
                    del self.outlets[subentry_id]
        # Only now, because one may have got the number of another.
        for outlet in moved:
            outlet.driver, outlet.control = await self._connect(outlet.subentry)
        self._unit_of = {unit.control.evse: unit for unit in self.outlets.values()}
        for subentry in self.entry.get_subentries_of_type(SUBENTRY_OUTLET):
            if subentry.subentry_id not in self.outlets:
                await self._add_outlet(subentry)

    @callback
    def _follow_circuits(self) -> None:
        wanted = {part.subentry_id: part for part in self.entry.get_subentries_of_type(SUBENTRY_CIRCUIT)}
        self.circuits = {key: unit for key, unit in self.circuits.items() if key in wanted}
        for key, part in wanted.items():
            if key in self.circuits:
                self.circuits[key].subentry = part
            else:
                self.circuits[key] = unit = CircuitUnit(subentry=part)
                for listener in self._circuit_listeners:
                    listener(unit)
        self.budget.follow()

    def _is_changed(self, subentry_id: str) -> bool:
        subentry = self.entry.subentries.get(subentry_id)
        return subentry is None or _linked(subentry.data) != _linked(self._data[subentry_id])

    async def _add_outlet(self, subentry: ConfigSubentry) -> None:
        driver, control = await self._connect(subentry)
        reserved = self.site.reservations.on(control.evse) is not None
        unit = OutletUnit(subentry=subentry, driver=driver, control=control, reserved=reserved)
        self.outlets[subentry.subentry_id] = unit
        self._unit_of[control.evse] = unit
        for listener in self._outlet_listeners:
            listener(unit)

    async def _connect(self, subentry: ConfigSubentry) -> tuple[OutletDriver, OutletControl]:
        data = subentry.data
        driver = await make_driver(self.hass, subentry, self.site.journal)
        control = self.site.add_outlet(subentry.unique_id or subentry.subentry_id, data[CONF_EVSE], driver)
        self._data[subentry.subentry_id] = data
        await driver.start()
        return driver, control

    def _add_servers(self) -> None:
        for subentry in self.entry.get_subentries_of_type(SUBENTRY_SERVER):
            if subentry.subentry_id not in self.servers:
                self._add_server(subentry)

    def _add_server(self, subentry: ConfigSubentry) -> None:
        unit = ServerUnit(subentry, *self._link(subentry))
        self.servers[subentry.subentry_id] = unit
        for listener in self._server_listeners:
            listener(unit)

    def _link(self, subentry: ConfigSubentry) -> tuple[Station, asyncio.Task[None]]:
        data = subentry.data
        station = Station(
            subentry.subentry_id,
            subentry.title,
            address=ServerAddress(url=data[CONF_URL], station_id=data[CONF_STATION_ID], password=data[CONF_PASSWORD]),
            site=self.site,
            http=async_get_clientsession(self.hass),
            version=VERSION,
            wishes=Wishes(
                set_meter_interval=self._set_meter_interval,
                set_password=partial(self._set_password, subentry.subentry_id),
            ),
        )
        task = self.entry.async_create_background_task(self.hass, station.run(), f"{DOMAIN} link {subentry.title}")
        self._data[subentry.subentry_id] = data
        return station, task

    async def reconnect(self, unit: ServerUnit) -> None:
        """Drop the link to a management server and make a new one at once."""
        async with self._changes:
            if not self._closed and unit.subentry.subentry_id in self.servers:
                await self._unlink(unit)
                unit.use(unit.subentry, *self._link(unit.subentry))
                unit.tell()

    async def _unlink(self, unit: ServerUnit) -> None:
        unit.task.cancel()
        await asyncio.gather(unit.task, return_exceptions=True)
        unit.station.close()

    @callback
    def _set_meter_interval(self, seconds: int) -> None:
        """Keep what a management server has set; the update listener makes it true."""
        self.hass.config_entries.async_update_entry(self.entry, options={**self.entry.options, CONF_METER: seconds})

    @callback
    def _set_password(self, subentry_id: str, password: str) -> None:
        """Keep the password that a management server has given the station; the link is made anew with it."""

        def keep() -> None:
            if subentry := self.entry.subentries.get(subentry_id):
                data = {**subentry.data, CONF_PASSWORD: password}
                self.hass.config_entries.async_update_subentry(self.entry, subentry, data=data)

        # The server's call is answered first, over the link that ends with this.
        self.hass.loop.call_later(_ANSWER_FIRST_S, keep)

    @callback
    def on_outlet(self, listener: Callable[[OutletUnit], None]) -> None:
        """Tell about every outlet: those that are there, now, and those that come."""
        for unit in self.outlets.values():
            listener(unit)
        self._outlet_listeners.append(listener)

    @callback
    def on_server(self, listener: Callable[[ServerUnit], None]) -> None:
        """Tell about every management server: those that are there, now, and those that come."""
        for unit in self.servers.values():
            listener(unit)
        self._server_listeners.append(listener)

    @callback
    def on_circuit(self, listener: Callable[[CircuitUnit], None]) -> None:
        """Tell about every circuit: those that are there, now, and those that come."""
        for unit in self.circuits.values():
            listener(unit)
        self._circuit_listeners.append(listener)
