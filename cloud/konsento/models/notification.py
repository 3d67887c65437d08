"""What is on its way to a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
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


class MailAttachment(Base):
    """A file that goes with a mail, and with it."""

    __tablename__ = "mail_attachments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mail_id: Mapped[UUID] = mapped_column(ForeignKey("outgoing_mails.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes]


class PushSubscription(Base):
    """A browser that wants to be told about one session; deleted when it has been told of the end."""

    __tablename__ = "push_subscriptions"
    __table_args__ = (UniqueConstraint("session_id", "endpoint"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000))
    """Address at the browser's push service. Who knows it could send: it stays out of the log and off every page."""
    p256dh: Mapped[str] = mapped_column(String(100))
    """The browser's public key (RFC 8291), base64url."""
    auth: Mapped[str] = mapped_column(String(40))
    """The browser's secret for the encryption (RFC 8291), base64url."""
    locale: Mapped[str] = mapped_column(String(10))
    """Language of the page on which it was asked for."""
    created_at: Mapped[datetime]


class ServerKey(Base):
    """A key that this server made for itself, once, and has to keep."""

    __tablename__ = "server_keys"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
