"""Payments that are begun before their session, for charging, which meets no payment provider."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import ChargingSession, Payment, PaymentPurpose
from konsento.payments import beginning, repository
from konsento.payments.beginning import Begun, Wish
from konsento.payments.seen import Action
from konsento.payments.service import Hold
from konsento.services import Services

__all__ = [
    "Action",
    "Begun",
    "Wish",
    "adopt",
    "begin",
    "give_up",
    "is_external",
    "is_prepaid",
    "on_change",
    "payment_of",
]


def is_external(services: Services, provider: str) -> bool:
    """Tell whether a provider holds money outside, so that the driver pays before the start."""
    return provider in services.desk.external


def is_prepaid(services: Services, provider: str, method: str) -> bool:
    """Tell whether all of it is taken before the start. Raises `UnknownMethod`."""
    return services.desk.provider(provider).is_prepaid(method)


async def begin(services: Services, wish: Wish) -> Begun:
    """Begin a payment, or return the one that was begun under this id, as it is now at the provider.

    Opens its own transactions. Raises `UnknownMethod`, `UnknownCard`, `CardDeclined`, `PaymentRefused`, `PaymentAway`.
    """
    return await beginning.begin_hold(services, wish)


async def payment_of(session: AsyncSession, payment_id: UUID) -> Payment | None:
    """Return a payment as it was seen last; None for one that was never begun."""
    return await repository.payment(session, payment_id)


async def adopt(session: AsyncSession, charging: ChargingSession, payment_id: UUID) -> None:
    """Have what is held pay for a session. Raises `HoldGone`, `HoldTooSmall`."""
    wanted = Hold(
        session_id=charging.id,
        driver_id=charging.driver_id,
        amount_minor=charging.hold_minor,
        currency=charging.currency,
    )
    await beginning.adopt(session, payment_id, wanted)


async def give_up(session: AsyncSession, services: Services, payment_id: UUID) -> None:
    """Have a payment given back unless a session has taken it over; one that was never begun is none."""
    if await repository.payment(session, payment_id) is not None:
        await beginning.give_up(session, services, payment_id)


def on_change(services: Services, told: Callable[[AsyncSession, UUID], Awaitable[None]]) -> None:
    """Have `told` called with the id of a payment that no session has taken over, whenever its state changes."""

    async def changed(session: AsyncSession, payment: Payment) -> None:
        if payment.purpose is PaymentPurpose.SESSION and payment.session_id is None:
            await told(session, payment.id)

    services.desk.on_change(changed)
