"""The prepaid balance in lots: what came in together, and ends together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class BalanceLot(Base):
    """What came into a driver's balance at once: a top-up, or a credit of the operator's.

    The sum of what is left in a driver's lots is always the balance that the ledger has.
    """

    __tablename__ = "balance_lots"
    __table_args__ = (
        CheckConstraint("0 <= held_minor AND held_minor <= left_minor AND left_minor <= amount_minor", name="sums"),
        Index("ix_balance_lots_driver_id_expires_at", "driver_id", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The transfer of the ledger that brought it in."""
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"))
    promotional: Mapped[bool]
    """Given by the operator. It never becomes money that somebody has paid."""
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    left_minor: Mapped[int] = mapped_column(BigInteger)
    """Neither taken nor expired; what is held is in it."""
    held_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    """Then due work ends it, but for what is held. None for what came in before balances had lots: that was promised
    no end."""


class BalanceHold(Base):
    """What a payment holds of a lot; gone when the payment is resolved."""

    __tablename__ = "balance_holds"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("balance_lots.id"), primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class BalanceUse(Base):
    """What went out of a lot, and when: what was unused on any day is told from these rows. Never changed."""

    __tablename__ = "balance_uses"
    __table_args__ = (CheckConstraint("amount_minor <> 0", name="amount"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("balance_lots.id"), index=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"), index=True)
    """For what it was taken; None for what expired."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Below zero for what was paid back into the lot."""
    at: Mapped[datetime] = mapped_column(index=True)
