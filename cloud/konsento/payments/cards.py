"""Saved cards. They are kept by the provider, under a customer that it knows by our id alone."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.kit.work import Job
from konsento.models import PaymentCustomer
from konsento.payments.desk import Till
from konsento.payments.errors import PaymentAway, ProviderError, UnknownCard
from konsento.payments.port import ExternalProvider
from konsento.payments.seen import Action, Card

FORGET_WORK: Final = "payment-forget"


def install(services: Till) -> None:
    """Register the handler."""

    @services.work.on(FORGET_WORK)
    async def forget(job: Job) -> None:
        await services.desk.provider(job.payload["provider"]).forget_customer(job.payload["customer"])


async def cards_of(services: Till, provider_name: str, driver_id: UUID) -> Sequence[Card]:
    """Return a driver's saved cards, the newest first. Raises `UnknownMethod`, `PaymentAway`."""
    provider = services.desk.provider(provider_name)
    async with services.database.transaction() as session:
        customer = await _customer(session, provider.name, driver_id)
    if customer is None:
        return ()
    try:
        return await provider.cards(customer)
    except ProviderError:
        raise PaymentAway from None


async def begin_card(services: Till, provider_name: str, driver_id: UUID, key: str) -> Action:
    """Begin to save a card without paying; `key` makes it one however often it is asked for.

    Raises `UnknownMethod`, `PaymentAway`.
    """
    provider = services.desk.provider(provider_name)
    customer = await customer_of(services, provider, driver_id)
    try:
        return await provider.begin_card(customer, key)
    except ProviderError:
        raise PaymentAway from None


async def forget_card(services: Till, provider_name: str, driver_id: UUID, card: str) -> None:
    """Delete a driver's saved card. Raises `UnknownMethod`, `UnknownCard`, `PaymentAway`."""
    provider = services.desk.provider(provider_name)
    await check(services, provider, driver_id, card)
    customer = await customer_of(services, provider, driver_id)
    try:
        await provider.forget_card(customer, card)
    except ProviderError:
        raise PaymentAway from None


async def forget_driver(session: AsyncSession, services: Till, driver_id: UUID) -> None:
    """Have everything forgotten that providers keep of a driver, by due work."""
    rows = await session.scalars(select(PaymentCustomer).where(PaymentCustomer.driver_id == driver_id))
    for row in list(rows):
        payload = {"provider": row.provider, "customer": row.reference}
        await services.work.add(session, FORGET_WORK, f"{row.provider} {driver_id}"[:64], payload=payload)
        await session.delete(row)


async def check(services: Till, provider: ExternalProvider, driver_id: UUID, card: str) -> None:
    """Raise `UnknownCard` unless a card is the driver's."""
    if card not in {one.reference for one in await cards_of(services, provider.name, driver_id)}:
        raise UnknownCard


async def customer_of(services: Till, provider: ExternalProvider, driver_id: UUID) -> str:
    """Return a driver's name at the provider, made when it is needed first. Raises `PaymentAway`."""
    async with services.database.transaction() as session:
        customer = await _customer(session, provider.name, driver_id)
    if customer is not None:
        return customer
    try:
        # The key makes two that ask at once get the same one.
        made = await provider.customer(driver_id, f"customer:{driver_id}")
    except ProviderError:
        raise PaymentAway from None
    async with services.database.transaction() as session:
        row = {
            "provider": provider.name,
            "driver_id": driver_id,
            "reference": made,
            "created_at": services.clock.now(),
        }
        await session.execute(insert(session, PaymentCustomer).values(row).on_conflict_do_nothing())
        return await _customer(session, provider.name, driver_id) or made


async def _customer(session: AsyncSession, provider: str, driver_id: UUID) -> str | None:
    row = await session.get(PaymentCustomer, (provider, driver_id))
    return row.reference if row is not None else None
