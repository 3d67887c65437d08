"""The ledger: double entry after TigerBeetle's model. Transfers are never changed; the database refuses it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class AccountKind(StrEnum):
    """What an account stands for."""

    DRIVER_BALANCE = "driver_balance"
    """Prepaid money of one driver: what we owe the driver."""
    FUNDS = "funds"
    """Money that came in from outside for top-ups."""
    PROMOTION = "promotion"
    """What the operator gives away."""
    TEST_CARD = "test_card"
    """What test cards are said to have paid. No such money exists."""
    SALES = "sales"
    """Energy sold, without tax."""
    TAX = "tax"
    """Tax that the prices contained and the operator owes."""
    RECEIVABLE = "receivable"
    """What one driver owes: debited by bills, credited by payments."""
    ADVANCE = "advance"
    """What one driver has paid for a charging that is not billed yet: what we owe the driver."""
    CLEARING = "clearing"
    """Our money at one payment provider."""
    FEES = "fees"
    """What payment providers keep for their services."""
    DISPUTED = "disputed"
    """Money that one payment provider has taken back while a driver's bank contests it."""
    WAIVED = "waived"
    """What is due and not asked for."""


class TransferKind(StrEnum):
    """How a transfer counts."""

    POSTED = "posted"
    """At once."""
    PENDING = "pending"
    """Reserves the amount until it is posted or voided."""
    POST = "post"
    """Resolves a pending one: takes its amount, which may be less; the rest is free again."""
    VOID = "void"
    """Resolves a pending one: nothing is taken."""


class LedgerAccount(Base):
    """One account in one currency. The four sums are kept for speed; they always equal those of its transfers."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (UniqueConstraint("kind", "owner", "currency"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind))
    owner: Mapped[str] = mapped_column(String(36))
    """The driver's id, the payment provider's name, or empty for the operator's own."""
    currency: Mapped[str] = mapped_column(String(3))
    debits_posted: Mapped[int] = mapped_column(BigInteger, default=0)
    credits_posted: Mapped[int] = mapped_column(BigInteger, default=0)
    debits_pending: Mapped[int] = mapped_column(BigInteger, default=0)
    credits_pending: Mapped[int] = mapped_column(BigInteger, default=0)


class Transfer(Base):
    """An amount from the debit account to the credit account. The caller chooses its id: asked again, it is one."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        # Not "greater than zero" for all: voiding takes nothing.
        CheckConstraint("amount_minor > 0 OR (kind = 'void' AND amount_minor = 0)", name="amount"),
        CheckConstraint("(pending_id IS NULL) = (kind IN ('posted', 'pending'))", name="resolution"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[TransferKind] = mapped_column(words(TransferKind))
    pending_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transfers.id"), unique=True)
    """The pending transfer that this one resolves; unique, so each is resolved at most once."""
    debit_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    credit_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(32))
    """What for: `hold`, `capture`, `release`, `tax`, `top-up`, `welcome`, `goodwill`."""
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    created_at: Mapped[datetime]
