"""Requests that a program may send twice without anything happening twice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class IdempotencyKey(Base):
    """One request under a key that the program chose, and what was answered to it."""

    __tablename__ = "idempotency_keys"

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes]
    """SHA-256 of method, address and body: the same key with another request is a mistake."""
    resource_id: Mapped[UUID]
    """What the request makes gets this id, so that it is found again if the process dies before it answers."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    claimed_until: Mapped[datetime]
    """Until then a request without an answer counts as being worked on."""
    status: Mapped[int | None]
    """HTTP status of the answer; None while there is none."""
    media_type: Mapped[str] = mapped_column(String(50), default="")
    body: Mapped[str | None] = mapped_column(Text)
    """None while there is no answer, and for one that holds a secret, which is not kept."""
