"""The official JSON schemas of every OCPP version: which actions there are, and what a payload must be like.

They come from the `ocpp` package and are read when they are first needed. For what a person or a program asks of a
station, `faults` says everything that is wrong, place by place; for what stations send, `type_of` makes a type that
msgspec reads, because a hostile station could keep a validator of the general kind busy for a long time.
"""

import html
import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired, Required, TypedDict, cast

from msgspec import Meta

from konsento.kit.i18n import marked
from konsento.ocpp.messages import Version

if TYPE_CHECKING:
    from jsonschema import Draft6Validator
    from jsonschema.exceptions import ValidationError

MOST_FAULTS: Final = 50
"""Faults of one payload that are told; who has more of them has the wrong message."""


class Side(StrEnum):
    """Which half of an exchange a payload is."""

    REQUEST = "Request"
    RESPONSE = "Response"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with a payload."""

    pointer: str
    """JSON pointer (RFC 6901) to it; empty for the payload itself."""
    message: str
    """English sentence with `{placeholders}`, and the key of its translation."""
    values: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.message.format(**dict(self.values))


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a payload, as its schema describes it."""

    path: str
    """Names from the outside to the inside; `[]` stands for each entry of a list."""
    type: str
    """JSON's word for it; `date-time` for a moment."""
    required: bool
    """It and everything around it must be there."""
    choices: tuple[str, ...]
    most: int | None
    """Characters, or entries of a list."""
    description: str
    """English; the schema's own words."""


def _folder(version: Version) -> Traversable:
    return files("ocpp") / f"v{version.removeprefix('ocpp').replace('.', '')}" / "schemas"


@cache
def actions(version: Version) -> frozenset[str]:
    """Return every action of that OCPP version, whichever side sends it."""
    stems = (file.name.removesuffix(".json") for file in _folder(version).iterdir() if file.name.endswith(".json"))
    return frozenset(stem.removesuffix(Side.REQUEST).removesuffix(Side.RESPONSE) for stem in stems)


@cache
def schema(action: str, side: Side, version: Version) -> dict[str, Any]:
    """Return the schema of one side of an action that `actions` names; KeyError for what is never answered."""
    # A request that cannot be answered, and all requests of 1.6, have files without the word.
    names = (f"{action}{side}.json", *([f"{action}.json"] if side is Side.REQUEST else []))
    for name in names:
        with suppress(FileNotFoundError):
            text = (_folder(version) / name).read_text("utf-8-sig")
            # Exact numbers: in floats 0.3 is no multiple of 0.1.
            return cast("dict[str, Any]", json.loads(text, parse_float=Decimal))
    raise KeyError(action)


# --- what is wrong with a payload -----------------------------------------------------------------------------------

TOO_DEEP: Final = marked("This is nested too deeply.")
"""The message of the only fault of a payload that could not even be looked through."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_TYPES: Final = {
    "string": marked("This must be a text."),
    "integer": marked("This must be a whole number."),
    "number": marked("This must be a number."),
    "boolean": marked("This must be true or false."),
    "array": marked("This must be a list."),
    "object": marked("This must be an object."),
}
_BOUNDS: Final = {
    "maxLength": marked("This is longer than {bound} characters."),
    "minItems": marked("This needs {bound} entries at least."),
    "maxItems": marked("This may have {bound} entries at most."),
    "minimum": marked("This must be {bound} or more."),
    "maximum": marked("This must be {bound} or less."),
    "multipleOf": marked("This must be a multiple of {bound}."),
}
_MISSING: Final = marked("This is missing.")
_UNKNOWN: Final = marked("OCPP has no such field here.")
_NOT_ONE_OF: Final = marked("This must be one of: {choices}.")
_NO_MOMENT: Final = marked("This must be a date and time as in 2026-11-22T01:58:00Z.")
_NO_NUMBER: Final = marked("JSON cannot carry this number.")
_OTHER: Final = marked("The schema does not allow this ({rule}).")


def faults(action: str, side: Side, payload: Any, version: Version) -> tuple[Fault, ...]:
    """Return what is wrong with a payload by the official schema, nothing for a good one; at most `MOST_FAULTS`."""
    try:
        exact = _exact(payload, "")
        errors = sorted(_validator(action, side, version).iter_errors(exact), key=lambda error: str(error.json_path))
    except _NoNumberError as error:
        return (Fault(pointer=str(error), message=_NO_NUMBER),)
    except RecursionError:
        return (Fault(pointer="", message=TOO_DEEP),)
    found = dict.fromkeys(fault for error in errors for fault in _faults_of(error))
    return tuple(found)[:MOST_FAULTS]


class _NoNumberError(ValueError):
    """A number that JSON does not have; the text is where it stands."""


def _exact(value: Any, pointer: str) -> Any:
    """Return a JSON value with exact numbers, as the schemas have them."""
    match value:
        case float():
            if not math.isfinite(value):
                raise _NoNumberError(pointer)
            return Decimal(repr(value))
        case dict():
            return {name: _exact(item, _below(pointer, name)) for name, item in value.items()}
        case list():
            return [_exact(item, _below(pointer, index)) for index, item in enumerate(value)]
        case _:
            return value


@cache
def _validator(action: str, side: Side, version: Version) -> Draft6Validator:
    # Here, because it takes as long to import as half of this program and most processes never need it.
    from jsonschema import Draft6Validator, FormatChecker  # noqa: PLC0415

    formats = FormatChecker(formats=())
    formats.checks("date-time")(_is_moment)
    return Draft6Validator(schema(action, side, version), format_checker=formats)


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return _MOMENT.fullmatch(value) is not None and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _faults_of(error: ValidationError) -> Iterator[Fault]:
    pointer = ""
    for step in error.absolute_path:
        pointer = _below(pointer, step)
    rule, bound = str(error.validator), cast("Any", error.validator_value)
    part, instance = cast("dict[str, Any]", error.schema), cast("Any", error.instance)
    match rule:
        case "required":
            for name in bound:
                if name not in instance:
                    yield Fault(pointer=_below(pointer, name), message=_MISSING)
        case "additionalProperties":
            for name in instance:
                if name not in part.get("properties", {}):
                    yield Fault(pointer=_below(pointer, name), message=_UNKNOWN)
        case "type" if bound in _TYPES:
            yield Fault(pointer=pointer, message=_TYPES[bound])
        case "enum":
            yield Fault(pointer=pointer, message=_NOT_ONE_OF, values=(("choices", ", ".join(map(str, bound))),))
        case "format":
            yield Fault(pointer=pointer, message=_NO_MOMENT)
        case _ if rule in _BOUNDS:
            number = f"{Decimal(bound).normalize():f}"
            yield Fault(pointer=pointer, message=_BOUNDS[rule], values=(("bound", number),))
        case _:
            yield Fault(pointer=pointer, message=_OTHER, values=(("rule", rule),))


def _below(pointer: str, step: object) -> str:
    return f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"


# --- what a payload looks like --------------------------------------------------------------------------------------


_REFERENCE: Final = re.compile(r"<<(?:[^,<>]*,)?([^<>]*)>>")
"""A link inside of the document."""


def skeleton(action: str, version: Version, now: datetime) -> dict[str, Any]:
    """Return a request with the fields that must be there, each with a value of the right kind."""
    root = schema(action, Side.REQUEST, version)
    return cast("dict[str, Any]", _example(root, root, now))


def _example(part: dict[str, Any], root: dict[str, Any], now: datetime) -> Any:
    part = _resolved(part, root)
    if "enum" in part:
        return part["enum"][0]
    match part.get("type"):
        case "object":
            return {name: _example(part["properties"][name], root, now) for name in part.get("required", ())}
        case "array":
            return [_example(part["items"], root, now)] * max(1, part.get("minItems", 0))
        case "integer" | "number":
            return int(part.get("minimum", 0))
        case "boolean":
            return False
        case "string" if part.get("format") == "date-time":
            return f"{now:%Y-%m-%dT%H:%M:%SZ}"
        case _:
            return ""


def fields(action: str, version: Version) -> list[Field]:
    """Return the fields of a request in the order of its schema, without customData, which every part may have."""
    root = schema(action, Side.REQUEST, version)
    return list(_fields(root, root, "", required=True))


def _fields(part: dict[str, Any], root: dict[str, Any], path: str, *, required: bool) -> Iterator[Field]:
    for name, reference in part.get("properties", {}).items():
        if name == "customData":
            continue
        field = _resolved(reference, root)
        inner = f"{path}.{name}" if path else name
        needed = required and name in part.get("required", ())
        items = _resolved(field["items"], root) if field.get("type") == "array" else None
        yield Field(
            path=inner,
            type=field.get("format") or field.get("type", "any"),
            required=needed,
            choices=tuple(field.get("enum") or (items or {}).get("enum") or ()),
            most=field.get("maxItems") if items is not None else field.get("maxLength"),
            description=_plain(reference.get("description") or field.get("description") or ""),
        )
        if items is not None:
            yield from _fields(items, root, f"{inner}[]", required=needed)
        else:
            yield from _fields(field, root, inner, required=needed)


def _plain(text: str) -> str:
    """Return a description without the marks of the document that the schemas were made from."""
    return " ".join(_REFERENCE.sub(r"\1", html.unescape(text)).split())


def _resolved(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return root["definitions"][reference.rpartition("/")[2]] if reference else part


# --- reading what a station sends -----------------------------------------------------------------------------------


def type_of(action: str, version: Version) -> Any:
    """Return a type by which msgspec reads a request into a dict. Unknown fields are left out, not refused."""
    root = schema(action, Side.REQUEST, version)
    return _type(root, root)


def _type(part: dict[str, Any], root: dict[str, Any]) -> Any:
    part = _resolved(part, root)
    if "enum" in part:
        return Literal[tuple(part["enum"])]
    match part.get("type"):
        case "object":
            needed = part.get("required", ())
            kinds = {name: _type(field, root) for name, field in part.get("properties", {}).items()}
            return TypedDict(  # type: ignore[operator]  # made at run time
                "Part", {name: Required[kind] if name in needed else NotRequired[kind] for name, kind in kinds.items()}
            )
        case "array":
            return Annotated[
                list[_type(part["items"], root)],  # type: ignore[misc]  # made at run time
                Meta(min_length=part.get("minItems"), max_length=part.get("maxItems")),
            ]
        case "string" if part.get("format") == "date-time":
            return Annotated[datetime, Meta(tz=True)]
        case "string":
            return Annotated[str, Meta(max_length=part.get("maxLength"))]
        case "integer":
            return Annotated[int, Meta(ge=_whole(part.get("minimum")), le=_whole(part.get("maximum")))]
        case "number":
            return Annotated[float, Meta(ge=_real(part.get("minimum")), le=_real(part.get("maximum")))]
        case "boolean":
            return bool
        case _:
            return Any


def _whole(bound: Decimal | int | None) -> int | None:
    return None if bound is None else int(bound)


def _real(bound: Decimal | int | None) -> float | None:
    return None if bound is None else float(bound)
