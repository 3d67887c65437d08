"""No person, car, contract or secret is in the journal: every text of every message of OCPP is planted with one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ocpp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.ocpp.redaction import HIDDEN, KEPT, WORDED, may_hold_secrets, redacted, redacted_error

SCHEMAS = Path(ocpp.__file__).parent
VERSIONS = ("v16", "v201", "v21")
NAMES_THINGS = frozenset(
    """
    chargeBoxSerialNumber chargePointModel chargePointSerialNumber chargePointVendor checksum chargingLimitSource
    connectorType controlId currency customTrigger encodingMethod endTimeOfDay firmwareVersion id instance
    iso15118SchemaVersion key language language1 language2 location messageId meterSerialNumber meterType model name
    priceAlgorithm reasonCode serialNumber signingMethod startTimeOfDay supersededIds tariffId tariffIds techCode
    transactionId type unit unknownKey validFromDate validToDate vendorErrorCode vendorId vendorName
    """.split()  # noqa: SIM905
)
"""The free texts that are kept: each was looked at. They name a station, its parts, a tariff, a transaction."""
PERSONAL = {
    "a card": "04A2B9C1D2E380",
    "a contract": "DE8AA1A2B3C4D5",
    "a car": "WVWZZZ1JZXW000001",
    "a mail address": "jane.doe@example.com",
    "a telephone": "+819012345678",
    "a payment": "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "a web address": "https://jane:secret@example.com/logs?token=1",
}


def properties(node: dict[str, Any], definitions: dict[str, Any], name: str = "") -> Iterator[tuple[str, str]]:
    """Give every text of a schema: its field and whether what may stand in it is fixed."""
    node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    for field, inner in node.get("properties", {}).items():
        yield from properties(inner, definitions, field)
    if "items" in node:
        yield from properties(node["items"], definitions, name)
    if node.get("type") == "string":
        yield name, "fixed" if "enum" in node or node.get("format") == "date-time" else "free"


def planted(node: dict[str, Any], definitions: dict[str, Any], name: str, canary: str) -> Any:
    """Return a message with everything that its schema knows, a canary wherever a text is free."""
    node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            return {
                field: planted(inner, definitions, field, canary) for field, inner in node.get("properties", {}).items()
            }
        case "array":
            return [planted(node["items"], definitions, name, canary)]
        case "string":
            # What names a thing is a thing's name: an attack on those fields is not what is looked at here.
            fixed = node.get("format") == "date-time"
            return "2026-11-22T01:58:00Z" if fixed else "thing" if name in NAMES_THINGS else canary
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:  # `data` of DataTransfer may be anything
            return {"anything": [canary, {canary: canary}]}


def schemas() -> list[Any]:
    return [
        pytest.param(path, id=f"{version}-{path.stem}")
        for version in VERSIONS
        for path in sorted((SCHEMAS / version / "schemas").glob("*.json"))
    ]


def action_of(path: Path) -> str:
    return path.stem.removesuffix("Request").removesuffix("Response")


@pytest.mark.parametrize("path", schemas())
def test_nothing_personal_is_left_of_any_message(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8-sig"))
    for what, canary in PERSONAL.items():
        text = json.dumps(planted(schema, schema.get("definitions", {}), "", canary))
        action = action_of(path)

        kept = redacted(action, text.encode()) if may_hold_secrets(action, text) else text

        assert canary not in kept, what
        assert canary[:5] not in kept, what


def test_every_fixed_word_of_ocpp_is_kept_and_every_other_text_was_looked_at() -> None:
    found: dict[str, set[str]] = {"fixed": set(), "free": set()}
    for version in VERSIONS:
        for path in (SCHEMAS / version / "schemas").glob("*.json"):
            schema = json.loads(path.read_text("utf-8-sig"))
            for name, kind in properties(schema, schema.get("definitions", {})):
                found[kind].add(name)

    assert found["fixed"] <= KEPT
    assert KEPT & found["free"] == NAMES_THINGS & found["free"]
    assert KEPT - found["fixed"] - found["free"] == set()
    assert KEPT.isdisjoint(WORDED)


@pytest.mark.parametrize("where", ["personalMessage", "vin", "evccId", "vehicleId", "driverName", "data", "idTokens"])
def test_a_field_that_nobody_listed_is_hidden(where: str) -> None:
    for value in ("Jane Doe", ["Jane Doe"], {"inner": "Jane Doe"}, [{"inner": ["Jane Doe"]}]):
        text = json.dumps({"vendorId": "com.example", where: value})

        assert may_hold_secrets("DataTransfer" if where == "data" else "NotifyEvent", text)
        assert "Jane" not in redacted("DataTransfer" if where == "data" else "NotifyEvent", text.encode())


def test_what_another_maker_adds_is_hidden_and_what_our_sites_add_is_kept() -> None:
    theirs = {"customData": {"vendorId": "com.example", "driver": "Jane", "phone": 819012345678}}
    ours = {"customData": {"vendorId": "org.konsento", "reason": "offline", "energyLimitWh": 1000}}

    assert json.loads(redacted("StatusNotification", json.dumps(theirs).encode())) == {
        "customData": {"vendorId": "com.example"}
    }
    assert json.loads(redacted("StatusNotification", json.dumps(ours).encode())) == ours


def test_an_answer_to_a_foreign_transfer_is_hidden_and_one_to_ours_is_kept() -> None:
    answer = json.dumps({"status": "Accepted", "data": {"hops": [{"hop": "line", "reachable": True}]}}).encode()

    assert json.loads(redacted("DataTransfer", answer)) == {"status": "Accepted", "data": HIDDEN}
    assert json.loads(redacted("DataTransfer", answer, ours=True)) == json.loads(answer)


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("HeartbeatInterval", "300", True),
        ("Model", "Outlet 3 kW", True),
        ("Power", "2950.5", True),
        ("SomeSwitch", "true", True),
        ("SomeText", "Jane", False),
        ("VehicleId", "12", False),
        ("Token", "1234567", False),
        ("SimPin", "1234", False),
        ("BasicAuthPassword", "1234567", False),
    ],
)
def test_of_variables_only_harmless_values_are_kept(variable: str, value: str, *, shown: bool) -> None:
    reported = {"reportData": [{"variable": {"name": variable}, "variableAttribute": [{"value": value}]}]}
    told = {"eventData": [{"variable": {"name": variable}, "actualValue": value}]}
    old = {"configurationKey": [{"key": variable, "readonly": True, "value": value}]}

    for action, payload in (("NotifyReport", reported), ("NotifyEvent", told), ("GetConfiguration", old)):
        assert (f'"{value}"' in redacted(action, json.dumps(payload).encode())) == shown, action


def test_a_meter_of_16_is_kept_and_a_card_in_its_place_is_not() -> None:
    values = [{"value": "1204318.125", "measurand": "Energy.Active.Import.Register"}, {"value": "04A2B9C1"}]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": "2026-11-22T01:58:00Z", "sampledValue": values}]}

    kept = json.loads(redacted("MeterValues", json.dumps(payload).encode()))

    assert [value["value"] for value in kept["meterValue"][0]["sampledValue"]] == ["1204318.125", HIDDEN]


def test_of_words_what_may_be_a_number_or_an_address_is_hidden() -> None:
    answer = {"status": "Rejected", "statusInfo": {"reasonCode": "Stuck", "additionalInfo": "relay 2 of tag 04A2B9"}}
    error = json.dumps(["InternalError", "no such token jane@example.com", {"idTag": "04A2B9C1", "at": 3}])

    assert "relay 2 of tag …" in redacted("Reset", json.dumps(answer).encode())
    assert json.loads(redacted_error(error.encode())) == [
        "InternalError", "no such token …", {"idTag": HIDDEN, "at": 3},
    ]  # fmt: skip
    assert json.loads(redacted_error(b"[]")) == []


def test_our_own_tokens_can_be_told_apart_and_cards_cannot() -> None:
    def kept(token: str) -> str:
        text = json.dumps({"idToken": {"idToken": token, "type": "Central"}})
        assert may_hold_secrets("TransactionEvent", text)
        return str(json.loads(redacted("TransactionEvent", text.encode()))["idToken"]["idToken"])

    assert kept("ABCDEFGHIJ0123456789") == "ABCD…"
    assert kept("04A2B9C1D2E380") == HIDDEN


def test_a_usual_event_need_not_be_looked_through() -> None:
    event = (
        '{"eventType":"Updated","timestamp":"2026-11-22T02:00:12Z","triggerReason":"MeterValuePeriodic","seqNo":12,'
        '"transactionInfo":{"transactionId":"tx-1","chargingState":"Charging"},"evse":{"id":1,"connectorId":1},'
        '"meterValue":[{"timestamp":"2026-11-22T02:00:12Z","sampledValue":[{"value":1203.25}]}]}'
    )

    assert not may_hold_secrets("TransactionEvent", event)
    assert not may_hold_secrets("TransactionEvent", "{}")


keys = st.sampled_from(["status", "x", "name", "a b", "jane@example.com", "idTag", "山田", "customData"])
values = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(value=values, spaces=st.booleans(), plain=st.booleans())
def test_what_need_not_be_looked_through_would_not_be_changed(value: Any, *, spaces: bool, plain: bool) -> None:
    payload = {"payload": value}
    text = json.dumps(payload, ensure_ascii=plain, indent=1 if spaces else None)

    if not may_hold_secrets("NotifyEvent", text):
        assert json.loads(redacted("NotifyEvent", text.encode())) == payload


@given(value=values)
def test_what_was_looked_through_is_json_whose_names_are_names(value: Any) -> None:
    kept = redacted("NotifyEvent", json.dumps({"payload": value}).encode())

    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*|…", name) for name in _names(json.loads(kept)))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _names(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)
