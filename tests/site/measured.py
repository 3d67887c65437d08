"""Sessions that end, and the sender of what they took; can be killed and started again at any point."""

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientSession
from receiver import TOKEN, Receiver
from simulated import ManualClock, request

from custom_components.konsento.control.events import SessionEvent
from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.report import OutletReport
from custom_components.konsento.control.session import Phase, Session
from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.measurements.route import Route
from custom_components.konsento.measurements.sender import Plan, Sender
from custom_components.konsento.measurements.timetable import Schedule


def report(session: Session, energy_mwh: int, *, over: bool = False) -> OutletReport:
    """Return what an outlet says of a session."""
    return OutletReport(
        state=OutletState.ENDED if over else OutletState.SUPPLYING,
        session_id=session.id,
        end_reason=EndReason.ENERGY_LIMIT if over else None,
        energy_mwh=energy_mwh,
        supply_s=0,
        power_w=0.0 if over else 3000.0,
        lifetime_mwh=energy_mwh,
        boot_id="boot",
    )


class Measured:
    """One site."""

    def __init__(self, path: Path, clock: ManualClock, http: ClientSession, receiver: Receiver) -> None:
        self.path = path
        self.clock = clock
        self.http = http
        self.receiver = receiver
        self.plan: Plan | None = self.plan_for("JP-13112")
        self.journal: Journal
        self.sender: Sender
        self._numbers = itertools.count(1)

    def plan_for(self, region: str, *, url: str = "", token: str = TOKEN, schedule: Schedule = Schedule.HOURLY) -> Plan:
        return Plan(route=Route(url=url or self.receiver.url, token=token), region=region, schedule=schedule)

    async def start(self) -> None:
        self.journal = Journal(self.path)
        await self.journal.open()
        self.sender = Sender(self.journal, self.http, self.clock)
        await self.sender.open(self.plan)

    async def kill(self) -> None:
        await self.journal.close()

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def choose(self, plan: Plan | None) -> None:
        self.plan = plan
        await self.sender.follow(plan)

    def begin(self, outlet: str = "outlet", **values: str) -> Session:
        """Begin a session now; it is not yet written down."""
        asked = replace(request(next(self._numbers), self.clock), **values)
        intent = Session.requested(f"session-{asked.remote_start_id}", asked, outlet, 0)
        return intent.begun(self.clock.now())[0]

    async def save(self, session: Session, events: list[SessionEvent] | None = None) -> Session:
        await self.journal.save(session, events or [], self.clock.now())
        return session

    async def end(self, session: Session, energy_mwh: int) -> Session:
        """End a session and write that down."""
        over, _ = session.observed(report(session, energy_mwh, over=True), self.clock.now())
        assert over.phase is Phase.ENDED
        return await self.save(over)

    async def correct(self, session: Session, energy_mwh: int) -> Session:
        """Let the outlet of a session that is over turn out to have measured more."""
        return await self.save(session.corrected(report(session, energy_mwh, over=True), self.clock.now())[0])

    async def charge(self, energy_mwh: int, long_s: float = 600, outlet: str = "outlet", **values: str) -> Session:
        """Run a whole session."""
        session = self.begin(outlet, **values)
        self.clock.seconds += long_s
        return await self.end(session, energy_mwh)

    def pass_time(self, **much: float) -> None:
        self.clock.seconds += timedelta(**much).total_seconds()
