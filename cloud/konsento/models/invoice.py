"""Invoices and credit notes: documents that are handed in elsewhere, so they never change."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class InvoiceKind(StrEnum):
    """What a document says. Each kind has numbers of its own."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Invoice(Base):
    """A document with all that is printed on it. The database refuses to change it.

    No driver's name is on it, so that it can be kept for as long as it has to be. Numbers have no gaps: they are given
    in the transaction that issues.
    """

    __tablename__ = "invoices"
    __table_args__ = (UniqueConstraint("kind", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[InvoiceKind] = mapped_column(words(InvoiceKind))
    number: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(64), index=True)
    """The number as it is printed: `K-2026-000123`."""
    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    source: Mapped[UUID] = mapped_column(unique=True)
    """What it is issued for: the session that was billed, the refund, the correction. Asked again it is the same."""
    credits_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    """The invoice that a credit note takes back a part of."""
    issued_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    """Tax included; at most zero in a credit note."""
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    """Part of the total that is tax, rounded once."""
    tax_rate: Mapped[Decimal]
    """Of the whole document: a session has one price, and a price one rate."""
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Everything else that is printed: `invoices.content.Content`."""


class Recipient(Base):
    """Whom a driver's invoices are made out to, from now on."""

    __tablename__ = "recipients"

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(300))


class InvoiceRecipient(Base):
    """Whom copies of one document are made out to. It is no part of the document: a simplified invoice needs none."""

    __tablename__ = "invoice_recipients"

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(300))
