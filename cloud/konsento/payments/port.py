"""The port to payment providers."""

from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Payment


class PaymentProvider(Protocol):
    """Holds money and takes or releases it. Every call is idempotent by the payment's id.

    A provider outside this database keeps its intent and its result in rows of the given transaction; one inside
    (the balance) does all of it there.
    """

    name: str
    """Stored with the payment: the one who holds the money is the one who takes it."""

    async def hold(self, session: AsyncSession, payment: Payment, at: datetime) -> None:
        """Hold `payment.hold_minor` and set `payment.reference`. Raises a KonsentoError where that is refused."""

    async def change(self, session: AsyncSession, payment: Payment, hold_minor: int, at: datetime) -> None:
        """Hold another amount instead, more or less, and set `payment.hold_minor` and `payment.reference`.

        Raises a KonsentoError where more is refused; the caller rolls back, so that the present hold stays.
        """
