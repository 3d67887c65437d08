"""Links by which a driver goes over from one server to another for the same outlet (contracts, 5).

Two servers, or a portal and a server, share a key. What the one signs of the driver's choice the other believes for a
quarter of an hour. A link does nothing but fill in a form, so it may be opened twice, or by somebody else.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from konsento.kit.offers import LONGEST_ADDRESS, OUTLET_NAME

HOLDS: Final = timedelta(minutes=15)
CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""What the clocks of two servers may be apart."""
PARAMETER: Final = "via"
"""Of the page of the outlet, which carries the link."""
PREFIX: Final = "kps_"
_KEY_BYTES: Final = 32
_LONGEST: Final = 3000
_PURPOSE: Final = b"konsento handover 1\n"
"""Signed along: what the same key signs for another purpose is no link."""

Url = Annotated[str, Field(max_length=LONGEST_ADDRESS, pattern=r"^https?://[!-~]+$")]


class BadLink(ValueError):
    """Not a link that somebody known here has signed for this server, or not any more."""


class OldLink(BadLink):
    """A link that was good and is over; `handover` is what it said."""

    def __init__(self, handover: Handover) -> None:
        super().__init__()
        self.handover = handover


class Wish(BaseModel):
    """What the driver has chosen so far, as it was typed: checked like a form when it is used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offer: str = Field(default="", max_length=100)
    """Name of the offer at the server to which the driver goes."""
    kind: str = Field(default="", max_length=20)
    amount: str = Field(default="", max_length=20)
    unit: str = Field(default="", max_length=20)


class Handover(BaseModel):
    """A driver who goes over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: Url
    """Address of the server or portal that sends, as it is registered at the other."""
    receiver: Url
    """Address of the server to which it is sent: at another that has the same key it is worth nothing."""
    outlet: Annotated[str, Field(pattern=f"^{OUTLET_NAME}$")]
    back: Url
    """Page from which the driver comes; at the sender."""
    wish: Wish = Wish()
    expires: int
    """Seconds since 1970, UTC."""

    def signed(self, key: str) -> str:
        """Return it as one word, for the address."""
        body = self.model_dump_json().encode()
        return f"{_encoded(body)}.{_encoded(_signature(key, body))}"

    @classmethod
    def read(cls, token: str, *, receiver: str, key_of: Callable[[str], str | None], now: datetime) -> Self:
        """Read one that came to the server at `receiver`. `key_of` a sender is None for one that is not known here.

        Raises `OldLink`, or another `BadLink`.
        """
        body_text, dot, signature = token.partition(".")
        if not dot or len(token) > _LONGEST:
            raise BadLink
        try:
            body, given = _decoded(body_text), _decoded(signature)
            found = cls.model_validate_json(body)
        except ValidationError, binascii.Error, ValueError:
            raise BadLink from None
        key = key_of(found.sender)
        if key is None or not hmac.compare_digest(_signature(key, body), given):
            raise BadLink
        if found.receiver != receiver or not is_below(found.back, found.sender):
            raise BadLink
        left_s = found.expires - now.timestamp()
        if left_s > (HOLDS + CLOCKS_DIFFER).total_seconds():
            raise BadLink
        if left_s <= 0:
            raise OldLink(found)
        return found


def expiry(now: datetime) -> int:
    """Return until when a link that is made now holds."""
    return int((now + HOLDS).astimezone(UTC).timestamp())


def is_below(address: str, base_url: str) -> bool:
    """Tell whether an address is of the server at `base_url`."""
    return address == base_url or address.startswith(f"{base_url}/")


def new_key() -> str:
    """Return a new key, as operators exchange it."""
    return PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode().rstrip("=")


def is_key(text: str) -> bool:
    """Tell whether a text is a key."""
    try:
        return len(_key_bytes(text)) == _KEY_BYTES
    except ValueError:
        return False


def _key_bytes(key: str) -> bytes:
    if not key.startswith(PREFIX):
        raise ValueError("no key")
    return _decoded(key.removeprefix(PREFIX))


def _signature(key: str, body: bytes) -> bytes:
    return hmac.new(_key_bytes(key), _PURPOSE + body, hashlib.sha256).digest()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("not base64")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
