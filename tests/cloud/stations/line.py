"""A charger's end of the line: sends calls, answers what it is asked, and checks every frame against the schemas.

With `world.py` and the scripted chargers beside it (`v16.py`, `v2.py`) for tests with stations that are not ours.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from jsonschema.validators import validator_for

type Payload = dict[str, Any]

FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}


class RefusedError(Exception):
    """The server answered CALLERROR."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@cache
def schema_of(protocol: str, action: str, *, answer: bool) -> Any:
    """Return the validator of a payload."""
    request = "" if protocol == "ocpp1.6" else "Request"
    path = (
        Path(str(files("ocpp") / FOLDERS[protocol] / "schemas")) / f"{action}{'Response' if answer else request}.json"
    )
    schema = json.loads(path.read_text("utf-8-sig"))
    return validator_for(schema)(schema)


class Line:
    """A connected charger. `on` says how it answers the server's calls; None keeps silent."""

    def __init__(self, socket: ClientWebSocketResponse, protocol: str) -> None:
        self._socket = socket
        self._protocol = protocol
        self._count = 0
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self.asked: list[tuple[str, Payload]] = []
        self.on: dict[str, Callable[[Payload], Payload | None]] = {}
        self.before_answer_s = 0.0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def dial(cls, client: ClientSession, url: str, station_id: str, password: str, protocol: str) -> Self:
        """Connect to a gateway."""
        secret = base64.b64encode(f"{station_id}:{password}".encode()).decode()
        socket = await client.ws_connect(url, protocols=[protocol], headers={"Authorization": f"Basic {secret}"})
        assert socket.protocol == protocol
        return cls(socket, protocol)

    async def call(self, action: str, payload: Payload, *, valid: bool = True) -> Payload:
        """Ask the server and return its answer. Raises `RefusedError`; `valid` says whether the schema is kept."""
        if valid:
            schema_of(self._protocol, action, answer=False).validate(payload)
        self._count += 1
        message_id = f"s-{self._count}"
        answer = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answer
        await self._socket.send_str(json.dumps([2, message_id, action, payload]))
        frame = await asyncio.wait_for(answer, 60)
        if frame[0] == 4:
            raise RefusedError(frame[2])
        schema_of(self._protocol, action, answer=True).validate(frame[2])
        result: Payload = frame[2]
        return result

    def calls(self, action: str) -> list[Payload]:
        """Return what the server has asked with this action so far."""
        return [payload for name, payload in self.asked if name == action]

    async def hang_up(self) -> None:
        """Close the line."""
        await self._socket.close()
        await self._reading

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if frame[0] != 2:
                self._waiting.pop(frame[1]).set_result(frame)
                continue
            await self._answer(*frame[1:])

    async def _answer(self, message_id: str, action: str, payload: Payload) -> None:
        schema_of(self._protocol, action, answer=False).validate(payload)
        self.asked.append((action, payload))
        if self.before_answer_s:
            await asyncio.sleep(self.before_answer_s)
        how = self.on.get(action)
        if how is None:
            await self._socket.send_str(json.dumps([4, message_id, "NotSupported", "", {}]))
            return
        answer = how(payload)
        if answer is not None:
            schema_of(self._protocol, action, answer=True).validate(answer)
            await self._socket.send_str(json.dumps([3, message_id, answer]))
