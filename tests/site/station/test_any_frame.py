"""What arrives on the line may be anything."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.station.errors import RpcError
from custom_components.konsento.station.frames import BadFrameError, Call, Reply, Useless, parse

_leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5), max_leaves=20
)
_ids = st.text(min_size=1, max_size=36)
_objects = st.dictionaries(st.text(), _json, max_size=5)
_nearly = st.tuples(st.integers(-1, 8) | _leaf, _ids | _json, _json, _json, _json).map(list)


def read(text: str) -> Call | Reply | Useless | RpcError:
    try:
        return parse(text)
    except BadFrameError as error:
        return error.error


@given(_json | _nearly | st.lists(_json, max_size=6))
def test_any_json_is_read_or_refused_in_the_words_of_ocpp(value: Any) -> None:
    outcome = read(json.dumps(value))

    if isinstance(outcome, RpcError):
        assert outcome.code in {"RpcFrameworkError", "FormatViolation", "MessageTypeNotSupported"}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(_ids, st.text(), _objects)
def test_a_call_is_read_as_it_was_written(message_id: str, action: str, payload: dict[str, Any]) -> None:
    assert read(json.dumps([2, message_id, action, payload])) == Call(message_id, action, payload)


@given(_ids, _objects)
def test_an_answer_is_read_as_it_was_written(message_id: str, payload: dict[str, Any]) -> None:
    assert read(json.dumps([3, message_id, payload])) == Reply(message_id, payload)


def test_what_a_server_writes_beside_an_error_code_is_not_kept() -> None:
    frame = read(json.dumps([4, "a", "FormatViolation", "TOKEN1 is no token", {"idToken": "TOKEN1"}]))

    assert isinstance(frame, Reply)
    assert str(frame.answer) == "FormatViolation"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '[3, "a", {"b": NaN}]',
        '[3, "a", {"b": ' + "9" * 10_000 + "}]",
        '[2, "\\ud800", "Heartbeat", {}]',
        '[2, "a", "Heartbeat", {"b": "\\udfff"}]',
    ],
    ids=["deep list", "deep object", "NaN", "huge number", "id of half a letter", "value of half a letter"],
)
def test_what_python_reads_but_nobody_can_use_is_refused(text: str) -> None:
    outcome = read(text)

    assert isinstance(outcome, RpcError)
    assert outcome.code == "RpcFrameworkError"


@pytest.mark.parametrize("text", ['[5, "a", "GenericError", "", {}]', '[6, "a", "NotifyPeriodicEventStream", {}]'])
def test_frames_of_2_1_that_want_no_answer_are_let_pass(text: str) -> None:
    assert isinstance(read(text), Useless)
