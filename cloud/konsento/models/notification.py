"""What is on its way to a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class OutgoingMail(Base):
    """A mail that has not been handed to the mail server yet; deleted when it has been."""

    __tablename__ = "outgoing_mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    unsubscribe: Mapped[str] = mapped_column(String(500), default="")
    """Where one request ends mails of this kind (RFC 8058); empty for mails that somebody asked for."""
    created_at: Mapped[datetime]
