"""Payments: what was held and taken for a session, by which provider."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class PaymentState(StrEnum):
    """What has become of the held money."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"


class Payment(Base):
    """The payment of one session."""

    __tablename__ = "payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), unique=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"))
    provider: Mapped[str] = mapped_column(String(32))
    state: Mapped[PaymentState] = mapped_column(words(PaymentState))
    currency: Mapped[str] = mapped_column(String(3))
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    reference: Mapped[str] = mapped_column(String(64))
    """The provider's name for the hold; for the balance, the id of its pending transfer."""
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
