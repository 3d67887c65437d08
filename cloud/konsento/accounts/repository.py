"""Queries on drivers and sign-ins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import (
    ApiToken,
    Base,
    Driver,
    DriverKind,
    FailedSignIns,
    Link,
    LinkPurpose,
    Passkey,
    SignIn,
    WebhookEndpoint,
)


async def driver_by_email(session: AsyncSession, email: str) -> Driver | None:
    """Return the account with this normalised mail address."""
    return await session.scalar(select(Driver).where(Driver.email == email, Driver.kind == DriverKind.ACCOUNT))


async def unconfirmed_by_email(session: AsyncSession, email: str) -> Driver | None:
    """Return who signed up with this normalised mail address last and has not confirmed it."""
    query = select(Driver).where(Driver.email == email, Driver.kind == DriverKind.UNCONFIRMED)
    return await session.scalar(query.order_by(Driver.created_at.desc(), Driver.id.desc()).limit(1))


async def driver_by_id(session: AsyncSession, driver_id: UUID) -> Driver | None:
    """Return a driver, locked against other replicas."""
    return await session.get(Driver, driver_id, with_for_update=True)


async def link_with_driver(session: AsyncSession, token_hash: bytes) -> tuple[Link, Driver] | None:
    """Return a link and whose it is, locked."""
    query = (
        select(Link, Driver)
        .join(Driver, Driver.id == Link.driver_id)
        .where(Link.token_hash == token_hash)
        .with_for_update()
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


async def links_since(session: AsyncSession, email: str, since: datetime) -> int:
    """Count the links that went to an address; those of guests' receipts are not counted."""
    query = (
        select(func.count())
        .select_from(Link)
        .where(Link.email == email, Link.created_at > since, Link.purpose != LinkPurpose.GUEST)
    )
    return await session.scalar(query) or 0


async def close_links(session: AsyncSession, driver_id: UUID, purpose: LinkPurpose | None) -> None:
    """Let the links of a driver count no more, all of them or those of one purpose."""
    query = update(Link).where(Link.driver_id == driver_id).values(closed=True)
    await session.execute(query if purpose is None else query.where(Link.purpose == purpose))


async def forget_all_of(session: AsyncSession, driver_id: UUID) -> None:
    """Delete every row that is to go with a driver: of all tables, also of domains that nobody here knows."""
    for column in _goes_with_driver():
        await session.execute(delete(column.table).where(column == driver_id))


async def forget_ways_in(session: AsyncSession, driver_id: UUID) -> None:
    """Delete all that lets somebody act as a driver, except the password."""
    for model in (SignIn, Passkey, ApiToken, WebhookEndpoint):
        await session.execute(delete(model).where(model.driver_id == driver_id))


async def forget_unconfirmed(session: AsyncSession, before: datetime) -> None:
    """Forget who signed up before a moment, never confirmed the address and has no way in any more.

    Their ids stay, as those of everybody who may have charged.
    """
    ways = [exists().where(model.driver_id == Driver.id) for model in (SignIn, Passkey, ApiToken)]
    await session.execute(
        update(Driver)
        .where(Driver.kind == DriverKind.UNCONFIRMED, Driver.created_at < before, *(~way for way in ways))
        .values(kind=DriverKind.DELETED, email="", name="", phone="", address="", password_hash=None)
        .execution_options(synchronize_session=False)
    )


def _goes_with_driver() -> list[Column[UUID]]:
    return [
        key.parent
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column is Driver.__table__.c.id and key.ondelete == "CASCADE"
    ]


async def forget_expired_links(session: AsyncSession, now: datetime) -> None:
    """Delete links that have expired."""
    await session.execute(delete(Link).where(Link.expires_at <= now))


async def sign_ins_of(session: AsyncSession, driver_id: UUID, now: datetime) -> list[SignIn]:
    """Return the browsers in which a driver is signed in, the last used first."""
    query = (
        select(SignIn)
        .where(SignIn.driver_id == driver_id, SignIn.expires_at > now)
        .order_by(SignIn.last_used_at.desc(), SignIn.id)
    )
    return list(await session.scalars(query))


async def forget_sign_ins(
    session: AsyncSession, driver_id: UUID, *, sign_in_id: UUID | None = None, but: bytes | None = None
) -> None:
    """Sign a driver out in one browser, in all, or in all but one."""
    query = delete(SignIn).where(SignIn.driver_id == driver_id)
    if sign_in_id is not None:
        query = query.where(SignIn.id == sign_in_id)
    if but is not None:
        query = query.where(SignIn.token_hash != but)
    await session.execute(query)


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


async def first_or_further_failure(
    session: AsyncSession, origin: bytes, now: datetime, *, next_attempt_at: datetime
) -> FailedSignIns:
    """Return the count of failures of one origin, locked; the first makes it."""
    new = insert(session, FailedSignIns).values(
        origin=origin, failures=0, last_failed_at=now, next_attempt_at=next_attempt_at
    )
    await session.execute(new.on_conflict_do_nothing())
    return await session.get_one(FailedSignIns, origin, with_for_update=True)


async def failures_from(session: AsyncSession, origin: bytes) -> FailedSignIns | None:
    """Return the count of failures of one origin."""
    return await session.get(FailedSignIns, origin, with_for_update=True)
