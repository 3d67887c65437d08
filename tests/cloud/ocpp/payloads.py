"""Payloads that the official schemas allow, made at random."""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for

from konsento.ocpp import Version

SCHEMAS = {
    Version.V21: Path(str(files("ocpp") / "v21" / "schemas")),
    Version.V201: Path(str(files("ocpp") / "v201" / "schemas")),
}
SCHEMAS_16 = Path(str(files("ocpp") / "v16" / "schemas"))

relaxed = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@cache
def schema_of(name: str, version: Version) -> dict[str, Any]:
    """Return the schema of that file's name, for example `ResetRequest`."""
    file = SCHEMAS[version] / name if version in SCHEMAS else SCHEMAS_16 / name.removesuffix("Request")
    schema: dict[str, Any] = json.loads(file.with_suffix(".json").read_text("utf-8-sig"))
    return schema


@cache
def validator(name: str, version: Version) -> Any:
    """Return what checks a payload by that schema."""
    schema = schema_of(name, version)
    return validator_for(schema)(schema)


@cache
def payloads_of(name: str, version: Version) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for payloads by that schema."""
    schema = schema_of(name, version)
    return objects(schema, schema)


# A NUL does not get through: databases refuse it.
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
JSON_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | st.text(LETTERS, max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=2),
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
            least, most = int(part.get("minimum", -(10**12))), int(part.get("maximum", 10**12))
            return st.integers(least, most) | st.decimals(max(least, -(10**9)), min(most, 10**9), places=3).map(float)
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
    extra = st.dictionaries(st.text(LETTERS, min_size=1, max_size=5), JSON_VALUES, max_size=2)
    return st.tuples(extra, fixed).map(lambda both: both[0] | both[1])
