"""Every message against the official JSON schemas of OCPP 2.1 and 2.0.1, in both directions."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from konsento.ocpp.actions import FROM_STATION, known_actions
from konsento.ocpp.codec import RESPONSES, read_frame, read_response, write_call, write_result
from konsento.ocpp.messages import Body, Request, RequestStartTransaction, Version
from konsento.ocpp.v201 import NotInVersionError

from .payloads import SCHEMAS, payloads_of, relaxed, validator

BODIES = sorted((kind for pair in RESPONSES.items() for kind in pair), key=lambda kind: kind.__name__)
TO_STATION = [kind for kind in RESPONSES if kind not in FROM_STATION] + [RESPONSES[kind] for kind in FROM_STATION]

# What the specification (not always the schema) says a field means where it is absent.
DEFAULTS = {
    "attributeType": "Actual",
    "constant": False,
    "context": "Sample.Periodic",
    "location": "Outlet",
    "measurand": "Energy.Active.Import.Register",
    "multiplier": 0,
    "offline": False,
    "persistent": False,
    "tbc": False,
    "type": "Actual",
    "unit": "Wh",
}


def name_of(kind: type[Body]) -> str:
    return kind.__name__ if kind.__name__.endswith("Response") else f"{kind.__name__}Request"


def payloads(kind: type[Body], version: Version) -> st.SearchStrategy[dict[str, Any]]:
    return payloads_of(name_of(kind), version)


def validator_of(kind: type[Body], version: Version) -> Any:
    return validator(name_of(kind), version)


def meaning(value: Any) -> Any:
    """Return what a JSON value says, however it is written: absent or default, 1 or 1.0, with this zone or that."""
    match value:
        case dict():
            return {
                name: meaning(field)
                for name, field in value.items()
                if field is not None and (name not in DEFAULTS or field != DEFAULTS[name])
            }
        case list():
            return [meaning(item) for item in value]
        case bool():
            return value
        case int() | float():
            return Decimal(repr(value)).normalize()
        case str():
            try:
                return datetime.fromisoformat(value).astimezone(UTC) if "T" in value else value
            except ValueError, OverflowError:
                return value
        case _:
            return value


def read(kind: type[Body], payload: dict[str, Any], version: Version) -> Body:
    frame = read_frame(json.dumps([3, "id", payload]), version)
    return read_response(kind, frame)  # type: ignore[type-var]  # reading a request is the same work


def write(body: Body, version: Version) -> dict[str, Any]:
    if isinstance(body, Request):
        payload: dict[str, Any] = json.loads(write_call("id", body, version))[3]
    else:
        payload = json.loads(write_result("id", body, version))[2]  # type: ignore[arg-type]  # the other kind of body
    return payload


@pytest.mark.parametrize("version", SCHEMAS)
@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
@relaxed
@given(data=st.data())
def test_what_the_schema_allows_is_read_and_written_without_loss(
    kind: type[Body], version: Version, data: st.DataObject
) -> None:
    payload = data.draw(payloads(kind, version))
    validator_of(kind, version).validate(payload)
    body = read(kind, payload, version)
    again = write(body, Version.V21)
    assert meaning(again) == meaning(payload)
    validator_of(kind, version).validate(again)


@pytest.mark.parametrize("kind", TO_STATION, ids=lambda kind: kind.__name__)
@relaxed
@given(data=st.data())
def test_what_is_sent_to_an_older_station_is_in_its_schema(kind: type[Body], data: st.DataObject) -> None:
    body = read(kind, data.draw(payloads(kind, Version.V21)), Version.V21)
    if isinstance(body, RequestStartTransaction):
        body = replace(
            body, charging_profile=None
        )  # goes through as it is: whoever sends one writes it for the version
    try:
        payload = write(body, Version.V201)
    except NotInVersionError:
        return
    validator_of(kind, Version.V201).validate(payload)


def test_every_action_of_the_schemas_is_known() -> None:
    for version, folder in SCHEMAS.items():
        names = {path.stem.removesuffix("Request").removesuffix("Response") for path in folder.glob("*.json")}
        assert known_actions(version) == names
