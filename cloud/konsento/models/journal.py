"""The journal of OCPP frames: diagnostics, kept for some days."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class Direction(StrEnum):
    """Which way a frame went."""

    IN = "in"
    """From the station."""
    OUT = "out"


ROUTINE: Final = frozenset({"TransactionEvent", "MeterValues", "StatusNotification", "Heartbeat", ""})
"""Actions that most frames have: they are found soon wherever one looks, so no index is kept of them."""


def _partial(name: str, *columns: str, of: str) -> Index:
    there = sql(f"{of} IS NOT NULL")
    return Index(f"ix_ocpp_frames_{name}", *columns, sqlite_where=there, postgresql_where=there)


class OcppFrame(Base):
    """One frame, without what is secret or personal in it."""

    __tablename__ = "ocpp_frames"
    # Every index is paid for by every frame that is in it: so most have few.
    __table_args__ = (
        Index("ix_ocpp_frames_station_id_at", "station_id", "at"),
        _partial("transaction", "transaction_id", "station_id", of="transaction_id"),
        _partial("start", "station_id", "remote_start_id", of="remote_start_id"),
        _partial("outlet", "station_id", "evse_id", "at", of="evse_id"),
        _partial("failed", "failed", "at", of="failed"),
        _partial("rare", "rare_action", "at", of="rare_action"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    """Counts up: of one process in the order in which frames went over the line."""
    at: Mapped[datetime] = mapped_column(index=True)
    station_id: Mapped[str] = mapped_column(String(48))
    direction: Mapped[Direction] = mapped_column(words(Direction))
    type: Mapped[str] = mapped_column(String(16))
    """`CALL`, `CALLRESULT`, `CALLERROR` …; `unreadable` for what was no frame."""
    action: Mapped[str] = mapped_column(String(64))
    """Of an answer: the action of its call; empty where that is not known."""
    rare_action: Mapped[str | None] = mapped_column(String(64))
    """The action where it is not `ROUTINE`, for its index; None for most frames."""
    failed: Mapped[bool | None]
    """Whether it says that something went wrong: an error, or what was no frame. None where not, for its index."""
    message_id: Mapped[str] = mapped_column(String(36))
    transaction_id: Mapped[str | None] = mapped_column(String(36))
    """Of the transaction that call or answer is about, if it is about one."""
    remote_start_id: Mapped[int | None]
    """Of the request to start that it is about."""
    evse_id: Mapped[int | None]
    """Of the outlet that it is about, where it names neither of them: what else was said of an outlet meanwhile."""
    took_ms: Mapped[int | None]
    """Of an answer: milliseconds since its call went over this server's end of the line."""
    text: Mapped[str] = mapped_column(Text)
    """The payload as JSON, at most 16,384 characters."""
