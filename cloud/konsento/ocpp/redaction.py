"""What of a frame may be kept: everything but what opens something."""

from typing import Any, Final

import msgspec

SHOWN_OF_TOKEN: Final = 4
"""Characters of an idToken that are kept, enough to tell two apart."""
HIDDEN: Final = "…"
PLAIN_VARIABLES: Final = frozenset(
    {
        "AvailabilityState",
        "HeartbeatInterval",
        "TxUpdatedInterval",
        "AlignedDataInterval",
        "SampledDataTxUpdatedInterval",
        "RetryBackOffRepeatTimes",
        "RetryBackOffRandomRange",
        "RetryBackOffWaitMinimum",
        "WebSocketPingInterval",
        "MessageTimeout",
        "MessageAttemptInterval",
        "MessageAttempts",
        "OfflineThreshold",
        "Enabled",
    }
)
"""Variables whose values may be kept when they are set. Any other may be one that can only be written, such as
`BasicAuthPassword`, so its value is hidden: what is not known to be harmless is not kept."""
_SECRET_NAMES: Final = ("password", "key", "secret", "token")
"""Parts of the names of variables whose values are never kept, also where a station tells them by itself."""
_SECRET_FIELDS: Final = frozenset({"basicauthpassword", "authorizationkey", "password", "authkey", "privatekey"})

_decoder: Final = msgspec.json.Decoder(strict=True)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def may_hold_secrets(action: str, text: str) -> bool:
    """Tell whether a frame has to be looked through; most need not be."""
    # With a backslash a name can be written in another way.
    return action == "SetVariables" or "oken" in text or "assword" in text or "Key" in text or "\\u" in text


def redacted(action: str, payload: bytes) -> str:
    """Return a payload as JSON without its secrets. Raises `msgspec.DecodeError` for what is no JSON."""
    return _encoder.encode(_without_secrets(action, _decoder.decode(payload))).decode()


def _without_secrets(action: str, value: Any, *, hides_values: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_secrets(action, item, hides_values=hides_values) for item in value]
    if not isinstance(value, dict):
        return value
    hides_values = hides_values or _is_secret_variable(action, value)
    return {key: _field(action, key, item, hides_values=hides_values) for key, item in value.items()}


def _field(action: str, key: str, value: Any, *, hides_values: bool) -> Any:
    if isinstance(value, str):
        if key in {"idToken", "additionalIdToken"}:
            return value[:SHOWN_OF_TOKEN] + HIDDEN
        if key.lower() in _SECRET_FIELDS or (hides_values and key in {"attributeValue", "value"}):
            return HIDDEN
    return _without_secrets(action, value, hides_values=hides_values)


def _is_secret_variable(action: str, item: dict[str, Any]) -> bool:
    variable = item.get("variable")
    if not isinstance(variable, dict):
        # An item without its variable cannot be judged.
        return action == "SetVariables" and "attributeValue" in item
    name = str(variable.get("name", ""))
    if action == "SetVariables" and name not in PLAIN_VARIABLES:
        return True
    return any(part in name.lower() for part in _SECRET_NAMES)
