"""Bills: what a driver owes for some sessions, asked for by mail or by post and paid to the operator's bank."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base, words


class Bill(Base):
    """A bill with all that is printed on it. What is left to pay stands in the ledger, not here.

    Numbers have no gaps: they are given in the transaction that makes it.
    """

    __tablename__ = "bills"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """What its sessions owed when it was made."""
    issued_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """Paid later than this it keeps its driver from charging."""
    payee: Mapped[str] = mapped_column(String(100))
    payee_address: Mapped[str] = mapped_column(String(300))
    bank: Mapped[str] = mapped_column(String(300))
    """The payee's account, in lines."""
    iban: Mapped[str] = mapped_column(String(42))
    """Empty for none."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """Of its days."""
    by_post: Mapped[bool]
    """Printed and posted by the back office; otherwise mailed."""
    recipient: Mapped[str] = mapped_column(String(100))
    """Whom it goes to; empty where the driver gave no name, and once the account is deleted."""
    recipient_address: Mapped[str] = mapped_column(String(300))
    """Of one that is posted; empty otherwise, and once the account is deleted."""
    sent_at: Mapped[datetime | None]
    """When it, or its newest reminder, was sent; None while it waits for that."""
    reminders: Mapped[int] = mapped_column(default=0)
    """How often its driver was reminded."""
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    """When it is looked at next: paid, or to be reminded of; None where nobody waits for it any more."""
    settled_at: Mapped[datetime | None]
    """When it was seen to be paid."""
    withdrawn_at: Mapped[datetime | None]
    """When the back office took it back: its sessions are owed as if it had never been."""


class BillSession(Base):
    """A session on a bill, as it is printed there."""

    __tablename__ = "bill_sessions"
    __table_args__ = (
        # The last word: no session is on two bills that count.
        Index(
            "uq_bill_sessions_session_id",
            "session_id",
            unique=True,
            sqlite_where=text("counts"),
            postgresql_where=text("counts"),
        ),
    )

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bills.id"), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("charging_sessions.id"), primary_key=True)
    position: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """What it owed when the bill was made."""
    invoice_label: Mapped[str] = mapped_column(String(64))
    """Number of its invoice; empty for none."""
    place: Mapped[str] = mapped_column(String(200))
    charged_at: Mapped[datetime]
    counts: Mapped[bool] = mapped_column(default=True)
    """The bill is not withdrawn."""


class BillAddress(Base):
    """Where a driver's bills are posted to from now on; who has none gets them by mail."""

    __tablename__ = "bill_addresses"

    driver_id: Mapped[UUID] = mapped_column(ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(300))


class BillPaymentKind(StrEnum):
    """What the back office has noted of a bill's money."""

    PAID = "paid"
    """It came to our bank."""
    RETURNED = "returned"
    """What was too much was paid back from our bank."""
    TAKEN_BACK = "taken_back"
    """One of the two was noted by mistake."""


class BillPayment(Base):
    """Money of a bill at our bank. The database refuses to change it: a mistake is taken back by another.

    The ids of its entries in the ledger are made of its own and the session's.
    """

    __tablename__ = "bill_payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bill_id: Mapped[UUID] = mapped_column(ForeignKey("bills.id"), index=True)
    kind: Mapped[BillPaymentKind] = mapped_column(words(BillPaymentKind))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """Above zero."""
    paid_on: Mapped[date]
    """The day on the bank's statement."""
    reference: Mapped[str] = mapped_column(String(100))
    """What finds it at the bank."""
    takes_back_id: Mapped[UUID | None] = mapped_column(ForeignKey("bill_payments.id"), unique=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    """Who noted it."""
    recorded_at: Mapped[datetime]
