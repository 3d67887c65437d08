"""Receipts: what a driver was billed, with every number that explains it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


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
    """Billed, tax included; never more than was held."""
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    """Part of the amount that is tax."""
    tax_rate: Mapped[Decimal]
    hold_minor: Mapped[int] = mapped_column(BigInteger)
    released_minor: Mapped[int] = mapped_column(BigInteger)
    """Held and not taken."""


class ReceiptLine(Base):
    """One line of a receipt. The lines add up to its amount."""

    __tablename__ = "receipt_lines"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.session_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0, in the order in which it is read."""
    kind: Mapped[str] = mapped_column(String(20))
    """`energy`, `time`, `session`, `idle`; `minimum`, `maximum`, `discount`; `unheld` (more than was held, which the
    driver is not asked for)."""
    quantity: Mapped[int] = mapped_column(BigInteger)
    """Wh, s, or 1."""
    unit_price: Mapped[Decimal]
    """Per kWh, minute or piece in major units, tax included."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Tax included; below zero where it is taken off."""
    code: Mapped[str] = mapped_column(String(64), default="")
    """What a discount was given for."""
    band: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """When the rate holds (`pricing.Band.to_dict`); None for at all times."""


class CorrectionReason(StrEnum):
    """Why a bill was put right."""

    LATE_READINGS = "late-readings"
    """Readings that came after it prove less."""
    OPERATOR = "operator"
    """Somebody of the operator's decided it, and said why."""


class Correction(Base):
    """An amount of a receipt that is given back. The receipt stays as it is; credit notes are made from this."""

    __tablename__ = "corrections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.session_id"), index=True)
    reason: Mapped[CorrectionReason] = mapped_column(words(CorrectionReason))
    note: Mapped[str] = mapped_column(String(500))
    """What the operator said; empty for late readings."""
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    """Who decided it; None for nobody."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Given back, above zero, tax included."""
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    """Part of the amount that is tax."""
    measured_mwh: Mapped[int | None] = mapped_column(BigInteger)
    """What all readings prove; None where it is not about readings."""
    created_at: Mapped[datetime] = mapped_column(index=True)


class Counter(Base):
    """A row that gives out consecutive numbers."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
