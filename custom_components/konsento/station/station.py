"""The site's link to one management server: stays connected, says what is, delivers what was.

One worker sends everything, one message after the other: what a server has asked for, a notice of state before a
session's events, those in the order of the journal, and a heartbeat when there was nothing else.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

import aiohttp

from ..control.clock import Clock, SystemClock
from ..control.signals import Signal
from ..control.site import SiteControl
from ..control.trace import Hop
from ..control.words import Connector
from . import messages
from .connection import SUBPROTOCOLS, ServerAddress, connect
from .delivery import Delivery
from .device_model import Variable
from .errors import (
    LineDownError,
    NoCommonVersionError,
    RpcError,
    UnansweredError,
    UnknownStationError,
    UnreachableError,
    WrongPasswordError,
)
from .frames import Payload
from .handlers import Handlers
from .link import Link
from .link_settings import LinkSettingsStore
from .notices import Notices
from .operation import Operation
from .provisioning import Provisioning
from .reserving import Reserving
from .rpc import Rpc
from .transactions import Transactions
from .variables import MAX_HEARTBEAT_S, Identity, Wishes, variables

_LOGGER = logging.getLogger(__name__)

_SETTLED_S = 60.0
"""A connection that lasted so long was a good one: the next attempt after it comes at once."""
_MAX_OUTBOX = 200
"""Notices that wait for the line; they are no facts of a session."""
CLOCK_TOLERANCE_S = 30.0
"""Start requests live a minute: clocks that differ by more than this endanger them."""
_REFUSED: dict[type[Exception], str] = {WrongPasswordError: "password", UnknownStationError: "unknown_station"}
_NOT_FOR_ALL = frozenset({"NotSupported", "NotImplemented"})


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
        wishes: Wishes,
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
        self._http = http
        self._version = version
        self._wishes = wishes
        self._clock = clock or SystemClock()
        self._signal = Signal()
        self._booted = False
        self._rejected = False
        """Whether the last answer to a BootNotification was that nothing is to be answered (OCPP 2.1 B03)."""
        self._boot_reason = "PowerUp"
        self._reset_due = False
        self._told: dict[int, tuple[Connector, str | None]] = {}
        self._triggered: list[str] = []
        self._outbox: deque[tuple[str, Payload]] = deque()
        self._not_taken: set[str] = set()
        self._lost_told = False
        self._listeners: list[Callable[[], None]] = []
        self._rpc: Rpc | None = None
        self._settings = LinkSettingsStore(site.journal, server)
        link = Link(site=site, server=server, send=self.send, clock_offset_s=lambda: self.clock_offset_s or 0.0)
        transactions = Transactions(link)
        reserving = Reserving(link)
        self._delivery = Delivery(
            journal=site.journal,
            server=server,
            name=name,
            link=self._settings,
            transactions=transactions,
            clock=self._clock,
        )
        self._handlers = Handlers(
            transactions.actions,
            reserving.actions,
            Provisioning(link, self._variables, self._reset).actions,
            Operation(link, self._trigger, self._line).actions,
        )
        self._unlisten = [
            site.on_events(server, self._wake),
            site.on_status(self._outlet_changed),
            site.on_happening(Notices(link).take),
            site.reservations.on_over(server, reserving.over),
        ]

    @property
    def round_trip_s(self) -> float | None:
        """Round-trip time of the last call that the server has answered; None while there is no line."""
        return self._rpc.round_trip_s if self._rpc else None

    async def loopback(self) -> float:
        """Send a heartbeat there and back; returns how long that took, s. Raises LineDownError or RpcError."""
        if self._rpc is None or not self.online:
            raise LineDownError("not connected")
        await self._heartbeat(self._rpc)
        return self._rpc.round_trip_s or 0.0

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
        await self._settings.load()
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
            failures = 1 if self._clock.monotonic() - begun > _SETTLED_S else failures + 1
            settings = self._settings.now
            # A password that was refused does not become right by being sent often.
            await asyncio.sleep(settings.longest_pause_s if self.refused else settings.pause_s(failures))

    async def _connect_once(self) -> None:
        socket = await connect(self._http, self._address)
        self._set_refused(None)
        rpc = Rpc(socket, SUBPROTOCOLS[socket.protocol or ""], self._handle, self.name)
        self._rpc = rpc
        reader = asyncio.create_task(rpc.run(), name=f"konsento {self.name} reader")
        worker = asyncio.create_task(self._work(rpc), name=f"konsento {self.name} worker")
        try:
            await asyncio.wait([reader, worker], return_when=asyncio.FIRST_COMPLETED)
            for done in (worker, reader):
                if done.done():
                    done.result()
            raise LineDownError(f"connection closed ({socket.close_code})")
        finally:
            self._rpc = None
            worker.cancel()
            await socket.close()
            reader.cancel()
            await asyncio.gather(reader, worker, return_exceptions=True)

    async def _handle(self, action: str, payload: Payload) -> Payload | None:
        if self._rejected:
            return None
        rpc = self._rpc
        if rpc is None:
            raise RpcError("InternalError", "the connection is closing")
        return await self._handlers.handle(action, payload, rpc.check, accepted=self._booted)

    # --- what is sent

    async def _work(self, rpc: Rpc) -> None:
        if not self._booted:
            await self._boot(rpc)
        self._told.clear()
        self._not_taken.clear()
        while await self._tell_states(rpc):
            pass
        self._delivery.begin(self._clock.now())
        self._set_online(True)
        last_sent = self._clock.monotonic()
        while True:
            if await self._send_next(rpc):
                last_sent = self._clock.monotonic()
                continue
            self._leave_if_reset()
            due = last_sent + self._settings.now.heartbeat_s - self._clock.monotonic()
            if due <= 0:
                await self._heartbeat(rpc)
                last_sent = self._clock.monotonic()
                continue
            events_due = self._delivery.due_s()
            await self._signal.wait(max(0.05, due if events_due is None else min(due, events_due)))

    async def _send_next(self, rpc: Rpc) -> bool:
        if self._triggered:
            # Only a heartbeat is left: a boot is not triggered once the server has accepted one.
            self._triggered.pop(0)
            await self._heartbeat(rpc)
            return True
        return await self._tell_states(rpc) or await self._delivery.deliver(rpc) or await self._tell_outbox(rpc)

    async def _boot(self, rpc: Rpc) -> None:
        while True:
            sent = self._clock.now()
            answer = await rpc.call("BootNotification", messages.boot_notification(self._version, self._boot_reason))
            interval = answer.get("interval")
            named = interval if isinstance(interval, int) and interval > 0 else None
            self._compare_clocks(answer.get("currentTime"), sent)
            self._rejected = answer.get("status") not in {"Accepted", "Pending"}
            self._booted = answer.get("status") == "Accepted"
            if self._booted:
                if named:
                    self._settings.change(heartbeat_s=min(named, MAX_HEARTBEAT_S))
                return
            seconds = named or self._settings.now.heartbeat_s
            _LOGGER.warning("%s: the server answers %s; asked again in %s s", self.name, answer.get("status"), seconds)
            await self._wait_for_acceptance(rpc, seconds)

    async def _wait_for_acceptance(self, rpc: Rpc, seconds: float) -> None:
        """Until it is time to ask again, tell only what the server has asked for (OCPP 2.1 B02)."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            if "BootNotification" in self._triggered:
                self._triggered.clear()
                self._boot_reason = "Triggered"
                return
            if not await self._tell_outbox(rpc):
                await self._signal.wait(left)

    def _compare_clocks(self, text: object, sent: datetime) -> None:
        now = self._clock.now()
        try:
            theirs = datetime.fromisoformat(str(text))
            # It was told somewhere between question and answer.
            offset = (theirs - now + (now - sent) / 2).total_seconds()
        except ValueError, TypeError:
            _LOGGER.debug("%s: no usable currentTime", self.name)
            return
        self.clock_offset_s = offset
        if abs(offset) > CLOCK_TOLERANCE_S:
            _LOGGER.warning("%s: the clocks of site and server differ by %.0f s", self.name, abs(offset))

    async def _heartbeat(self, rpc: Rpc) -> None:
        sent = self._clock.now()
        self._compare_clocks((await rpc.call("Heartbeat", {})).get("currentTime"), sent)

    async def _tell_states(self, rpc: Rpc) -> bool:
        """Tell the first outlet whose state has changed; on a new connection all. Returns whether anything was sent."""
        for evse in sorted(self._site.outlets):
            state = self._site.connector(self.server, evse)
            if self._told.get(evse) != state:
                try:
                    await rpc.call("StatusNotification", messages.status_notification(evse, *state, self._clock.now()))
                except RpcError as error:
                    if error.code not in _NOT_FOR_ALL:
                        raise
                    _LOGGER.debug("%s: states are not taken (%s)", self.name, error)
                self._told[evse] = state
                return True
        return False

    async def _tell_outbox(self, rpc: Rpc) -> bool:
        while self._outbox:
            action, payload = self._outbox[0]
            if action in self._not_taken:
                self._outbox.popleft()
                continue
            try:
                answer = await rpc.call(action, payload)
                if action == "DataTransfer" and answer.get("status") in {"UnknownVendorId", "UnknownMessageId"}:
                    self._not_taken.add(action)
            except RpcError as error:
                if error.code in _NOT_FOR_ALL:
                    self._not_taken.add(action)
                _LOGGER.info("%s: %s was not taken (%s)", self.name, action, error)
            except UnansweredError as error:
                # A line that is dead ends by its pings, sooner: this server says nothing to what it does not know.
                self._not_taken.add(action)
                _LOGGER.info("%s: %s", self.name, error)
            # Only now: what the line swallowed is told on the next one.
            self._outbox.popleft()
            return True
        return False

    # --- what others tell

    def send(self, action: str, payload: Payload) -> None:
        """Call the server soon. Kept while the line is down, the oldest dropped first."""
        if len(self._outbox) >= _MAX_OUTBOX:
            _LOGGER.warning("%s: too much waits to be told; a %s is dropped", self.name, self._outbox.popleft()[0])
        self._outbox.append((action, payload))
        self._signal.notify()

    def _variables(self) -> Iterator[Variable]:
        identity = Identity(
            station_id=self._address.station_id,
            security_profile=2 if self._address.url.startswith("wss:") else 1,
            version=self._version,
        )
        return variables(self._site, self.server, identity, self._settings, self._wishes)

    def _line(self) -> Hop:
        return Hop(name=self.name, reachable=self.online, round_trip_s=self.round_trip_s)

    def _reset(self) -> None:
        self._reset_due = True
        self._signal.notify()

    def _leave_if_reset(self) -> None:
        if self._reset_due and not self._site.sessions_of(self.server):
            self._reset_due = self._booted = False
            self._boot_reason = "RemoteReset"
            raise LineDownError("reset by the server")

    def _outlet_changed(self, evse: int) -> None:
        # Called at every reading of every outlet: only a state that the server does not know is news.
        if self._told.get(evse) != self._site.connector(self.server, evse):
            self._signal.notify()

    def _wake(self) -> None:
        self._delivery.wake()
        self._signal.notify()

    def _trigger(self, message: str, evse: int | None) -> bool:
        if message == "BootNotification" and self._booted:
            return False
        chosen = [evse] if evse is not None else list(self._site.outlets)
        if message == "StatusNotification":
            for number in chosen:
                self._told.pop(number, None)
        elif message == "TransactionEvent":
            for number in chosen:
                if self._site.sessions_of(self.server, number):
                    self._site.outlets[number].ask_sample()
        else:
            self._triggered.append(message)
        self._wake()
        return True

    def _lost(self, why: str) -> None:
        if not self._lost_told:
            _LOGGER.warning("%s cannot be reached (%s); sessions go on and are reported later", self.name, why)
            self._lost_told = True

    def _set_refused(self, refused: str | None) -> None:
        if refused != self.refused:
            self.refused = refused
            self._tell_listeners()

    def _set_online(self, online: bool) -> None:
        if online == self.online:
            return
        self.online = online
        if online:
            _LOGGER.info("%s: connected", self.name)
            self._lost_told = False
        self._tell_listeners()

    def _tell_listeners(self) -> None:
        for callback in list(self._listeners):
            callback()
