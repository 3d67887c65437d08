"""A site under control whose time is moved by the test, and that can be killed and started again."""

import asyncio
from pathlib import Path
from typing import Any

from simulated import ManualClock, SimulatedOutlet, request

from custom_components.konsento.control.events import EventKind, SessionEvent
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.outlet import OutletControl
from custom_components.konsento.control.session import Session, StartAnswer
from custom_components.konsento.control.settings import ControlSettings
from custom_components.konsento.control.site import SiteControl


class Controlled:
    """One site, one outlet, and a management server that takes every event when asked to."""

    def __init__(self, path: Path, clock: ManualClock, outlet: SimulatedOutlet) -> None:
        self.path = path
        self.clock = clock
        self.outlet = outlet
        # One attempt to start and no patience: time stands still here, so a later one would never be late.
        self.settings = ControlSettings(start_s=0.0, answer_s=0.0)
        self.told: list[SessionEvent] = []
        self.admission: frozenset[Hold] = frozenset()
        """Who wants the sessions that begin to wait."""
        self.happened: list[tuple[Happening, dict[str, Any]]] = []
        self.site: SiteControl
        self.control: OutletControl

    async def start(self) -> None:
        self.site = SiteControl(Journal(self.path), self.settings, self.clock)
        self.site.admission = lambda _: self.admission
        self.site.on_happening(lambda _, happening, data: self.happened.append((happening, data)))
        await self.site.open()
        self.control = self.site.add_outlet("aabbccddeeff", 1, self.outlet)
        # The test makes the steps.
        task = self.site._tasks[1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.site.end_abandoned()

    async def kill(self) -> None:
        """End without any good-bye."""
        for control in self.site.outlets.values():
            control.close()
        if expiry := self.site._expiry:
            expiry.cancel()
            await asyncio.gather(expiry, return_exceptions=True)
        await self.site.journal.close()

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def ask(self, number: int = 1, **values: int) -> StartAnswer:
        return await self.site.start(request(number, self.clock, **values))

    async def answer_is_lost(self) -> None:
        """Let the server take the oldest event without the site hearing of it: it will be told again."""
        self.told += [waiting.event for waiting in await self.site.journal.waiting("server", 1)]

    async def live(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass with the control awake."""
        for _ in range(round(seconds / step)):
            self.outlet.pass_time(step)
            await self.control.step()

    async def deliver(self) -> list[SessionEvent]:
        """Take all events that wait; returns them."""
        waiting = await self.site.journal.waiting("server", 100_000)
        await self.site.journal.delivered([each.id for each in waiting])
        taken = [each.event for each in waiting]
        self.told += taken
        return taken

    @property
    def session(self) -> Session:
        assert self.control.session is not None
        return self.control.session

    def events_of(self, session_id: str) -> list[SessionEvent]:
        """Return a session's events as a server has them: each number once, whatever came again."""
        by_number = {event.seq_no: event for event in self.told if event.session_id == session_id}
        return [by_number[number] for number in sorted(by_number)]

    def energy_told(self, session_id: str) -> int:
        """Energy of a session by its own events, mWh: last register minus first."""
        events = self.events_of(session_id)
        return events[-1].register_mwh - events[0].register_mwh

    def kinds(self, session_id: str) -> list[EventKind]:
        return [event.kind for event in self.events_of(session_id)]
