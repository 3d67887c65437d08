"""What happens to frames that no station should send: each gets the right error code, and none stops the connection."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konsento.kit.clock import SystemClock
from konsento.ocpp import Handlers, Version
from konsento.ocpp.actions import known_actions
from konsento.ocpp.codec import BadFrameError, ErrorCode, read_frame, read_request
from konsento.ocpp.messages import Request
from konsento.ocpp.others import OtherMessage
from konsento.ocpp.rpc import Connection, TooManyCallsError

if TYPE_CHECKING:
    from tests.cloud.ocpp.conftest import Site, Station

TIME = "2026-11-23T09:30:00Z"
EVENT: dict[str, Any] = {
    "eventType": "Updated",
    "timestamp": TIME,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 1,
    "transactionInfo": {"transactionId": "tx-1"},
}


def reading(value: str) -> str:
    """Return an event with this text in the place of a meter's value."""
    event = {**EVENT, "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": "@"}]}]}
    return json.dumps([2, "m", "TransactionEvent", event]).replace('"@"', value)


@pytest.mark.parametrize(
    ("frame", "message_id", "code"),
    [
        ("", "-1", "RpcFrameworkError"),
        ("nonsense", "-1", "RpcFrameworkError"),
        ("{}", "-1", "RpcFrameworkError"),
        ("[]", "-1", "RpcFrameworkError"),
        ("[" * 50_000, "-1", "RpcFrameworkError"),
        ('["2","m","Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ("[2]", "-1", "RpcFrameworkError"),
        ('[2,7,"Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[2,"","Heartbeat",{}]', "-1", "RpcFrameworkError"),
        (f'[2,"{"m" * 37}","Heartbeat",{{}}]', "-1", "RpcFrameworkError"),
        ('[2,"m","Heartbeat"]', "m", "RpcFrameworkError"),
        ('[2,"m","Heartbeat",{},{}]', "m", "RpcFrameworkError"),
        ('[2,"m",7,{}]', "m", "RpcFrameworkError"),
        ('[9,"m","Heartbeat",{}]', "m", "MessageTypeNotSupported"),
        ('[1,"m"]', "m", "MessageTypeNotSupported"),
        ('[2,"m","MakeCoffee",{}]', "m", "NotImplemented"),
        ('[2,"m","heartbeat",{}]', "m", "NotImplemented"),
        ('[2,"m","NotifyPeriodicEventStream",{}]', "m", "NotSupported"),
        ('[2,"m","SignCertificate",{}]', "m", "OccurrenceConstraintViolation"),
        ('[2,"m","SignCertificate",{"csr":7}]', "m", "TypeConstraintViolation"),
        (json.dumps([2, "m", "SignCertificate", {"csr": "x" * 5501}]), "m", "PropertyConstraintViolation"),
        ('[2,"m","LogStatusNotification",{"status":"Lost"}]', "m", "PropertyConstraintViolation"),
        ('[2,"m","ReportDERControl",{"requestId":1,"fixedPFAbsorb":[]}]', "m", "OccurrenceConstraintViolation"),
        ('[2,"m","SignCertificate",null]', "m", "FormatViolation"),
        ('[2,"m","RequestStartTransaction",{}]', "m", "NotSupported"),
        ('[2,"m","Heartbeat",[]]', "m", "FormatViolation"),
        ('[2,"m","Heartbeat",null]', "m", "FormatViolation"),
        ('[2,"m","Heartbeat","x"]', "m", "FormatViolation"),
        ('[2,"m","Heartbeat",{"customData":{"vendorId":"\\ud800"}}]', "m", "FormatViolation"),
        ('[2,"m","Heartbeat",{"customData":{', "m", "FormatViolation"),
        ('[2,"m","Heartbeat",{"customData":' + "[" * 50_000, "m", "FormatViolation"),
        ('[2,"m","Heartb', "m", "RpcFrameworkError"),
        ('[2,"m', "-1", "RpcFrameworkError"),
        ('[2,"m\\ud800","Heartbeat",{}]', "-1", "RpcFrameworkError"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "seqNo": "1"}]), "m", "TypeConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "evse": 1}]), "m", "TypeConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "seqNo": None}]), "m", "TypeConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {}]), "m", "OccurrenceConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "meterValue": []}]), "m", "OccurrenceConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "seqNo": -1}]), "m", "PropertyConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "seqNo": 2**31}]), "m", "PropertyConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "eventType": "x"}]), "m", "PropertyConstraintViolation"),
        (json.dumps([2, "m", "TransactionEvent", {**EVENT, "timestamp": "now"}]), "m", "PropertyConstraintViolation"),
        (
            json.dumps([2, "m", "TransactionEvent", {**EVENT, "timestamp": "2026-11-23T09:30:00"}]),
            "m",
            "PropertyConstraintViolation",
        ),
        (
            json.dumps([2, "m", "TransactionEvent", {**EVENT, "timestamp": "0001-01-01T00:00:00+14:00"}]),
            "m",
            "PropertyConstraintViolation",
        ),
        (
            json.dumps([2, "m", "TransactionEvent", {**EVENT, "transactionInfo": {"transactionId": "x" * 37}}]),
            "m",
            "PropertyConstraintViolation",
        ),
        (
            json.dumps([2, "m", "TransactionEvent", {**EVENT, "transactionInfo": {"transactionId": "a\x01b"}}]),
            "m",
            "PropertyConstraintViolation",
        ),
        (reading("true"), "m", "TypeConstraintViolation"),
        (reading('"NaN"'), "m", "PropertyConstraintViolation"),
        (reading('"Infinity"'), "m", "PropertyConstraintViolation"),
        (reading("1e999999999"), "m", "PropertyConstraintViolation"),
        (reading("1e-999999999"), "m", "PropertyConstraintViolation"),
    ],
)
async def test_a_bad_frame_gets_the_error_that_names_its_fault(
    station: Station, frame: str, message_id: str, code: str
) -> None:
    await station.send(frame)
    answer = await station.receive()
    assert answer[:3] == [4, message_id, code]
    assert isinstance(answer[3], str)
    assert len(answer[3]) <= 255
    assert answer[4] == {}
    assert (await station.call("Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    "frame",
    [
        '[3,"m"]',
        "[3,7,{}]",
        '[3,"m",{}]',
        '[4,"m"]',
        '[4,"m",7]',
        '[4,"m","GenericError"]',
        '[5,"m","FormatViolation","why",{}]',
        '[6,"m","NotifyPeriodicEventStream",{}]',
        '[6,"m",7,{}]',
        '[6,"m","TransactionEvent",{}]',
        '[6,"m","MakeCoffee",{}]',
        '[6,"m","NotifyPeriodicEventStream",{',
        '[3,"m",{',
        '[4,"-1","RpcFrameworkError","",{}]',
    ],
)
async def test_an_answer_to_nothing_is_ignored_and_never_answered(station: Station, frame: str) -> None:
    await station.send(frame)
    assert (await station.call("Heartbeat", {}))[:2] == [3, "call-1"]


@pytest.mark.parametrize("number", [5, 6])
async def test_the_frame_types_of_2_1_are_unknown_to_2_0_1(site: Site, number: int) -> None:
    async with await site.connect(protocols=("ocpp2.0.1",)) as station:
        await station.send([number, "m", "X", {}])
        assert (await station.receive())[:3] == [4, "m", "MessageTypeNotSupported"]


@pytest.mark.parametrize("action", ["NotifyWebPaymentStarted", "SetDERControl"])
async def test_an_action_of_2_1_is_unknown_to_2_0_1(site: Site, action: str) -> None:
    async with await site.connect(protocols=("ocpp2.0.1",)) as old, await site.connect("SITE-2") as new:
        assert (await old.call(action, {}))[2] == "NotImplemented"
        assert (await new.call(action, {}))[2] == "NotSupported"


def test_words_that_billing_does_not_hang_on_are_kept_as_they_came() -> None:
    odd = {**EVENT, "triggerReason": "SolarEclipse", "newField": 1, "transactionInfo": {"transactionId": "t", "x": []}}
    frame = read_frame(json.dumps([2, "m", "TransactionEvent", odd]), Version.V201)
    assert read_request(frame, Version.V201).trigger_reason == "SolarEclipse"  # type: ignore[attr-defined]


def test_a_message_never_shows_its_id_token() -> None:
    event = {**EVENT, "idToken": {"idToken": "SECRETSECRET", "type": "Central"}}
    request = read_request(read_frame(json.dumps([2, "m", "TransactionEvent", event]), Version.V21), Version.V21)
    assert "SECRETSECRET" not in f"{request} {request!r}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["TransactionEvent", TIME]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(EVENT)), inner),
    max_leaves=20,
)
ACTIONS = st.sampled_from(["TransactionEvent", "Heartbeat", "x"])
FRAMES = (
    st.binary()
    | st.text()
    | JSON.map(json.dumps)
    | st.tuples(
        st.integers(0, 7), st.text(max_size=40), st.sampled_from(["TransactionEvent", "Heartbeat", "x"]), JSON
    ).map(json.dumps)
    | st.dictionaries(st.sampled_from(sorted(EVENT)), JSON).map(
        lambda fields: json.dumps([2, "m", "TransactionEvent", EVENT | fields])
    )
)


@given(frame=FRAMES | st.lists(JSON, max_size=5).map(json.dumps), version=st.sampled_from(Version))
def test_reading_ends_in_a_message_or_in_a_named_fault(frame: str | bytes, version: Version) -> None:
    try:
        result: object = read_request(read_frame(frame, version), version)
    except BadFrameError as fault:
        result = fault
    assert isinstance(result, Request | OtherMessage | BadFrameError)


IDS = st.sampled_from(["a", "b", "a\x00", "-1", "x" * 36, "x" * 37, ""]) | st.text(max_size=3)
CALLS = st.tuples(
    st.sampled_from([2, 3, 4, 5, 6]), IDS, st.sampled_from([*sorted(known_actions(Version.V21)), "MakeCoffee"]), JSON
)


def readable_ids(frames: list[str]) -> list[str]:
    """Return the ids of the calls among these frames, read without the program's help."""
    found = []
    for text in frames:
        try:
            frame = json.loads(text)
        except ValueError, RecursionError:
            continue
        if not isinstance(frame, list) or len(frame) < 2 or type(frame[0]) is not int or frame[0] != 2:
            continue
        if isinstance(frame[1], str) and 0 < len(frame[1]) <= 36 and "\\ud" not in json.dumps(frame[1]):
            found.append(frame[1])
    return found


@given(
    frames=st.lists(
        st.text() | FRAMES.filter(lambda frame: isinstance(frame, str)) | CALLS.map(json.dumps), max_size=20
    ),
    version=st.sampled_from(Version),
)
@example(frames=['[2,"a","Heartbeat",{}]', '[2,"a","Heartbeat",{}]', '[2,"a","BatterySwap",null]'], version=Version.V21)
async def test_a_connection_survives_any_frames_and_answers_every_call_once(
    frames: list[str], version: Version
) -> None:
    sent: list[str] = []

    class Link:
        async def send(self, text: str) -> None:
            sent.append(text)

        async def close(self, code: int, reason: str) -> None:
            raise AssertionError("nothing here closes")

    connection = Connection("SITE-1", version, Handlers(SystemClock()), Link())
    for frame in frames:
        try:
            connection.receive(frame)
        except TooManyCallsError:
            raise AssertionError("answers that wait for nobody do not pile up") from None
    connection.receive('[2,"last","Heartbeat",{}]')
    answers = [json.loads(text) for text in sent]
    assert answers[-1][:2] == [3, "last"]
    assert all(answer[0] in {3, 4} for answer in answers)
    assert all(answer[2] in set(ErrorCode) for answer in answers if answer[0] == 4)
    asked, answered = Counter(readable_ids(frames)), Counter(answer[1] for answer in answers[:-1])
    for message_id, times in asked.items():
        # "-1" is also what those get whose id could not be read.
        assert answered[message_id] == times or (message_id == "-1" and answered[message_id] >= times)
