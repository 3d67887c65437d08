"""Queries on endpoints, events and deliveries."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from konsento.models import WebhookDelivery, WebhookEndpoint, WebhookEvent


async def endpoints_of(session: AsyncSession, driver_id: UUID) -> list[WebhookEndpoint]:
    """Return a driver's endpoints, the oldest first."""
    return await endpoints_of_all(session, [driver_id])


async def endpoints_of_all(session: AsyncSession, driver_ids: Collection[UUID]) -> list[WebhookEndpoint]:
    """Return the endpoints of drivers, the oldest first."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.driver_id.in_(driver_ids))
    return list(await session.scalars(query.order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)))


async def count(session: AsyncSession, driver_id: UUID) -> int:
    """Return how many endpoints a driver has."""
    query = select(func.count()).select_from(WebhookEndpoint).where(WebhookEndpoint.driver_id == driver_id)
    return await session.scalar(query) or 0


async def delivery(session: AsyncSession, delivery_id: UUID) -> WebhookDelivery | None:
    """Return a delivery with its event and endpoint, locked against other replicas; the event too, for its body."""
    query = (
        select(WebhookDelivery)
        # Joined by name: PostgreSQL locks no table that a loader has given a name of its own.
        .join(WebhookDelivery.event)
        .where(WebhookDelivery.id == delivery_id)
        .options(contains_eager(WebhookDelivery.event), joinedload(WebhookDelivery.endpoint, innerjoin=True))
        .with_for_update(of=[WebhookDelivery, WebhookEvent])
    )
    return await session.scalar(query)


async def log_of(session: AsyncSession, endpoint_id: UUID, before: UUID | None, most: int) -> list[WebhookDelivery]:
    """Return deliveries to an endpoint with their events, the newest first; `before` is the one that was given last."""
    query = (
        select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .options(joinedload(WebhookDelivery.event, innerjoin=True))
        .order_by(WebhookDelivery.id.desc())
        .limit(most)
    )
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return list(await session.scalars(query))


async def forget_events(session: AsyncSession, before: datetime) -> None:
    """Delete the events that happened before a moment, with their deliveries."""
    old = select(WebhookEvent.id).where(WebhookEvent.created_at < before)
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.event_id.in_(old)))
    await session.execute(delete(WebhookEvent).where(WebhookEvent.created_at < before))


async def remove(session: AsyncSession, endpoint_id: UUID) -> None:
    """Delete an endpoint and its deliveries."""
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id))
    await session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))
