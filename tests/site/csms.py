"""A management server for tests: a real WebSocket server that holds every message against OCPP's official schemas."""

import asyncio
import base64
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from ocpp.messages import MessageType, get_validator

from rig.changes import Changes

type Payload = dict[str, Any]
type Answer = Payload | str | None

STATION = "SITE 1"
PASSWORD = "only-for-tests"


class Csms:
    """Accepts one station. `answers` says what an action is answered instead: a payload, an error code, or nothing."""

    def __init__(self, protocols: tuple[str, ...] = ("ocpp2.1", "ocpp2.0.1")) -> None:
        self.protocols = protocols
        self.heard: list[tuple[str, Payload]] = []
        self.invalid: list[str] = []
        self.raw: list[list[Any]] = []
        """Answers with an error, and whatever is no call."""
        self.answers: dict[str, Callable[[Payload], Answer]] = {}
        self.connections = 0
        self.socket: web.WebSocketResponse | None = None
        self._sockets: list[web.WebSocketResponse] = []
        self._version = ""
        self._changes = Changes()
        self._numbers = itertools.count()
        self._asked: dict[str, tuple[str, asyncio.Future[list[Any]]]] = {}
        self._server: TestServer | None = None
        app = web.Application()
        app.router.add_get("/ocpp/{station}", self._serve)
        self._app = app
        self.port = 0
        self.password = PASSWORD

    async def start(self) -> None:
        self._server = TestServer(self._app, host="127.0.0.1", port=self.port)
        await self._server.start_server()
        self.port = self._server.port or 0

    async def stop(self) -> None:
        for socket in self._sockets:
            await socket.close()
        self._sockets.clear()
        if self._server:
            await self._server.close()
            self._server = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        if request.match_info["station"] != STATION:
            raise web.HTTPNotFound
        expected = "Basic " + base64.b64encode(f"{STATION}:{self.password}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            raise web.HTTPUnauthorized
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        self._version = (socket.ws_protocol or "").removeprefix("ocpp")
        self.socket = socket
        self._sockets.append(socket)
        self.connections += 1
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(socket, json.loads(message.data))
        return socket

    async def _take(self, socket: web.WebSocketResponse, frame: list[Any]) -> None:
        if frame[0] == MessageType.Call:
            _, message_id, action, payload = frame
            self._validate(MessageType.Call, action, payload)
            self.heard.append((action, payload))
            answer = self.answers.get(action, _default(action))(payload)
            if isinstance(answer, str):
                code, _, description = answer.partition(": ")
                await socket.send_json([MessageType.CallError, message_id, code, description, {}])
            elif answer is not None:
                self._validate(MessageType.CallResult, action, answer)
                await socket.send_json([MessageType.CallResult, message_id, answer])
        else:
            if frame[0] != MessageType.CallResult:
                self.raw.append(frame)
            action, future = self._asked.pop(frame[1], ("", None))
            if future and not future.done():
                if frame[0] == MessageType.CallResult:
                    self._validate(MessageType.CallResult, action, frame[2])
                future.set_result(frame)
        self._changes.told()

    def _validate(self, kind: int, action: str, payload: Payload) -> None:
        validator = get_validator(kind, action, self._version)
        self.invalid += [f"{action}: {error.message}" for error in validator.iter_errors(payload)]

    async def ask(self, action: str, payload: Payload, *, valid: bool = True) -> list[Any]:
        """Call the station; returns the frame that it answers with."""
        if valid:
            self._validate(MessageType.Call, action, payload)
        message_id = f"m{next(self._numbers)}"
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._asked[message_id] = (action, future)
        await self.send(json.dumps([MessageType.Call, message_id, action, payload]))
        async with asyncio.timeout(60):
            return await future

    async def send(self, text: str) -> None:
        assert self.socket is not None
        await self.socket.send_str(text)

    async def until(self, condition: Callable[[], bool], patience: float = 60) -> None:
        """Wait until what was heard fulfils a condition."""
        try:
            await self._changes.until(condition, patience)
        except TimeoutError:
            raise AssertionError(f"heard {[action for action, _ in self.heard]}, {self.raw}") from None

    def events(self) -> list[Payload]:
        return [payload for action, payload in self.heard if action == "TransactionEvent"]

    def last(self) -> str:
        """Return the type of the last event."""
        return self.events()[-1]["eventType"] if self.events() else ""

    def states(self, evse: int = 1) -> list[str]:
        return [
            payload["connectorStatus"]
            for action, payload in self.heard
            if action == "StatusNotification" and payload["evseId"] == evse
        ]

    async def drop(self) -> None:
        """End the connection from this side."""
        assert self.socket is not None
        await self.socket.close()


def _default(action: str) -> Callable[[Payload], Answer]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    answers: dict[str, Payload] = {
        "BootNotification": {"currentTime": now, "interval": 300, "status": "Accepted"},
        "Heartbeat": {"currentTime": now},
        "DataTransfer": {"status": "UnknownVendorId"},
    }
    return lambda _: answers.get(action, {})


def start_request(number: int = 1, *, evse: int = 1, **ours: Any) -> Payload:
    """Return a RequestStartTransaction as our management server sends it."""
    return {
        "evseId": evse,
        "remoteStartId": number,
        "idToken": {"idToken": f"TOKEN{number:015}", "type": "Central"},
        "customData": {
            "vendorId": "org.konsento",
            "energyLimitWh": 1000,
            "timeLimitS": 0,
            "timerStart": "relay",
            "powerType": "solar",
            "supplier": "Kaze Denki",
            **ours,
        },
    }
