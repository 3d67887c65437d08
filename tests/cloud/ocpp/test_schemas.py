"""Every message against the official JSON schemas of OCPP 2.1 and 2.0.1, in both directions."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from msgspec.structs import replace

from konsento.ocpp.actions import FROM_STATION, known_actions
from konsento.ocpp.codec import RESPONSES, read_frame, read_response, write_call, write_result
from konsento.ocpp.messages import Body, Request, RequestStartTransaction, Version
from konsento.ocpp.v201 import NotInVersionError

SCHEMAS = {
    Version.V21: Path(str(files("ocpp") / "v21" / "schemas")),
    Version.V201: Path(str(files("ocpp") / "v201" / "schemas")),
}
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

relaxed = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@cache
def schema_of(kind: type[Body], version: Version) -> dict[str, Any]:
    name = kind.__name__ if kind.__name__.endswith("Response") else f"{kind.__name__}Request"
    schema: dict[str, Any] = json.loads((SCHEMAS[version] / f"{name}.json").read_text("utf-8-sig"))
    return schema


@cache
def validator_of(kind: type[Body], version: Version) -> Any:
    schema = schema_of(kind, version)
    return validator_for(schema)(schema)


@cache
def payloads(kind: type[Body], version: Version) -> st.SearchStrategy[dict[str, Any]]:
    schema = schema_of(kind, version)
    return objects(schema, schema)


JSON_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
TIMES = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001  # the zone is the strategy's
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.timezones().filter(lambda zone: zone.utcoffset(datetime(2000, 1, 1)) is not None),  # noqa: DTZ001
).map(lambda at: at.astimezone(UTC).isoformat())


def instances(part: dict[str, Any], root: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Return a strategy for what the schema allows, within the 32 bits that OCPP gives an integer."""
    if "$ref" in part:
        return instances(root["definitions"][part["$ref"].rpartition("/")[2]], root, name)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    match part.get("type"):
        case "string" if part.get("format") == "date-time":
            return TIMES
        case "string":
            longest = part.get("maxLength", 50)
            alphabet = st.characters(codec="utf-8", exclude_categories=["Cc"])
            return st.text(alphabet, min_size=1, max_size=min(longest, 20)) | st.just("x" * longest)
        case "integer":
            # Where 2.0.1's schema gives no minimum, its text (and the schema of 2.1) does.
            least = int(part.get("minimum", {"multiplier": -12, "evseId": 1}.get(name, 0)))
            return st.integers(least, int(part.get("maximum", 2**31 - 1)))
        case "number":
            most = int(part.get("maximum", 10**12))
            return st.integers(-(10**12), most) | st.decimals(-(10**9), min(most, 10**9), places=3).map(float)
        case "boolean":
            return st.booleans()
        case "array":
            most = min(part.get("maxItems", 3), 3)
            return st.lists(instances(part["items"], root, name), min_size=part.get("minItems", 0), max_size=most)
        case "object":
            return objects(part, root)
        case _:
            return JSON_VALUES


def objects(part: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: instances(field, root, name) for name, field in part.get("properties", {}).items()}
    required = set(part.get("required", ()))
    fixed = st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )
    if set(fields) != {"vendorId"}:
        return fixed
    extra = st.dictionaries(st.text(min_size=1, max_size=5), JSON_VALUES, max_size=2)
    return st.tuples(extra, fixed).map(lambda both: both[0] | both[1])


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
