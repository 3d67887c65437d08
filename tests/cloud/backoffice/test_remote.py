"""Asking a station: by operators, with the answer in the log, and no secret anywhere."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from konsento.models import Role
from konsento.ocpp import CallRefused, CallTimeout
from konsento.ocpp.messages import (
    ChangeAvailability,
    ChangeAvailabilityResponse,
    ChangeAvailabilityStatus,
    Component,
    DeviceModelStatus,
    GetBaseReport,
    GetBaseReportResponse,
    GetVariableResult,
    GetVariables,
    GetVariablesResponse,
    GetVariableStatus,
    Reset,
    ResetResponse,
    ResetStatus,
    SetVariableResult,
    SetVariables,
    SetVariablesResponse,
    SetVariableStatus,
    TriggerMessage,
    TriggerMessageResponse,
    TriggerMessageStatus,
    Variable,
)

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

STATION = "/office/stations/sakura-mall"
HEARTBEAT = {"component": Component(name="OCPPCommCtrlr"), "variable": Variable(name="HeartbeatInterval")}
SECRET = "a-new-password-of-the-site"

ANSWERS: dict[Any, Any] = {
    TriggerMessage: TriggerMessageResponse(status=TriggerMessageStatus.ACCEPTED),
    Reset: ResetResponse(status=ResetStatus.SCHEDULED),
    ChangeAvailability: ChangeAvailabilityResponse(status=ChangeAvailabilityStatus.ACCEPTED),
    GetBaseReport: GetBaseReportResponse(status=DeviceModelStatus.ACCEPTED),
    GetVariables: GetVariablesResponse(
        get_variable_result=[
            GetVariableResult(attribute_status=GetVariableStatus.ACCEPTED, attribute_value="60", **HEARTBEAT)
        ]
    ),
    SetVariables: SetVariablesResponse(
        set_variable_result=[SetVariableResult(attribute_status=SetVariableStatus.ACCEPTED, **HEARTBEAT)]
    ),
}
REQUESTS: list[tuple[str, dict[str, str], type]] = [
    ("trigger", {"message": "StatusNotification", "outlet": "2"}, TriggerMessage),
    ("reset", {"kind": "OnIdle", "reason": "it does not answer well"}, Reset),
    ("availability", {"status": "Inoperative", "outlet": "1"}, ChangeAvailability),
    ("report", {"base": "SummaryInventory"}, GetBaseReport),
    ("read", {"variable": "OCPPCommCtrlr.HeartbeatInterval"}, GetVariables),
    ("read", {"variable": "EVSE.Problem", "outlet": "1"}, GetVariables),
    ("write", {"variable": "OCPPCommCtrlr.HeartbeatInterval", "value": "30"}, SetVariables),
]


def play(office: Office, answers: dict[Any, Any]) -> None:
    for kind, answer in answers.items():
        office.bench.site.answers[kind] = lambda _, answer=answer: answer


@pytest.mark.parametrize(("what", "data", "kind"), REQUESTS)
async def test_a_request_is_sent_and_its_answer_logged(
    office: Office, what: str, data: dict[str, str], kind: type
) -> None:
    play(office, ANSWERS)
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"{STATION}/{what}", data=data)
        page = await browser.get(STATION)

    assert answer.status_code == 303
    (asked,) = office.bench.site.asked
    assert type(asked) is kind
    entry, answered = await office.log("station.")
    assert (entry.action, entry.subject) == (f"station.{kind.__name__}", "sakura-mall")
    assert entry.member_id == answered.member_id is not None
    assert (answered.action, answered.details["to"]) == ("station.answered", kind.__name__)
    assert answered.details["answer"]
    assert f"station.{kind.__name__}" in page.text


@pytest.mark.parametrize(
    "error", [CallTimeout("s", "Reset", "no answer in time"), CallRefused("s", "Reset", "NotSupported")]
)
async def test_a_site_that_does_not_answer_is_logged_too(office: Office, error: Exception) -> None:
    play(office, {Reset: error})
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"{STATION}/reset", data={"kind": "Immediate", "reason": "stuck since noon"})

    assert answer.status_code == 303
    asked, answered = await office.log("station.")
    assert asked.details["reason"] == "stuck since noon"
    assert answered.details == {"to": "Reset", "answer": str(error)}


async def test_what_is_asked_is_in_the_log_before_it_is_asked(office: Office) -> None:
    play(office, {Reset: RuntimeError("the process dies here")})
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"{STATION}/reset", data={"kind": "Immediate", "reason": "stuck since noon"})

    assert answer.status_code == 500
    (asked,) = await office.log("station.")
    assert (asked.action, asked.details["reason"]) == ("station.Reset", "stuck since noon")


async def test_a_secret_that_is_set_is_nowhere_afterwards(office: Office) -> None:
    play(office, ANSWERS)
    data = {"variable": "SecurityCtrlr.BasicAuthPassword", "value": SECRET}
    async with office.member(Role.ADMIN) as browser:
        await browser.post(f"{STATION}/write", data=data)
        pages = [await browser.get(at) for at in (STATION, "/office/log", "/office/log.csv")]

    (asked,) = office.bench.site.asked
    assert asked.set_variable_data[0].attribute_value == SECRET
    assert all(SECRET not in page.text for page in pages)
    assert SECRET not in json.dumps([entry.details for entry in await office.log()])


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("trigger", {"message": "MakeCoffee"}),
        ("write", {"variable": "ChargingStation.Model", "value": "x"}),
        ("write", {"variable": "OCPPCommCtrlr.HeartbeatInterval", "value": " "}),
        ("read", {"variable": "Invented.One"}),
        ("read", {"variable": "EVSE.Problem"}),
        ("reset", {"kind": "Immediate", "reason": "x"}),
        ("reset", {"kind": "Explode", "reason": "let us see what happens"}),
    ],
)
async def test_what_is_not_offered_is_not_sent(office: Office, what: str, data: dict[str, str]) -> None:
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"{STATION}/{what}", data=data)

    assert answer.status_code == 422
    assert office.bench.site.asked == []
