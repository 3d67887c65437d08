"""Drivers and their sign-ins."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words
from konsento.kit.ids import new_id


class DriverKind(StrEnum):
    """How somebody uses the server."""

    ACCOUNT = "account"
    UNCONFIRMED = "unconfirmed"
    """Has signed up, and the mail address is not shown to be theirs yet. An account in the browser that signed up;
    nothing that was typed lets anybody in elsewhere. So nobody occupies, or learns of, somebody else's address."""
    GUEST = "guest"
    """Charges with a mail address and no account. Two visits of one person are two guests."""
    DELETED = "deleted"
    """Was an account or a guest. What is left is an id, because receipts have to be kept."""


class Driver(Base):
    """A person who charges. Known to the management server only; nothing of this row ever goes to a site."""

    __tablename__ = "drivers"
    __table_args__ = (
        # A guest may type the address of an account: nothing is merged, and nothing is learnt from it.
        Index(
            "uq_drivers_account_email",
            "email",
            unique=True,
            sqlite_where=text("kind = 'account'"),
            postgresql_where=text("kind = 'account'"),
        ),
        Index("ix_drivers_email", "email"),
        # Finds those who never confirmed, to forget them.
        Index(
            "ix_drivers_unconfirmed",
            "created_at",
            sqlite_where=text("kind = 'unconfirmed'"),
            postgresql_where=text("kind = 'unconfirmed'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DriverKind] = mapped_column(words(DriverKind), default=DriverKind.ACCOUNT)
    email: Mapped[str] = mapped_column(String(254))
    """Normalised by `accounts.contact.normal_email`, so that one mailbox has one account whatever the capitals. Empty
    once deleted."""
    email_verified_at: Mapped[datetime | None]
    """When a link that was sent to the address was used."""
    name: Mapped[str] = mapped_column(String(100), default="")
    """As the driver wants to be addressed; empty where none was given."""
    phone: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    locale: Mapped[str] = mapped_column(String(10))
    """Language of the driver's mails and pages: `en` or `ja`."""
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2id with its parameters and salt, in the PHC string form; None for who signs in by link or is a guest."""
    mail_wanted: Mapped[bool] = mapped_column(default=False)
    """Whether every charging is followed by a mail, without having been asked for each time."""
    created_at: Mapped[datetime]


class SignIn(Base):
    """One browser that is signed in. The cookie holds the token, this row only its hash."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of the token: a copy of the database lets nobody in."""
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    id: Mapped[UUID] = mapped_column(unique=True, default=new_id)
    """Names it on the page where it can be ended."""
    browser: Mapped[str] = mapped_column(String(60), default="")
    """For example `Firefox on Android`."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_at: Mapped[datetime]
    """Exact to the hour: renewed at most once an hour, so that a page view rarely writes."""


class LinkPurpose(StrEnum):
    """What the link in a mail does."""

    VERIFY_EMAIL = "verify-email"
    """Shows that the address is the driver's."""
    CHANGE_EMAIL = "change-email"
    """The same for a new address, which counts from then on."""
    SIGN_IN = "sign-in"
    GUEST = "guest"
    """Lets a guest see a charging again: many times, for months, because it stands in the receipt's mail."""


class Link(Base):
    """A link that was mailed. Its address holds the token, this row only the hash."""

    __tablename__ = "links"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(words(LinkPurpose))
    email: Mapped[str] = mapped_column(String(254))
    """The address that it went to, and proves."""
    next_page: Mapped[str] = mapped_column(String(500))
    """Where it leads."""
    closed: Mapped[bool] = mapped_column(default=False)
    """Used, or replaced by a newer one."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class FailedSignIns(Base):
    """How often signing in to one mail address failed from one network address since it last succeeded."""

    __tablename__ = "failed_sign_ins"

    origin: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of mail address and network address; neither can be read from it without guessing both."""
    failures: Mapped[int]
    last_failed_at: Mapped[datetime] = mapped_column(index=True)
    next_attempt_at: Mapped[datetime]
    """Attempts before this time are refused unseen."""
