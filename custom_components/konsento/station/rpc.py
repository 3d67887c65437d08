"""OCPP-J: calls and answers in both directions over one WebSocket.

The frames are few and strict, so they are read here. The `ocpp` library lends its JSON schemas for the payloads; its
own connection class handles one frame at a time (a handler that calls back would wait for itself) and turns an answered
error into nothing.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from ocpp.exceptions import OCPPError  # type: ignore[import-untyped]  # the library ships no types
from ocpp.messages import Call, validate_payload  # type: ignore[import-untyped]  # the library ships no types

from .errors import LineDownError, RpcError

_LOGGER = logging.getLogger(__name__)

_CALL, _RESULT, _ERROR, _RESULT_ERROR, _SEND = 2, 3, 4, 5, 6
_UNREADABLE_ID = "-1"
ANSWER_S = 30.0
_MAX_ID = 36

type Payload = dict[str, Any]
type Handler = Callable[[str, Payload], Awaitable[Payload]]


class Rpc:
    """One connection. At most one call of ours is unanswered at a time; calls of the other side run beside it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str, handler: Handler, name: str) -> None:
        """`version` names the schemas; `handler` raises RpcError for what it refuses; `name` is for the log."""
        self._socket = socket
        self.version = version
        self._handler = handler
        self._name = name
        self.round_trip_s: float | None = None
        """Of the last answered call."""
        self._turn = asyncio.Lock()
        self._asked: tuple[str, asyncio.Future[Payload]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Read until the connection ends."""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(message.data)
                else:
                    await self._refuse(_UNREADABLE_ID, RpcError("RpcFrameworkError", "only text frames are read"))
        finally:
            for task in self._tasks:
                task.cancel()
            if self._asked and not self._asked[1].done():
                self._asked[1].set_exception(LineDownError("connection closed"))

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the other side; raises RpcError for its CALLERROR, LineDownError without an answer."""
        async with self._turn:
            message_id = uuid.uuid4().hex
            answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._asked = (message_id, answer)
            sent = asyncio.get_running_loop().time()
            try:
                await self._send([_CALL, message_id, action, payload])
                async with asyncio.timeout(ANSWER_S):
                    result = await answer
            except TimeoutError as error:
                raise LineDownError(f"{action} was not answered within {ANSWER_S:.0f} s") from error
            finally:
                self._asked = None
            self.round_trip_s = asyncio.get_running_loop().time() - sent
            return result

    async def _send(self, frame: list[Any]) -> None:
        if self._socket.closed:
            raise LineDownError("connection closed")
        try:
            await self._socket.send_str(json.dumps(frame, separators=(",", ":"), ensure_ascii=False))
        except (ConnectionError, aiohttp.ClientError, RuntimeError) as error:
            raise LineDownError(str(error) or "connection closed") from error

    async def _take(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            await self._refuse(_UNREADABLE_ID, RpcError("RpcFrameworkError", "the frame is no JSON"))
            return
        if not isinstance(frame, list) or len(frame) < 2 or not isinstance(frame[1], str) or len(frame[1]) > _MAX_ID:
            await self._refuse(_UNREADABLE_ID, RpcError("RpcFrameworkError", "the frame has no readable message id"))
            return
        match frame:
            case [kind, str() as message_id, str() as action, dict() as payload] if kind == _CALL:
                # A task of its own: a handler may take as long as an outlet, and may call the other side meanwhile.
                task = asyncio.create_task(self._answer(message_id, action, payload))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case [kind, str() as message_id, dict() as payload] if kind == _RESULT:
                self._resolve(message_id, payload)
            case [kind, str() as message_id, str() as code, *rest] if kind == _ERROR:
                description = rest[0] if rest and isinstance(rest[0], str) else ""
                self._resolve(message_id, RpcError(code, description))
            case [kind, str() as message_id, *_] if kind == _CALL:
                await self._refuse(message_id, RpcError("FormatViolation", "a CALL has an action and an object"))
            case [int() as kind, *_] if kind in {_RESULT, _ERROR, _RESULT_ERROR, _SEND}:
                # Nothing may be answered to these: two sides complaining about each other's complaints never end.
                _LOGGER.warning("%s: a frame of type %s that cannot be used was dropped", self._name, kind)
            case _:
                await self._refuse(frame[1], RpcError("MessageTypeNotSupported", "unknown message type"))

    def _resolve(self, message_id: str, answer: Payload | RpcError) -> None:
        if self._asked is None or self._asked[0] != message_id or self._asked[1].done():
            _LOGGER.debug("%s: late answer to %s dropped", self._name, message_id)
        elif isinstance(answer, RpcError):
            self._asked[1].set_exception(answer)
        else:
            self._asked[1].set_result(answer)

    async def _answer(self, message_id: str, action: str, payload: Payload) -> None:
        try:
            result = await self._handler(action, payload)
        except RpcError as error:
            await self._refuse(message_id, error, action)
            return
        except Exception:
            _LOGGER.exception("%s: %s failed", self._name, action)
            await self._refuse(message_id, RpcError("InternalError", "the station could not do this"), action)
            return
        try:
            await self._send([_RESULT, message_id, result])
        except LineDownError:
            _LOGGER.debug("%s: the line went down before %s was answered", self._name, action)

    async def _refuse(self, message_id: str, error: RpcError, what: str = "frame") -> None:
        # Only what is wrong is logged, never the content: it may hold a token.
        _LOGGER.warning("%s: %s refused, %s", self._name, what, error)
        try:
            await self._send([_ERROR, message_id, error.code, error.description[:255], error.details])
        except LineDownError:
            _LOGGER.debug("%s: the line went down before an error was told", self._name)

    async def check(self, action: str, payload: Payload) -> None:
        """Hold a request against the official schema of its action; raises RpcError."""
        try:
            await validate_payload(Call(_UNREADABLE_ID, action, payload), self.version)
        except OCPPError as error:
            # The library's own sentence quotes the payload, which may hold a token.
            raise RpcError(error.code, f"{action} does not fit its schema") from error
