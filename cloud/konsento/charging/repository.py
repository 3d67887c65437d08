"""Queries on sessions and their meter events."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import ACTIVE, WITH_OUTLET, ChargingSession, MeterEvent, SessionState, events_of


async def session_by_id(session: AsyncSession, session_id: UUID) -> ChargingSession | None:
    """Return a session with outlet and site, locked against other replicas."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.id == session_id)
        .options(WITH_OUTLET)
        .with_for_update(of=ChargingSession)
    )
    return await session.scalar(query)


async def session_of_driver(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ChargingSession | None:
    """Return a driver's own session with outlet and site."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.id == session_id, ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
    )
    return await session.scalar(query)


async def session_to_change(session: AsyncSession, driver_id: UUID, session_id: UUID) -> ChargingSession | None:
    """Return a driver's own session with outlet and site, locked against other replicas."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.id == session_id, ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
        .with_for_update(of=ChargingSession)
    )
    return await session.scalar(query)


async def active_at(session: AsyncSession, outlet_id: UUID) -> ChargingSession | None:
    """Return the session that keeps an outlet from all others."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.outlet_id == outlet_id, ChargingSession.state.in_(ACTIVE))
        .options(WITH_OUTLET)
    )
    return await session.scalar(query)


async def unfinished_at_site(session: AsyncSession, site_id: UUID) -> list[ChargingSession]:
    """Return the sessions at a site that are neither settled nor failed."""
    states = (*ACTIVE, SessionState.ENDED)
    query = (
        select(ChargingSession)
        .where(ChargingSession.site_id == site_id, ChargingSession.state.in_(states))
        .order_by(ChargingSession.id)
    )
    return list(await session.scalars(query))


async def by_transaction(session: AsyncSession, site_id: UUID, transaction_id: str) -> ChargingSession | None:
    """Return the session that a site knows by this transaction id, locked."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.site_id == site_id, ChargingSession.transaction_id == transaction_id)
        .with_for_update()
    )
    return await session.scalar(query)


async def by_transactions(session: AsyncSession, keys: Collection[tuple[UUID, str]]) -> list[ChargingSession]:
    """Return the sessions that sites know by these transaction ids, locked; a key is site and transaction id."""
    return await _locked(session, tuple_(ChargingSession.site_id, ChargingSession.transaction_id).in_(keys), keys)


async def by_remote_start_ids(session: AsyncSession, keys: Collection[tuple[UUID, int]]) -> list[ChargingSession]:
    """Return the sessions of start requests, locked; a key is site and request number."""
    return await _locked(session, tuple_(ChargingSession.site_id, ChargingSession.remote_start_id).in_(keys), keys)


async def _locked(
    session: AsyncSession, which: ColumnElement[bool], keys: Collection[tuple[UUID, object]]
) -> list[ChargingSession]:
    if not keys:
        return []
    # All replicas lock in the same order, so that no two wait for each other.
    query = select(ChargingSession).where(which).order_by(ChargingSession.id).with_for_update()
    return list(await session.scalars(query))


async def of_driver(
    session: AsyncSession, driver_id: UUID, period: tuple[datetime, datetime] | None, most: int | None, skipped: int = 0
) -> list[ChargingSession]:
    """Return a driver's sessions, the newest first, with outlet and site; `period` is from and until (exclusive)."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
        .order_by(ChargingSession.created_at.desc(), ChargingSession.id.desc())
        .limit(most)
        .offset(skipped)
    )
    if period is not None:
        query = query.where(ChargingSession.created_at >= period[0], ChargingSession.created_at < period[1])
    return list(await session.scalars(query))


async def unsettled_of_driver(session: AsyncSession, driver_id: UUID) -> bool:
    """Tell whether a driver has a session whose money is still held."""
    states = (*ACTIVE, SessionState.ENDED)
    query = select(ChargingSession.id).where(ChargingSession.driver_id == driver_id, ChargingSession.state.in_(states))
    return await session.scalar(query.limit(1)) is not None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which of a driver's sessions are asked for."""

    states: Collection[SessionState] = ()
    """Empty for all."""
    since: datetime | None = None
    """Requested at this moment or later."""
    until: datetime | None = None
    """Requested before this moment."""
    after: tuple[datetime, UUID] | None = None
    """Request and id of the session that was given last."""


async def part_of_driver(session: AsyncSession, driver_id: UUID, asked: Asked, most: int) -> list[ChargingSession]:
    """Return a part of a driver's sessions, the newest first, with outlet and site."""
    created = ChargingSession.created_at
    query = (
        select(ChargingSession)
        .where(ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
        .order_by(created.desc(), ChargingSession.id.desc())
        .limit(most)
    )
    if asked.states:
        query = query.where(ChargingSession.state.in_(asked.states))
    if asked.since is not None:
        query = query.where(created >= asked.since)
    if asked.until is not None:
        query = query.where(created < asked.until)
    if asked.after is not None:
        at, number = asked.after
        query = query.where(or_(created < at, and_(created == at, ChargingSession.id < number)))
    return list(await session.scalars(query))


async def oldest_of_driver(session: AsyncSession, driver_id: UUID) -> ChargingSession | None:
    """Return a driver's first session with outlet and site."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
        .order_by(ChargingSession.created_at)
        .limit(1)
    )
    return await session.scalar(query)


async def silent_since(session: AsyncSession, before: datetime) -> list[ChargingSession]:
    """Return the running sessions, with outlet and site, of which nothing has been heard since `before`."""
    query = (
        select(ChargingSession)
        .where(
            ChargingSession.state.in_(ACTIVE),
            func.coalesce(ChargingSession.heard_at, ChargingSession.created_at) < before,
        )
        .options(WITH_OUTLET)
        .order_by(ChargingSession.created_at)
    )
    return list(await session.scalars(query))


async def active_of_driver(session: AsyncSession, driver_id: UUID) -> list[ChargingSession]:
    """Return a driver's sessions that are on, the newest first, with outlet and site."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.driver_id == driver_id, ChargingSession.state.in_(ACTIVE))
        .options(WITH_OUTLET)
        .order_by(ChargingSession.created_at.desc())
    )
    return list(await session.scalars(query))


async def kept(session: AsyncSession, keys: Collection[tuple[UUID, str, int]]) -> set[tuple[UUID, str, int]]:
    """Return which of these events have been kept before; a key is site, transaction id and number."""
    if not keys:
        return set()
    columns = (MeterEvent.site_id, MeterEvent.transaction_id, MeterEvent.seq_no)
    return {
        (row[0], row[1], row[2]) for row in await session.execute(select(*columns).where(tuple_(*columns).in_(keys)))
    }


async def events_of_transaction(session: AsyncSession, site_id: UUID, transaction_id: str) -> list[MeterEvent]:
    """Return all events of a transaction in their order."""
    query = (
        select(MeterEvent)
        .where(MeterEvent.site_id == site_id, MeterEvent.transaction_id == transaction_id)
        .order_by(MeterEvent.seq_no)
    )
    return list(await session.scalars(query))


async def power_of(session: AsyncSession, charging: ChargingSession, most: int) -> list[tuple[datetime, int]]:
    """Return times and powers of a session, about `most` of them and evenly spread however long it runs."""
    step = charging.last_seq_no // most + 1
    query = (
        select(MeterEvent.at, MeterEvent.power_w)
        .where(
            events_of(charging),
            MeterEvent.power_w.is_not(None),
            (MeterEvent.seq_no % step == 0) | (MeterEvent.seq_no == charging.last_seq_no),
        )
        .order_by(MeterEvent.seq_no)
    )
    return [(row.at, row.power_w) for row in await session.execute(query)]


async def adopt_events(session: AsyncSession, charging: ChargingSession) -> None:
    """Give a session the events of its transaction that came before it was known whose they are."""
    await session.execute(
        update(MeterEvent)
        .where(
            MeterEvent.site_id == charging.site_id,
            MeterEvent.transaction_id == charging.transaction_id,
            MeterEvent.session_id.is_(None),
        )
        .values(session_id=charging.id)
    )
