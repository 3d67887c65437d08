"""Requests to stations, for programs of the operator."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, Field

from konsento.api.problems import Fault, declared, faults_of
from konsento.api.who import CallsStations
from konsento.ocpp import Version
from konsento.remote import calls, errors
from konsento.web.who import Wired

router = APIRouter(tags=["Stations"])

DEFAULT_TIMEOUT_S = 15
MOST_TIMEOUT_S = 60

Identity = Annotated[str, Path(max_length=100, description="The station's OCPP identity.", examples=["sakura-mall"])]
Action = Annotated[
    str,
    Path(max_length=100, description="The request by its OCPP name, as its version spells it.", examples=["Reset"]),
]
Payload = Annotated[
    dict[str, Any],
    Body(description="The request's payload, exactly as it goes to the station.", examples=[{"type": "OnIdle"}]),
]
Timeout = Annotated[
    int, Query(ge=1, le=MOST_TIMEOUT_S, description="Seconds to wait, earlier requests to the station included.")
]


class StationAnswer(BaseModel):
    """What a station answered."""

    version: Version = Field(description="The OCPP version that the station speaks.")
    answer: dict[str, Any] = Field(description="The answer's payload as it came.", examples=[{"status": "Accepted"}])
    faults: list[Fault] = Field(
        description="What the official schema does not allow in the answer; empty for a good one.", examples=[[]]
    )
    round_trip_ms: int = Field(description="Milliseconds from the request to the answer.", examples=[42])


@router.post(
    "/stations/{station_id}/ocpp/{action}",
    responses=declared(
        errors.UnknownStation,
        errors.UnknownRequest,
        errors.RequestNotAllowed,
        errors.StationNotConnected,
        errors.StationHasToAnswerFirst,
        errors.StationRefused,
        errors.AnswerUnreadable,
        errors.NoAnswerFromStation,
        errors.LinkLost,
    ),
)
async def call_station(
    *,
    station_id: Identity,
    action: Action,
    services: Wired,
    caller: CallsStations,
    payload: Payload,
    timeout_s: Timeout = DEFAULT_TIMEOUT_S,
) -> StationAnswer:
    """Send any request of OCPP to a station.

    Every request from a server to a station that the station's OCPP version has. It is checked by the official schema
    first and stands in the audit log before it is sent, without its secrets. Nothing is sent twice: this operation
    takes no `Idempotency-Key`, and after `NoAnswerFromStation` or `LinkLost` the station may have acted.

    A transaction that is started this way belongs to no session: nobody is billed for it, and it is stopped as a stray.
    A password that is set this way is not known to this server: the station could not sign in any more.
    """
    answer = await calls.ask_anything(
        services,
        caller.member.id,
        station_id,
        action,
        payload,
        timeout_s=timeout_s,
        token_name=caller.token_name,
    )
    return StationAnswer(
        version=answer.version,
        answer=answer.payload,
        faults=faults_of(answer.faults),
        round_trip_ms=answer.round_trip_ms,
    )
