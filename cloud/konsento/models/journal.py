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


FAILED: Final = "type IN ('CALLERROR', 'CALLRESULTERROR', 'unreadable')"
"""The frames that say that something went wrong, as the index of them says it."""
RARE: Final = "action NOT IN ('TransactionEvent', 'MeterValues', 'StatusNotification', 'Heartbeat', '')"
"""The frames whose action has an index: those of the others are found soon wherever one looks."""


def _partial(name: str, *columns: str, only: str) -> Index:
    return Index(f"ix_ocpp_frames_{name}", *columns, sqlite_where=sql(only), postgresql_where=sql(only))


class OcppFrame(Base):
    """One frame, without what is secret or personal in it."""

    __tablename__ = "ocpp_frames"
    # Every index is paid for by every frame: those that few frames are in are partial.
    __table_args__ = (
        Index("ix_ocpp_frames_station_id_at", "station_id", "at"),
        _partial("transaction", "transaction_id", "station_id", "at", only="transaction_id IS NOT NULL"),
        _partial("start", "station_id", "remote_start_id", only="remote_start_id IS NOT NULL"),
        _partial("outlet", "station_id", "evse_id", "at", only="evse_id IS NOT NULL"),
        _partial("failed", "at", only=FAILED),
        _partial("rare", "action", "at", only=RARE),
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
