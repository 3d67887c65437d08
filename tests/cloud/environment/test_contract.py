"""What may cross between the systems is an allow-list."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from konsento.environment.wire import Answer, Measurement, Sum, Sums, Wanted

from .conftest import golden


@pytest.mark.parametrize("model", [Measurement, Sums, Answer, Wanted])
def test_the_schema_on_the_wire_changes_only_on_purpose(model: type[BaseModel]) -> None:
    """A change here is a change of what leaves: say in docs/environment.md why it tells nothing of a driver."""
    assert json.loads(json.dumps(model.model_json_schema())) == golden(f"{model.__name__.lower()}.json")


@pytest.mark.parametrize("model", [Measurement, Sum])
def test_what_is_sent_has_no_room_for_a_free_text(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    assert schema["additionalProperties"] is False
    for text in _texts(schema):
        assert text.keys() & {"pattern", "format", "enum", "const"}, text


def _texts(schema: Any) -> list[dict[str, Any]]:
    match schema:
        case {"type": "string"}:
            return [schema]
        case dict():
            return [text for value in schema.values() for text in _texts(value)]
        case list():
            return [text for value in schema for text in _texts(value)]
    return []
