"""Tokens with which programs act for a driver."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class ApiToken(Base):
    """One token. The program holds it, this row only its hash; ending it deletes the row."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the token: a copy of the database lets nobody in."""
    name: Mapped[str] = mapped_column(String(100))
    """What the driver calls it."""
    scopes: Mapped[str] = mapped_column(String(500))
    """Words of `accounts.tokens.Scope`, separated by spaces."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """Exact to the hour; None before the first use."""
