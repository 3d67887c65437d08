"""What the operator's people need to know and are answerable for: audit log, alarms, running processes."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class AuditEntry(Base):
    """One thing that somebody did or looked at. The database refuses to change or delete it."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", "at"),
        Index("ix_audit_log_member_id_at", "member_id", "at"),
        Index("ix_audit_log_subject_at", "subject", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    """Who; None for somebody with a shell on the server."""
    action: Mapped[str] = mapped_column(String(40))
    """What, as `subject.verb`: `session.stop`, `driver.search`."""
    subject: Mapped[str] = mapped_column(String(100))
    """To what: an id, a station, empty where the action says it all."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Reason, answer, values. Never a password or a key."""


class Severity(StrEnum):
    """How urgent an alarm is."""

    WARNING = "warning"
    """Somebody should look today."""
    CRITICAL = "critical"
    """Drivers or money are affected now."""


class AlarmKind(StrEnum):
    """What is wrong."""

    SITE_OFFLINE = "site-offline"
    OUTLET_FAULTED = "outlet-faulted"
    WORK_GIVEN_UP = "work-given-up"
    SESSION_SILENT = "session-silent"
    SESSION_UNSETTLED = "session-unsettled"
    UNKNOWN_TRANSACTION = "unknown-transaction"
    METER_DOUBTFUL = "meter-doubtful"
    LATE_READINGS = "late-readings"
    BOOKS_WRONG = "books-wrong"
    JOURNAL_DROPPED = "journal-dropped"
    PRESENCE_UNCHECKED = "presence-unchecked"
    LABEL_DOUBTFUL = "label-doubtful"
    CLOCK_WRONG = "clock-wrong"
    PROCESS_GONE = "process-gone"
    DISK_FULL = "disk-full"
    MAILS_REFUSED = "mails-refused"
    SIGN_INS_FAIL = "sign-ins-fail"
    PAYMENT_DIFFERS = "payment-differs"
    PAYMENT_UNKNOWN = "payment-unknown"
    PAYMENT_DISPUTED = "payment-disputed"
    REFUND_FAILED = "refund-failed"
    SOURCE_STALE = "source-stale"


class Alarm(Base):
    """Something that a person should know. While it is open there is one per kind and subject."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "uq_alarms_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_alarms_opened_at", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[AlarmKind] = mapped_column(words(AlarmKind))
    severity: Mapped[Severity] = mapped_column(words(Severity))
    subject: Mapped[str] = mapped_column(String(100))
    """Of what: a station, an outlet's code, a session's id, kind and key of work."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What there is to know of it, by name."""
    opened_at: Mapped[datetime]
    last_seen: Mapped[datetime]
    """When it was found true last."""
    count: Mapped[int] = mapped_column(default=1)
    """How often it was reported; looks that find it still true do not count."""
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    acknowledged_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    """What the person wrote who acknowledged it."""
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    told_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the staff was last mailed about it."""
    told: Mapped[int] = mapped_column(default=0)
    """How often that was; 0 again once its end was mailed."""


class Replica(Base):
    """One running process of the server. It says every ten seconds that it lives."""

    __tablename__ = "replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(100))
    """Machine and process number."""
    version: Mapped[str] = mapped_column(String(40))
    roles: Mapped[str] = mapped_column(String(60), default="")
    """What it serves, separated by spaces."""
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    stations: Mapped[int]
    """Connected to this process."""
    journal_waiting: Mapped[int]
    """Frames that are not in the database yet."""
    journal_dropped: Mapped[int]
    """Frames since the start that the database could not take."""
