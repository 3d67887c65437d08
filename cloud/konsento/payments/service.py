"""The payment of a session: held at its start, then captured or released exactly once.

What is held within this database is so in the given transaction. What an external provider holds is begun before
(`payments.beginning`) and taken over here; what becomes of it is asked for here and done by due work
(`payments.driving`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Payment, PaymentPurpose, PaymentState
from konsento.payments import balance, later, repository, taking
from konsento.payments.errors import HoldTooSmall, UnknownMethod
from konsento.payments.life import Happening, step
from konsento.payments.providers import INTERNAL

DEFAULT: Final = balance.NAME


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What is to be held."""

    session_id: UUID
    driver_id: UUID
    amount_minor: int
    currency: str
    provider: str = DEFAULT
    purpose: PaymentPurpose = PaymentPurpose.SESSION


async def hold(session: AsyncSession, wanted: Hold, at: datetime) -> Payment:
    """Hold money for a session within this database. Raises what the provider refuses with, like `BalanceTooLow`.

    Raises `UnknownMethod` for an external provider: there the driver has to hold it first.
    """
    provider = INTERNAL.get(wanted.provider)
    if provider is None:
        raise UnknownMethod
    payment = Payment(
        id=new_id(),
        session_id=wanted.session_id,
        driver_id=wanted.driver_id,
        purpose=wanted.purpose,
        provider=wanted.provider,
        state=PaymentState.HELD,
        currency=wanted.currency,
        hold_minor=wanted.amount_minor,
        captured_minor=0,
        reference="",
        created_at=at,
    )
    session.add(payment)
    # Before the hold, whose own rows refer to it.
    await session.flush()
    await provider.hold(session, payment, at)
    await session.flush()
    return payment


async def pay_owed(session: AsyncSession, wanted: Hold, at: datetime) -> Payment:
    """Pay what a session owes by a provider within this database. Raises as `hold`."""
    if wanted.provider == later.NAME:
        raise UnknownMethod
    payment = await hold(session, replace(wanted, purpose=PaymentPurpose.BILL), at)
    step(payment, Happening.TAKE, at)
    payment.captured_minor = wanted.amount_minor
    await taking.resolve(session, [payment], at)
    return payment


async def change_hold(session: AsyncSession, session_id: UUID, hold_minor: int, at: datetime) -> None:
    """Hold another amount for a session, by the same provider. Raises what the provider refuses more with.

    An external hold stays as it is for less (what is not taken is released), and cannot become more: `HoldTooSmall`.
    """
    payment = await _payment_of(session, session_id)
    if payment.state is not PaymentState.HELD:
        return
    if not payment.external:
        await INTERNAL[payment.provider].change(session, payment, hold_minor, at)
    elif hold_minor > payment.hold_minor:
        raise HoldTooSmall


async def held_of(session: AsyncSession, session_id: UUID) -> Payment:
    """Return the payment that was held for a session."""
    return await _payment_of(session, session_id)


async def paid_with(session: AsyncSession, session_id: UUID) -> str:
    """Return what a session is paid with: a provider of ours, or an external one's word, for example `card`."""
    made = await repository.payments_of(session, session_id)
    # What was owed afterwards may have been paid in another way.
    taken = [payment for payment in made if payment.captured_minor > 0]
    payment = (taken or made)[-1]
    return payment.method or payment.provider


async def _payment_of(session: AsyncSession, session_id: UUID) -> Payment:
    payment = await repository.hold_of(session, session_id, locked=True)
    if payment is None:
        raise LookupError(session_id)
    return payment
