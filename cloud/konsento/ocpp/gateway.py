"""The door for stations: an aiohttp server whose WebSockets become connections."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Container

from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from konsento.ocpp.credentials import basic_password, is_identity
from konsento.ocpp.handlers import Handlers
from konsento.ocpp.journal import Journal
from konsento.ocpp.local_router import CLOSE_REPLACED, LocalStationRouter
from konsento.ocpp.messages import Version
from konsento.ocpp.rpc import Connection, TooManyCallsError
from konsento.ocpp.throttle import Throttle

log = logging.getLogger(__name__)

type Authenticate = Callable[[str, str], Awaitable[bool]]
"""Called with a station's id and the password it showed; takes equally long whether or not the station exists."""


class Gateway:
    """Serves `/ocpp/STATION_ID` for stations and `/healthz`.

    A wrong password and an unknown station both get 401; after repeated failures 429. `trusted_proxies` are addresses
    whose `X-Forwarded-For` is believed: without it all stations behind a proxy would share one count of failures. With
    a `journal` every frame is kept for whoever has to find out later what happened.
    """

    def __init__(
        self,
        handlers: Handlers,
        router: LocalStationRouter,
        authenticate: Authenticate,
        *,
        ping_interval_s: float = 30.0,
        max_frame_bytes: int = 128 * 1024,
        trusted_proxies: Container[object] = frozenset(),
        ssl_context: ssl.SSLContext | None = None,
        station_throttle: Throttle | None = None,
        address_throttle: Throttle | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._handlers = handlers
        self._router = router
        self._authenticate = authenticate
        self._ping_interval_s = ping_interval_s
        self._max_frame_bytes = max_frame_bytes
        self._trusted_proxies = trusted_proxies
        self._ssl_context = ssl_context
        self._station_throttle = station_throttle or Throttle(limit=10, window_s=60)
        self._address_throttle = address_throttle or Throttle(limit=100, window_s=60)
        self._journal = journal
        self._runner: web.AppRunner | None = None
        self._hanging_up: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self, host: str, port: int) -> None:
        """Listen on the address; port 0 takes a free one. Raises OSError where the address is taken."""
        app = web.Application()
        app.router.add_get("/ocpp/{station_id}", self._serve_station)
        app.router.add_get("/healthz", self._serve_health)
        self._stopping = False
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=self._ssl_context).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        log.info("waiting for stations on %s port %d", host, self.port)

    @property
    def port(self) -> int:
        """The port that is listened on; RuntimeError before `start`."""
        if self._runner is None:
            raise RuntimeError("the gateway has not been started")
        return int(self._runner.addresses[0][1])

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Answer what has been taken (within `grace_s`), close every socket as going away, and stop listening."""
        if self._runner is None:
            return
        self._stopping = True
        for site in list(self._runner.sites):
            await site.stop()
        connections = self._router.connections
        await asyncio.gather(*(connection.drain(grace_s) for connection in connections))
        for connection in connections:
            self._hang_up(connection, WSCloseCode.GOING_AWAY, "the server stops")
        if self._hanging_up:
            await asyncio.wait(self._hanging_up, timeout=grace_s)
        await self._runner.cleanup()
        self._runner = None
        await self._router.settle()

    async def _serve_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "stations": len(self._router.connections)})

    async def _serve_station(self, request: web.Request) -> web.StreamResponse:
        if self._stopping:
            raise web.HTTPServiceUnavailable(text="The server stops.\n")
        station_id = request.match_info["station_id"]
        await self._admit(request, station_id)
        version = _choose_version(request)
        if version is None:
            log.warning("station %s offers none of our OCPP versions", station_id)
            raise web.HTTPBadRequest(text=f"Offer one of these subprotocols: {', '.join(Version)}.\n")
        socket = web.WebSocketResponse(
            protocols=(version,),
            compress=False,
            heartbeat=self._ping_interval_s,
            max_msg_size=self._max_frame_bytes,
        )
        await socket.prepare(request)
        connection = Connection(station_id, version, self._handlers, _SocketLink(socket), self._journal)
        replaced = self._router.attach(connection)
        log.info("station %s connected with %s", station_id, version)
        if replaced is not None:
            log.warning("station %s connected anew; its old socket is closed", station_id)
            self._hang_up(replaced, CLOSE_REPLACED, "replaced by a newer connection")
        try:
            await self._read(socket, connection)
        finally:
            self._router.detach(connection)
            log.info("station %s disconnected (close code %s)", station_id, socket.close_code)
        return socket

    async def _admit(self, request: web.Request, station_id: str) -> None:
        address = self._address(request)
        key = (station_id, address)
        blocked_s = max(self._station_throttle.blocked_s(key), self._address_throttle.blocked_s(address))
        if blocked_s > 0:
            log.warning("%s tries too often to connect as %r", address, station_id[:50])
            raise web.HTTPTooManyRequests(
                text="Too many failed attempts.\n", headers={hdrs.RETRY_AFTER: str(int(blocked_s) + 1)}
            )
        password = basic_password(request.headers.get(hdrs.AUTHORIZATION), station_id)
        if is_identity(station_id) and password is not None and await self._authenticate(station_id, password):
            self._station_throttle.succeed(key)
            return
        self._station_throttle.fail(key)
        self._address_throttle.fail(address)
        log.warning("%s was refused as station %r: unknown station or wrong password", address, station_id[:50])
        raise web.HTTPUnauthorized(
            text="Unknown station or wrong password.\n", headers={hdrs.WWW_AUTHENTICATE: 'Basic realm="ocpp"'}
        )

    def _address(self, request: web.Request) -> str:
        address = request.remote or ""
        forwarded = request.headers.get(hdrs.X_FORWARDED_FOR)
        if address in self._trusted_proxies and forwarded:
            # The last entry is the proxy's own; the ones before it were written by whoever called it.
            return forwarded.rpartition(",")[2].strip()
        return address

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        async for message in socket:
            match message.type:
                case WSMsgType.TEXT:
                    try:
                        connection.receive(message.data)
                    except TooManyCallsError:
                        log.warning("station %s does not wait for answers", connection.station_id)
                        await connection.hang_up(WSCloseCode.POLICY_VIOLATION, "one call at a time")
                case WSMsgType.BINARY:
                    log.warning("station %s sent a binary frame", connection.station_id)
                    await connection.hang_up(WSCloseCode.UNSUPPORTED_DATA, "frames are text")
                case _:
                    log.warning("station %s broke the WebSocket protocol: %s", connection.station_id, message.data)

    def _hang_up(self, connection: Connection, code: int, reason: str) -> None:
        # A dead peer does not answer the close; nobody waits for it here.
        task = asyncio.create_task(connection.hang_up(code, reason))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)


class _SocketLink:
    """A WebSocket as the `Link` of a connection."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.close(code=code, message=reason.encode())


def _choose_version(request: web.Request) -> Version | None:
    offered = {
        protocol.strip()
        for header in request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
        for protocol in header.split(",")
    }
    return next((version for version in Version if version in offered), None)
