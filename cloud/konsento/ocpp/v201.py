"""A message as OCPP 2.0.1 can say it: without the fields of 2.1, and only where the values existed then."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, get_type_hints

from msgspec.structs import replace

from konsento.ocpp.messages import (
    SINCE_21,
    AdditionalInfo,
    Body,
    IdToken,
    MessageContent,
    MessageFormat,
    Reset,
    ResetType,
    SetVariableData,
    StatusInfo,
    TriggerMessage,
)


class NotInVersionError(Exception):
    """A message says what OCPP 2.0.1 has no way to say."""


ID_TOKEN_TYPES: Final = frozenset(
    {"Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"}
)
"""The types of idToken of 2.0.1; 2.1 made the type open."""

# From the 2.0.1 schemas: what they allow that is narrower than in 2.1, for the parts that this server sends.
_RULES: Final[Mapping[type[Body], Callable[[Any], bool]]] = {
    AdditionalInfo: lambda part: len(part.additional_id_token) <= 36,
    IdToken: lambda part: part.type in ID_TOKEN_TYPES and len(part.id_token) <= 36,
    MessageContent: lambda part: part.format is not MessageFormat.QRCODE and len(part.content) <= 512,
    Reset: lambda part: part.type is not ResetType.IMMEDIATE_AND_RESUME,
    SetVariableData: lambda part: len(part.attribute_value) <= 1000,
    StatusInfo: lambda part: part.additional_info is None or len(part.additional_info) <= 512,
    TriggerMessage: lambda part: part.requested_message not in {"CustomTrigger", "SignV2G20Certificate"},
}


def as_v201[B: Body](body: B) -> B:
    """Return the message without what only 2.1 knows; raises NotInVersionError where a value has no word in 2.0.1."""
    rule = _RULES.get(type(body))
    if rule is not None and not rule(body):
        raise NotInVersionError(f"OCPP 2.0.1 cannot say this {type(body).__name__}")
    newer = _newer_fields(type(body))
    changes: dict[str, Any] = {}
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if name in newer:
            changes[name] = None
        elif isinstance(value, Body):
            changes[name] = as_v201(value)
        elif isinstance(value, list):
            changes[name] = [as_v201(item) if isinstance(item, Body) else item for item in value]
    return replace(body, **changes) if changes else body


@cache
def _newer_fields(kind: type[Body]) -> frozenset[str]:
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if SINCE_21 in getattr(hint, "__metadata__", ()))
