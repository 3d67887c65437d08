"""Asking a station something for a member of the staff: in the audit log before it is asked, then with the answer."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from konsento.kit.errors import KonsentoError
from konsento.ocpp import (
    BadPayload,
    CallError,
    CallRefused,
    CallTimeout,
    StationBusy,
    StationOffline,
    UnknownAction,
    Version,
    schemas,
    version_of,
)
from konsento.ocpp.raw_calls import check_raw
from konsento.ocpp.redaction import HIDDEN, redacted
from konsento.ocpp.schemas import Fault, Side
from konsento.operations import audit
from konsento.remote.errors import (
    AnswerUnreadable,
    LinkLost,
    NoAnswerFromStation,
    RequestNotAllowed,
    StationHasToAnswerFirst,
    StationNotConnected,
    StationRefused,
    UnknownRequest,
    UnknownStation,
)
from konsento.services import Services
from konsento.sites import service as sites

ANSWERED: Final = "station.answered"
"""The action of the second entry; its detail `to` is what was asked."""
MOST_KEPT: Final = 4000
"""Characters of a request or an answer that go into the audit log, which nothing is ever taken out of."""


@dataclass(frozen=True, kw_only=True)
class RawAnswer:
    """What a station answered."""

    payload: dict[str, Any]
    """As it came."""
    faults: tuple[Fault, ...]
    """What the official schema does not allow in it; nothing for a good one."""
    version: Version
    """That the station speaks."""
    round_trip_ms: int
    """From sending, waiting for earlier requests included, to the answer."""


async def logged[A](
    services: Services,
    member_id: UUID,
    station_id: str,
    *,
    what: str,
    details: dict[str, Any],
    ask: Callable[[], Awaitable[A]],
    told: Callable[[A], dict[str, Any]],
) -> A | CallError:
    """Note who asks what, ask, note what came of it, and return that.

    The question is committed first: whatever happens to this process, nobody asks a station anything that is not in
    the log. `told` says what of the answer goes into the log.
    """
    async with services.database.transaction() as session:
        await audit.note(
            session, services.clock.now(), member_id, action=f"station.{what}", subject=station_id, details=details
        )
    answer: A | CallError
    try:
        answer = await ask()
        came = told(answer)
    except CallError as error:
        answer, came = error, {"answer": str(error)}
    async with services.database.transaction() as session:
        await audit.note(
            session,
            services.clock.now(),
            member_id,
            action=ANSWERED,
            subject=station_id,
            details={"to": what, **came},
        )
    return answer


async def ask_anything(
    services: Services,
    member_id: UUID,
    station_id: str,
    action: str,
    payload: dict[str, Any],
    *,
    timeout_s: float,
    token_name: str = "",
) -> RawAnswer:
    """Send any request of OCPP to a station and return its answer.

    `token_name` is of the token with which a program asks for the member. What the schema does not allow is neither
    sent nor logged. Raises the errors of `remote.errors`.
    """
    async with services.database.transaction() as session:
        if await sites.site_of_station(session, station_id) is None:
            raise UnknownStation
        version = await version_of(session, station_id)
    if version is None:
        raise StationNotConnected
    try:
        # In a thread: the first check reads the official schemas and what checks by them.
        await asyncio.to_thread(check_raw, station_id, action, payload, version)
    except CallError as error:
        raise _refusal(error) from error

    async def ask() -> RawAnswer:
        begin = time.monotonic()
        answer = await services.router.call_raw(station_id, action, payload, timeout_s=timeout_s)
        faults = schemas.faults(action, Side.RESPONSE, answer, version)
        if any(fault.message == schemas.TOO_DEEP for fault in faults):
            raise CallTimeout(station_id, action, "unreadable answer")
        return RawAnswer(
            payload=answer,
            faults=faults,
            version=version,
            round_trip_ms=round((time.monotonic() - begin) * 1000),
        )

    details = {"request": _kept(action, payload)} | ({"token": token_name} if token_name else {})
    answer = await logged(
        services,
        member_id,
        station_id,
        what=action,
        details=details,
        ask=ask,
        told=lambda answer: {"answer": _kept(action, answer.payload), "milliseconds": answer.round_trip_ms},
    )
    if isinstance(answer, CallError):
        raise _refusal(answer) from answer
    return answer


def _kept(action: str, payload: dict[str, Any]) -> Any:
    """Return what of a payload the audit log keeps: no secrets, no vendor's data, and not too much."""
    try:
        plain: dict[str, Any] = msgspec.json.decode(redacted(action, msgspec.json.encode(payload)))
    except RecursionError:
        return HIDDEN
    if action == "DataTransfer" and "data" in plain:
        plain["data"] = HIDDEN  # it may be anything
    text = json.dumps(plain, ensure_ascii=False)
    return plain if len(text) <= MOST_KEPT else f"{text[:MOST_KEPT]}{HIDDEN}"


_TIMEOUTS: Final[dict[Literal["no answer in time", "link lost", "unreadable answer"], type[KonsentoError]]] = {
    "no answer in time": NoAnswerFromStation,
    "link lost": LinkLost,
    "unreadable answer": AnswerUnreadable,
}


def _refusal(error: CallError) -> KonsentoError:
    """Return the words for why a call brought no answer."""
    match error:
        case UnknownAction():
            return UnknownRequest(version=error.version, action=error.action[:50])
        case BadPayload():
            return RequestNotAllowed(error.faults)
        case StationOffline():
            return StationNotConnected()
        case StationBusy():
            return StationHasToAnswerFirst()
        case CallRefused():
            return StationRefused(error=error.code, description=error.description)
        case CallTimeout():
            return _TIMEOUTS[error.cause]()
        case _:
            raise TypeError(f"no words for {type(error).__name__}")
