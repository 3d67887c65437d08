"""A site with two simulated outlets, linked to real WebSocket servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from csms import PASSWORD, STATION, Csms, start_request
from simulated import ManualClock, SimulatedOutlet

from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.settings import ControlSettings
from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.station.connection import ServerAddress
from custom_components.konsento.station.station import Station
from custom_components.konsento.station.variables import Wishes

COMMON_NAME = "K3VQ5B2XJ6M7"


@dataclass(kw_only=True)
class Linked:
    """Everything on one line."""

    csms: Csms
    outlet: SimulatedOutlet
    site: SiteControl
    station: Station
    intervals: list[int]
    passwords: list[str]
    http: aiohttp.ClientSession
    task: asyncio.Task[None] | None = field(default=None)

    def connect(self) -> None:
        self.task = asyncio.create_task(self.station.run())

    async def online(self) -> None:
        """Connect and wait until the server has heard of all outlets."""
        self.connect()
        await self.csms.until(lambda: self.csms.states() != [])

    async def started(self, number: int = 1, **ours: Any) -> str:
        """Have the server start a session; returns its transaction."""
        frame = await self.csms.ask("RequestStartTransaction", start_request(number, **ours))
        assert frame[2]["status"] == "Accepted", frame
        transaction: str = frame[2]["transactionId"]
        return transaction

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


@asynccontextmanager
async def one_site(path: Path) -> AsyncIterator[tuple[SiteControl, SimulatedOutlet]]:
    """Run a site with one simulated outlet."""
    site = SiteControl(Journal(path), ControlSettings(meter_s=3600, start_s=1), common_name=COMMON_NAME)
    await site.open()
    outlet = SimulatedOutlet(ManualClock())
    site.add_outlet("aabbccddeeff", 1, outlet)
    try:
        yield site, outlet
    finally:
        await site.close()


@asynccontextmanager
async def linked_to[Line: Linked](
    csms: Csms,
    site: SiteControl,
    outlet: SimulatedOutlet,
    server: str = "server",
    *,
    url: str | None = None,
    line: type[Line] = Linked,  # type: ignore[assignment]  # the default is the least that Line can be
) -> AsyncIterator[Line]:
    """Link a site to a management server, maybe by another way (`url`), without connecting yet."""
    intervals: list[int] = []
    passwords: list[str] = []
    async with aiohttp.ClientSession() as http:
        station = Station(
            server,
            f"{server} of a test",
            address=ServerAddress(url=url or csms.url, station_id=STATION, password=PASSWORD),
            site=site,
            http=http,
            version="0.1.0",
            wishes=Wishes(set_meter_interval=intervals.append, set_password=passwords.append),
        )
        linked = line(
            csms=csms,
            outlet=outlet,
            site=site,
            station=station,
            intervals=intervals,
            passwords=passwords,
            http=http,
        )
        yield linked
        await linked.disconnect()
        station.close()


@pytest.fixture
async def linked(csms: Csms, tmp_path: Path) -> AsyncIterator[Linked]:
    """Return a site that has not yet connected."""
    async with one_site(tmp_path / "journal.sqlite3") as (site, outlet), linked_to(csms, site, outlet) as line:
        yield line
