"""Payouts: what suppliers and site owners were paid of their shares."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class Payout(Base):
    """One payment to a supplier or site owner. The database refuses to change it: a mistake is taken back by another.

    Its entry in the ledger has the same id.
    """

    __tablename__ = "payouts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    """Whose share it is of."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Above zero; below zero where it takes another one back."""
    paid_on: Mapped[date]
    """The day on the bank's statement."""
    reference: Mapped[str] = mapped_column(String(100))
    """What finds it at the bank."""
    takes_back_id: Mapped[UUID | None] = mapped_column(ForeignKey("payouts.id"), unique=True)
    """The payout that was recorded by mistake; each is taken back once at most."""
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    """Who recorded it."""
    recorded_at: Mapped[datetime]
