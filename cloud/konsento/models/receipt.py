"""Receipts: what a driver was billed, with every number that explains it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class Receipt(Base):
    """The bill of one session. Numbers have no gaps: they are given in the transaction that bills."""

    __tablename__ = "receipts"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    issued_at: Mapped[datetime] = mapped_column(index=True)
    currency: Mapped[str] = mapped_column(String(3))
    measured_mwh: Mapped[int] = mapped_column(BigInteger)
    begin_mwh: Mapped[int | None] = mapped_column(BigInteger)
    """The outlet's register at the start, mWh; None where the site sent no energy."""
    end_mwh: Mapped[int | None] = mapped_column(BigInteger)
    billed_wh: Mapped[int] = mapped_column(BigInteger)
    unit_price: Mapped[Decimal]
    amount_minor: Mapped[int] = mapped_column(BigInteger, index=True)
    """Taken from the driver, tax included."""
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    """Part of the amount that is tax."""
    tax_rate: Mapped[Decimal]
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    released_minor: Mapped[int] = mapped_column(BigInteger)
    """Held and not taken."""


class Counter(Base):
    """A row that gives out consecutive numbers."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
