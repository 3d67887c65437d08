"""The site's link to one management server: stays connected, says what is, delivers what was.

One worker sends everything, one message after the other: a notice of state before a session's events, those in the
order of the journal, and a heartbeat when there was nothing else.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime

import aiohttp

from ..control.clock import Clock, SystemClock
from ..control.journal import Journal
from ..control.signals import Signal
from ..control.site import SiteControl
from ..control.words import Connector
from . import messages
from .connection import SUBPROTOCOLS, ServerAddress, connect
from .errors import (
    LineDownError,
    NoCommonVersionError,
    RpcError,
    UnknownStationError,
    UnreachableError,
    WrongPasswordError,
)
from .handlers import Handlers
from .rpc import Payload, Rpc
from .variables import Variable

_LOGGER = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 30.0
_SETTLED_S = 60.0
"""A connection that lasted so long was a good one: the next attempt after it comes at once."""
_DEFAULT_HEARTBEAT_S = 300
_MAX_HEARTBEAT_S = 86_400
_MAX_METER_S = 900
_REFUSED_TIMES = 10
"""An event that the server has called malformed so often will never be taken; it is given up for those behind it."""
CLOCK_TOLERANCE_S = 30.0
"""Start requests live a minute: clocks that differ by more than this endanger them."""
_REFUSED: dict[type[Exception], str] = {WrongPasswordError: "password", UnknownStationError: "unknown_station"}


class Station:
    """One management server, as the site sees it."""

    def __init__(
        self,
        server: str,
        name: str,
        *,
        address: ServerAddress,
        site: SiteControl,
        http: aiohttp.ClientSession,
        version: str,
        set_meter_interval: Callable[[int], None],
        clock: Clock | None = None,
    ) -> None:
        """`server` is its name in the journal, `name` the one in the log, `version` that of the integration."""
        self.server = server
        self.name = name
        self.online = False
        """Whether the server has accepted the site and the connection stands."""
        self.refused: str | None = None
        """Why the server does not let the site in: `password` or `unknown_station`."""
        self.clock_offset_s: float | None = None
        """How far the server's clock was ahead of the site's when it last told the time, s."""
        self._address = address
        self._site = site
        self._journal: Journal = site.journal
        self._http = http
        self._version = version
        self._clock = clock or SystemClock()
        self._signal = Signal()
        self._pending = False
        self._booted = False
        self._boot_reason = "PowerUp"
        self._online_since: datetime | None = None
        self._heartbeat_s = _DEFAULT_HEARTBEAT_S
        self._told: dict[int, tuple[Connector, str | None]] = {}
        self._refused: tuple[int, int] = (0, 0)
        self._hold_events_until = 0.0
        self._asked: list[str] = []
        self._lost_told = False
        self._listeners: list[Callable[[], None]] = []
        self._rpc: Rpc | None = None
        self._unlisten = [
            site.on_events(server, self._wake),
            site.on_status(lambda _: self._wake()),
        ]
        self._handlers = Handlers(
            site,
            server,
            {
                ("SampledDataCtrlr", "TxUpdatedInterval"): Variable(
                    lambda: site.settings.meter_s, set_meter_interval, _MAX_METER_S
                ),
                ("OCPPCommCtrlr", "HeartbeatInterval"): Variable(
                    lambda: self._heartbeat_s, self._set_heartbeat, _MAX_HEARTBEAT_S
                ),
            },
            self._trigger,
        )

    @property
    def round_trip_s(self) -> float | None:
        """Round-trip time of the last call that the server has answered; None while there is no line."""
        return self._rpc.round_trip_s if self._rpc else None

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when `online` or `refused` changes; returns what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def close(self) -> None:
        """Stop listening to the site; whoever runs `run` cancels it."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten.clear()

    async def run(self) -> None:
        """Keep the link until cancelled."""
        failures = 0
        while True:
            begun = self._clock.monotonic()
            try:
                await self._connect_once()
            except (UnreachableError, WrongPasswordError, UnknownStationError, NoCommonVersionError) as error:
                self._set_refused(_REFUSED.get(type(error)))
                self._lost(f"{type(error).__name__.removesuffix('Error')}: {error}")
            except (LineDownError, RpcError) as error:
                self._lost(str(error))
            except Exception:
                # A mistake here must not unlink a site for good.
                _LOGGER.exception("%s: the link failed", self.name)
            finally:
                self._set_online(False)
            failures = 0 if self._clock.monotonic() - begun > _SETTLED_S else failures + 1
            # Jitter: the sites of a server that comes back must not all call in the same second.
            await asyncio.sleep(min(_LONGEST_PAUSE_S, 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0))  # noqa: S311  # no secret

    async def _connect_once(self) -> None:
        socket = await connect(self._http, self._address)
        self._set_refused(None)
        rpc = Rpc(socket, SUBPROTOCOLS[socket.protocol or ""], self._handle, self.name)
        self._rpc = rpc
        reader = asyncio.create_task(rpc.run(), name=f"konsento {self.name} reader")
        worker = asyncio.create_task(self._work(rpc), name=f"konsento {self.name} worker")
        try:
            await asyncio.wait([reader, worker], return_when=asyncio.FIRST_COMPLETED)
            if worker.done():
                worker.result()
            reader.cancel()
            raise LineDownError(f"connection closed ({socket.close_code})")
        finally:
            self._rpc = None
            worker.cancel()
            await socket.close()
            reader.cancel()
            await asyncio.gather(reader, worker, return_exceptions=True)

    async def _handle(self, action: str, payload: Payload) -> Payload:
        rpc = self._rpc
        if rpc is None:
            raise RpcError("InternalError", "the connection is closing")
        return await self._handlers.handle(action, payload, rpc.check)

    # --- what is sent

    async def _work(self, rpc: Rpc) -> None:
        if not self._booted:
            await self._boot(rpc)
        self._told.clear()
        self._asked.clear()
        await self._tell_states(rpc)
        self._online_since = self._clock.now()
        self._set_online(True)
        self._pending = True
        last_sent = self._clock.monotonic()
        while True:
            if self._asked:
                await self._tell_asked(rpc, self._asked.pop(0))
            elif await self._tell_states(rpc) or await self._deliver(rpc):
                pass
            elif self._clock.monotonic() - last_sent >= self._heartbeat_s:
                await self._heartbeat(rpc)
            else:
                due = last_sent + self._heartbeat_s - self._clock.monotonic()
                if self._pending:
                    due = min(due, self._hold_events_until - self._clock.monotonic())
                await self._signal.wait(max(0.05, due))
                continue
            last_sent = self._clock.monotonic()

    async def _boot(self, rpc: Rpc) -> None:
        while True:
            answer = await rpc.call("BootNotification", messages.boot_notification(self._version, self._boot_reason))
            interval = answer.get("interval")
            seconds = interval if isinstance(interval, int) and interval > 0 else _DEFAULT_HEARTBEAT_S
            self._compare_clocks(answer.get("currentTime"))
            if answer.get("status") == "Accepted":
                self._heartbeat_s = min(seconds, _MAX_HEARTBEAT_S)
                self._booted = True
                return
            _LOGGER.warning("%s: the server answers %s; asked again in %s s", self.name, answer.get("status"), seconds)
            await asyncio.sleep(seconds)

    def _compare_clocks(self, text: object) -> None:
        try:
            theirs = datetime.fromisoformat(str(text))
            offset = (theirs - self._clock.now()).total_seconds()
        except ValueError, TypeError:
            _LOGGER.debug("%s: no usable currentTime", self.name)
            return
        self.clock_offset_s = offset
        if abs(offset) > CLOCK_TOLERANCE_S:
            _LOGGER.warning("%s: the clocks of site and server differ by %.0f s", self.name, abs(offset))

    async def _heartbeat(self, rpc: Rpc) -> None:
        self._compare_clocks((await rpc.call("Heartbeat", {})).get("currentTime"))

    async def _tell_states(self, rpc: Rpc) -> bool:
        """Tell the first outlet whose state has changed; on a new connection all. Returns whether anything was sent."""
        sent = False
        for evse in sorted(self._site.outlets):
            state = self._site.connector(self.server, evse)
            if self._told.get(evse) != state:
                await rpc.call("StatusNotification", messages.status_notification(evse, *state, self._clock.now()))
                self._told[evse] = state
                sent = True
        return sent

    async def _tell_asked(self, rpc: Rpc, message: str) -> None:
        if message == "BootNotification":
            self._boot_reason = "Triggered"
            await self._boot(rpc)
        elif message == "Heartbeat":
            await self._heartbeat(rpc)

    async def _deliver(self, rpc: Rpc) -> bool:
        """Deliver the oldest event; returns whether one was sent."""
        if not self._pending or self._clock.monotonic() < self._hold_events_until:
            return False
        # Cleared before looking: an event that is written meanwhile sets it again.
        self._pending = False
        waiting = await self._journal.waiting(self.server)
        if waiting is None:
            return False
        self._pending = True
        event = waiting.event
        offline = self._online_since is None or event.at < self._online_since
        try:
            token = self._handlers.tokens.get(event.remote_start_id or 0)
            await rpc.call("TransactionEvent", messages.transaction_event(event, offline, token))
        except RpcError as error:
            await self._event_refused(waiting.id, error, f"{event.kind} {event.seq_no} of session {event.session_id}")
        else:
            self._handlers.tokens.pop(event.remote_start_id or 0, None)
            await self._journal.delivered(waiting.id)
        return True

    async def _event_refused(self, event_id: int, error: RpcError, what: str) -> None:
        known, times = self._refused
        times = times + 1 if known == event_id else 1
        self._refused = (event_id, times)
        server_fault = error.code in {"InternalError", "GenericError"}
        if not server_fault and times >= _REFUSED_TIMES:
            _LOGGER.error("%s: given up after %s refusals: %s (%s)", self.name, times, what, error)
            await self._journal.delivered(event_id)
            return
        pause = min(_LONGEST_PAUSE_S, 2.0 ** min(times, 10) / 2)
        self._hold_events_until = self._clock.monotonic() + pause
        _LOGGER.warning("%s: %s was not taken (%s); sent again in %.0f s", self.name, what, error, pause)

    # --- what others tell

    def _wake(self) -> None:
        self._pending = True
        self._signal.notify()

    def _trigger(self, message: str, evse: int | None) -> None:
        chosen = [evse] if evse is not None else list(self._site.outlets)
        if message == "StatusNotification":
            for number in chosen:
                self._told.pop(number, None)
        elif message == "TransactionEvent":
            for number in chosen:
                if self._site.runs_on(self.server, number):
                    self._site.outlets[number].ask_sample()
        else:
            self._asked.append(message)
        self._wake()

    def _set_heartbeat(self, seconds: int) -> None:
        self._heartbeat_s = seconds
        self._signal.notify()

    def _lost(self, why: str) -> None:
        if not self._lost_told:
            _LOGGER.warning("%s cannot be reached (%s); sessions go on and are reported later", self.name, why)
            self._lost_told = True

    def _set_refused(self, refused: str | None) -> None:
        if refused != self.refused:
            self.refused = refused
            for callback in list(self._listeners):
                callback()

    def _set_online(self, online: bool) -> None:
        if online == self.online:
            return
        self.online = online
        if online:
            _LOGGER.info("%s: connected", self.name)
            self._lost_told = False
        for callback in list(self._listeners):
            callback()
