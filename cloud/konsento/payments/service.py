"""The payment of a session: held at its start, then captured or released exactly once.

What is held within this database is so in the given transaction. What an external provider holds is begun before
(`payments.beginning`) and taken over here; what becomes of it is asked for here and done by due work
(`payments.driving`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Payment, PaymentState
from konsento.payments import balance, fake, repository
from konsento.payments.balance import BalanceProvider
from konsento.payments.errors import HoldTooSmall, UnknownMethod
from konsento.payments.fake import FakeProvider
from konsento.payments.port import InternalProvider
from konsento.settings import Settings

_PROVIDERS: Final[dict[str, InternalProvider]] = {
    provider.name: provider for provider in (BalanceProvider(), FakeProvider())
}
DEFAULT: Final = balance.NAME


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way in which a driver can pay."""

    provider: str
    available_minor: int
    """The most that can be held."""


async def methods(session: AsyncSession, settings: Settings, driver_id: UUID | None) -> list[Method]:
    """Return how somebody can pay, the usual way first; None is somebody who would charge as a guest.

    A signed-in driver always has the balance, be it empty, unless another way is open and the balance has nothing.
    """
    ways: list[Method] = []
    if settings.fake_payments:
        ways.append(Method(provider=fake.NAME, available_minor=fake.DECLINES_ABOVE_MINOR))
    if driver_id is not None:
        left = await balance.available(session, driver_id)
        if left > 0 or not ways:
            ways.insert(0, Method(provider=balance.NAME, available_minor=left))
    return ways


async def method(session: AsyncSession, settings: Settings, driver_id: UUID, provider: str) -> Method:
    """Return one way to pay of a driver. Raises `UnknownMethod`."""
    for way in await methods(session, settings, driver_id):
        if way.provider == provider:
            return way
    if provider == balance.NAME:  # an empty balance is still one: what it cannot hold it says itself
        return Method(provider=balance.NAME, available_minor=await balance.available(session, driver_id))
    raise UnknownMethod


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What is to be held."""

    session_id: UUID
    driver_id: UUID
    amount_minor: int
    currency: str
    provider: str = DEFAULT


async def hold(session: AsyncSession, wanted: Hold, at: datetime) -> Payment:
    """Hold money for a session within this database. Raises what the provider refuses with, like `BalanceTooLow`.

    Raises `UnknownMethod` for an external provider: there the driver has to hold it first.
    """
    provider = _PROVIDERS.get(wanted.provider)
    if provider is None:
        raise UnknownMethod
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
    await provider.hold(session, payment, at)
    session.add(payment)
    await session.flush()
    return payment


async def change_hold(session: AsyncSession, session_id: UUID, hold_minor: int, at: datetime) -> None:
    """Hold another amount for a session, by the same provider. Raises what the provider refuses more with.

    An external hold stays as it is for less (what is not taken is released), and cannot become more: `HoldTooSmall`.
    """
    payment = await _payment_of(session, session_id)
    if payment.state is not PaymentState.HELD:
        return
    if not payment.external:
        await _PROVIDERS[payment.provider].change(session, payment, hold_minor, at)
    elif hold_minor > payment.hold_minor:
        raise HoldTooSmall


async def provider_of(session: AsyncSession, session_id: UUID) -> str:
    """Return the name of the provider that holds a session's money, or took it."""
    return (await _payment_of(session, session_id)).provider


async def _payment_of(session: AsyncSession, session_id: UUID) -> Payment:
    payment = await repository.hold_of(session, session_id, locked=True)
    if payment is None:
        raise LookupError(session_id)
    return payment
