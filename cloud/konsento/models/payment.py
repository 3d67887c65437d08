"""Payments: what was held and taken, by which provider; every question to a provider, and every hint from one."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class PaymentPurpose(StrEnum):
    """What a payment is for."""

    SESSION = "session"
    """A charging: held at its start, taken after it."""
    TOP_UP = "top_up"
    """The prepaid balance: taken at once."""
    BILL = "bill"
    """An amount that is due: taken at once."""


class PaymentState(StrEnum):
    """What has become of the money. `payments.life` has what leads from one to another."""

    PENDING = "pending"
    """The driver has something left to do at the provider; nothing is held."""
    HELD = "held"
    """Reserved at the provider; what was paid before the charging is held by us."""
    CAPTURING = "capturing"
    """The provider is asked for `captured_minor` and has not answered."""
    CAPTURED = "captured"
    RELEASING = "releasing"
    """The provider is asked to give all of it back and has not answered."""
    RELEASED = "released"
    """Nothing was taken, or all that was paid before is given back."""
    FAILED = "failed"
    """Nothing was taken: it never was held, or the provider refused to take it."""
    EXPIRED = "expired"
    """The hold lapsed before it was taken: nothing was taken."""
    REFUNDED = "refunded"
    """All that was taken is given back; a part of it leaves the payment `captured` (`refunded_minor`)."""


RESOLVED = frozenset(
    {
        PaymentState.CAPTURED,
        PaymentState.RELEASED,
        PaymentState.FAILED,
        PaymentState.EXPIRED,
        PaymentState.REFUNDED,
    }
)
"""States in which nothing is asked of the provider any more, but for refunds."""


class Dispute(StrEnum):
    """What a driver's bank says about a payment that the driver contests."""

    OPEN = "open"
    WON = "won"
    """The money stays ours."""
    LOST = "lost"
    """The money is the driver's again."""


class Payment(Base):
    """One payment: of a session, of a top-up or of an amount that is due."""

    __tablename__ = "payments"
    __table_args__ = (
        # A session has one payment that was held for it; what it still owes afterwards is paid by others.
        Index(
            "uq_payments_session",
            "session_id",
            unique=True,
            sqlite_where=text("purpose = 'session'"),
            postgresql_where=text("purpose = 'session'"),
        ),
        Index("ix_payments_provider_reference", "provider", "reference"),
        Index("ix_payments_driver_id_created_at", "driver_id", "created_at"),
        Index("ix_payments_state_created_at", "state", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"))
    """The session it pays for; None before that has begun, and for a top-up."""
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"))
    purpose: Mapped[PaymentPurpose] = mapped_column(words(PaymentPurpose), default=PaymentPurpose.SESSION)
    provider: Mapped[str] = mapped_column(String(32))
    external: Mapped[bool] = mapped_column(default=False)
    """The provider is outside this database, so that what becomes of the payment is due work."""
    prepaid: Mapped[bool] = mapped_column(default=False)
    """All of `hold_minor` is taken before the charging, and what is not used is paid back (PayPay, konbini)."""
    method: Mapped[str] = mapped_column(String(32), default="")
    """The provider's word for what was paid with: `card`, `paypay`, `konbini`; empty while it is not known."""
    state: Mapped[PaymentState] = mapped_column(words(PaymentState))
    currency: Mapped[str] = mapped_column(String(3))
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    """What is reserved, or paid before."""
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """What is asked for while `capturing`, and was taken once `captured`; 0 in all other states but `refunded`."""
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """Given back of what was taken."""
    waived_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """Due, but less than the provider takes at all: the driver is not asked for it."""
    fee_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    """What the provider kept for itself, in the payment's currency."""
    disputed_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    dispute: Mapped[Dispute | None] = mapped_column(words(Dispute))
    failure: Mapped[str] = mapped_column(String(64), default="")
    """The provider's word for why the last attempt was refused, for example `card_declined`; empty otherwise."""
    reference: Mapped[str] = mapped_column(String(255))
    """The provider's name for the payment; for the balance, the id of its pending transfer."""
    capture_before: Mapped[datetime | None]
    """The provider holds the money until then, as it said itself; None where it did not say."""
    expires_at: Mapped[datetime | None]
    """An external payment that is pending then, or held for no session, is given up."""
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class CallKind(StrEnum):
    """What a row about a question to a provider says."""

    INTENT = "intent"
    """It is about to be asked."""
    RESULT = "result"
    """What it answered."""


class CallOutcome(StrEnum):
    """How a question to a provider ended."""

    DONE = "done"
    REFUSED = "refused"
    """It answered, and did nothing."""
    STUMBLED = "stumbled"
    """It answered with an error of its own: what it did has to be looked up."""
    UNKNOWN = "unknown"
    """No answer: it may have done it or not."""


class PaymentCall(Base):
    """One row before, and one after, each question that moves money. The database refuses to change or delete it.

    An intent without a result is a process that died between the two.
    """

    __tablename__ = "payment_calls"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    kind: Mapped[CallKind] = mapped_column(words(CallKind))
    intent_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_calls.id"), unique=True)
    """Of a result: which question it answers."""
    step: Mapped[str] = mapped_column(String(32))
    """What was asked for: `begin`, `capture`, `cancel`, `refund`."""
    key: Mapped[str] = mapped_column(String(128))
    """The idempotency key: asked again under the same one, the provider does it once."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[CallOutcome | None] = mapped_column(words(CallOutcome))
    code: Mapped[str] = mapped_column(String(64), default="")
    """The provider's word for why not."""
    reference: Mapped[str] = mapped_column(String(255), default="")
    """The provider's name for what it made."""
    at: Mapped[datetime]


class RefundKind(StrEnum):
    """Why money goes back."""

    REMAINDER = "remainder"
    """Of what was paid before the charging, the part that was not used."""
    REFUND = "refund"
    """Of what was taken."""


class RefundState(StrEnum):
    """What has become of a refund."""

    ASKED = "asked"
    """The provider has not answered."""
    DONE = "done"
    FAILED = "failed"
    """The provider cannot: a person has to pay it in another way."""


class Refund(Base):
    """Money that goes back to the driver by the way it came."""

    __tablename__ = "payment_refunds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    kind: Mapped[RefundKind] = mapped_column(words(RefundKind))
    state: Mapped[RefundState] = mapped_column(words(RefundState))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(500), default="")
    """What the back office wrote; empty for a remainder."""
    failure: Mapped[str] = mapped_column(String(64), default="")
    reference: Mapped[str] = mapped_column(String(255), default="")
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class PaymentHint(Base):
    """Something that a provider said unasked (a webhook). Never the truth: the provider is asked what is so."""

    __tablename__ = "payment_hints"
    __table_args__ = (UniqueConstraint("provider", "event_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    event_id: Mapped[str] = mapped_column(String(255))
    event_type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(16))
    """What it is about: a payment, a dispute, a payout, or nothing that concerns us."""
    reference: Mapped[str] = mapped_column(String(255))
    """The provider's name for that."""
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class PaymentCustomer(Base):
    """A driver's name at a provider, under which it keeps the driver's cards."""

    __tablename__ = "payment_customers"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True)
    reference: Mapped[str] = mapped_column(String(255), unique=True)
    created_at: Mapped[datetime]
