"""Control of a site: which outlet a request is for, whether it was answered before, what each server may see."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from .clock import Clock, SystemClock
from .driver import OutletDriver
from .happenings import Happening
from .holds import Hold
from .journal import Journal
from .labels import Labels
from .limits import Limits
from .outlet import OutletControl
from .problems import gravest
from .reservations import Reservation, Reservations
from .session import Phase, Session, StartAnswer, StartRequest
from .settings import ControlSettings
from .windows import RecommendedWindows
from .words import Connector, EndReason, Refusal

_LOGGER = logging.getLogger(__name__)

_CONNECTOR_OF: dict[Refusal | None, tuple[Connector, str | None]] = {
    None: (Connector.AVAILABLE, None),
    Refusal.BUSY: (Connector.OCCUPIED, None),
    Refusal.RESERVED: (Connector.RESERVED, None),
    Refusal.FAULTED: (Connector.FAULTED, None),
    Refusal.DISABLED: (Connector.UNAVAILABLE, "disabled"),
    Refusal.OFFLINE: (Connector.UNAVAILABLE, "offline"),
}
"""What a server is told of an outlet, by why a start would be refused there."""


class SiteControl:
    """All outlets of a site and the journal they share. Management servers are known by an opaque name."""

    def __init__(
        self, journal: Journal, settings: ControlSettings, clock: Clock | None = None, *, common_name: str = ""
    ) -> None:
        """`common_name` is the site's at all its management servers (contracts, 5); empty where it has none."""
        self.common_name = common_name
        self.journal = journal
        self.settings = settings
        self.outlets: dict[int, OutletControl] = {}
        self._clock = clock or SystemClock()
        self.reservations = Reservations(journal, self._clock, self._is_usable, self._tell_status)
        self.windows = RecommendedWindows()
        self.admission: Callable[[int], frozenset[Hold] | Refusal] = lambda _: frozenset()
        """Asked with an outlet's number just before a session begins there; with holds in the answer it begins waiting.

        Once for each start that nothing else stands against, before anything is written down about it.
        """
        self.labels = Labels(journal)
        self._expiry: asyncio.Task[None] | None = None
        self._closed: set[tuple[str, int]] = set()
        self._orphaned: dict[str, Session] = {}
        self._last: dict[str, Session] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._starts: dict[tuple[str, int], asyncio.Task[StartAnswer]] = {}
        self._event_listeners: dict[str, Callable[[], None]] = {}
        self._status_listeners: list[Callable[[int], None]] = []
        self._happening_listeners: list[Callable[[int, Happening, dict[str, Any]], None]] = []

    def now(self) -> datetime:
        """Return the time of the site's clock, UTC."""
        return self._clock.now()

    async def open(self) -> None:
        """Read the journal. Raises JournalError."""
        await self.journal.open()
        await self.journal.prune(self._clock.now())
        self._closed = await self.journal.closed()
        await self.reservations.open()
        await self.labels.open()
        self._expiry = asyncio.create_task(self.reservations.run(), name="konsento reservations")
        self._last = await self.journal.last()
        self._orphaned = {session.outlet: session for session in await self.journal.unfinished()}

    async def end_abandoned(self) -> None:
        """End the sessions whose outlet the site no longer has; call once all outlets were added."""
        for session in list(self._orphaned.values()):
            await self._end_without_outlet(session)
        self._orphaned.clear()

    async def hand_over(self, lease_s: int) -> None:
        """Let running sessions go on for `lease_s` seconds without anyone asking after them."""
        await asyncio.gather(*(outlet.hand_over(lease_s) for outlet in self.outlets.values()))

    async def close(self) -> None:
        """Stop controlling, and the outlets' drivers. Sessions stay in the journal, the next run goes on with them."""
        tasks = [*self._starts.values(), *self._tasks.values(), *([self._expiry] if self._expiry else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for outlet in self.outlets.values():
            outlet.close()
        # Before the journal: a plain outlet writes down how it was left.
        await asyncio.gather(*(outlet.driver.stop() for outlet in self.outlets.values()))
        self._tasks.clear()
        self.outlets.clear()
        await self.journal.close()

    # --- outlets

    def add_outlet(self, outlet: str, evse: int, driver: OutletDriver) -> OutletControl:
        """Control one more outlet; a session that the journal has for it goes on."""
        control = OutletControl(
            outlet,
            evse,
            driver=driver,
            journal=self.journal,
            settings=self.settings,
            clock=self._clock,
            on_events=self._tell_server,
            on_change=lambda: self._tell_status(evse),
            on_happening=lambda happening, data: self._tell_happening(evse, happening, data),
            admission=lambda: self.admission(evse),
        )
        self.outlets[evse] = control
        control.last = self._last.get(outlet)
        if session := self._orphaned.pop(outlet, None):
            control.take_over(session)
        self._tasks[evse] = asyncio.create_task(control.run(), name=f"konsento outlet {evse}")
        self._tell_status(evse)
        return control

    async def remove_outlet(self, evse: int, *, end: bool = True) -> None:
        """Give an outlet up. A session on it is ended, or waits for the outlet to be added again (`end=False`)."""
        control = self.outlets.pop(evse)
        if end:
            await control.end_now(EndReason.OTHER)
        task = self._tasks.pop(evse)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        control.close()
        if control.last:
            self._last[control.outlet] = control.last
        if not (session := control.session):
            return
        if end:
            await self._end_without_outlet(session)
        else:
            self._orphaned[control.outlet] = session

    async def _end_without_outlet(self, session: Session) -> None:
        if session.phase is Phase.REQUESTED:
            await self.journal.save(session, [], self._clock.now(), Refusal.UNKNOWN_OUTLET)
            return
        _LOGGER.warning("Session %s: its outlet was removed; ended with the last energy known", session.id)
        ended, events = session.ended(EndReason.OTHER, self._clock.now())
        await self.journal.save(ended, events, self._clock.now())
        self._tell_server(session.server)

    def apply(self, settings: ControlSettings) -> None:
        """Use other numbers from now on, in running sessions too."""
        self.settings = settings
        for outlet in self.outlets.values():
            outlet.settings = settings
            outlet.wake()

    # --- what is asked for: by a management server, or in its place by the owner (LOCAL)

    async def start(self, request: StartRequest) -> StartAnswer:
        """Start a session. Idempotent by (server, remote_start_id): asked again, it answers the same.

        The start goes on when the one who waits for the answer is gone.
        """
        key = (request.server, request.remote_start_id)
        task = self._starts.get(key) or self._pursue(key, self._start(request))
        return await asyncio.shield(task)

    def _pursue(self, key: tuple[str, int], work: Coroutine[Any, Any, StartAnswer]) -> asyncio.Task[StartAnswer]:
        task = asyncio.create_task(work, name=f"konsento start {key[1]}")
        self._starts[key] = task
        task.add_done_callback(lambda _: self._starts.pop(key, None))
        return task

    async def _start(self, request: StartRequest) -> StartAnswer:
        if (known := await self._known(request.server, request.remote_start_id)) is not None:
            return known
        control = self.outlets.get(request.evse)
        if control is None:
            return await self._refuse(request.server, request.remote_start_id, Refusal.UNKNOWN_OUTLET)
        control.requested(request)
        kept = self.reservations.on(request.evse)
        if refusal := await self._objection(request, kept):
            control.refused(request.kind, refusal)
            return await self._refuse(request.server, request.remote_start_id, refusal)
        session_id = uuid.uuid4().hex
        refusal = await control.start(session_id, request)
        if kept and not refusal:
            await self.reservations.use(request.evse)
        return StartAnswer(None, refusal) if refusal else StartAnswer(session_id)

    async def _objection(self, request: StartRequest, kept: Reservation | None) -> Refusal | None:
        """Return why a request is refused before its outlet is asked."""
        if self._clock.now() >= request.expires_at:
            return Refusal.EXPIRED
        if (request.server, request.evse) in self._closed:
            return Refusal.DISABLED
        if kept and not await kept.admits(request.server, request.token):
            return Refusal.RESERVED
        return None

    async def _refuse(self, server: str, remote_start_id: int, refusal: Refusal) -> StartAnswer:
        await self.journal.refuse(server, remote_start_id, refusal, self._clock.now())
        return StartAnswer(None, refusal)

    async def _known(self, server: str, remote_start_id: int) -> StartAnswer | None:
        """Return the answer that a request got, once it is certain."""
        for outlet in list(self.outlets.values()):
            session = outlet.session
            if session and (session.server, session.remote_start_id) == (server, remote_start_id):
                await outlet.settle_start()
        return await self.journal.answer(server, remote_start_id)

    async def refuse(self, server: str, remote_start_id: int, refusal: Refusal) -> StartAnswer:
        """Refuse a request that cannot be read, unless it was answered before."""
        if (task := self._starts.get((server, remote_start_id))) is not None:
            return await asyncio.shield(task)
        if (known := await self._known(server, remote_start_id)) is not None:
            return known
        return await self._refuse(server, remote_start_id, refusal)

    async def stop(self, server: str, session_id: str, reason: EndReason = EndReason.REMOTE) -> bool:
        """End a running session of that server; False when it has none of that id."""
        for outlet in list(self.outlets.values()):
            session = outlet.session
            if session and session.id == session_id and session.server == server:
                return await outlet.stop(session_id, reason)
        return False

    async def limit(self, server: str, session_id: str, limits: Limits) -> bool:
        """Change the limits of a running session of that server; False when it has none of that id."""
        for outlet in list(self.outlets.values()):
            session = outlet.session
            if session and session.id == session_id and session.server == server:
                return await outlet.limit(session_id, limits)
        return False

    async def reserve(self, reservation: Reservation) -> Refusal | None:
        """Keep an outlet for somebody; returns why that is not possible."""
        control = self.outlets.get(reservation.evse)
        if control is None:
            return Refusal.UNKNOWN_OUTLET
        if self._clock.now() >= reservation.expires_at:
            return Refusal.EXPIRED
        kept = self.reservations.on(reservation.evse)
        if kept and (kept.server, kept.id) != (reservation.server, reservation.id):
            return Refusal.BUSY
        closed = (reservation.server, reservation.evse) in self._closed
        if refusal := control.obstacle() or (Refusal.DISABLED if closed else None):
            return refusal
        await self.reservations.keep(reservation)
        return None

    def _is_usable(self, kept: Reservation) -> bool:
        if (kept.server, kept.evse) in self._closed:
            return False
        control = self.outlets.get(kept.evse)
        # One that is away for a moment, or not yet there after a start, may be back before anybody comes.
        return control is None or control.obstacle() not in {Refusal.FAULTED, Refusal.DISABLED}

    def sessions_of(self, server: str, evse: int | None = None) -> list[Session]:
        """Return the sessions of a server that are under way, at one outlet or at all."""
        return [
            outlet.session
            for number, outlet in self.outlets.items()
            if outlet.session and outlet.session.server == server and evse in {None, number}
        ]

    async def set_service(self, server: str, evse: int | None, operative: bool) -> bool:
        """Take an outlet (None: all) out of one server's service, or put it back; other servers are not concerned.

        Returns False when a session of that server still runs there: it is not interrupted.
        """
        for number in [evse] if evse is not None else list(self.outlets):
            await self.journal.set_closed(server, number, not operative)
            (self._closed.discard if operative else self._closed.add)((server, number))
            self._tell_status(number)
        return operative or not self.sessions_of(server, evse)

    def connector(self, server: str, evse: int) -> tuple[Connector, str | None]:
        """Return an outlet's state for a server and, when it cannot be used, why: offline, disabled, or a problem."""
        control = self.outlets.get(evse)
        refusal = control.obstacle() if control else Refusal.DISABLED
        if refusal is None and (server, evse) in self._closed:
            refusal = Refusal.DISABLED
        if refusal is None and (kept := self.reservations.on(evse)):
            # Whose it is, is nobody else's business.
            refusal = Refusal.RESERVED if kept.server == server else Refusal.BUSY
        if refusal is Refusal.FAULTED and control and (problem := gravest(control.problems)):
            return Connector.FAULTED, str(problem)
        return _CONNECTOR_OF[refusal]

    async def forget_server(self, server: str) -> None:
        """Unlink a management server: its sessions end, what it has not yet been told is dropped."""
        for outlet in list(self.outlets.values()):
            if outlet.session and outlet.session.server == server:
                await outlet.end_now(EndReason.OTHER)
        await self.reservations.forget_server(server)
        self.windows.forget(server)
        self.labels.forget(server)
        if dropped := await self.journal.forget_server(server):
            _LOGGER.warning("%s events were still to be told to a removed management server; dropped", dropped)
        self._closed = await self.journal.closed()

    # --- who wants to know

    def on_events(self, server: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the journal has something new for a server; returns what ends that."""
        self._event_listeners[server] = callback
        return lambda: self._event_listeners.pop(server, None) and None

    def on_status(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call back with the number of an outlet after every change of what it shows; returns what ends that."""
        self._status_listeners.append(callback)
        return lambda: self._status_listeners.remove(callback)

    def on_happening(self, callback: Callable[[int, Happening, dict[str, Any]], None]) -> Callable[[], None]:
        """Call back with an outlet's number, what happened there, and facts about it; returns what ends that."""
        self._happening_listeners.append(callback)
        return lambda: self._happening_listeners.remove(callback)

    def _tell_happening(self, evse: int, happening: Happening, data: dict[str, Any]) -> None:
        for callback in list(self._happening_listeners):
            callback(evse, happening, data)

    def _tell_server(self, server: str) -> None:
        if callback := self._event_listeners.get(server):
            callback()

    def _tell_status(self, evse: int) -> None:
        self.reservations.outlet_changed(evse)
        for callback in list(self._status_listeners):
            callback(evse)
