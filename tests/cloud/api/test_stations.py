"""Any OCPP request through the API: checked first, logged before and after, and told honestly how it went."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from konsento.models import AuditEntry
from konsento.ocpp import CallRefused, CallTimeout, StationBusy

if TYPE_CHECKING:
    import httpx

    from .conftest import Api

SECRET = "a-new-password-of-the-site"
DISPLAY: dict[str, Any] = {
    "message": {"id": 7, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "こんにちは"}}
}


async def log(api: Api) -> list[AuditEntry]:
    async with api.bench.services.database.transaction() as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


async def send(api: Api, action: str, payload: Any, **more: Any) -> httpx.Response:
    async with api.program(await api.staff_token()) as program:
        station = more.pop("station", "sakura-mall")
        return await program.post(f"/stations/{station}/ocpp/{action}", json=payload, **more)


async def test_a_request_goes_out_as_it_is_and_its_answer_comes_back(api: Api) -> None:
    answer = await send(api, "SetDisplayMessage", DISPLAY)

    assert answer.status_code == 200
    shown = answer.json()
    assert shown.pop("round_trip_ms") >= 0
    assert shown == {"version": "ocpp2.1", "answer": {"status": "Accepted"}, "faults": []}
    assert api.bench.site.asked_raw == [("SetDisplayMessage", DISPLAY)]


async def test_it_stands_in_the_log_before_and_after_with_the_name_of_the_program(api: Api) -> None:
    await send(api, "Reset", {"type": "OnIdle", "evseId": 1})

    asked, answered = await log(api)
    assert (asked.action, asked.subject) == ("station.Reset", "sakura-mall")
    assert asked.details == {"request": {"type": "OnIdle", "evseId": 1}, "token": "depot planner"}
    assert asked.member_id == answered.member_id is not None
    assert answered.details.pop("milliseconds") >= 0
    assert (answered.action, answered.details) == (
        "station.answered",
        {"to": "Reset", "answer": {"status": "Accepted"}},
    )


async def test_an_answer_that_nobody_can_look_through_is_none(api: Api) -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    api.bench.site.raw_answer = {"status": "Accepted", "customData": {"vendorId": "x", "deep": nested}}
    answer = await send(api, "ClearCache", {})

    assert (answer.status_code, answer.json()["code"]) == (502, "AnswerUnreadable")
    assert [entry.action for entry in await log(api)] == ["station.ClearCache", "station.answered"]


async def test_what_is_asked_is_in_the_log_before_it_is_asked(api: Api) -> None:
    api.bench.site.raw_answer = RuntimeError("the process dies here")
    answer = await send(api, "ClearCache", {})

    assert answer.status_code == 500
    assert [entry.action for entry in await log(api)] == ["station.ClearCache"]


async def test_an_answer_that_breaks_the_schema_is_shown_and_said_so(api: Api) -> None:
    api.bench.site.raw_answer = {"status": "Maybe", "extra": 1}
    shown = (await send(api, "ClearCache", {})).json()

    assert shown["answer"] == {"status": "Maybe", "extra": 1}
    assert shown["faults"] == [
        {"pointer": "/extra", "detail": "OCPP has no such field here."},
        {"pointer": "/status", "detail": "This must be one of: Accepted, Rejected."},
    ]


@pytest.mark.parametrize(
    ("action", "payload", "status", "code"),
    [
        ("MakeCoffee", {}, 404, "UnknownRequest"),
        ("BootNotification", {}, 404, "UnknownRequest"),
        ("Reset", {}, 422, "RequestNotAllowed"),
        ("Reset", [], 422, "InvalidRequest"),
        ("Reset", "OnIdle", 422, "InvalidRequest"),
    ],
)
async def test_what_cannot_be_asked_is_neither_sent_nor_logged(
    api: Api, action: str, payload: Any, status: int, code: str
) -> None:
    answer = await send(api, action, payload)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.bench.site.asked_raw == []
    assert await log(api) == []


async def test_what_the_schema_does_not_allow_is_named_place_by_place(api: Api) -> None:
    answer = await send(api, "Reset", {"type": "Now", "evseId": -1, "why": "x"})

    assert answer.json()["errors"] == [
        {"pointer": "/why", "detail": "OCPP has no such field here."},
        {"pointer": "/evseId", "detail": "This must be 0 or more."},
        {"pointer": "/type", "detail": "This must be one of: Immediate, OnIdle, ImmediateAndResume."},
    ]


async def test_numbers_that_json_does_not_have_are_refused(api: Api) -> None:
    async with api.program(await api.staff_token()) as program:
        headers = {"Content-Type": "application/json"}
        address = "/stations/sakura-mall/ocpp/CostUpdated"
        for number in ("NaN", "Infinity", "-Infinity", "1e999"):
            body = f'{{"totalCost": {number}, "transactionId": "t"}}'
            answer = await program.post(address, content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "RequestNotAllowed"), number
        nested = '{"vendorId":"x","data":' + "[" * 30_000 + "]" * 30_000 + "}"
        deep = await program.post("/stations/sakura-mall/ocpp/DataTransfer", content=nested, headers=headers)

    assert deep.status_code == 422
    assert api.bench.site.asked_raw == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (CallRefused("s", "Reset", "NotSupported", "not here {}"), 502, "StationRefused"),
        (CallTimeout("s", "Reset", "no answer in time"), 504, "NoAnswerFromStation"),
        (CallTimeout("s", "Reset", "link lost"), 504, "LinkLost"),
        (CallTimeout("s", "Reset", "unreadable answer"), 502, "AnswerUnreadable"),
        (StationBusy("s", "Reset"), 409, "StationHasToAnswerFirst"),
    ],
)
async def test_why_no_answer_came_has_a_stable_code_and_is_logged(
    api: Api, error: Exception, status: int, code: str
) -> None:
    api.bench.site.raw_answer = error
    answer = await send(api, "Reset", {"type": "OnIdle"})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await log(api))[1].details == {"to": "Reset", "answer": str(error)}
    if code == "StationRefused":
        assert "NotSupported: not here {}" in answer.json()["detail"]


async def test_a_station_that_is_away_or_unknown_gets_nothing(api: Api) -> None:
    unknown = await send(api, "ClearCache", {}, station="nowhere")
    api.bench.site.online = False
    away = await send(api, "ClearCache", {})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "UnknownStation")
    assert (away.status_code, away.json()["code"]) == (409, "StationNotConnected")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        (
            "SetVariables",
            {
                "setVariableData": [
                    {
                        "attributeValue": SECRET,
                        "component": {"name": "SecurityCtrlr"},
                        "variable": {"name": "BasicAuthPassword"},
                    }
                ]
            },
        ),
        (
            "GetLog",
            {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": f"sftp://x:{SECRET}@logs.test"}},
        ),
        ("DataTransfer", {"vendorId": "x", "data": {"anything": SECRET}}),
        ("CustomerInformation", {"requestId": 1, "report": True, "clear": False, "customerIdentifier": SECRET}),
        (
            "RequestStartTransaction",
            {"idToken": {"idToken": SECRET, "type": "Central"}, "remoteStartId": 1},
        ),
    ],
)
async def test_a_secret_goes_to_the_station_and_nowhere_else(
    api: Api, action: str, payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    api.bench.site.raw_answer = {"status": "Accepted", "data": SECRET}
    if action == "SetVariables":
        api.bench.site.raw_answer = {
            "setVariableResult": [
                {
                    "attributeStatus": "Rejected",
                    "attributeStatusInfo": {"reasonCode": "x"},
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                }
            ]
        }
    elif action != "DataTransfer":
        api.bench.site.raw_answer = {"status": "Accepted"}
    await send(api, action, payload)

    assert api.bench.site.asked_raw == [(action, payload)]
    entries = await log(api)
    assert len(entries) == 2
    assert SECRET not in json.dumps([entry.details for entry in entries])
    assert SECRET not in caplog.text


async def test_a_long_request_is_cut_in_the_log(api: Api) -> None:
    tokens = [{"idToken": {"idToken": f"T{n:019}", "type": "Central"}} for n in range(500)]
    payload = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": tokens}
    assert (await send(api, "SendLocalList", payload)).status_code == 200

    (asked, _) = await log(api)
    assert len(asked.details["request"]) == 4001
