"""Webhooks: where a driver's programs are told what happens, what was told, and how each delivery went."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from konsento.kit.db import Base, words


class WebhookEndpoint(Base):
    """An address of a driver's program."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[str] = mapped_column(String(500))
    """Types of events that it wants, separated by spaces; empty for all."""
    secret: Mapped[str] = mapped_column(String(80))
    """Signs every delivery, so it has to be readable; `whsec_…`."""
    old_secret: Mapped[str | None] = mapped_column(String(80))
    """The one before, which signs as well until `old_secret_until`."""
    old_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    """When the first delivery failed since the last one that was taken."""
    disabled_at: Mapped[datetime | None]
    """When it was given up; nothing is sent to it any more."""


class WebhookEvent(Base):
    """Something that happened, told to every endpoint that wants it."""

    __tablename__ = "webhook_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"))
    """None for a test."""
    type: Mapped[str] = mapped_column(String(50))
    created_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[str | None] = mapped_column(Text)
    """What is sent, the same at every attempt; None before the first."""


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    WAITING = "waiting"
    """For its first attempt, or for the next one."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up."""


class WebhookDelivery(Base):
    """One event on its way to one endpoint."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_webhook_deliveries_event_id", "event_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"))
    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    last_attempt_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    """HTTP status of the last answer; None where there was none."""
    last_error: Mapped[str] = mapped_column(String(50), default="")
    """Why the last attempt failed, as a word for programs; empty where it did not."""

    event: Mapped[WebhookEvent] = relationship(lazy="raise")
    endpoint: Mapped[WebhookEndpoint] = relationship(lazy="raise")
