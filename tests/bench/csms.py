"""A management server that takes whatever a site tells and remembers it: many outlets, no bill, no database."""

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from aiohttp import WSMsgType, web

from rig.changes import Changes

STATION = "BENCH"
PASSWORD = "only-for-benchmarks"  # of a server that listens on this machine alone

type Payload = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One TransactionEvent."""

    kind: str
    seq_no: int
    register_mwh: int
    offline: bool
    reason: str
    at: float
    """When it came, `time.monotonic()` seconds."""


class RefusedError(Exception):
    """The site refused; says why."""


class Csms:
    """Takes one site."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/ocpp"
        self.events: defaultdict[str, list[Told]] = defaultdict(list)
        """By transaction, as they came; one that came twice is there twice."""
        self.request_of: dict[str, int] = {}
        """The number of the request that each transaction came from."""
        self.states: dict[int, str] = {}
        """By outlet, since the last connection."""
        self._port = port
        self._socket: web.WebSocketResponse | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[list[Any]]] = {}
        self._changes = Changes()
        self._runner: web.AppRunner | None = None

    @property
    def connected(self) -> bool:
        """Whether the site has a connection."""
        return self._socket is not None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get(f"/ocpp/{STATION}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Go away: the connection breaks, and nobody answers at the address."""
        if self._socket is not None:
            await self._socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def start_session(self, evse: int, energy_wh: int, number: int | None = None) -> str:
        """Start a session under a limit; returns its transaction.

        `number` is that of the request: asked for again with the same one it is the same session. Raises RefusedError,
        ConnectionError or TimeoutError.
        """
        number = number or self.new_number()
        answer = await self.call(
            "RequestStartTransaction",
            {
                "evseId": evse,
                "remoteStartId": number,
                "idToken": {"idToken": f"BENCH{number:015}", "type": "Central"},
                "customData": {
                    "vendorId": "org.konsento",
                    "energyLimitWh": energy_wh,
                    "timeLimitS": 0,
                    "timerStart": "relay",
                },
            },
        )
        if answer["status"] != "Accepted":
            raise RefusedError(answer["statusInfo"]["reasonCode"])
        return str(answer["transactionId"])

    def new_number(self) -> int:
        """Return a number for a request that no other has."""
        return next(self._numbers)

    async def stop_session(self, transaction: str) -> None:
        """Ask for a stop; a session that is over is over. Raises ConnectionError."""
        await self.call("RequestStopTransaction", {"transactionId": transaction})

    async def set_meter_interval(self, seconds: int) -> None:
        """Set how often sessions tell their meter."""
        variable = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        await self.call("SetVariables", {"setVariableData": [{**variable, "attributeValue": str(seconds)}]})

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the site; raises ConnectionError when it is away or goes away, TimeoutError without an answer."""
        if (socket := self._socket) is None:
            raise ConnectionError("the site is away")
        message_id = f"c{next(self._numbers)}"
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._asked[message_id] = future
        try:
            await socket.send_str(json.dumps([2, message_id, action, payload]))
            async with asyncio.timeout(60):
                frame = await future
        except ConnectionError:
            # Known here before the one who reads knows it.
            self._asked.pop(message_id, None)
            self._gone(socket)
            raise
        finally:
            self._asked.pop(message_id, None)
        if frame[0] != 3:
            raise RefusedError(str(frame[2]))
        answer: Payload = frame[2]
        return answer

    async def until(self, condition: Callable[[], bool], patience: float) -> None:
        """Wait until what was told fulfils a condition; raises TimeoutError."""
        await self._changes.until(condition, patience)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("ocpp2.1",), compress=False)
        await socket.prepare(request)
        self._socket = socket
        self.states.clear()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(socket, json.loads(message.data))
        finally:
            self._gone(socket)
            self._changes.told()
        return socket

    def _gone(self, socket: web.WebSocketResponse) -> None:
        if self._socket is socket:
            self._socket = None
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(ConnectionError("the site went away"))

    async def _take(self, socket: web.WebSocketResponse, frame: list[Any]) -> None:
        if frame[0] != 2:
            future = self._asked.get(frame[1])
            if future is not None and not future.done():
                future.set_result(frame)
            return
        _, message_id, action, payload = frame
        answer: Payload = {}
        now = datetime.now(UTC).isoformat()
        match action:
            case "BootNotification":
                answer = {"currentTime": now, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                answer = {"currentTime": now}
            case "StatusNotification":
                self.states[payload["evseId"]] = payload["connectorStatus"]
            case "TransactionEvent":
                self._note(payload)
        self._changes.told()
        await socket.send_str(json.dumps([3, message_id, answer]))

    def _note(self, payload: Payload) -> None:
        info = payload["transactionInfo"]
        if (number := info.get("remoteStartId")) is not None:
            self.request_of[info["transactionId"]] = number
        register = payload["meterValue"][0]["sampledValue"][0]["value"]
        self.events[info["transactionId"]].append(
            Told(
                kind=payload["eventType"],
                seq_no=payload["seqNo"],
                register_mwh=round(register * 1000),
                offline=payload["offline"],
                reason=info.get("stoppedReason", ""),
                at=monotonic(),
            )
        )
