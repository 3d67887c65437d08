"""What this server keeps for stations of OCPP 1.6, which leave to it what later versions do at the station."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class V16Transaction(Base):
    """A transaction of a station of 1.6: its number is the server's, and so is the order of what is told of it."""

    __tablename__ = "v16_transactions"
    __table_args__ = (UniqueConstraint("station_id", "start_digest"),)

    station_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The transactionId: random, so that a database restored from a backup gives no number twice."""
    start_digest: Mapped[str] = mapped_column(String(64))
    """Of what StartTransaction said, so that the same start has the same number. A card's number is not kept."""
    connector_id: Mapped[int]
    started_at: Mapped[datetime]
    """By the station's clock."""
    last_seq_no: Mapped[int] = mapped_column(default=0)
    """Of the newest message; StartTransaction is 0."""
    ended_seq_no: Mapped[int | None]
    """Of StopTransaction; None while there was none."""


class V16Reading(Base):
    """A message with readings of a transaction that is on: the same message again has the same place in the order."""

    __tablename__ = "v16_readings"

    station_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq_no: Mapped[int]
