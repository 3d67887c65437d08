"""Every request of the protocol that a station may send, in each version, gets a valid and honest answer."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.kit.clock import ManualClock
from konsento.ocpp import Handlers, Version, schemas
from konsento.ocpp.actions import FROM_STATION, OTHERS_FROM_STATION, SENT_BY_STATION, known_actions, to_station
from konsento.ocpp.messages import TransactionEvent, TransactionEventResponse
from konsento.ocpp.rpc import Connection
from konsento.ocpp.schemas import Side

from .payloads import payloads_of, relaxed, validator

if TYPE_CHECKING:
    from tests.cloud.ocpp.conftest import Site, Station

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TIME = "2026-11-23T09:30:00Z"
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
CALLS = {
    version: sorted(({kind.__name__ for kind in FROM_STATION} | OTHERS_FROM_STATION) & known_actions(version))
    for version in (Version.V21, Version.V201)
}
REQUESTS = [(version, action) for version, actions in CALLS.items() for action in actions]


class Wire:
    """Takes what is sent."""

    def __init__(self, version: Version) -> None:
        self.sent: list[Any] = []
        handlers = Handlers(ManualClock(NOW))

        @handlers.on(TransactionEvent)
        async def keep(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
            return TransactionEventResponse()

        self.connection = Connection("SITE-1", version, handlers, self)

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        raise AssertionError("nothing here closes")


def test_each_action_of_each_version_goes_one_way_or_both() -> None:
    for version, number in ((Version.V21, 36), (Version.V201, 25)):
        asked = set(CALLS[version])
        assert len(asked) == number
        assert asked & to_station(version) == {"DataTransfer"}
        assert asked | to_station(version) | (SENT_BY_STATION & known_actions(version)) == known_actions(version)


@pytest.mark.parametrize(("version", "action"), REQUESTS)
@relaxed
@given(data=st.data())
async def test_what_the_schema_allows_is_answered_by_the_schema(
    version: Version, action: str, data: st.DataObject
) -> None:
    payload = data.draw(payloads_of(f"{action}Request", version))
    validator(f"{action}Request", version).validate(payload)
    wire = Wire(version)
    wire.connection.receive(json.dumps([2, "m", action, payload]))
    ((kind, message_id, answer),) = wire.sent
    assert (kind, message_id) == (3, "m")
    validator(f"{action}Response", version).validate(answer)
    assert schemas.faults(action, Side.RESPONSE, answer, version) == ()


@relaxed
@given(payload=payloads_of("NotifyPeriodicEventStream", Version.V21))
async def test_a_stream_is_taken_and_never_answered(payload: dict[str, Any]) -> None:
    wire = Wire(Version.V21)
    wire.connection.receive(json.dumps([6, "m", "NotifyPeriodicEventStream", payload]))
    assert wire.sent == []


async def test_a_stream_that_breaks_the_schema_is_noticed_and_not_answered(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    await station.send([6, "m", "NotifyPeriodicEventStream", {"id": "x"}])
    assert (await station.call("Heartbeat", {}))[:2] == [3, "call-1"]
    assert "unreadable 'NotifyPeriodicEventStream'" in caplog.text


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("SignCertificate", {"csr": "x"}, {"status": "Rejected"}),
        (
            "Get15118EVCertificate",
            {"iso15118SchemaVersion": "x", "action": "Install", "exiRequest": "x"},
            {"status": "Failed", "exiResponse": ""},
        ),
        (
            "GetCertificateStatus",
            {"ocspRequestData": {**HASH, "responderURL": "http://ca.example"}},
            {"status": "Failed"},
        ),
        (
            "GetCertificateChainStatus",
            {
                "certificateStatusRequests": [
                    {"source": "OCSP", "urls": ["http://ca.example"], "certificateHashData": HASH}
                ]
            },
            {
                "certificateStatus": [
                    {"certificateHashData": HASH, "source": "OCSP", "status": "Failed", "nextUpdate": TIME}
                ]
            },
        ),
        ("PullDynamicScheduleUpdate", {"chargingProfileId": 1}, {"status": "Rejected"}),
        (
            "NotifyEVChargingNeeds",
            {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "AC_single_phase"}},
            {"status": "NoChargingProfile"},
        ),
        (
            "VatNumberValidation",
            {"vatNumber": "DE1", "evseId": 2},
            {"vatNumber": "DE1", "evseId": 2, "status": "Rejected"},
        ),
        ("NotifyDERAlarm", {"controlType": "HFMustTrip", "timestamp": TIME}, {}),
        ("ReservationStatusUpdate", {"reservationId": 1, "reservationUpdateStatus": "Expired"}, {}),
    ],
)
async def test_what_this_server_does_not_do_is_refused_in_the_words_of_the_message(
    action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    wire = Wire(Version.V21)
    wire.connection.receive(json.dumps([2, "m", action, payload]))
    assert wire.sent == [[3, "m", answer]]


async def test_an_older_station_is_refused_a_charging_profile_in_its_own_words(site: Site) -> None:
    needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "AC_single_phase"}}
    async with await site.connect(protocols=("ocpp2.0.1",)) as station:
        assert (await station.call("NotifyEVChargingNeeds", needs))[2] == {"status": "Rejected"}


@pytest.mark.parametrize("version", Version)
def test_each_request_to_a_station_has_a_skeleton_that_its_schema_allows(version: Version) -> None:
    for action in to_station(version):
        payload = schemas.skeleton(action, version, NOW)
        validator(f"{action}Request", version).validate(payload)
        assert schemas.faults(action, Side.REQUEST, payload, version) == ()
        needed = {field.path for field in schemas.fields(action, version) if field.required and "." not in field.path}
        assert needed == payload.keys()


@pytest.mark.parametrize(("version", "action"), [(v, a) for v, a in REQUESTS if a in OTHERS_FROM_STATION])
@relaxed
@given(data=st.data())
def test_the_quick_reading_agrees_with_the_official_schema(version: Version, action: str, data: st.DataObject) -> None:
    payload = data.draw(payloads_of(f"{action}Request", version))
    decoder = msgspec.json.Decoder(schemas.type_of(action, version))
    decoder.decode(json.dumps(payload))
    # One thing that must be there is taken away, one is put in the place of another.
    needed = sorted(payload.keys() & set(schemas.schema(action, Side.REQUEST, version).get("required", ())))
    for name in needed:
        for broken in (
            {key: value for key, value in payload.items() if key != name},
            payload | {name: None},
        ):
            assert schemas.faults(action, Side.REQUEST, broken, version)
            with pytest.raises(msgspec.ValidationError):
                decoder.decode(json.dumps(broken))


def test_fields_are_described_without_the_marks_of_their_document() -> None:
    for version in Version:
        for action in to_station(version):
            for field in schemas.fields(action, version):
                assert "<<" not in field.description
                assert "&lt;" not in field.description


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({}, [("/type", "This is missing.")]),
        ({"type": "Now"}, [("/type", "This must be one of: Immediate, OnIdle, ImmediateAndResume.")]),
        ({"type": "OnIdle", "evseId": "1"}, [("/evseId", "This must be a whole number.")]),
        ({"type": "OnIdle", "evseId": 1.5}, [("/evseId", "This must be a whole number.")]),
        ({"type": "OnIdle", "evseId": -1}, [("/evseId", "This must be 0 or more.")]),
        ({"type": "OnIdle", "evse/Id": 1}, [("/evse~1Id", "OCPP has no such field here.")]),
        ({"type": "OnIdle", "evseId": float("nan")}, [("/evseId", "JSON cannot carry this number.")]),
        ({"type": "OnIdle", "customData": {}}, [("/customData/vendorId", "This is missing.")]),
        ({"type": "OnIdle", "customData": {"vendorId": "x", "any": [1]}}, []),
        ([], [("", "This must be an object.")]),
    ],
)
def test_a_fault_says_where_and_what(payload: Any, told: list[tuple[str, str]]) -> None:
    found = schemas.faults("Reset", Side.REQUEST, payload, Version.V21)
    assert [(fault.pointer, fault.sentence) for fault in found] == told


def test_the_schemas_of_1_6_are_read_too() -> None:
    old: Any = "ocpp1.6"
    limits = [{"startPeriod": 0, "limit": 0.3}, {"startPeriod": 60, "limit": 0.35}]
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": limits}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    (fault,) = schemas.faults(
        "SetChargingProfile", Side.REQUEST, {"connectorId": 1, "csChargingProfiles": profile}, old
    )
    assert (fault.pointer.rpartition("/")[0][-2:], fault.sentence) == ("/1", "This must be a multiple of 0.1.")
    assert to_station(old) >= {"RemoteStartTransaction", "ChangeConfiguration", "TriggerMessage", "DataTransfer"}
    assert not to_station(old) & {"StartTransaction", "StopTransaction", "MeterValues", "BootNotification"}
    for action in to_station(old):
        assert schemas.faults(action, Side.REQUEST, schemas.skeleton(action, old, NOW), old) == (), action
        schemas.fields(action, old)
        schemas.faults(action, Side.RESPONSE, {}, old)


@pytest.mark.parametrize(
    ("at", "right"),
    [
        (TIME, True),
        ("2026-11-23T18:30:00.123+09:00", True),
        ("2026-11-23", False),
        ("2026-11-23T09:30:00", False),
        ("2026-02-30T09:30:00Z", False),
        ("soon", False),
    ],
)
def test_a_moment_has_a_date_a_time_and_a_zone(at: str, right: bool) -> None:
    payload = {"location": "https://x.example", "retrieveDateTime": at}
    found = schemas.faults("UpdateFirmware", Side.REQUEST, {"requestId": 1, "firmware": payload}, Version.V21)
    assert [fault.pointer for fault in found] == ([] if right else ["/firmware/retrieveDateTime"])


def test_what_is_nested_too_deeply_is_told_so() -> None:
    payload: dict[str, Any] = {"vendorId": "x", "data": []}
    for _ in range(20_000):
        payload["data"] = [payload["data"]]
    (fault,) = schemas.faults("DataTransfer", Side.REQUEST, payload, Version.V21)
    assert fault.sentence == "This is nested too deeply."
