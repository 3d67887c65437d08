"""OCPP-J: calls and answers in both directions over one WebSocket.

The `ocpp` library lends its JSON schemas for the payloads; its own connection class handles one frame at a time (a
handler that calls back would wait for itself) and turns an answered error into nothing.
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
from ocpp.v21.enums import Action  # type: ignore[import-untyped]  # the library ships no types

from . import frames
from .errors import LineDownError, RpcError, UnansweredError
from .frames import UNREADABLE_ID, BadFrameError, Payload, Reply, Useless

_LOGGER = logging.getLogger(__name__)

ANSWER_S = 30.0
KNOWN_ACTIONS = frozenset(str(action.value) for action in Action)

type Handler = Callable[[str, Payload], Awaitable[Payload | None]]


class Rpc:
    """One connection. At most one call of ours is unanswered at a time; calls of the other side run beside it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, version: str, handler: Handler, name: str) -> None:
        """`version` names the schemas; `name` is for the log.

        `handler` answers, or returns None for silence, or raises RpcError for what it refuses.
        """
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
                    await self._refuse(UNREADABLE_ID, RpcError("RpcFrameworkError", "only text frames are read"))
        finally:
            for task in self._tasks:
                task.cancel()
            if self._asked and not self._asked[1].done():
                self._asked[1].set_exception(LineDownError("connection closed"))

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the other side; raises RpcError for its CALLERROR, LineDownError or UnansweredError without one."""
        async with self._turn:
            message_id = uuid.uuid4().hex
            answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._asked = (message_id, answer)
            sent = asyncio.get_running_loop().time()
            try:
                await self._send([frames.CALL, message_id, action, payload])
                async with asyncio.timeout(ANSWER_S):
                    result = await answer
            except TimeoutError as error:
                raise UnansweredError(f"{action} was not answered within {ANSWER_S:.0f} s") from error
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
            frame = frames.parse(text)
        except BadFrameError as error:
            await self._refuse(error.message_id, error.error)
            return
        match frame:
            case frames.Call():
                # A task of its own: a handler may take as long as an outlet, and may call the other side meanwhile.
                task = asyncio.create_task(self._answer(frame.id, frame.action, frame.payload))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Reply():
                self._resolve(frame.id, frame.answer)
            case Useless():
                _LOGGER.warning("%s: a frame of type %s that cannot be used was dropped", self._name, frame.kind)

    def _resolve(self, message_id: str, answer: Payload | RpcError) -> None:
        if self._asked is None or self._asked[0] != message_id or self._asked[1].done():
            _LOGGER.debug("%s: a late answer was dropped", self._name)
        elif isinstance(answer, RpcError):
            self._asked[1].set_exception(answer)
        else:
            self._asked[1].set_result(answer)

    async def _answer(self, message_id: str, action: str, payload: Payload) -> None:
        try:
            result = await self._handler(action, payload)
        except RpcError as error:
            await self._refuse(message_id, error, _shown(action))
            return
        except Exception:
            _LOGGER.exception("%s: %s failed", self._name, _shown(action))
            await self._refuse(message_id, RpcError("InternalError", "the station could not do this"), _shown(action))
            return
        if result is None:
            return
        try:
            await self._send([frames.RESULT, message_id, result])
        except LineDownError:
            _LOGGER.debug("%s: the line went down before %s was answered", self._name, _shown(action))

    async def _refuse(self, message_id: str, error: RpcError, what: str = "frame") -> None:
        # Only what is wrong is logged, never the content: it may hold a token.
        _LOGGER.warning("%s: %s refused, %s", self._name, what, error)
        try:
            await self._send([frames.ERROR, message_id, error.code, error.description[:255], error.details])
        except LineDownError:
            _LOGGER.debug("%s: the line went down before an error was told", self._name)

    async def check(self, action: str, payload: Payload) -> None:
        """Hold a request against the official schema of its action; raises RpcError."""
        try:
            await validate_payload(Call(UNREADABLE_ID, action, payload), self.version)
        except OCPPError as error:
            # The library's own sentence quotes the payload, which may hold a token.
            raise RpcError(error.code, f"{action} does not fit its schema") from error


def _shown(action: str) -> str:
    """Return an action as it may stand in a log: a name of OCPP's, or none."""
    return action if action in KNOWN_ACTIONS else "an unknown action"
