"""Who a station says it is: its identity in the address and its password in the header."""

import base64
import binascii
import re
from typing import Final

_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}", re.ASCII)
"""OCPP's identifierString with the 48 characters that a charging station's identity may have."""


def is_identity(station_id: str) -> bool:
    """Tell whether this can be a station's identity at all."""
    return _IDENTITY.fullmatch(station_id) is not None


def basic_password(authorization: str | None, station_id: str) -> str | None:
    """Return the password of an HTTP Basic header whose user is that station; None for anything else.

    The user is compared as a whole, because a station's identity may contain the colon that ends the user elsewhere.
    """
    if authorization is None:
        return None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except binascii.Error, ValueError:
        return None
    prefix = f"{station_id}:"
    return decoded.removeprefix(prefix) if decoded.startswith(prefix) else None
