"""What the operator's people need to know and are answerable for: the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class AuditEntry(Base):
    """One thing that somebody did or looked at. The database refuses to change or delete it."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at"), Index("ix_audit_log_member_id_at", "member_id", "at"))

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
