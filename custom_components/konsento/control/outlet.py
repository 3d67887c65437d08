"""Control of one outlet: starts a session, keeps its lease, notices everything that happens to it, writes it down.

All changes of the session run under one lock, one after the other: a start, or a step of the loop that compares what
the outlet reports with what the journal knows. The outlet is right about its relay and its energy; the journal is right
about whose session it is and what was told.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .clock import Clock
from .driver import OutletDriver, OutletRefusedError, OutletSilentError
from .events import EventKind, SessionEvent, Trigger
from .happenings import Happening
from .holds import Hold
from .journal import MAX_WAITING, Journal
from .limits import Limits
from .lookout import Lookout
from .problems import Problem
from .report import OutletReport
from .session import Phase, Session, StartRequest
from .settings import MAX_LEASE_S, ControlSettings
from .signals import Signal
from .words import EndReason, OutletState, Refusal, SessionKind

_LOGGER = logging.getLogger(__name__)

_REFUSAL_OF_CODE = {
    "bad_argument": Refusal.BAD_LIMIT,
    "busy": Refusal.BUSY,
    "disabled": Refusal.DISABLED,
    "fault": Refusal.FAULTED,
    "already_ended": Refusal.ENDED,
}
_LIMIT_OF = {EndReason.ENERGY_LIMIT: "energy", EndReason.TIME_LIMIT: "time"}
"""Which limit a session ended at."""
_MISSED_CHECKS = 2
"""After so many unanswered continuity checks the connection is made anew; a third still fits into the lease."""
_IDLE_LOOK_S = 60.0
"""The loop looks at an outlet that reports nothing new this often."""
_LAST_WORD_LOOKS = 25
_LAST_WORD_PAUSE_S = 0.2
_RETRY_S = 1.0
"""Pause before a stop that was not answered, or a continuity check that came too late, is sent again."""


class OutletControl:
    """One outlet of the site and the session on it, if any."""

    def __init__(
        self,
        outlet: str,
        evse: int,
        *,
        driver: OutletDriver,
        journal: Journal,
        settings: ControlSettings,
        clock: Clock,
        on_events: Callable[[str], None],
        on_change: Callable[[], None],
        on_happening: Callable[[Happening, dict[str, Any]], None],
        admission: Callable[[], frozenset[Hold] | Refusal] = frozenset,
    ) -> None:
        """`on_events` hears which server has something to be told, `on_change` that what the outlet shows is new.

        `admission` is asked once for every session that is about to begin: with holds in its answer, it begins waiting,
        with a refusal, it does not begin.
        """
        self.outlet = outlet
        self.evse = evse
        self.driver = driver
        self.settings = settings
        self.session: Session | None = None
        self.last: Session | None = None
        """The session that was the last to end here."""
        self._journal = journal
        self._clock = clock
        self._on_events = on_events
        self._on_change = on_change
        self._on_happening = on_happening
        self._admission = admission
        self._lock = asyncio.Lock()
        self._changed = Signal()
        self._unlisten = driver.listen(self._driver_changed)
        self._lease_until = 0.0
        self._next_check = 0.0
        self._next_sample = 0.0
        self._lookout = Lookout(evse, driver, clock, on_happening)
        self._seen: OutletReport | None = None
        """The last reading of the session, also when the outlet is away or has moved on."""
        self._essence: tuple[Any, ...] | None = None
        self._heard = clock.monotonic()
        self._away_since: float | None = None
        self._missed = 0
        self._sample_asked = False
        self._news = False
        self.round_trip_s: float | None = None
        """Round-trip time of the last continuity check."""

    def _driver_changed(self) -> None:
        self._heard = self._clock.monotonic()
        report = self.driver.report
        if report is not None and self.session is not None and report.session_id == self.session.id:
            self._seen = report
        self._lookout.look()
        # Most readings differ in the meter alone, which is looked at when it is told: the loop can sleep on.
        essence = _essence(report)
        if essence != self._essence:
            self._essence = essence
            self._wake()
        self._on_change()

    def now(self) -> datetime:
        """Return the time of day by the clock that sessions are written down with, UTC."""
        return self._clock.now()

    @property
    def problems(self) -> frozenset[Problem]:
        """What is wrong with the outlet now."""
        return self._lookout.problems

    def _wake(self) -> None:
        self._news = True
        self._changed.notify()

    @property
    def essence(self) -> object:
        """What is news when it differs; all that is left out merely counts on."""
        session = self.session
        return (
            _essence(self.driver.report),
            self.driver.connected,
            self.driver.key_refused,
            self.driver.address_taken,
            session
            and (session.id, session.phase, session.supplying, session.limits, session.holds, session.suspended_for),
            self.last and self.last.id,
            self.problems,
        )

    def take_over(self, session: Session) -> None:
        """Go on with a session of an earlier run of the program."""
        self.session = session.resumed()
        # The last run may have handed over with the longest lease: only after it can supply be said to have stopped.
        self._lease_until = self._clock.monotonic() + MAX_LEASE_S

    def close(self) -> None:
        """Stop listening to the outlet."""
        self._unlisten()

    # --- what others ask for

    def obstacle(self) -> Refusal | None:
        """Return why no session can start now."""
        report = self.driver.report
        if self.session is not None:
            return Refusal.BUSY
        if report is None:
            return Refusal.OFFLINE
        if report.faulted or report.lifetime_mwh is None or any(problem.blocks for problem in self.problems):
            return Refusal.FAULTED
        if not report.enabled:
            return Refusal.DISABLED
        if report.state in {OutletState.SUPPLYING, OutletState.SUSPENDED}:
            return Refusal.BUSY
        return None

    async def start(self, session_id: str, request: StartRequest) -> Refusal | None:
        """Start a session: write the intent down, then ask the outlet; None when its relay has closed, or waits."""
        async with self._lock:
            report = self.driver.report
            if (refusal := self.obstacle()) or report is None or report.lifetime_mwh is None:
                return await self._refuse(request, refusal or Refusal.OFFLINE)
            holds = self._admission()
            if isinstance(holds, Refusal):
                return await self._refuse(request, holds)
            if holds and not self.driver.facts.can_wait:
                return await self._refuse(request, Refusal.POWER_LIMIT)
            intent = Session.requested(session_id, request, self.outlet, report.lifetime_mwh, holds)
            await self._keep(intent)
            return await self._pursue_start()

    def requested(self, request: StartRequest) -> None:
        """Tell that somebody wants a session here."""
        said = {
            "session_kind": request.kind,
            "energy_limit_wh": request.limits.energy_wh or None,
            "time_limit_s": request.limits.time_s or None,
        }
        self._on_happening(Happening.REQUESTED, said)

    def refused(self, kind: SessionKind, refusal: Refusal) -> None:
        """Tell that somebody does not get one."""
        self._on_happening(Happening.REFUSED, {"session_kind": kind, "reason": refusal})

    async def settle_start(self) -> None:
        """Find out what became of a start that the last run of the program did not see through."""
        async with self._lock:
            if self.session is not None and self.session.phase is Phase.REQUESTED:
                await self._pursue_start()

    async def stop(self, session_id: str, reason: EndReason) -> bool:
        """End a session soon; False when it is not under way here. Kept until done, also over a restart."""
        async with self._lock:
            session = self.session
            if session is None or session.id != session_id or session.phase is not Phase.RUNNING:
                return False
            await self._keep(session.stopping(reason))
            self._next_check = 0.0
        self._wake()
        return True

    async def limit(self, session_id: str, limits: Limits) -> bool:
        """Change the limits of a session soon; False when it is not under way here. Kept as a stop is."""
        async with self._lock:
            session = self.session
            if session is None or session.id != session_id or session.phase is not Phase.RUNNING:
                return False
            if (session.wanted_limits or session.limits) == limits:
                return True
            await self._keep(replace(session, wanted_limits=limits))
            self._next_check = 0.0
        self._wake()
        return True

    async def hold(self, why: Hold) -> bool:
        """Let the session wait, its relay open soon; False when none is under way. Kept over a restart."""
        return await self._hold(lambda session: session.held(why))

    async def release(self, why: Hold) -> bool:
        """End a hold: without any other the session is supplied soon. False when none is under way."""
        return await self._hold(lambda session: session.released(why))

    async def _hold(self, change: Callable[[Session], Session]) -> bool:
        async with self._lock:
            session = self.session
            if session is None or session.phase is not Phase.RUNNING or session.stop_reason:
                return False
            if (changed := change(session)).holds == session.holds:
                return True
            await self._keep(changed)
            self._next_check = 0.0
        self._wake()
        self._on_change()
        return True

    async def end_now(self, reason: EndReason) -> None:
        """End the session and wait for the outlet's last word on its energy, a few seconds at most."""
        if (session := self.session) is None or not await self.stop(session.id, reason):
            return
        for _ in range(_LAST_WORD_LOOKS):
            await self.step()
            if self.session is None or self.session.id != session.id:
                return
            await self._changed.wait(_LAST_WORD_PAUSE_S)

    def ask_sample(self) -> None:
        """Tell the meter once outside the schedule."""
        self._sample_asked = True
        self._wake()

    def wake(self) -> None:
        """Look again at once, for instance because settings have changed."""
        self._next_check = self._next_sample = 0.0
        self._wake()

    async def hand_over(self, lease_s: int) -> None:
        """One renewal for the time in which nobody will send any. A silent outlet is left to its own limits.

        One that is held has its waiting time begun anew.
        """
        async with self._lock:
            session = self.session
            if (
                session is None
                or session.phase is not Phase.RUNNING
                or session.stop_reason
                or self.driver.report is None
                or self._must_lapse(session)
            ):
                return
            # Kept: the next run's numbers must be above this one even if it takes over a session that just began.
            await self._keep(session.renewed())
            try:
                lease_s = 0 if session.holds else lease_s
                await self._answered(self.driver.session_renew(session.id, session.renewals + 1, lease_s))
            except (OutletRefusedError, OutletSilentError) as error:
                _LOGGER.warning("Outlet %s: no hand-over of session %s: %s", self.evse, session.id, error)

    # --- the loop

    async def run(self) -> None:
        """Watch over the outlet until cancelled."""
        while True:
            # Whatever is said during the step is looked at in the next one, at once.
            self._news = False
            try:
                await self.step()
            except Exception:
                # An outlet that nobody watches is worse than a failed step; the session is as the journal has it.
                _LOGGER.exception("Outlet %s: step failed", self.evse)
                await asyncio.sleep(_RETRY_S)
            if not self._news:
                await self._changed.wait(self._until_next())

    async def step(self) -> None:
        """Compare report and journal once and do what is due."""
        async with self._lock:
            self._lookout.look()
            self._listen_for_life()
            await self._reconcile()
            await self._command()
            await self._sample()

    def _listen_for_life(self) -> None:
        """Give up a connection over which a supplying outlet says nothing: it is dead, whatever it looks like."""
        session, monotonic = self.session, self._clock.monotonic()
        if session is None or not session.supplying or self.driver.report is None:
            return
        if monotonic - self._heard > self.settings.lease_s:
            _LOGGER.warning("Outlet %s tells no readings; connecting anew", self.evse)
            self._heard = monotonic
            self.driver.hang_up()

    def _until_next(self) -> float:
        if self.session is None:
            return _IDLE_LOOK_S
        now = self._clock.monotonic()
        if self.driver.report is None:
            return max(0.1, (self._lease_until if self.session.supplying else now + _IDLE_LOOK_S) - now)
        return max(0.01, min(self._next_check, self._next_sample) - now)

    async def _reconcile(self) -> None:
        report, session, now = self.driver.report, self.session, self._clock.now()
        if report is None:
            await self._away()
            return
        self._away_since = None
        if session is None:
            await self._correct(report)
            await self._clear_orphan(report)
            return
        if session.phase is Phase.REQUESTED:
            # Under the lock nobody else pursues it: the last run of the program, or a failed write, left it so.
            await self._pursue_start()
            return
        if report.session_id == session.id:
            await self._apply(*session.observed(report, now))
            return
        if self._seen and self._seen.session_id == session.id and self._seen.end_reason:
            # It had ended before the outlet went on to something else.
            await self._apply(*session.observed(self._seen, now))
            self._wake()
            return
        # Somebody erased its memory, or another control system has used it: what was measured until then stands.
        reason = EndReason.POWER_LOSS if report.state is OutletState.IDLE else EndReason.OTHER
        _LOGGER.warning(
            "Outlet %s no longer knows session %s; ended (%s) with the last energy known", self.evse, session.id, reason
        )
        await self._apply(*self._read_last(session).ended(reason, now, report))

    def _read_last(self, session: Session) -> Session:
        seen = self._seen
        return session.read(seen, self._clock.now()) if seen and seen.session_id == session.id else session

    async def _away(self) -> None:
        session, monotonic = self.session, self._clock.monotonic()
        if session is None or session.phase is not Phase.RUNNING:
            return
        if self._away_since is None:
            self._away_since = monotonic
            self.session = session = self._read_last(session)
        if session.supplying and monotonic >= self._lease_until:
            await self._apply(*session.suspended_unseen(self._clock.now()))
        elif monotonic - self._away_since >= max(self.settings.abandon_s, self._lease_until - self._away_since):
            _LOGGER.warning("Outlet %s stays away; session %s ended with the last energy known", self.evse, session.id)
            await self._apply(*session.ended(EndReason.POWER_LOSS, self._clock.now()))

    async def _correct(self, report: OutletReport) -> None:
        last = self.last
        if last is None or report.session_id != last.id or report.energy_mwh <= last.energy_mwh:
            return
        if report.end_reason is None:
            # Its orphan is stopped first, so that this is told once.
            return
        corrected, events = last.corrected(report, self._clock.now())
        await self._journal.save(corrected, events, self._clock.now())
        self.last = corrected
        more = corrected.energy_mwh - last.energy_mwh
        _LOGGER.warning("Outlet %s: session %s had taken %s mWh more than was known", self.evse, last.id, more)
        self._on_happening(Happening.CORRECTED, _described(corrected))
        self._on_events(corrected.server)

    async def _clear_orphan(self, report: OutletReport) -> None:
        if report.state not in {OutletState.SUPPLYING, OutletState.SUSPENDED}:
            return
        _LOGGER.warning("Outlet %s runs a session that nobody here knows (%s); stopped", self.evse, report.session_id)
        await self._try_stop(report.session_id, EndReason.OTHER)

    async def _command(self) -> None:
        session, monotonic = self.session, self._clock.monotonic()
        if session is None or session.phase is not Phase.RUNNING or self.driver.report is None:
            return
        if monotonic < self._next_check:
            return
        if session.stop_reason:
            self._next_check = monotonic + _RETRY_S
            await self._try_stop(session.id, session.stop_reason)
        elif session.wanted_limits:
            self._next_check = monotonic + _RETRY_S
            await self._try_limit(session, session.wanted_limits)
        else:
            self._next_check = monotonic + self.settings.continuity_s
            if not self._must_lapse(session):
                await self._check_continuity(session)

    def _must_lapse(self, session: Session) -> bool:
        """Whether a session can only be made to wait by not renewing its lease any more: older firmware knows no 0."""
        return bool(session.holds) and not self.driver.facts.can_wait

    def _lease_s(self, session: Session) -> int:
        return 0 if session.holds else self.settings.lease_s

    async def _check_continuity(self, session: Session) -> None:
        # Not written down each time: `Session.resumed` makes the numbers of the next run higher.
        self.session = session = session.renewed()
        sent = self._clock.monotonic()
        if (lease_s := self._lease_s(session)) > 0:
            self._lease_until = sent + lease_s
        # Else the last one stands: an outlet that does not hear it may supply until then.
        renewal = self.driver.session_renew(session.id, session.renewals, lease_s)
        try:
            await self._answered(renewal, within=self.settings.continuity_s)
        except OutletSilentError as error:
            self._missed += 1
            _LOGGER.debug("Outlet %s: continuity check %s unanswered: %s", self.evse, session.renewals, error)
            if self._missed >= _MISSED_CHECKS:
                _LOGGER.warning("Outlet %s does not answer continuity checks; connecting anew", self.evse)
                self._missed = 0
                self.driver.hang_up()
        except OutletRefusedError as error:
            self._missed = 0
            if error.code == "stale":
                # After a power cut the outlet hears no number near those of before.
                self.session = session.resumed()
                self._next_check = sent + _RETRY_S
            # Everything else shows in the report: ended, another session, a fault.
            _LOGGER.debug("Outlet %s refused continuity check %s: %s", self.evse, session.renewals, error)
        else:
            self._missed = 0
            self.round_trip_s = self._clock.monotonic() - sent

    async def _try_stop(self, session_id: str, reason: EndReason) -> None:
        try:
            await self._answered(self.driver.session_stop(session_id, reason.for_outlet))
        except OutletSilentError as error:
            _LOGGER.warning("Outlet %s: stop of session %s unanswered: %s", self.evse, session_id, error)
            self.driver.hang_up()
        except OutletRefusedError as error:
            _LOGGER.warning("Outlet %s refused to stop session %s: %s", self.evse, session_id, error)

    async def _try_limit(self, session: Session, limits: Limits) -> None:
        try:
            await self._answered(self.driver.session_limit(session.id, limits))
        except OutletSilentError as error:
            _LOGGER.warning("Outlet %s: new limits of session %s unanswered: %s", self.evse, session.id, error)
            self.driver.hang_up()
        except OutletRefusedError as error:
            _LOGGER.warning("Outlet %s refused new limits of session %s: %s", self.evse, session.id, error)
            await self._keep(replace(session, wanted_limits=None))
        else:
            await self._apply(*session.limited(limits, self._clock.now()))

    async def _sample(self) -> None:
        session, report = self.session, self.driver.report
        if session is None or session.phase is not Phase.RUNNING or report is None:
            return
        monotonic, asked = self._clock.monotonic(), self._sample_asked
        if monotonic < self._next_sample and not asked:
            return
        self._sample_asked = False
        if not asked:
            self._next_sample = monotonic + self.settings.meter_s
        # Left out before it gets a number: the journal stays bounded and the numbers gapless.
        if await self._journal.waiting_of(session.server, session.id) >= MAX_WAITING:
            return
        trigger = Trigger.ASKED if asked else Trigger.PERIODIC
        await self._apply(*session.sampled(self._clock.now(), report, trigger))

    # --- a start

    async def _pursue_start(self) -> Refusal | None:
        """Ask the outlet until it has answered. Repeating is safe: it starts a session id once."""
        deadline = self._clock.monotonic() + self.settings.start_s
        while (intent := self.session) is not None:
            report = self.driver.report
            if report is not None and report.session_id == intent.id:
                await self._began(intent)
                return None
            if report is not None:
                if self._clock.now() >= intent.expires_at:
                    return await self._drop(intent, Refusal.EXPIRED)
                try:
                    start = self.driver.session_start(intent.id, intent.limits, self._lease_s(intent))
                    await self._answered(start)
                    await self._until_seen(intent.id)
                except OutletRefusedError as error:
                    _LOGGER.warning("Outlet %s refused session %s: %s", self.evse, intent.id, error)
                    return await self._drop(intent, _REFUSAL_OF_CODE.get(error.code, Refusal.DEVICE))
                except OutletSilentError as error:
                    _LOGGER.warning("Outlet %s: start of session %s unanswered: %s", self.evse, intent.id, error)
                    if (seen := self.driver.report) and seen.session_id == intent.id:
                        continue
                    self.driver.hang_up()
                else:
                    await self._began(intent)
                    return None
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return await self._drop(intent, Refusal.OFFLINE)
            await self._changed.wait(min(left, _RETRY_S))
        return Refusal.OFFLINE

    async def _until_seen(self, session_id: str) -> None:
        """Wait until the outlet shows the session; raises OutletSilentError when it does not."""
        deadline = self._clock.monotonic() + self.settings.answer_s
        while (report := self.driver.report) is None or report.session_id != session_id:
            left = deadline - self._clock.monotonic()
            if report is None or left <= 0:
                raise OutletSilentError("the outlet accepted the session but does not show it")
            await self._changed.wait(left)

    async def _began(self, intent: Session) -> None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        running, events = intent.begun(now)
        if now >= intent.expires_at:
            # Only after a restart or a long silence: whoever asked has given up. What was supplied is still told.
            running = running.stopping(EndReason.OTHER)
        self._missed = 0
        self._lease_until = monotonic + self.settings.lease_s
        self._next_check = 0.0 if running.stop_reason else monotonic + self.settings.continuity_s
        self._next_sample = monotonic + self.settings.meter_s
        await self._apply(running, events)
        _LOGGER.info("Outlet %s: session %s began", self.evse, running.id)
        self._wake()

    async def _drop(self, intent: Session, refusal: Refusal) -> Refusal:
        await self._journal.save(intent, [], self._clock.now(), refusal)
        self.session = None
        self._on_change()
        self.refused(intent.kind, refusal)
        return refusal

    async def _refuse(self, request: StartRequest, refusal: Refusal) -> Refusal:
        await self._journal.refuse(request.server, request.remote_start_id, refusal, self._clock.now())
        self.refused(request.kind, refusal)
        return refusal

    # --- writing down

    async def _answered(self, command: Coroutine[Any, Any, None], within: float = math.inf) -> None:
        patience = min(self.settings.answer_s, within)
        try:
            async with asyncio.timeout(patience):
                await command
        except TimeoutError as error:
            raise OutletSilentError(f"no answer within {patience} s") from error

    async def _keep(self, session: Session, events: Sequence[SessionEvent] = ()) -> None:
        await self._journal.save(session, events, self._clock.now())
        self.session = session

    async def _apply(self, session: Session, events: Sequence[SessionEvent]) -> None:
        """Make a new state of the session true: on disk first when there is something to tell."""
        if not events:
            self.session = session
            return
        await self._keep(session, events)
        if session.phase is Phase.ENDED:
            _LOGGER.info("Outlet %s: session %s ended (%s)", self.evse, session.id, session.end_reason)
            self.session, self.last = None, session
        for event in events:
            for happening in _happenings(event):
                self._on_happening(happening, _told(happening, session))
        self._on_events(session.server)
        self._on_change()


def _essence(report: OutletReport | None) -> tuple[Any, ...] | None:
    """Return what of a report may make something due."""
    if report is None:
        return None
    return (
        report.state,
        report.session_id,
        report.end_reason,
        report.fault,
        report.enabled,
        report.boot_id,
        report.relay,
    )


def _happenings(event: SessionEvent) -> tuple[Happening, ...]:
    match event.kind, event.trigger:
        case EventKind.STARTED, _:
            return (Happening.STARTED,)
        case EventKind.ENDED, _ if event.end_reason in _LIMIT_OF:
            return Happening.LIMIT_REACHED, Happening.ENDED
        case EventKind.ENDED, _:
            return (Happening.ENDED,)
        case _, Trigger.CHARGING_STATE:
            return (Happening.RESUMED if event.supplying else Happening.SUSPENDED,)
        case _, Trigger.LIMIT_SET:
            return (Happening.LIMITS_CHANGED,)
    return ()


def _described(session: Session) -> dict[str, Any]:
    """Return what an owner may know of a session."""
    return {
        "session_id": session.id,
        "session_kind": session.kind,
        "energy_wh": session.energy_mwh / 1000,
        "supply_s": session.supply_s,
        "end_reason": session.end_reason,
        "limit": _LIMIT_OF.get(session.end_reason) if session.end_reason else None,
    }


def _told(happening: Happening, session: Session) -> dict[str, Any]:
    """Return what an owner hears with a happening; of a session that waits, or has waited, also why."""
    data = _described(session)
    waits = happening is Happening.STARTED and not session.supplying
    if session.suspended_for and (waits or happening in {Happening.SUSPENDED, Happening.RESUMED}):
        data["reason"] = session.suspended_for
    return data


def progress(control: OutletControl) -> Session | None:
    """Return the running session with the newest reading applied, for display only."""
    session, report = control.session, control.driver.report
    if session is None or report is None or report.session_id != session.id:
        return session
    return session.read(report, control.now())
