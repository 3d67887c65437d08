"""What is asked of external providers and what they say, in our words."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from konsento.models import Dispute, PaymentPurpose


class Stage(StrEnum):
    """Where a payment is, as its provider says."""

    WAITING = "waiting"
    """For the driver, or for the driver's bank."""
    HELD = "held"
    TAKEN = "taken"
    GONE = "gone"
    """Cancelled or lapsed: nothing is held or will be."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A payment to make. Nothing in it says who the driver is but our ids."""

    payment_id: UUID
    driver_id: UUID
    purpose: PaymentPurpose
    amount_minor: int
    currency: str
    prepaid: bool
    """Take it at once instead of holding it."""
    method: str = ""
    """The provider's word for what is paid with, for example `card`; empty for whatever the driver chooses there."""
    customer: str = ""
    card: str = ""
    """A saved card of the customer to confirm with at once; empty where the driver confirms."""
    save_card: bool = False
    """The driver agreed that the card is kept for next time."""
    return_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """What the driver's browser needs to go on at the provider's. For that driver's page alone, never logged."""

    client_secret: str = field(default="", repr=False)
    redirect_url: str = field(default="", repr=False)
    """Where to send the driver; empty where the provider's own element on the page does it."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A payment as its provider says."""

    reference: str
    stage: Stage
    currency: str
    amount_minor: int
    """Asked for in all."""
    payment_id: UUID | None
    """Ours, as it was given to the provider; None for one that is not ours."""
    taken_minor: int = 0
    refunded_minor: int = 0
    capture_before: datetime | None = None
    method: str = ""
    failure: str = ""
    """Why the last attempt was refused; empty where none was."""
    fee_minor: int | None = None
    """None while it is not known, or where it is in another currency."""
    made_at: datetime | None = None
    action: Action | None = None
    """While the driver has something to do."""


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """Money to pay back."""

    refund_id: UUID
    reference: str
    """Of the payment."""
    amount_minor: int
    currency: str


class RefundStage(StrEnum):
    """How a refund goes."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RefundSeen:
    """A refund as the provider says."""

    reference: str
    refund_id: UUID | None
    """Ours; None for one that was made elsewhere."""
    stage: RefundStage
    amount_minor: int
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A saved card, as its driver recognises it."""

    reference: str
    brand: str
    last4: str
    expires: str
    """`MM/YY`."""


class HintSubject(StrEnum):
    """What a hint is about."""

    PAYMENT = "payment"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    NONE = "none"
    """Nothing that concerns us."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What a provider said unasked."""

    event_id: str
    event_type: str
    subject: HintSubject
    reference: str


@dataclass(frozen=True, kw_only=True)
class DisputeSeen:
    """A dispute as the provider says."""

    reference: str
    payment_reference: str
    stage: Dispute
    amount_minor: int
    currency: str
    reason: str
    taken_back: bool
    """The provider has taken the money from us for the time being; not so for a mere inquiry."""


@dataclass(frozen=True, kw_only=True)
class PayoutSeen:
    """A payout to our bank as the provider says."""

    reference: str
    paid: bool
    """It has arrived; False while it is on its way, or after it came back."""
    amount_minor: int
    currency: str
