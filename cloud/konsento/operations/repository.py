"""Queries of operations: alarms, what they are about, processes, queues."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento.models import (
    WITH_OUTLET,
    Alarm,
    AlarmKind,
    AuditEntry,
    ChargingSession,
    MeterEvent,
    OcppFrame,
    Outlet,
    OutletStatus,
    Replica,
    SessionState,
    Site,
    StaffMember,
    Work,
    WorkState,
)


async def open_alarm(session: AsyncSession, kind: AlarmKind, subject: str) -> Alarm | None:
    """Return the open alarm of a kind about a subject, locked."""
    query = (
        select(Alarm).where(Alarm.kind == kind, Alarm.subject == subject, Alarm.closed_at.is_(None)).with_for_update()
    )
    return await session.scalar(query)


async def open_alarms(session: AsyncSession, kinds: Sequence[AlarmKind]) -> list[Alarm]:
    """Return the open alarms of these kinds, locked."""
    query = select(Alarm).where(Alarm.kind.in_(kinds), Alarm.closed_at.is_(None)).with_for_update()
    return list(await session.scalars(query))


async def alarms(session: AsyncSession, *, is_open: bool, most: int) -> list[tuple[Alarm, str | None]]:
    """Return alarms and who acknowledged them (name or mail address), the newest first."""
    who = func.coalesce(func.nullif(StaffMember.name, ""), StaffMember.email)
    query = (
        select(Alarm, who)
        .outerjoin(StaffMember, StaffMember.id == Alarm.acknowledged_by)
        .where(Alarm.closed_at.is_(None) if is_open else Alarm.closed_at.is_not(None))
        .order_by(Alarm.opened_at.desc())
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def count_open(session: AsyncSession) -> int:
    """Count the open alarms that nobody has acknowledged."""
    query = select(func.count()).select_from(Alarm).where(Alarm.closed_at.is_(None), Alarm.acknowledged_at.is_(None))
    return await session.scalar(query) or 0


async def sites_gone(session: AsyncSession, since: datetime) -> list[Site]:
    """Return the sites that have been away since before that time; those that were never there are being set up."""
    query = select(Site).where(Site.connected.is_(False), Site.last_seen <= since)
    return list(await session.scalars(query))


async def faulted_outlets(session: AsyncSession) -> list[Outlet]:
    """Return the outlets that report a fault, with their site."""
    query = select(Outlet).where(Outlet.status == OutletStatus.FAULTED).options(joinedload(Outlet.site))
    return list(await session.scalars(query))


async def silent_sessions(session: AsyncSession, since: datetime) -> list[ChargingSession]:
    """Return sessions that are on at a connected site and were last heard of before that time."""
    heard = func.coalesce(ChargingSession.last_update, ChargingSession.started_at, ChargingSession.created_at)
    states = (SessionState.STARTING, SessionState.CHARGING, SessionState.SUSPENDED)
    query = (
        select(ChargingSession)
        .join(Site, Site.id == ChargingSession.site_id)
        .where(ChargingSession.state.in_(states), heard <= since, Site.connected)
        .options(WITH_OUTLET)
    )
    return list(await session.scalars(query))


async def unsettled_sessions(session: AsyncSession, since: datetime) -> list[ChargingSession]:
    """Return sessions that ended before that time and have no bill."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.state == SessionState.ENDED, ChargingSession.ended_at <= since)
        .options(WITH_OUTLET)
    )
    return list(await session.scalars(query))


async def unknown_transactions(session: AsyncSession, since: datetime) -> list[tuple[str, str, int]]:
    """Return station, transaction and number of events of what was told since then and belongs to no session."""
    query = (
        select(Site.station_id, MeterEvent.transaction_id, func.count())
        .join(Site, Site.id == MeterEvent.site_id)
        .where(MeterEvent.session_id.is_(None), MeterEvent.received_at >= since)
        .group_by(Site.station_id, MeterEvent.transaction_id)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def given_up(session: AsyncSession) -> list[Work]:
    """Return the due work that was given up."""
    return list(await session.scalars(select(Work).where(Work.state == WorkState.DEAD)))


async def revive(session: AsyncSession, kind: str, key: str, now: datetime) -> bool:
    """Make given-up work due again; tells whether there was any."""
    statement = (
        update(Work)
        .where(Work.kind == kind, Work.key == key, Work.state == WorkState.DEAD)
        .values(state=WorkState.DUE, attempts=0, due_at=now, generation=Work.generation + 1)
        .returning(Work.key)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def queues(session: AsyncSession) -> list[tuple[str, WorkState, int, datetime]]:
    """Return kind, state, number and oldest time due of all work that is not done."""
    query = (
        select(Work.kind, Work.state, func.count(), func.min(Work.due_at))
        .where(Work.state != WorkState.DONE)
        .group_by(Work.kind, Work.state)
        .order_by(Work.kind, Work.state)
    )
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(query)]


async def replicas(session: AsyncSession) -> list[Replica]:
    """Return the processes, the newest first."""
    return list(await session.scalars(select(Replica).order_by(Replica.started_at.desc())))


async def forget_replicas(session: AsyncSession, before: datetime) -> None:
    """Forget processes that were last heard of before that time."""
    await session.execute(delete(Replica).where(Replica.beat_at < before))


async def forget_frames(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete up to `most` of the journal's frames that are older; returns how many."""
    old = select(OcppFrame.id).where(OcppFrame.at < before).order_by(OcppFrame.at).limit(most)
    deleted = await session.execute(delete(OcppFrame).where(OcppFrame.id.in_(old)).returning(OcppFrame.id))
    return len(deleted.all())


async def journal_facts(session: AsyncSession) -> tuple[int, datetime | None, datetime | None]:
    """Return how many frames the journal has, and the times of the oldest and the newest."""
    row = (
        await session.execute(select(func.count(OcppFrame.id), func.min(OcppFrame.at), func.max(OcppFrame.at)))
    ).one()
    return row[0], row[1], row[2]


async def database_bytes(session: AsyncSession) -> int:
    """Return how large the database is."""
    if session.get_bind().dialect.name == "sqlite":
        pages = await session.scalar(text("PRAGMA page_count")) or 0
        return int(pages) * int(await session.scalar(text("PRAGMA page_size")) or 0)
    return int(await session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


async def audit_log(
    session: AsyncSession,
    *,
    member_id: UUID | None,
    action: str,
    subject: str,
    since: datetime | None,
    until: datetime | None,
    offset: int,
    most: int,
) -> list[tuple[AuditEntry, str | None]]:
    """Return entries and who did it (name or mail address), the newest first; empty filters take all."""
    who = func.coalesce(func.nullif(StaffMember.name, ""), StaffMember.email)
    query = select(AuditEntry, who).outerjoin(StaffMember, StaffMember.id == AuditEntry.member_id)
    if member_id is not None:
        query = query.where(AuditEntry.member_id == member_id)
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(AuditEntry.subject == subject)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if until is not None:
        query = query.where(AuditEntry.at < until)
    query = query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).offset(offset).limit(most)
    return [(row[0], row[1]) for row in await session.execute(query)]
