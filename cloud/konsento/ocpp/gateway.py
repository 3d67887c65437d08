"""The door for stations: an aiohttp server whose WebSockets become connections."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from aiohttp.typedefs import Handler as WebHandler

from konsento.kit.logs import log_context
from konsento.kit.readiness import Readiness
from konsento.ocpp.credentials import Entry, Shown, basic_password, certificate_names, is_identity
from konsento.ocpp.handlers import Handlers
from konsento.ocpp.journal import Journal
from konsento.ocpp.lines import Line, Lines
from konsento.ocpp.link import SocketLink
from konsento.ocpp.listener import Listener
from konsento.ocpp.local_router import CLOSE_REPLACED, LocalStationRouter
from konsento.ocpp.messages import BootNotification, RegistrationStatus, Version
from konsento.ocpp.pace import Pace
from konsento.ocpp.registration import Register, Registration
from konsento.ocpp.rpc import Connection, Link, TooManyCallsError
from konsento.ocpp.throttle import Throttle
from konsento.ocpp.tls import TlsFiles
from konsento.ocpp.v16.connection import Connection16
from konsento.ocpp.v16.transactions import Transactions

log = logging.getLogger(__name__)

type Authenticate = Callable[[str, Shown], Awaitable[Entry]]
"""Called with a station's id and what it showed; refuses a known and an unknown station after the same time."""

TRY_AGAIN_S: Final = 10
"""What a station is told that comes while too many others do."""
ARRIVING_AT_ONCE: Final = 16
"""Stations that were let in and whose arrival has not been noted yet. The next ones wait with their handshake, instead
of everybody who is there already waiting behind a thousand arrivals."""
MOST_FRAME_BYTES: Final = 128 * 1024
FRAMES_PER_S: Final = 1_000.0
FRAMES_AT_ONCE: Final = 2_000.0


async def _nobody_waits(_station_id: str, _version: Version, _boot: BootNotification) -> RegistrationStatus:
    return RegistrationStatus.REJECTED


class Gateway:
    """Serves `/ocpp/STATION_ID` (or below another `path`) for stations, `/healthz` and `/readyz`.

    A wrong password and an unknown station both get 401; after repeated failures 429. `trusted_proxies` are addresses
    whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: without them all stations behind a proxy would share
    one count of failures. With a `journal` every frame is kept for whoever has to find out later what happened. A
    station that `authenticate` holds is asked after at each of its BootNotifications by `register`. Stations of
    OCPP 1.6 are let in where there is a `v16`, which keeps what the server has to keep for them.
    """

    def __init__(
        self,
        handlers: Handlers,
        router: LocalStationRouter,
        authenticate: Authenticate,
        *,
        register: Register = _nobody_waits,
        retry_s: int = 60,
        path: str = "/ocpp",
        tls: TlsFiles | None = None,
        look_every_s: float = 10.0,
        ping_interval_s: float = 30.0,
        patience_s: float = 10.0,
        max_frame_bytes: int = MOST_FRAME_BYTES,
        frames_per_s: float = FRAMES_PER_S,
        sockets_per_address: int = 10_000,
        trusted_proxies: Container[object] = frozenset(),
        station_throttle: Throttle | None = None,
        address_throttle: Throttle | None = None,
        arrival_throttle: Throttle | None = None,
        journal: Journal | None = None,
        lines: Lines | None = None,
        readiness: Readiness | None = None,
        v16: Transactions | None = None,
    ) -> None:
        """Make a gateway that does not listen yet.

        `patience_s` is how long a peer may take to send its request, to read what it is sent, and to answer a close;
        `look_every_s` how often the files of `tls` are looked at; `retry_s` after how long a held station asks again.
        """
        self._handlers = handlers
        self._v16 = v16
        self._versions = [version for version in Version if version is not Version.V16 or v16 is not None]
        self._router = router
        self._authenticate = authenticate
        self._register = register
        self._retry_s = retry_s
        self._path = path.rstrip("/")
        self._tls = tls
        self._look_every_s = look_every_s
        self._ping_interval_s = ping_interval_s
        self._patience_s = patience_s
        self._max_frame_bytes = max_frame_bytes
        self._frames_per_s = frames_per_s
        self._sockets_per_address = sockets_per_address
        self._trusted_proxies = trusted_proxies
        self._station_throttle = station_throttle or Throttle(limit=10, window_s=60)
        self._address_throttle = address_throttle or Throttle(limit=100, window_s=60)
        # Each arrival and each leave is noted in the database.
        self._arrival_throttle = arrival_throttle or Throttle(limit=120, window_s=60)
        self._journal = journal
        self._lines = lines or Lines()
        self._readiness = readiness
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._sockets: Counter[str] = Counter()
        self._hanging_up: set[asyncio.Task[None]] = set()
        self._arriving = asyncio.Semaphore(ARRIVING_AT_ONCE)
        self._arrivals: dict[str, list[ExitStack]] = {}
        self._stopping = False
        # The last of those who are told: then the others have noted it.
        router.on_connect(self._arrived)

    async def start(self, host: str, port: int) -> None:
        """Listen on the address; port 0 takes a free one. Raises OSError where it is taken, BadCertificateError."""
        app = web.Application(middlewares=[self._one_request])
        app.router.add_get("/healthz", self._serve_health)
        app.router.add_get("/readyz", self._serve_readiness)
        for path in dict.fromkeys(("/ocpp", self._path)):
            # Stations put their identity after whatever they were given: with one slash, with two, and one behind it.
            for before, behind in (("/", ""), ("/", "/"), ("//", "")):
                app.router.add_get(f"{path}{before}{{station_id}}{behind}", self._serve_station)
        self._stopping = False
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        if runner.server is None:
            raise RuntimeError("the server was not made")
        listener = Listener(runner.server, self._tls, silence_s=self._patience_s, look_every_s=self._look_every_s)
        try:
            await listener.start(host, port)
        except BaseException:
            await runner.cleanup()
            raise
        self._runner, self._listener = runner, listener
        log.info("waiting for stations on %s port %d%s", host, self.port, " with TLS" if self._tls else "")

    @property
    def port(self) -> int:
        """The port that is listened on; RuntimeError before `start`."""
        if self._listener is None:
            raise RuntimeError("the gateway has not been started")
        return self._listener.port

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Answer what has been taken (within `grace_s`), close every socket as going away, and stop listening."""
        if self._runner is None or self._listener is None:
            return
        self._stopping = True
        await self._listener.stop()
        connections = self._router.connections
        await asyncio.gather(*(connection.drain(grace_s) for connection in connections))
        for connection in connections:
            self._hang_up(connection, WSCloseCode.GOING_AWAY, "the server stops")
        if self._hanging_up:
            await asyncio.wait(self._hanging_up, timeout=grace_s)
        await self._runner.cleanup()
        self._runner = self._listener = None
        await self._router.settle()

    @web.middleware
    async def _one_request(self, request: web.Request, handler: WebHandler) -> web.StreamResponse:
        """Let a socket carry one request: none that waits for a second one slowly is left."""
        if self._listener is not None:
            self._listener.heard(request.protocol)
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            error.force_close()
            raise
        answer.force_close()
        return answer

    async def _serve_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "stations": len(self._router.connections)})

    async def _serve_readiness(self, _request: web.Request) -> web.Response:
        ready, facts = (True, {}) if self._readiness is None else await self._readiness.look()
        ready = ready and not self._stopping
        facts = {**facts, "gateway": "stopping" if self._stopping else "listening"}
        return web.json_response(facts, status=200 if ready else 503)

    async def _serve_station(self, request: web.Request) -> web.StreamResponse:
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="The server stops.\n")
        station_id = request.match_info["station_id"]
        address = self._address(request)
        # Inherited by what answers this station: the log says whose it is.
        log_context.set({"station_id": station_id[:50]})
        with self._place(address):
            try:
                entry = await self._admit(request, station_id, address)
            except web.HTTPException as error:
                self._lines.metrics.turned_away[(str(error.status),)].inc()
                raise
            version = _choose_version(request, self._versions)
            if version is None:
                log.warning("station %s offers none of our OCPP versions", station_id)
                raise web.HTTPBadRequest(text=f"Offer one of these subprotocols: {', '.join(self._versions)}.\n")
            if "websocket" not in request.headers.get(hdrs.UPGRADE, "").lower():
                raise web.HTTPUpgradeRequired(
                    text="Stations connect by WebSocket.\n", headers={hdrs.UPGRADE: "websocket"}
                )
            with ExitStack() as place:
                await self._arriving.acquire()
                place.callback(self._arriving.release)
                return await self._converse(request, station_id, version, entry, place)

    async def _converse(
        self, request: web.Request, station_id: str, version: Version, entry: Entry, place: ExitStack
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=(version,),
            compress=False,
            autoping=False,
            timeout=self._patience_s,
            heartbeat=self._ping_interval_s,
            max_msg_size=self._max_frame_bytes,
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            raise _Gone from None
        if request.transport is None:
            raise _Gone
        link = SocketLink(socket, request.transport, self._patience_s)
        held = entry is Entry.HELD
        line = self._lines.open(station_id, version)
        line.pinger = link
        connection = self._connection(station_id, version, link, line, held=held)
        self._arrivals.setdefault(station_id, []).append(place)
        replaced = self._router.attach(connection)
        log.info("station %s connected with %s%s", station_id, version, " and is held" if held else "")
        if replaced is not None:
            log.warning("station %s connected anew; its old socket is closed", station_id)
            self._hang_up(replaced, CLOSE_REPLACED, "replaced by a newer connection")
        try:
            await self._read(socket, link, connection)
        except ConnectionError:
            log.warning("station %s does not read what it is sent", station_id)
        finally:
            self._router.detach(connection)
            line.close(socket.close_code)
            log.info("station %s disconnected (close code %s)", station_id, socket.close_code)
        return socket

    def _connection(self, station_id: str, version: Version, link: Link, line: Line, *, held: bool) -> Connection:
        handlers: Handlers | Registration = self._handlers
        if held:
            handlers = Registration(self._handlers, self._register, version, retry_s=self._retry_s)
        if version is not Version.V16 or self._v16 is None:
            return Connection(station_id, version, handlers, link, self._journal, line=line)
        clock = self._handlers.clock
        return Connection16(station_id, handlers, link, self._journal, line=line, transactions=self._v16, clock=clock)

    @contextmanager
    def _place(self, address: str) -> Iterator[None]:
        if self._sockets[address] >= self._sockets_per_address:
            log.warning("%s has %d sockets open already", address, self._sockets[address])
            raise web.HTTPTooManyRequests(text="Too many connections.\n", headers=_later(TRY_AGAIN_S))
        self._sockets[address] += 1
        try:
            yield
        finally:
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]

    async def _admit(self, request: web.Request, station_id: str, address: str) -> Entry:
        key = (station_id, address)
        blocked_s = max(self._station_throttle.blocked_s(key), self._address_throttle.blocked_s(address))
        if blocked_s > 0:
            log.warning("%s tries too often to connect as %r", address, station_id[:50])
            raise web.HTTPTooManyRequests(text="Too many failed attempts.\n", headers=_later(int(blocked_s) + 1))
        entry = Entry.REFUSED
        if is_identity(station_id):
            entry = await self._authenticate(station_id, self._shown(request, station_id, address))
        if entry is Entry.BUSY:
            log.warning("station %s has to come again: too many come at once", station_id)
            raise web.HTTPServiceUnavailable(text="Too many stations at once.\n", headers=_later(TRY_AGAIN_S))
        if entry is not Entry.REFUSED:
            self._station_throttle.succeed(key)
            # After the proof, so that nobody else can keep a station out.
            if (blocked_s := self._arrival_throttle.blocked_s(station_id)) > 0:
                log.warning("station %s connects again and again; it has to wait", station_id)
                raise web.HTTPTooManyRequests(text="Too many connections.\n", headers=_later(int(blocked_s) + 1))
            self._arrival_throttle.fail(station_id)
            return entry
        self._station_throttle.fail(key)
        self._address_throttle.fail(address)
        log.warning("%s was refused as station %r: unknown station or wrong password", address, station_id[:50])
        raise web.HTTPUnauthorized(
            text="Unknown station or wrong password.\n", headers={hdrs.WWW_AUTHENTICATE: 'Basic realm="ocpp"'}
        )

    def _shown(self, request: web.Request, station_id: str, address: str) -> Shown:
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        forwarded = request.headers.get(hdrs.X_FORWARDED_PROTO, "")
        behind_tls = request.remote in self._trusted_proxies and _last(forwarded).lower() in {"https", "wss"}
        return Shown(
            password=basic_password(request.headers.get(hdrs.AUTHORIZATION), station_id),
            names=certificate_names(tls.getpeercert() if tls is not None else None),
            encrypted=tls is not None or behind_tls,
            address=address,
        )

    def _address(self, request: web.Request) -> str:
        address = request.remote or ""
        forwarded = request.headers.get(hdrs.X_FORWARDED_FOR)
        if address in self._trusted_proxies and forwarded:
            return _last(forwarded)
        return address

    async def _arrived(self, station_id: str) -> None:
        for place in self._arrivals.pop(station_id, ()):
            place.close()

    async def _read(self, socket: web.WebSocketResponse, link: SocketLink, connection: Connection) -> None:
        pace = Pace(self._frames_per_s, max(self._frames_per_s, FRAMES_AT_ONCE))
        async for message in socket:
            match message.type:
                case WSMsgType.TEXT:
                    try:
                        connection.receive(message.data)
                    except TooManyCallsError:
                        log.warning("station %s does not wait for answers", connection.station_id)
                        await connection.hang_up(WSCloseCode.POLICY_VIOLATION, "one call at a time")
                case WSMsgType.PING:
                    await link.pong(message.data)
                case WSMsgType.PONG:
                    connection.line.ponged(message.data)
                case WSMsgType.BINARY:
                    log.warning("station %s sent a binary frame", connection.station_id)
                    await connection.hang_up(WSCloseCode.UNSUPPORTED_DATA, "frames are text")
                case _:
                    log.warning("station %s broke the WebSocket protocol: %s", connection.station_id, message.data)
            if pace.due(len(message.data) if message.type is WSMsgType.TEXT else 0):
                await pace.rest()

    def _hang_up(self, connection: Connection, code: int, reason: str) -> None:
        # A dead peer does not answer the close; nobody waits for it here.
        task = asyncio.create_task(connection.hang_up(code, reason))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)


class _Gone(web.HTTPServiceUnavailable):
    """The station has left during its handshake: nobody reads this answer."""


def _later(seconds: int) -> dict[str, str]:
    return {hdrs.RETRY_AFTER: str(seconds)}


def _last(header: str) -> str:
    # The last entry is the proxy's own; the ones before it were written by whoever called it.
    return header.rpartition(",")[2].strip()


def _choose_version(request: web.Request, versions: Sequence[Version]) -> Version | None:
    offered = {
        protocol.strip()
        for header in request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
        for protocol in header.split(",")
    }
    return next((version for version in versions if version in offered), None)
