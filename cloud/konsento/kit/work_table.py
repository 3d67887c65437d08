"""Due work: what has to be done after a transaction, kept in the same transaction."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from konsento.kit.db import Base, words


class WorkState(StrEnum):
    """What has become of a piece of work."""

    DUE = "due"
    DONE = "done"
    DEAD = "dead"
    """Given up after too many failures; the operator has to look."""


class WorkRow:
    """One piece of due work. Kind and key name it, so asking for it twice is asking once.

    Each database has a table of these: `class Work(WorkRow, Base)`.
    """

    __tablename__ = "work"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (Index("ix_work_state_due_at", "state", "due_at"),)

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[WorkState] = mapped_column(words(WorkState), default=WorkState.DUE)
    due_at: Mapped[datetime]
    """Not before this time; while it is being worked on, the end of the lease."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Failures in a row."""
    generation: Mapped[int] = mapped_column(default=0)
    """Rises at every claim and every renewed request; only the newest claim may write its result."""
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class Work(WorkRow, Base):
    """The due work of the management server."""
