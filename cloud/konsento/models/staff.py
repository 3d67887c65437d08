"""Who works here: the people of the back office. Never mixed with drivers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class Role(StrEnum):
    """What somebody is here for. What each may do is in `staff.permissions`."""

    VIEWER = "viewer"
    SUPPORT = "support"
    OPERATOR = "operator"
    ADMIN = "admin"


class AlarmMails(StrEnum):
    """About which alarms somebody wants mails."""

    NONE = "none"
    CRITICAL = "critical"
    ALL = "all"


class StaffMember(Base):
    """A person who works in the back office. Never deleted: the audit log names them."""

    __tablename__ = "staff_members"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """In the normal form of `staff.contact`."""
    name: Mapped[str] = mapped_column(String(100), default="")
    role: Mapped[Role] = mapped_column(words(Role))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2id in the PHC string form; None until the invitation is taken."""
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    """Base32 secret of the one-time codes (RFC 6238); None until the invitation is taken."""
    totp_last_step: Mapped[int] = mapped_column(default=0)
    """The newest time step of 30 s whose code was used: no code counts twice."""
    alarm_mails: Mapped[AlarmMails] = mapped_column(words(AlarmMails), default=AlarmMails.NONE)
    locale: Mapped[str] = mapped_column(String(10), default="en")
    """Language of the mails: that of the page on which they were asked for."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    """Since when nobody can sign in as this member; None for who may."""


class StaffInvitation(Base):
    """A link that lets one member choose a password and enrol an authenticator, once."""

    __tablename__ = "staff_invitations"

    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), primary_key=True)
    """One at a time: a newer one makes the older worthless."""
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the token in the link."""
    totp_secret: Mapped[str] = mapped_column(String(64))
    """What the authenticator is shown; becomes the member's when a code of it was typed."""
    expires_at: Mapped[datetime]


class StaffRecoveryCode(Base):
    """A code for the day on which the authenticator is lost. Deleted when it is used."""

    __tablename__ = "staff_recovery_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of the code; 16 random characters need no slow hash."""
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), index=True)


class StaffSignIn(Base):
    """One browser in which a member is signed in."""

    __tablename__ = "staff_sign_ins"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """SHA-256 of the token in the cookie."""
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_at: Mapped[datetime]
    """Exact to the minute."""


class StaffToken(Base):
    """A token with which a program acts for a member. The program holds it, this row only its hash."""

    __tablename__ = "staff_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), index=True)
    """Who made it. It may no more than this member may when it is used."""
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the token: a copy of the database lets nobody in."""
    name: Mapped[str] = mapped_column(String(100))
    """Which program has it."""
    scopes: Mapped[str] = mapped_column(String(500))
    """Words of `staff.tokens.StaffScope`, separated by spaces."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """Exact to the hour; None before the first use."""
