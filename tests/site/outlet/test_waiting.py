"""A session that has to wait, from control to the relay of the real firmware."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import MagicMock

from firmware import MAC, device
from simulated import request
from zeroconf import Zeroconf
from zeroconf.asyncio import AsyncZeroconf

from custom_components.konsento.control.clock import SystemClock
from custom_components.konsento.control.events import EventKind, Trigger
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.outlet import OutletControl
from custom_components.konsento.control.settings import ControlSettings
from custom_components.konsento.control.signals import Signal
from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.outlet.address import OutletAddress
from custom_components.konsento.outlet.guarded import GuardedOutlet

LIMIT_S = 3


class Site:
    """A site that asks after its outlet every half second."""

    def __init__(self, path: Path, port: int) -> None:
        self.site = SiteControl(Journal(path), ControlSettings(continuity_s=0.5, meter_s=1))
        self.site.admission = lambda _: frozenset({Hold.BUDGET})
        zeroconf = MagicMock(spec=AsyncZeroconf)
        zeroconf.zeroconf = MagicMock(spec=Zeroconf)
        self.driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=port), MAC, "A1", zeroconf)
        self.control: OutletControl
        self._news = Signal()

    async def open(self) -> None:
        await self.site.open()
        self.control = self.site.add_outlet(MAC, 1, self.driver)
        self.site.on_status(lambda _: self._news.notify())
        await self.driver.start()
        await self.until(lambda: self.driver.report is not None)

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + 60
        while not condition():
            left = deadline - asyncio.get_running_loop().time()
            assert left > 0, (self.control.session, self.driver.report)
            await self._news.wait(min(left, 0.1))

    async def asked_after(self, times: int) -> None:
        """Wait until the outlet was asked after so many times more."""
        first = self.renewals
        await self.until(lambda: self.renewals >= first + times)

    @property
    def renewals(self) -> int:
        assert self.control.session
        return self.control.session.renewals


@asynccontextmanager
async def running(path: Path, port: int) -> AsyncIterator[Site]:
    site = Site(path, port)
    await site.open()
    try:
        yield site
    finally:
        await site.site.close()


async def test_a_session_that_begins_waiting_is_supplied_when_it_is_let_go_also_after_a_restart(
    socket_enabled: None, tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite3"
    async with device(tmp_path) as outlet:
        relay = outlet.watcher.follow("relay")
        async with running(path, outlet.port) as site:
            answer = await site.site.start(request(1, SystemClock(), time_s=LIMIT_S))
            assert answer.session_id
            # Longer than the time limit.
            await site.asked_after(4 * LIMIT_S)
            assert outlet.watcher.states["session_state"] == "suspended"
        async with running(path, outlet.port) as site:
            await site.asked_after(4)
            assert site.control.session
            assert (site.control.session.id, site.control.session.holds) == (answer.session_id, {Hold.BUDGET})
            assert relay.empty()
            assert outlet.watcher.number("load_energy") == 0

            await site.control.release(Hold.BUDGET)
            await site.until(lambda: site.control.session is None)
            events = [each.event for each in await site.site.journal.waiting("server", 100)]

    assert [relay.get_nowait() for _ in range(relay.qsize())] == [True, False]
    assert (events[0].kind, events[0].supplying) == (EventKind.STARTED, False)
    assert [event.supplying for event in events if event.trigger is Trigger.CHARGING_STATE] == [True]
    assert (events[-1].end_reason, events[-1].supply_s) == (EndReason.TIME_LIMIT, LIMIT_S)
    assert events[-1].register_mwh > events[0].register_mwh
