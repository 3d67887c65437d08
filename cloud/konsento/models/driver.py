"""Drivers and their sign-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class Driver(Base):
    """A person who charges. Known to the management server only; nothing of this row ever goes to a site."""

    __tablename__ = "drivers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Normalised by `accounts.contact.normal_email`, so that one mailbox has one account whatever the capitals."""
    name: Mapped[str] = mapped_column(String(100), default="")
    """As the driver wants to be addressed; empty where none was given."""
    locale: Mapped[str] = mapped_column(String(10))
    """Language of the driver's mails and pages: `en` or `ja`."""
    password_hash: Mapped[str] = mapped_column(String(200))
    """Argon2id with its parameters and salt, in the PHC string form."""
    created_at: Mapped[datetime]


class SignIn(Base):
    """One browser that is signed in. The cookie holds the token, this row only its hash."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of the token: a copy of the database lets nobody in."""
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_at: Mapped[datetime]
    """Exact to the hour: renewed at most once an hour, so that a page view rarely writes."""


class FailedSignIns(Base):
    """How often signing in to one mail address failed from one network address since it last succeeded."""

    __tablename__ = "failed_sign_ins"

    origin: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of mail address and network address; neither can be read from it without guessing both."""
    failures: Mapped[int]
    last_failed_at: Mapped[datetime] = mapped_column(index=True)
    next_attempt_at: Mapped[datetime]
    """Attempts before this time are refused unseen."""
