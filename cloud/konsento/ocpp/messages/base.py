"""What every OCPP message is made of: the two kinds of message, the simple types, the versions, and our customData.

One set of classes serves OCPP 2.1 and 2.0.1, because 2.1 only adds to 2.0.1. What 2.0.1 lacks is marked `SINCE_21`; the
codec leaves it out on the way to a 2.0.1 station. Unknown fields are ignored, so a newer station can talk to us too.

An enumeration is closed (a class here) where the server decides by it. Where billing goes on whatever the word is, the
field is text and the words that matter are listed beside it: a refused event is lost money.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

VENDOR_ID = "org.konsento"
"""The vendorId under which our own fields ride in customData."""


class Version(StrEnum):
    """An OCPP version, as the WebSocket subprotocol that names it. In order of preference."""

    V21 = "ocpp2.1"
    V201 = "ocpp2.0.1"
    V16 = "ocpp1.6"
    """Translated at the door (`konsento.ocpp.v16`): the floors above see messages of 2.1 only."""


SINCE_21 = Meta(extra={"since": Version.V21})
"""Marks a field that OCPP 2.0.1 does not have."""


class Body(Struct, kw_only=True, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A part of a message. Any part may carry customData: an open object whose `vendorId` says whose it is."""

    custom_data: dict[str, Any] | None = None

    def vendor_data(self, vendor_id: str = VENDOR_ID) -> dict[str, Any]:
        """Return the customData of that vendor, or an empty dict where there is none or it is another vendor's."""
        data = self.custom_data
        return data if data is not None and data.get("vendorId") == vendor_id else {}


class Response(Body, kw_only=True, frozen=True):
    """The payload of a CALLRESULT."""


class Request[R: Response](Body, kw_only=True, frozen=True):
    """The payload of a CALL whose CALLRESULT is an `R`. The name of the class is the action on the wire."""


def custom_data(**fields: Any) -> dict[str, Any]:
    """Return customData under our vendorId; `fields` carry the names that stand on the wire."""
    return {"vendorId": VENDOR_ID, **fields}


Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""OCPP's integer: 32 bits with sign (OCPP 2.0.1 part 2, primitive types)."""
Natural = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Timestamp = Annotated[datetime, Meta(tz=True)]
"""A time with its zone; parts with a time turn it to UTC by `in_utc`."""
Text20 = Annotated[str, Meta(max_length=20)]
Text50 = Annotated[str, Meta(max_length=50)]
Text255 = Annotated[str, Meta(max_length=255)]
Text1024 = Annotated[str, Meta(max_length=1024)]
Text2500 = Annotated[str, Meta(max_length=2500)]
TransactionId = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"\A[^\x00-\x1f]+\Z")]
"""Chosen by the station, unique at it. Without control characters, which databases refuse or misread."""
Json = dict[str, Any]
"""A part that is kept as it came because nothing here reads it."""


def in_utc(part: Body, *fields: str) -> None:
    """Turn the times in `fields` of a part that is being made to UTC; ValueError where that leaves the calendar."""
    for field in fields:
        at: datetime | None = getattr(part, field)
        if at is None or at.tzinfo is UTC:
            continue
        try:
            force_setattr(part, field, at.astimezone(UTC))
        except OverflowError as error:
            raise ValueError("a time outside the calendar") from error


def check_number(value: Decimal | None) -> None:
    """Raise ValueError for a number that no meter can mean.

    A decimal like 1e999999999 costs nothing to read, but the first arithmetic with it would eat the memory.
    """
    if value is not None and not (value.is_finite() and value.adjusted() < 18 and value.as_tuple().exponent >= -60):  # type: ignore[operator]  # an int where the number is finite
        raise ValueError("a number out of any meter's range")
