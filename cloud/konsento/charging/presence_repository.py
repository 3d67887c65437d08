"""Queries on presence checks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import PENDING, Presence, PresenceState


async def pending_at(session: AsyncSession, outlet_id: UUID) -> Presence | None:
    """Return the check that keeps an outlet, locked; its time may be over."""
    query = select(Presence).where(Presence.outlet_id == outlet_id, Presence.state.in_(PENDING)).with_for_update()
    return await session.scalar(query)


async def own(session: AsyncSession, driver_id: UUID, check_id: UUID) -> Presence | None:
    """Return a driver's own check, locked."""
    query = select(Presence).where(Presence.id == check_id, Presence.driver_id == driver_id).with_for_update()
    return await session.scalar(query)


async def latest(session: AsyncSession, driver_id: UUID, outlet_id: UUID) -> Presence | None:
    """Return the newest check of a driver at an outlet, locked."""
    query = (
        select(Presence)
        .where(Presence.driver_id == driver_id, Presence.outlet_id == outlet_id)
        .order_by(Presence.asked_at.desc(), Presence.id.desc())
        .limit(1)
        .with_for_update()
    )
    return await session.scalar(query)


async def asked_since(session: AsyncSession, driver_id: UUID, since: datetime) -> int:
    """Count the checks that a driver has asked for since then, without those that a start followed."""
    query = (
        select(func.count())
        .select_from(Presence)
        .where(Presence.driver_id == driver_id, Presence.asked_at > since, Presence.state != PresenceState.USED)
    )
    return await session.scalar(query) or 0


async def end_overdue(session: AsyncSession, outlet_id: UUID, now: datetime) -> None:
    """End the check at an outlet whose time is over."""
    await session.execute(
        update(Presence)
        .where(Presence.outlet_id == outlet_id, Presence.state.in_(PENDING), Presence.expires_at <= now)
        .values(state=PresenceState.OVER)
    )


async def end_of_driver(session: AsyncSession, driver_id: UUID) -> None:
    """End the checks of a driver that are pending."""
    await session.execute(
        update(Presence)
        .where(Presence.driver_id == driver_id, Presence.state.in_(PENDING))
        .values(state=PresenceState.OVER)
    )


async def forget(session: AsyncSession, before: datetime) -> int:
    """Delete the checks that were asked for before that time; returns how many younger ones there are."""
    await session.execute(delete(Presence).where(Presence.asked_at <= before))
    return await session.scalar(select(func.count()).select_from(Presence)) or 0
