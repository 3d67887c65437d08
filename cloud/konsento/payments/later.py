"""Paying afterwards: nothing is held. How it is paid is chosen at the end (patent, [0093]), or a bill asks for it.

`later` and `bill` differ in how much an account may owe by them, and in what asks for it (`payments.bills`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger import service as ledger
from konsento.ledger.service import Resolution
from konsento.models import AccountKind, Payment, PaymentState
from konsento.settings import Settings

NAME: Final = "later"
BILL: Final = "bill"
NAMES: Final = frozenset({NAME, BILL})


async def left(session: AsyncSession, settings: Settings, driver_id: UUID, name: str = NAME) -> int:
    """Return how much more a driver may charge without paying first, minor units; below zero for what is too much.

    What is owed, and what is running to be paid afterwards, counts against either limit.
    """
    owed = await ledger.find_account(session, AccountKind.RECEIVABLE, settings.currency, str(driver_id))
    due = owed.debits_posted - owed.credits_posted if owed is not None else 0
    under_way = select(func.coalesce(func.sum(Payment.hold_minor), 0)).where(
        Payment.driver_id == driver_id, Payment.provider.in_(NAMES), Payment.state == PaymentState.HELD
    )
    agreed = int(await session.scalar(under_way) or 0)
    most = settings.bill_most_minor if name == BILL else settings.pay_later_minor
    return most - agreed - max(0, due)


async def lock(session: AsyncSession, settings: Settings, driver_id: UUID) -> None:
    """Keep others from charging for the same driver without paying first until the transaction ends."""
    owed = await ledger.account(session, AccountKind.RECEIVABLE, settings.currency, str(driver_id))
    await ledger.lock(session, owed.id)


class LaterProvider:
    """Holds nothing and takes nothing: what is billed stays owed."""

    def __init__(self, name: str = NAME) -> None:
        self.name = name

    async def hold(self, session: AsyncSession, payment: Payment, at: datetime) -> None:
        """Do nothing: how much it may be was looked at before (`left`)."""

    async def change(self, session: AsyncSession, payment: Payment, hold_minor: int, at: datetime) -> None:
        """Note another amount."""
        payment.hold_minor = hold_minor

    def resolutions(self, payment: Payment, amount_minor: int, at: datetime) -> list[Resolution]:
        """Return nothing: there is nothing to take."""
        return []

    async def resolved(self, session: AsyncSession, taken: Mapping[UUID, int], at: datetime) -> None:
        """Do nothing."""
