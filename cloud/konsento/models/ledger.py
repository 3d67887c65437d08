"""The ledger: double entry after TigerBeetle's model. Transfers are never changed; the database refuses it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class AccountKind(StrEnum):
    """What an account stands for. Whose it is (`owner`) is in brackets; the others are the operator's own."""

    RECEIVABLE = "receivable"
    """What a driver owes (driver): debited by a bill, credited by its payment."""
    ADVANCE = "advance"
    """What a driver has paid for a charging that is not billed yet (driver): what we owe the driver."""
    DRIVER_BALANCE = "driver_balance"
    """Prepaid money of one driver (driver): what we owe the driver. Never below zero, held money counted as gone."""
    FUNDS = "funds"
    """Money on our bank's account."""
    PROMOTION = "promotion"
    """What the operator gives away."""
    EXPIRED = "expired"
    """Prepaid money that nobody used in time."""
    CLEARING = "clearing"
    """Money at a payment provider (provider), until its payout brings it to the funds."""
    TEST_CARD = "test_card"
    """What test cards are said to have paid (driver). No such money exists."""
    SALES = "sales"
    """Energy sold, without tax and without what others get of it."""
    TAX = "tax"
    """Tax that the prices contained and the operator owes."""
    SUPPLIER = "supplier"
    """A supplier's share of what was sold (supplier's code), until it is paid out."""
    SITE_OWNER = "site_owner"
    """A site owner's share of what was sold (site), until it is paid out."""
    FEES = "fees"
    """What payment providers keep."""
    DISPUTED = "disputed"
    """Payments that a bank has taken back (provider), until the dispute is decided."""
    WAIVED = "waived"
    """What drivers owed and are not asked for."""
    POINTS_ISSUED = "points_issued"
    """Eco points that were given out, in the unit `PTS`."""
    DRIVER_POINTS = "driver_points"
    """Eco points of one driver (driver), in the unit `PTS`. Never below zero."""


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
    __table_args__ = (
        UniqueConstraint("kind", "owner", "currency"),
        # The last word on what the program has checked before: nobody spends what is not there.
        CheckConstraint(
            "kind NOT IN ('driver_balance', 'driver_points') OR credits_posted - debits_posted - debits_pending >= 0",
            name="available",
        ),
        CheckConstraint(
            "debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0 AND credits_pending >= 0", name="sums"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind))
    owner: Mapped[str] = mapped_column(String(36))
    """Whose it is, as the kind says; empty for the operator's own."""
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
    """What for: `bill`, `tax`, `hold`, `capture`, `release`, `top-up` and so on (`backoffice.words.TRANSFERS`)."""
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("charging_sessions.id"), index=True)
    created_at: Mapped[datetime]
