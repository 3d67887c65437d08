"""OCPP 1.6 against its official schemas, in both directions: what the floors above say and hear is 2.1."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for

from konsento.ocpp import messages as v21
from konsento.ocpp.actions import to_station
from konsento.ocpp.codec import RESPONSES
from konsento.ocpp.messages import IdToken, ReadingContext, Version
from konsento.ocpp.v16 import incoming, outgoing
from konsento.ocpp.v16 import messages as v16
from konsento.ocpp.v16.transactions import Place
from konsento.ocpp.v201 import NotInVersionError

FOLDER = Path(str(files("ocpp") / "v16" / "schemas"))
AT = datetime(2026, 11, 22, 1, 58, tzinfo=UTC)
PLACE = Place(number=77, seq_no=3, connector_id=1, started_at=AT)
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8-sig"))
    return schema


def validate(name: str, payload: Any) -> None:
    schema = schema_of(name)
    validator_for(schema)(schema).validate(payload)


def instances(part: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for what a schema of 1.6 allows."""
    if "$ref" in part:
        return instances(root["definitions"][part["$ref"].rpartition("/")[2]], root)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    match part["type"]:
        case "string" if part.get("format") == "date-time":
            times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  # written with the zone
            return times.map(lambda at: f"{at.isoformat(timespec='seconds')}Z")
        case "string":
            alphabet = st.characters(codec="utf-8", exclude_categories=["Cc"])
            return st.text(alphabet, min_size=1, max_size=min(part.get("maxLength", 20), 20))
        case "integer":
            return st.integers(0, 2**31 - 1)
        case "number":
            return st.integers(0, 10**6)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(instances(part["items"], root), min_size=part.get("minItems", 0), max_size=3)
    fields = {name: instances(field, root) for name, field in part["properties"].items()}
    required = set(part.get("required", ()))
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


@pytest.mark.parametrize("kind", v16.FROM_STATION, ids=lambda kind: kind.__name__)
@relaxed
@given(data=st.data())
def test_whatever_the_schema_allows_is_read(kind: type[v16.Part], data: st.DataObject) -> None:
    schema = schema_of(kind.__name__)
    payload = data.draw(instances(schema, schema))
    validate(kind.__name__, payload)
    message = msgspec.json.decode(json.dumps(payload), type=kind, strict=False)
    match message:
        case v16.BootNotification():
            incoming.boot(message)
        case v16.StatusNotification():
            assert incoming.status(message, AT).evse_id == payload["connectorId"]
        case v16.StartTransaction():
            event = incoming.started(message, PLACE)
            assert event.transaction_info.transaction_id == "77"
            assert event.id_token == IdToken(id_token=payload["idTag"].upper(), type="Central")
        case v16.StopTransaction():
            event = incoming.ended(message, PLACE)
            assert event.meter_value
            assert event.transaction_info.stopped_reason is not None
        case v16.MeterValues():
            incoming.updated(message, PLACE)
            incoming.readings(message)


def test_every_action_of_the_schemas_is_known() -> None:
    names = {path.stem.removesuffix("Response") for path in FOLDER.glob("*.json")}
    from_station = {kind.__name__ for kind in v16.FROM_STATION}
    assert from_station | to_station(Version.V16) == names
    assert from_station & to_station(Version.V16) == {"DataTransfer"}


COMPONENT = v21.Component(name="SampledDataCtrlr")
VARIABLE = v21.Variable(name="TxUpdatedInterval")
ASKED = [
    v21.RequestStartTransaction(evse_id=1, remote_start_id=4, id_token=IdToken(id_token="A" * 20, type="Central")),
    v21.RequestStartTransaction(remote_start_id=4, id_token=IdToken(id_token="A" * 20, type="Central")),
    v21.RequestStopTransaction(transaction_id="77"),
    v21.ChangeAvailability(operational_status=v21.OperationalStatus.INOPERATIVE, evse=v21.Evse(id=2)),
    v21.ChangeAvailability(operational_status=v21.OperationalStatus.OPERATIVE),
    v21.Reset(type=v21.ResetType.IMMEDIATE),
    v21.Reset(type=v21.ResetType.ON_IDLE),
    v21.UnlockConnector(evse_id=1, connector_id=1),
    *(
        v21.TriggerMessage(requested_message=name, evse=v21.Evse(id=1))
        for name in ("BootNotification", "MeterValues", "StatusNotification", "TransactionEvent", "Heartbeat")
    ),
    v21.GetVariables(get_variable_data=[v21.GetVariableData(component=COMPONENT, variable=VARIABLE)]),
    v21.SetVariables(
        set_variable_data=[v21.SetVariableData(component=COMPONENT, variable=VARIABLE, attribute_value="15")]
    ),
    v21.GetBaseReport(request_id=1, report_base=v21.ReportBase.FULL_INVENTORY),
    v21.DataTransfer(vendor_id="org.konsento", message_id="Identify", data={"evseId": 1}),
]


@pytest.mark.parametrize("request_21", ASKED, ids=lambda request: type(request).__name__)
@relaxed
@given(data=st.data())
def test_what_is_asked_is_in_the_schema_and_every_answer_of_it_is_understood(
    request_21: v21.Request[Any], data: st.DataObject
) -> None:
    calls = outgoing.calls_for(request_21)
    answers = []
    for action, payload in calls:
        validate(action, payload)
        schema = schema_of(f"{action}Response")
        answer = json.dumps(data.draw(instances(schema, schema)))
        answers.append(msgspec.json.decode(answer, type=outgoing.kind_of_answer(action)))

    assert calls
    assert isinstance(outgoing.answer_to(request_21, answers), RESPONSES[type(request_21)])


@pytest.mark.parametrize(
    "request_21",
    [
        v21.Reset(type=v21.ResetType.IMMEDIATE, evse_id=1),
        v21.Reset(type=v21.ResetType.IMMEDIATE_AND_RESUME),
        v21.TriggerMessage(requested_message="SignChargingStationCertificate"),
        v21.RequestStartTransaction(remote_start_id=4, id_token=IdToken(id_token="A" * 21, type="Central")),
        v21.GetTransactionStatus(transaction_id="77"),
    ],
    ids=lambda request: type(request).__name__,
)
def test_what_1_6_has_no_counterpart_for_is_refused(request_21: v21.Request[Any]) -> None:
    with pytest.raises(NotInVersionError):
        outgoing.calls_for(request_21)


def test_variables_that_1_6_does_not_have_are_unknown_and_the_others_are_set() -> None:
    data = [
        v21.SetVariableData(component=v21.Component(name=part), variable=v21.Variable(name=name), attribute_value="1")
        for part, name in (("TxCtrlr", "TxStartPoint"), ("SAMPLEDDATACTRLR", "txUpdatedInterval"))
    ]
    request = v21.SetVariables(set_variable_data=data)
    assert outgoing.calls_for(request) == [("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "1"})]
    answer = outgoing.answer_to(request, [v16.Status(status="RebootRequired")])

    assert isinstance(answer, v21.SetVariablesResponse)
    assert [one.attribute_status for one in answer.set_variable_result] == ["UnknownVariable", "RebootRequired"]


def test_a_report_lists_the_connectors_and_what_the_charger_is_set_to() -> None:
    keys = [
        v16.ConfigurationKey(key="numberOfConnectors", value="2"),
        v16.ConfigurationKey(key="MeterValueSampleInterval", value="60"),
    ]
    request = v21.GetBaseReport(request_id=9, report_base=v21.ReportBase.FULL_INVENTORY)
    page = outgoing.report(request, [v16.Configuration(configuration_key=keys)], AT)

    assert page.request_id == 9
    assert page.report_data is not None
    assert [item.component.evse.id for item in page.report_data if item.component.evse is not None] == [1, 2]
    assert [item.variable.name for item in page.report_data if item.component.evse is None] == ["TxUpdatedInterval"]


@pytest.mark.parametrize(
    ("sample", "wh"),
    [
        ({"value": "1234"}, Decimal(1234)),
        ({"value": " 1234.5 "}, Decimal("1234.5")),
        ({"value": 1234}, Decimal(1234)),
        ({"value": "1.5", "unit": "kWh"}, Decimal("1.5")),
        ({"value": ""}, None),
        ({"value": "12,5"}, None),
        ({"value": "NaN"}, None),
        ({"value": "Infinity"}, None),
        ({"value": "1e999999999"}, None),
        ({"value": "AF00", "format": "SignedData"}, None),
    ],
)
def test_readings_are_numbers_or_nothing(sample: dict[str, Any], wh: Decimal | None) -> None:
    text = json.dumps({"timestamp": "2026-11-22T01:58:00Z", "sampledValue": [sample]})
    values = incoming.meter_values([msgspec.json.decode(text, type=v16.MeterValue)])

    assert [one.value for value in values for one in value.sampled_value] == ([wh] if wh is not None else [])
    if wh is not None:
        (read,) = values[0].sampled_value
        assert (read.measurand, read.context) == ("Energy.Active.Import.Register", ReadingContext.SAMPLE_PERIODIC)


def test_every_reason_of_1_6_is_one_of_2_1() -> None:
    ours = json.loads(
        (FOLDER.parent.parent / "v21" / "schemas" / "TransactionEventRequest.json").read_text("utf-8-sig")
    )
    reasons = schema_of("StopTransaction")["properties"]["reason"]["enum"]
    for reason in [*reasons, None, "SomethingNew"]:
        stop = v16.StopTransaction(transaction_id=77, meter_stop=Decimal(1), timestamp=AT, reason=reason)
        event = incoming.ended(stop, PLACE)
        assert event.transaction_info.stopped_reason in ours["definitions"]["ReasonEnumType"]["enum"]
        assert event.trigger_reason in ours["definitions"]["TriggerReasonEnumType"]["enum"]
