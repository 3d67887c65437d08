"""Advice to drivers: who wants it and how, and what each of them was told."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words

QUIET_FROM = 21 * 60
QUIET_UNTIL = 7 * 60


class AdviceChoice(Base):
    """What a driver has chosen about advice. Nobody has a row who has never chosen anything: advice is opt-in."""

    __tablename__ = "advice_choices"

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True)
    mail: Mapped[bool] = mapped_column(default=False)
    """By mail. By notice: where the driver has an `AdviceBrowser`."""
    calendar_hash: Mapped[bytes | None] = mapped_column(unique=True)
    """SHA-256 of the token in the address of the driver's calendar; None: there is none."""
    quiet_from: Mapped[int] = mapped_column(default=QUIET_FROM)
    """Minutes after midnight by the region's clock from which on nothing is sent."""
    quiet_until: Mapped[int] = mapped_column(default=QUIET_UNTIL)
    """Likewise, until when; the same as `quiet_from`: there are no quiet hours."""
    paused_until: Mapped[datetime | None]
    """The driver wants nothing before that."""
    stopped_at: Mapped[datetime | None]
    """When it stopped by itself, because the driver had followed none for a while; None: it has not."""
    since: Mapped[datetime]
    """When the driver turned it on, or on again: what was not followed before counts no more."""


class AdviceBrowser(Base):
    """A browser in which a driver wants to be advised."""

    __tablename__ = "advice_browsers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True)
    """Address at the browser's push service: of one driver, the last who asked there. Who knows it could send: it stays
    out of the log and off every page."""
    p256dh: Mapped[str] = mapped_column(String(100))
    """The browser's public key (RFC 8291), base64url."""
    auth: Mapped[str] = mapped_column(String(40))
    """The browser's secret for the encryption (RFC 8291), base64url."""
    locale: Mapped[str] = mapped_column(String(10))
    """Language of the page on which it was asked for."""
    created_at: Mapped[datetime]


class AdviceKind(StrEnum):
    """Why drivers are told something."""

    EVENING = "evening"
    """Windows of tomorrow."""
    MORNING = "morning"
    """What was told the evening before has changed, or is withdrawn."""


class AdviceIssue(Base):
    """The advice about one day of a region: drivers are told of it once."""

    __tablename__ = "advice_issues"
    __table_args__ = (UniqueConstraint("region", "day", "kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    day: Mapped[date]
    """By the region's clock."""
    kind: Mapped[AdviceKind] = mapped_column(words(AdviceKind))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("window_decisions.id"))
    """What was in force when it was issued."""
    created_at: Mapped[datetime]
    reached: Mapped[UUID | None]
    """The driver up to whom messages are made; drivers are gone through by id."""
    listed_at: Mapped[datetime | None]
    """When messages were made for all."""


class AdviceChannel(StrEnum):
    """How a driver is told."""

    MAIL = "mail"
    PUSH = "push"


class AdviceState(StrEnum):
    """What has become of a message."""

    QUEUED = "queued"
    """Waits for its time."""
    SENT = "sent"
    """Handed to the mails, or the notices, that are on their way."""
    DROPPED = "dropped"


class AdviceMessage(Base):
    """One message to one driver."""

    __tablename__ = "advice_messages"
    __table_args__ = (
        UniqueConstraint("issue_id", "driver_id", "channel"),
        Index("ix_advice_messages_driver_id_due_at", "driver_id", "due_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issue_id: Mapped[UUID] = mapped_column(ForeignKey("advice_issues.id", ondelete="CASCADE"))
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"))
    channel: Mapped[AdviceChannel] = mapped_column(words(AdviceChannel))
    farewell: Mapped[bool] = mapped_column(default=False)
    """It advises nothing: it says that nothing more comes (`AdviceChoice.stopped_at`)."""
    state: Mapped[AdviceState] = mapped_column(words(AdviceState), default=AdviceState.QUEUED)
    reason: Mapped[str] = mapped_column(String(16), default="")
    """Why it was dropped, a word of `advice.policy.Dropped`; empty where it was not."""
    due_at: Mapped[datetime]
    """Not before this time, for the driver's quiet hours."""
    sent_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    """When its link was first opened; in a mail that is the only trace of its being read."""
    acted_at: Mapped[datetime | None]
    """When the driver first charged, or planned to, in a window of its day."""
