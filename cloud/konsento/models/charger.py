"""Chargers of others: what they say they are, and what is kept because they may not keep to OCPP's word."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words
from konsento.models.outlet import OutletStatus

AGAIN: Final = "~"
"""No transactionId has it (2.1 part 2, identifierString), so what comes after it is ours."""


def transaction_at_station(transaction_id: str) -> str:
    """Return a transaction's name as its station knows it, without what tells it from an older one of that name."""
    return transaction_id.partition(AGAIN)[0]


class Charger(Base):
    """What a station says it is; and of one that is not ours, what is known of how it meters and limits."""

    __tablename__ = "chargers"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    make: Mapped[str] = mapped_column(String(50), default="")
    model: Mapped[str] = mapped_column(String(50), default="")
    serial: Mapped[str] = mapped_column(String(50), default="")
    firmware: Mapped[str] = mapped_column(String(50), default="")
    limits: Mapped[str] = mapped_column(String(200), default="")
    """The limits of a transaction that it says it keeps (2.1, TxCtrlr.SupportedLimits), as it wrote them."""
    sample_s: Mapped[int | None]
    """Every how many seconds it tells its meter during a transaction; None where it has not said."""
    booted_at: Mapped[datetime | None]


class Connector(Base):
    """A connector of a charger's EVSE; a driver uses one of them at a time."""

    __tablename__ = "connectors"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    evse_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    connector_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), default="")
    """OCPP's word, for example `cType2`; empty where it has not said."""
    status: Mapped[OutletStatus] = mapped_column(words(OutletStatus), default=OutletStatus.UNKNOWN)


class TransactionName(Base):
    """A station has given a new transaction the name of an old one, as some do after a reboot."""

    __tablename__ = "transaction_names"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    transaction_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """As the station knows it."""
    name: Mapped[str] = mapped_column(String(36))
    """What the newest one is called here."""
    since: Mapped[datetime]
    """When that one began, by the station's clock: what is older belongs to the one before."""


class SideReading(Base):
    """The meter during a session, from messages that name no transaction (MeterValues), where its events lack it."""

    __tablename__ = "side_readings"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id", ondelete="CASCADE"), primary_key=True)
    first_mwh: Mapped[int] = mapped_column(BigInteger)
    last_mwh: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
    """By the station's clock."""
