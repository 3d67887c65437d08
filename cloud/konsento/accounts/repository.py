"""Queries on drivers and sign-ins."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models.driver import Driver, FailedSignIns, SignIn


async def driver_by_email(session: AsyncSession, email: str) -> Driver | None:
    """Return the driver with this normalised mail address."""
    return await session.scalar(select(Driver).where(Driver.email == email))


async def sign_in_with_driver(session: AsyncSession, token_hash: bytes) -> tuple[SignIn, Driver] | None:
    """Return a sign-in and whose it is."""
    query = select(SignIn, Driver).join(Driver, Driver.id == SignIn.driver_id).where(SignIn.token_hash == token_hash)
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def forget_sign_in(session: AsyncSession, token_hash: bytes) -> None:
    """Delete a sign-in."""
    await session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))


async def forget_expired(session: AsyncSession, now: datetime, forgotten_failures: datetime) -> None:
    """Delete sign-ins that have expired, and failures that last happened before `forgotten_failures`."""
    await session.execute(delete(SignIn).where(SignIn.expires_at <= now))
    await session.execute(delete(FailedSignIns).where(FailedSignIns.last_failed_at <= forgotten_failures))


async def failures_from(session: AsyncSession, origin: bytes) -> FailedSignIns | None:
    """Return the count of failures of one origin."""
    return await session.get(FailedSignIns, origin, with_for_update=True)
