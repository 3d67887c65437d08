"""The payment of a session: held at its start, then captured or released exactly once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Payment, PaymentState
from konsento.payments.balance import BalanceProvider
from konsento.payments.port import PaymentProvider

_PROVIDERS: Final[dict[str, PaymentProvider]] = {provider.name: provider for provider in (BalanceProvider(),)}


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What is to be held."""

    session_id: UUID
    driver_id: UUID
    amount_minor: int
    currency: str
    provider: str = BalanceProvider.name


async def hold(session: AsyncSession, wanted: Hold, at: datetime) -> Payment:
    """Hold money for a session. Raises what the provider refuses with, for example `BalanceTooLow`."""
    payment = Payment(
        id=new_id(),
        session_id=wanted.session_id,
        driver_id=wanted.driver_id,
        provider=wanted.provider,
        state=PaymentState.HELD,
        currency=wanted.currency,
        hold_minor=wanted.amount_minor,
        captured_minor=0,
        reference="",
        created_at=at,
    )
    await _PROVIDERS[payment.provider].hold(session, payment, at)
    session.add(payment)
    await session.flush()
    return payment


async def resolve(session: AsyncSession, session_id: UUID, amount_minor: int, at: datetime) -> Payment:
    """Take an amount of the hold, at most all of it; nothing of it means that the hold is released.

    Asked again it changes nothing and returns what was decided the first time.
    """
    query = select(Payment).where(Payment.session_id == session_id).with_for_update()
    payment = (await session.scalars(query)).one()
    if payment.state is not PaymentState.HELD:
        return payment
    provider = _PROVIDERS[payment.provider]
    if amount_minor > 0:
        await provider.capture(session, payment, amount_minor, at)
        payment.state = PaymentState.CAPTURED
        payment.captured_minor = amount_minor
    else:
        await provider.release(session, payment, at)
        payment.state = PaymentState.RELEASED
    payment.resolved_at = at
    return payment
