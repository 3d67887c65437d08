"""The journal of frames: complete, without secrets, and never in anybody's way."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from konsento.backoffice.work import forget_old_frames
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.models import Direction, OcppFrame
from konsento.ocpp import Handlers, Journal, Version
from konsento.ocpp import journal as module
from konsento.ocpp.messages import Reset, ResetType
from konsento.ocpp.redaction import PLAIN_VARIABLES, may_hold_secrets, redacted
from konsento.ocpp.rpc import Connection

from ..conftest import AT, Core

IN, OUT = Direction.IN, Direction.OUT
SECRET = "S3CRETxyzzyPLUGH9"


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database, ManualClock(AT))


async def frames(database: Database) -> list[OcppFrame]:
    async with database.transaction() as session:
        return list(await session.scalars(select(OcppFrame).order_by(OcppFrame.id)))


async def test_call_and_answer_are_kept_with_what_they_are_about(journal: Journal, database: Database) -> None:
    event = {"eventType": "Started", "transactionInfo": {"transactionId": "T1", "remoteStartId": 7}}
    journal.note("S", OUT, '[2,"a","RequestStartTransaction",{"remoteStartId":7}]')
    journal.note("S", IN, '[3,"a",{"status":"Accepted","transactionId":"T1"}]')
    journal.note("S", IN, json.dumps([2, "b", "TransactionEvent", event]))
    journal.note("S", OUT, '[3,"b",{}]')
    journal.note("S", OUT, '[2,"c","RequestStopTransaction",{"transactionId":"T1"}]')
    journal.note("S", IN, '[4,"c","InternalError","no",{}]')
    await journal.flush()

    kept = [(f.direction, f.type, f.action, f.transaction_id, f.remote_start_id) for f in await frames(database)]
    assert kept == [
        (OUT, "CALL", "RequestStartTransaction", None, 7),
        (IN, "CALLRESULT", "RequestStartTransaction", "T1", 7),
        (IN, "CALL", "TransactionEvent", "T1", 7),
        (OUT, "CALLRESULT", "TransactionEvent", "T1", 7),
        (OUT, "CALL", "RequestStopTransaction", "T1", None),
        (IN, "CALLERROR", "RequestStopTransaction", "T1", None),
    ]


class Wire:
    """A line that takes everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        raise AssertionError((code, reason))


async def test_a_connection_notes_what_it_hears_and_says(journal: Journal, database: Database) -> None:
    wire = Wire()
    connection = Connection("S", Version.V21, Handlers(ManualClock(AT)), wire, journal)
    connection.receive('[2,"1","Heartbeat",{}]')
    call = asyncio.create_task(connection.call(Reset(type=ResetType.ON_IDLE), timeout_s=5))
    while len(wire.sent) < 2:  # noqa: ASYNC110  # a few turns of the loop, no event to wait for
        await asyncio.sleep(0)
    message_id = json.loads(wire.sent[1])[1]
    connection.receive(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    await call
    await journal.flush()

    kept = [(f.direction, f.type, f.action) for f in await frames(database)]
    assert kept == [
        (IN, "CALL", "Heartbeat"),
        (OUT, "CALLRESULT", "Heartbeat"),
        (OUT, "CALL", "Reset"),
        (IN, "CALLRESULT", "Reset"),
    ]


async def test_the_same_message_id_in_both_directions_is_two_calls(journal: Journal, database: Database) -> None:
    journal.note("S", IN, '[2,"1","Heartbeat",{}]')
    journal.note("S", OUT, '[2,"1","Reset",{"type":"OnIdle"}]')
    journal.note("S", IN, '[3,"1",{"status":"Accepted"}]')
    journal.note("S", OUT, '[3,"1",{"currentTime":"2026-11-22T01:58:00Z"}]')
    await journal.flush()

    assert [f.action for f in await frames(database)] == ["Heartbeat", "Reset", "Reset", "Heartbeat"]


def setting(**variable: Any) -> list[Any]:
    return [2, "1", "SetVariables", {"setVariableData": [{"attributeValue": SECRET, **variable}]}]


REPORTED = {"variable": {"name": "AuthorizationKey"}, "variableAttribute": [{"value": SECRET}]}
CARD = {"idToken": "x", "type": "eMAID", "additionalInfo": [{"additionalIdToken": SECRET, "type": "t"}]}


@pytest.mark.parametrize(
    "frame",
    [
        setting(component={"name": "SecurityCtrlr"}, variable={"name": "BasicAuthPassword"}),
        setting(component={"name": "X"}, variable={"name": "OnlyThatMakerKnows"}),
        setting(),
        [2, "1", "SetNetworkProfile", {"connectionData": {"basicAuthPassword": SECRET}}],
        [2, "1", "TransactionEvent", {"idToken": {"idToken": SECRET, "type": "Central"}}],
        [2, "1", "RequestStartTransaction", {"idToken": {"idToken": SECRET, "type": "Central"}, "remoteStartId": 1}],
        [2, "1", "Authorize", {"idToken": CARD}],
        [2, "1", "NotifyReport", {"reportData": [REPORTED]}],
        [3, "1", {"getVariableResult": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": SECRET}]}],
        [3, "1", {"getVariableResult": [{"variable": {"name": "SharedSecret"}, "attributeValue": SECRET}]}],
        [2, "1", "SetNetworkProfile", {"connectionData": {"apn": {"apnPassword": SECRET, "simPin": 8317}}}],
        [2, "1", "SetNetworkProfile", {"connectionData": {"vpn": {"user": SECRET, "key": SECRET, "type": "IKEv2"}}}],
        [2, "1", "GetLog", {"log": {"remoteLocation": f"sftp://cpo:{SECRET}@logs.example/in"}}],
        [2, "1", "UpdateFirmware", {"firmware": {"location": f"https://{SECRET}@fw.example/a.bin"}}],
        [2, "1", "ChangeConfiguration", {"key": "OnlyThatMakerKnows", "value": SECRET}],
        [3, "1", {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}],
        [2, "1", "Authorize", {"idTag": SECRET}],
        [3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": SECRET}}],
        [2, "1", "CustomerInformation", {"requestId": 1, "customerIdentifier": SECRET}],
        [2, "1", "NotifyCustomerInformation", {"requestId": 1, "data": SECRET}],
        [2, "1", "NotifySettlement", {"pspRef": SECRET, "vatNumber": SECRET, "vatCompany": {"name": SECRET}}],
        [2, "1", "VatNumberValidation", {"vatNumber": SECRET}],
    ],
)
async def test_what_opens_something_is_not_kept(journal: Journal, database: Database, frame: list[Any]) -> None:
    journal.note("S", IN, json.dumps(frame))
    journal.note("S", IN, json.dumps(frame).replace("idToken", "\\u0069dToken"))
    await journal.flush()

    kept = await frames(database)
    assert len(kept) == 2
    assert all(SECRET[:5] not in f.text for f in kept)
    assert all(f.type != module.UNREADABLE for f in kept)


@pytest.mark.parametrize(
    "text", [f'{{"password":"{SECRET}"}}', SECRET, f'[2,"1","SetVariables",{SECRET}]', "[" * 5000, ""]
)
async def test_what_cannot_be_read_is_counted_not_kept(journal: Journal, database: Database, text: str) -> None:
    journal.note("S", IN, text)
    await journal.flush()

    (frame,) = await frames(database)
    assert SECRET not in frame.text
    assert "characters" in frame.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


def planted(value: Any, path: list[int]) -> Any:
    """Put a token somewhere into a value."""
    token = {"idToken": SECRET, "type": "Central"}
    match value:
        case list() if path:
            return [*value, planted(value[path[0] % len(value)] if value else None, path[1:])]
        case dict() if path:
            return {**value, "nested": planted(None, path[1:])}
        case _:
            return {"idToken": token, "beside": value}


@given(
    value=json_values,
    path=st.lists(st.integers(0, 5), max_size=4),
    action=st.sampled_from(["DataTransfer", "SetVariables"]),
)
def test_a_token_is_found_wherever_it_is(value: Any, path: list[int], action: str) -> None:
    text = json.dumps(planted(value, path))

    assert may_hold_secrets(action, text)
    assert SECRET not in redacted(action, text.encode())


@given(name=st.text(min_size=1, max_size=50).filter(lambda name: name not in PLAIN_VARIABLES))
def test_the_value_of_an_unknown_variable_is_hidden(name: str) -> None:
    item = {"attributeValue": SECRET, "component": {"name": "C"}, "variable": {"name": name}}

    assert SECRET not in redacted("SetVariables", json.dumps({"setVariableData": [item]}).encode())


@given(text=st.text(max_size=200))
def test_whatever_is_noted_nothing_is_raised(text: str) -> None:
    module._kept("", "", b"", text)
    kind, message_id, action, payload = module._parts(text)

    assert kind == module.UNREADABLE or message_id
    assert isinstance(module._kept(kind, action, payload, text), str)


async def test_a_long_frame_is_cut(journal: Journal, database: Database) -> None:
    journal.note("S", IN, json.dumps([2, "1", "NotifyReport", {"seqNo": [1] * 50_000}]))
    await journal.flush()

    assert len((await frames(database))[0].text) == module.MOST_TEXT


async def test_what_is_too_much_is_dropped_and_counted(
    journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FRAMES", 10)
    for number in range(25):
        journal.note("S", IN, f'[2,"{number}","Heartbeat",{{}}]')
    assert (journal.waiting, journal.dropped) == (10, 15)
    await journal.flush()
    journal.note("S", IN, '[2,"late","Heartbeat",{}]')
    await journal.flush()

    assert [f.message_id for f in await frames(database)] == [*map(str, range(10)), "late"]
    assert (journal.waiting, journal.dropped) == (0, 15)


async def test_a_database_that_is_away_costs_frames_and_nothing_else(
    journal: Journal, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise OSError("no such disk")

    journal.note("S", IN, '[2,"1","Heartbeat",{}]')
    with monkeypatch.context() as broken:
        broken.setattr(database, "transaction", away)
        await journal.flush()
    journal.note("S", IN, '[2,"2","Heartbeat",{}]')
    await journal.flush()

    assert journal.dropped == 1
    assert [f.message_id for f in await frames(database)] == ["2"]


async def test_old_frames_are_forgotten(core: Core) -> None:
    database, clock = core.services.database, core.clock
    journal = Journal(database, clock)
    for _ in range(3):
        journal.note("S", IN, '[2,"1","Heartbeat",{}]')
        clock.advance(timedelta(days=15))
    await journal.flush()

    assert await forget_old_frames(core.services) == 1
    assert len(await frames(database)) == 2


async def test_messages_of_1_6_are_found_by_their_transaction_and_outlet(journal: Journal, database: Database) -> None:
    journal.note("S", IN, json.dumps([2, "1", "StartTransaction", {"connectorId": 2}]))
    journal.note("S", OUT, json.dumps([3, "1", {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}]))
    journal.note("S", IN, json.dumps([2, "2", "MeterValues", {"connectorId": 2, "transactionId": 77}]))
    journal.note("S", OUT, json.dumps([2, "3", "RemoteStopTransaction", {"transactionId": 77}]))
    await journal.flush()
    kept = await frames(database)

    assert [frame.evse_id for frame in kept] == [2, 2, None, None]
    assert [frame.transaction_id for frame in kept] == [None, "77", "77", "77"]
