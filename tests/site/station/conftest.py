"""A site with one simulated outlet, linked to a real WebSocket server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from csms import PASSWORD, STATION, Csms
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.settings import ControlSettings
from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.station.connection import ServerAddress
from custom_components.konsento.station.station import Station


@dataclass(kw_only=True)
class Linked:
    """Everything on one line."""

    csms: Csms
    outlet: SimulatedOutlet
    site: SiteControl
    station: Station
    intervals: list[int]
    http: aiohttp.ClientSession
    task: asyncio.Task[None] | None = None

    def connect(self) -> None:
        self.task = asyncio.create_task(self.station.run())

    async def disconnect(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def supply(self, seconds: float) -> None:
        """Let the outlet supply, and control notice."""
        self.outlet.pass_time(seconds)
        await self.site.outlets[1].step()


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Return True: aiohttp arms its ping timer once more for the close frame that ends a connection."""
    return True


@pytest.fixture
async def linked(csms: Csms, tmp_path: Path) -> AsyncIterator[Linked]:
    """Return a site that has not yet connected."""
    site = SiteControl(Journal(tmp_path / "journal.sqlite3"), ControlSettings(meter_s=3600, start_s=1))
    await site.open()
    outlet = SimulatedOutlet(ManualClock())
    site.add_outlet("aabbccddeeff", 1, outlet)
    intervals: list[int] = []
    async with aiohttp.ClientSession() as http:
        station = Station(
            "server",
            "Kaze Denki",
            address=ServerAddress(url=csms.url, station_id=STATION, password=PASSWORD),
            site=site,
            http=http,
            version="0.1.0",
            set_meter_interval=intervals.append,
        )
        line = Linked(csms=csms, outlet=outlet, site=site, station=station, intervals=intervals, http=http)
        yield line
        await line.disconnect()
        station.close()
        await site.close()
