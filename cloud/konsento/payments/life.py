"""The life of a payment: its states, what can happen to it, and where each leads. All of it is in this table.

    pending ─▶ held ─▶ capturing ─▶ captured ⇄ refunded
       │        │          └─▶ failed, expired
       │        ├─▶ releasing ─▶ released
       │        └─▶ expired
       ├─▶ captured   (what is paid at once)
       └─▶ releasing, failed

Whatever is not in the table changes nothing: answers and hints come late, twice, and in any order.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from konsento.models import RESOLVED, Payment, PaymentState

WORK: Final = "payment"
"""Kind of the due work that leads an external payment on; its key is the payment's id."""

_PENDING, _HELD = PaymentState.PENDING, PaymentState.HELD
_CAPTURING, _CAPTURED = PaymentState.CAPTURING, PaymentState.CAPTURED
_RELEASING, _RELEASED = PaymentState.RELEASING, PaymentState.RELEASED
_FAILED, _EXPIRED, _REFUNDED = PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.REFUNDED


class Happening(StrEnum):
    """What can happen to a payment."""

    HOLDS = "holds"
    """The provider holds the money, or was paid before the charging."""
    PAID = "paid"
    """The driver has paid a top-up or an amount that was due."""
    TAKE = "take"
    """We want an amount of it."""
    RELEASE = "release"
    """We want nothing of it."""
    TAKEN = "taken"
    TOO_LITTLE = "too_little"
    """What is due is less than the provider takes at all."""
    CANNOT = "cannot"
    """The provider, or the driver's bank, refuses for good to take it."""
    GONE = "gone"
    """Nothing is held any more, and nothing of it is ours."""
    ALL_BACK = "all_back"
    """All that was taken is given back."""
    BACK_FAILED = "back_failed"
    """What had been given back came back to us."""


TRANSITIONS: Final[Mapping[tuple[PaymentState, Happening], PaymentState]] = MappingProxyType(
    {
        (_PENDING, Happening.HOLDS): _HELD,
        (_PENDING, Happening.PAID): _CAPTURED,
        (_PENDING, Happening.RELEASE): _RELEASING,
        (_PENDING, Happening.GONE): _FAILED,
        (_HELD, Happening.TAKE): _CAPTURING,
        (_HELD, Happening.RELEASE): _RELEASING,
        (_HELD, Happening.GONE): _EXPIRED,
        (_CAPTURING, Happening.TAKEN): _CAPTURED,
        (_CAPTURING, Happening.TOO_LITTLE): _RELEASING,
        (_CAPTURING, Happening.CANNOT): _FAILED,
        (_CAPTURING, Happening.GONE): _EXPIRED,
        (_RELEASING, Happening.GONE): _RELEASED,
        (_CAPTURED, Happening.ALL_BACK): _REFUNDED,
        (_REFUNDED, Happening.BACK_FAILED): _CAPTURED,
    }
)


def step(payment: Payment, happening: Happening, at: datetime) -> bool:
    """Lead a payment to its next state. Returns whether the happening concerns a payment in its state at all."""
    following = TRANSITIONS.get((payment.state, happening))
    if following is None:
        return False
    payment.state = following
    if following in RESOLVED and payment.resolved_at is None:
        payment.resolved_at = at
    if following in {_RELEASING, _FAILED, _EXPIRED}:
        payment.captured_minor = 0
    return True
