"""Who a station says it is: its identity in the address, its password in the header, its certificate."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

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


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What whoever dials in shows of itself."""

    password: str | None
    """Of an HTTP Basic header whose user is the station; None without one."""
    names: frozenset[str]
    """Common name and alternative names in a certificate that was verified; empty without one."""
    encrypted: bool
    """Whether it came over TLS, as far as is known."""
    address: str


class Entry(Enum):
    """What becomes of a station at the door."""

    REFUSED = auto()
    ADMITTED = auto()
    HELD = auto()
    """Unknown, and kept until the operator has decided: see `Registration`."""
    BUSY = auto()
    """So many want to come in that it shall try again later."""


def certificate_names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the names that a verified certificate gives its owner: common name, DNS names, URIs.

    `certificate` is what `SSLSocket.getpeercert` returns. A station's identity is compared with each as a whole (2.1
    part 2, A00, profile 3: its common name is the station's alone).
    """
    if not certificate:
        return frozenset()
    subject = {value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"}
    others = {value for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "URI"}}
    return frozenset(subject | others)
