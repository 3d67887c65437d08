"""The journal of OCPP frames: diagnostics, kept for some days."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class Direction(StrEnum):
    """Which way a frame went."""

    IN = "in"
    """From the station."""
    OUT = "out"


class OcppFrame(Base):
    """One frame, without what is secret in it."""

    __tablename__ = "ocpp_frames"
    __table_args__ = (
        Index("ix_ocpp_frames_station_id_at", "station_id", "at"),
        Index("ix_ocpp_frames_station_id_transaction_id", "station_id", "transaction_id"),
        Index("ix_ocpp_frames_station_id_remote_start_id", "station_id", "remote_start_id"),
        Index(
            "ix_ocpp_frames_station_id_evse_id_at",
            "station_id",
            "evse_id",
            "at",
            sqlite_where=sql("evse_id IS NOT NULL"),
            postgresql_where=sql("evse_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Sorts in the order in which frames went over the line."""
    at: Mapped[datetime] = mapped_column(index=True)
    station_id: Mapped[str] = mapped_column(String(48))
    direction: Mapped[Direction] = mapped_column(words(Direction))
    type: Mapped[str] = mapped_column(String(16))
    """`CALL`, `CALLRESULT`, `CALLERROR` …; `unreadable` for what was no frame."""
    action: Mapped[str] = mapped_column(String(64))
    """Of an answer: the action of its call; empty where that is not known."""
    message_id: Mapped[str] = mapped_column(String(36))
    transaction_id: Mapped[str | None] = mapped_column(String(36))
    """Of the transaction that call or answer is about, if it is about one."""
    remote_start_id: Mapped[int | None]
    """Of the request to start that it is about."""
    evse_id: Mapped[int | None]
    """Of the outlet that it is about, where it names neither of them: what else was said of an outlet meanwhile."""
    text: Mapped[str] = mapped_column(Text)
    """The payload as JSON, at most 16,384 characters."""
