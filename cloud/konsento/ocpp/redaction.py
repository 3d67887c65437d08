"""What of a frame may be kept: everything but what opens something."""

import re
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
_TOKENS: Final = frozenset({"idtoken", "additionalidtoken", "idtag", "parentidtag", "pspref"})
"""Fields, in lower case, that hold a token: of it a few characters are kept."""
_SECRET_FIELDS: Final = frozenset({"authorizationkey", "authkey", "privatekey", "simpin"})
_SECRET_PARTS: Final = ("password", "secret")
"""Parts of the names of fields whose values are never kept."""
_PERSONAL_FIELDS: Final = frozenset({"customeridentifier", "vatnumber", "vatcompany", "company"})
"""Fields that say who somebody is."""
_VPN_SHOWN: Final = frozenset({"server", "type"})
_SETTING: Final = frozenset({"SetVariables", "ChangeConfiguration"})
_SUSPICIOUS_ACTIONS: Final = frozenset(
    {*_SETTING, "SetNetworkProfile", "CustomerInformation", "NotifyCustomerInformation", "NotifySettlement"}
    | {"VatNumberValidation"}
)
# With a backslash a name can be written in another way; an @ may end the password in an address.
_SUSPICIOUS: Final = ("oken", "assword", "ecret", "Key", "dTag", "@", "\\u")
_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s]*@")
"""Name and password in an address."""

_decoder: Final = msgspec.json.Decoder(strict=True)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def may_hold_secrets(action: str, text: str) -> bool:
    """Tell whether a frame has to be looked through; most need not be."""
    return action in _SUSPICIOUS_ACTIONS or any(part in text for part in _SUSPICIOUS)


def redacted(action: str, payload: bytes) -> str:
    """Return a payload as JSON without its secrets. Raises `msgspec.DecodeError` for what is no JSON."""
    return _encoder.encode(_without_secrets(action, _decoder.decode(payload))).decode()


def _without_secrets(action: str, value: Any, *, hides_values: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_secrets(action, item, hides_values=hides_values) for item in value]
    if isinstance(value, str):
        return _LOGIN.sub(f"{HIDDEN}@", value)
    if not isinstance(value, dict):
        return value
    hides_values = hides_values or _is_secret_variable(action, value)
    return {key: _field(action, key, item, hides_values=hides_values) for key, item in value.items()}


def _field(action: str, key: str, value: Any, *, hides_values: bool) -> Any:
    name = key.lower()
    if isinstance(value, str):
        if name in _TOKENS:
            return value[:SHOWN_OF_TOKEN] + HIDDEN
        if hides_values and name in {"attributevalue", "value"}:
            return HIDDEN
    if not isinstance(value, dict | list) and (name in _SECRET_FIELDS or any(part in name for part in _SECRET_PARTS)):
        return HIDDEN
    if name in _PERSONAL_FIELDS or (action == "NotifyCustomerInformation" and name == "data"):
        return HIDDEN
    if name == "vpn" and isinstance(value, dict):
        return {inner: item if inner in _VPN_SHOWN else HIDDEN for inner, item in value.items()}
    return _without_secrets(action, value, hides_values=hides_values)


def _is_secret_variable(action: str, item: dict[str, Any]) -> bool:
    variable = item.get("variable")
    if isinstance(variable, dict):
        name = str(variable.get("name", ""))
    elif "value" in item and isinstance(item.get("key"), str):  # 1.6
        name = item["key"]
    else:
        # An item without its variable cannot be judged.
        return action in _SETTING and ("attributeValue" in item or "value" in item)
    if action in _SETTING and name not in PLAIN_VARIABLES:
        return True
    return any(part in name.lower() for part in _SECRET_NAMES)
