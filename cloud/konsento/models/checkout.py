"""Checkouts: what a driver wants to charge, while the money for it is being held outside."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words
from konsento.models.charging import LimitKind


class CheckoutState(StrEnum):
    """Where a checkout is. What becomes of its money is the payment's state."""

    OPEN = "open"
    """The driver pays, or the provider has not said yet."""
    STARTED = "started"
    """Its session has begun, and holds the money. Final."""
    ENDED = "ended"
    """Nothing was started: what is held, or is held yet, goes back. Final."""


class Checkout(Base):
    """A wish that waits for its payment, which has the same id.

    The session's id is chosen beforehand as well: whoever comes first makes it, and whoever comes later finds it.
    """

    __tablename__ = "checkouts"
    __table_args__ = (Index("ix_checkouts_driver_id_created_at", "driver_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Its payment has the same, once it is there."""
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"))
    outlet_id: Mapped[UUID] = mapped_column(ForeignKey("outlets.id"), index=True)
    outlet_code: Mapped[str] = mapped_column(String(16))
    limit_kind: Mapped[LimitKind] = mapped_column(words(LimitKind))
    limit_amount: Mapped[int] = mapped_column(BigInteger)
    """Wh, seconds or minor units; 0 for `full`."""
    offer: Mapped[str] = mapped_column(String(64), default="")
    """Name of what is bought; empty for what the outlet sells first."""
    agreed: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of the price that the driver was shown; None where a program did not say."""
    ends_at: Mapped[datetime | None]
    """When supply ends at the latest, whatever it is limited by; None for no such time."""
    coupon: Mapped[str] = mapped_column(String(64), default="")
    """As it was typed; empty for none. It is kept when the session begins."""
    points: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many of the driver's points the bill may take at most."""
    provider: Mapped[str] = mapped_column(String(32))
    method: Mapped[str] = mapped_column(String(32), default="")
    """The provider's word for what is paid with; empty where the driver chooses there."""
    card: Mapped[str] = mapped_column(String(255), default="")
    """A saved card of the driver's; empty for none."""
    save_card: Mapped[bool] = mapped_column(default=False)
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    """The most that the session can cost."""
    currency: Mapped[str] = mapped_column(String(3))
    session_id: Mapped[UUID] = mapped_column(unique=True)
    """What the session is called once it is there."""
    state: Mapped[CheckoutState] = mapped_column(words(CheckoutState))
    failure: Mapped[str] = mapped_column(String(50), default="")
    """Why nothing was started: the name of an error; empty otherwise."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """Whoever has not paid by then has walked away."""
    ended_at: Mapped[datetime | None]
