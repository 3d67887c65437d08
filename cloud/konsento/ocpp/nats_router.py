"""The router of several processes: it asks the one that holds a station's connection, over NATS.

Each process listens under a subject of its own. Which one to ask stands in the table of owners, with the epoch of the
connection: whoever is asked for another one does not hold it any more, and sends nothing.
"""

import logging
import time
from typing import Any, Final, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Raw

from konsento.kit.nats import Nats, NatsAway, NatsLost
from konsento.ocpp.codec import RESPONSES
from konsento.ocpp.errors import (
    BadPayload,
    CallError,
    CallRefused,
    CallTimeout,
    StationBusy,
    StationOffline,
    UnknownAction,
)
from konsento.ocpp.local_router import LocalStationRouter
from konsento.ocpp.messages import Request, Response
from konsento.ocpp.owners import Owner, Owners
from konsento.ocpp.stations import DEFAULT_CALL_TIMEOUT_S, LinkCallback

log = logging.getLogger(__name__)

SLACK_S: Final = 1.0
"""The other process answers in time, or says that the station did not; NATS itself takes no longer than this."""
ELSEWHERE: Final = "elsewhere"
"""The answer of a process that does not hold the connection (any more)."""
LATE: Final = "late"
"""The answer to a request that came when its time was over, by the clock of the process that was asked."""


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is asked to ask a station; `until` is the end of its time, in seconds since 1970."""

    station_id: str
    epoch: int
    action: str
    payload: Raw
    until: float
    raw: bool = False
    """The payload is of the station's own version and is sent as it is (`StationRouter.call_raw`)."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of the station's answer; or the class of the error that was raised, with what it was made from."""

    payload: Raw = Raw(b"null")
    error: str = ""
    details: dict[str, Any] = {}


class _Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A station has connected to another process."""

    station_id: str
    epoch: int


_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_calls: Final = msgspec.json.Decoder(_Call)
_answers: Final = msgspec.json.Decoder(_Answer)
_gone: Final = msgspec.json.Decoder(_Gone)
_requests: Final = {kind.__name__: kind for kind in RESPONSES}
_errors: Final[dict[str, type[CallError]]] = {
    kind.__name__: kind for kind in (StationOffline, StationBusy, CallTimeout, CallRefused, UnknownAction, BadPayload)
}


class NatsStationRouter:
    """A `StationRouter` for the stations of all processes."""

    def __init__(self, nats: Nats, local: LocalStationRouter, owners: Owners) -> None:
        self._nats = nats
        self._local = local
        self._owners = owners
        nats.listen(_subject("call", owners.replica_id), self._called)
        nats.listen(_subject("gone", owners.replica_id), self._heard_gone)
        local.on_taken_over = self._tell_gone

    async def call[R: Response](
        self, station_id: str, request: Request[R], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> R:
        """Send a request to a station and return its answer; see `StationRouter.call`."""
        if self._local.connected(station_id):
            return await self._local.call(station_id, request, timeout_s=timeout_s)
        action, payload = type(request).__name__, Raw(_encoder.encode(request))
        answer = await self._ask(station_id, action, payload, timeout_s)
        kind: type[Any] = RESPONSES[type(request)]
        response: R = msgspec.json.decode(answer, type=kind)
        return response

    async def call_raw(
        self, station_id: str, action: str, payload: dict[str, Any], *, timeout_s: float = DEFAULT_CALL_TIMEOUT_S
    ) -> dict[str, Any]:
        """Send any request of the station's own OCPP version as it is; see `StationRouter.call_raw`."""
        if self._local.connected(station_id):
            return await self._local.call_raw(station_id, action, payload, timeout_s=timeout_s)
        answer = await self._ask(station_id, action, Raw(_encoder.encode(payload)), timeout_s, raw=True)
        return msgspec.json.decode(answer, type=dict[str, Any])

    def on_connect(self, callback: LinkCallback) -> None:
        """Have `callback` called whenever a station has connected here."""
        self._local.on_connect(callback)

    def on_disconnect(self, callback: LinkCallback) -> None:
        """Have `callback` called when a station's last connection is gone, and was here."""
        self._local.on_disconnect(callback)

    async def _ask(self, station_id: str, action: str, payload: Raw, timeout_s: float, *, raw: bool = False) -> Raw:
        until = time.time() + timeout_s
        asked: Owner | None = None
        # The station may change from one process to another between the look and the question.
        for _ in range(2):
            owner = await self._owners.owner(station_id)
            if owner is None or owner == asked:
                break
            asked = owner
            call = _Call(station_id=station_id, epoch=owner.epoch, action=action, payload=payload, until=until, raw=raw)
            answer = await self._ask_owner(owner, call)
            if answer.error == ELSEWHERE:
                continue
            if answer.error == LATE:
                log.warning("a call to station %s came too late; are the clocks of the machines in step?", station_id)
                break
            if answer.error:
                raise _raised(answer, station_id, action)
            return answer.payload
        raise StationOffline(station_id, action)

    async def _ask_owner(self, owner: Owner, call: _Call) -> _Answer:
        station_id, action, until = call.station_id, call.action, call.until
        try:
            content = await self._nats.request(
                _subject("call", owner.replica_id), _encoder.encode(call), until - time.time() + SLACK_S
            )
        except NatsAway as error:
            log.warning("station %s is connected to a process that cannot be reached now", station_id)
            raise StationOffline(station_id, action) from error
        except NatsLost as error:
            log.warning("station %s: the answer to %s was lost between the processes", station_id, action)
            in_time = time.time() < until
            raise CallTimeout(station_id, action, "link lost" if in_time else "no answer in time") from error
        return _answers.decode(content)

    async def _called(self, content: bytes) -> bytes:
        call = _calls.decode(content)
        left_s = call.until - time.time()
        if left_s <= 0:
            return _encoder.encode(_Answer(error=LATE))
        if self._owners.epoch(call.station_id) != call.epoch:
            return _encoder.encode(_Answer(error=ELSEWHERE))
        try:
            response = await self._ask_station(call, left_s)
        except CallError as error:
            details = {name: value for name, value in vars(error).items() if name not in {"station_id", "action"}}
            return _encoder.encode(_Answer(error=type(error).__name__, details=details))
        return _encoder.encode(_Answer(payload=Raw(_encoder.encode(response))))

    async def _ask_station(self, call: _Call, timeout_s: float) -> Response | dict[str, Any]:
        if call.raw:
            payload = msgspec.json.decode(call.payload, type=dict[str, Any])
            return await self._local.call_raw(call.station_id, call.action, payload, timeout_s=timeout_s)
        request: Request[Any] = msgspec.json.decode(call.payload, type=_requests[call.action])
        response: Response = await self._local.call(call.station_id, request, timeout_s=timeout_s)
        return response

    async def _tell_gone(self, station_id: str, epoch: int, before: UUID) -> None:
        await self._nats.publish(_subject("gone", before), _encoder.encode(_Gone(station_id=station_id, epoch=epoch)))

    async def _heard_gone(self, content: bytes) -> None:
        gone = _gone.decode(content)
        self._local.taken_over(gone.station_id, gone.epoch)


def _subject(what: str, replica_id: UUID) -> str:
    return f"konsento.{what}.{replica_id.hex}"


def _raised(answer: _Answer, station_id: str, action: str) -> CallError:
    """Return the error that the other process raised, of the same class."""
    kind = _errors.get(answer.error)
    if kind is None:
        return CallTimeout(station_id, action, "link lost")
    hints = get_type_hints(kind.__init__)
    details = {name: msgspec.convert(value, hints[name]) for name, value in answer.details.items()}
    return kind(station_id, action, **details)
