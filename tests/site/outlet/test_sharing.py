"""Two outlets with the real firmware and power for one: from the budget to the relays."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

from firmware import MAC, device
from simulated import request
from zeroconf import Zeroconf
from zeroconf.asyncio import AsyncZeroconf

from custom_components.konsento.control.budget import SITE, Circuit, Reason
from custom_components.konsento.control.clock import SystemClock
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.outlet import OutletControl
from custom_components.konsento.control.power import PowerBudget
from custom_components.konsento.control.session import StartRequest
from custom_components.konsento.control.settings import ControlSettings
from custom_components.konsento.control.signals import Signal
from custom_components.konsento.control.site import SiteControl
from custom_components.konsento.outlet.address import OutletAddress
from custom_components.konsento.outlet.guarded import GuardedOutlet


class Shared:
    """A site whose budget looks after every reading."""

    def __init__(self, path: Path) -> None:
        self.site = SiteControl(Journal(path), ControlSettings())
        self.budget = PowerBudget(self.site, SystemClock())
        self.site.on_status(self._look)
        self._news = Signal()
        self._due = False

    def limit(self, watts: float) -> None:
        self.budget.circuits = {SITE: Circuit(id=SITE, parent=None, capacity_w=9000, limit_w=watts)}
        self._look(0)

    def _look(self, _: int) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._decide)

    def _decide(self) -> None:
        self._due = False
        self.budget.look()
        self._news.notify()

    async def add(self, evse: int, port: int) -> OutletControl:
        zeroconf = MagicMock(spec=AsyncZeroconf)
        zeroconf.zeroconf = MagicMock(spec=Zeroconf)
        driver = GuardedOutlet(OutletAddress(host="127.0.0.1", port=port), MAC, f"A{evse}", zeroconf)
        control = self.site.add_outlet(f"{MAC}{evse}", evse, driver)
        await driver.start()
        await self.until(lambda: driver.report is not None)
        return control

    async def start(self, evse: int) -> None:
        wish = request(evse, SystemClock(), energy_wh=5000)
        answer = await self.site.start(
            StartRequest(
                server=wish.server,
                remote_start_id=evse,
                evse=evse,
                limits=wish.limits,
                expires_at=wish.expires_at,
            )
        )
        assert answer.session_id, answer

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + 60
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, self.budget.decision
            await self._news.wait(0.1)


async def test_the_relay_of_who_waits_closes_when_there_is_power_and_opens_when_there_is_less(
    socket_enabled: None, tmp_path: Path
) -> None:
    shared = Shared(tmp_path / "journal.sqlite3")
    await shared.site.open()
    async with device(tmp_path / "1") as first, device(tmp_path / "2") as second:
        shared.limit(5000)
        controls = [await shared.add(evse, each.port) for evse, each in ((1, first), (2, second))]
        # As their firmware says: 4 kW each.
        assert [shared.budget.rating_w(evse) for evse in (1, 2)] == [4000, 4000]
        assert all(control.driver.facts.can_wait for control in controls)
        for evse in (1, 2):
            await shared.start(evse)
        await shared.until(lambda: shared.budget.decision.load_w[SITE] > 2900)
        assert controls[1].session
        assert controls[1].session.holds == {Hold.BUDGET}
        assert shared.budget.decision.held == {2: Reason.SITE_LIMIT}
        assert second.watcher.states["session_state"] == "suspended"

        shared.limit(9000)
        await shared.until(lambda: shared.budget.decision.load_w[SITE] > 5900)
        assert shared.budget.waiting == []

        relay = second.watcher.follow("relay")
        shared.limit(5000)
        assert await asyncio.wait_for(relay.get(), 60) is False
        await shared.until(lambda: shared.budget.decision.load_w[SITE] < 3500)
        assert shared.budget.waiting == [2]
        assert first.watcher.states["session_state"] == "supplying"
        await shared.budget.close()
        await shared.site.close()
