"""Queries of operations: alarms, what they are about, processes, queues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento.kit.db import insert
from konsento.models import (
    ACTIVE,
    WITH_OUTLET,
    Alarm,
    AlarmKind,
    AuditEntry,
    ChargingSession,
    GridSource,
    MeterEvent,
    OcppFrame,
    Outlet,
    OutletStatus,
    Payment,
    PaymentState,
    Replica,
    SessionState,
    Severity,
    Site,
    SourceState,
    StaffMember,
    StationLink,
    Work,
    WorkState,
)

CREDIT: Final = "driver.credit"
"""The action of the audit log by which a driver was given credit."""


async def open_alarm(session: AsyncSession, kind: AlarmKind, subject: str) -> Alarm | None:
    """Return the open alarm of a kind about a subject, locked."""
    query = (
        select(Alarm).where(Alarm.kind == kind, Alarm.subject == subject, Alarm.closed_at.is_(None)).with_for_update()
    )
    return await session.scalar(query)


async def add_alarm(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Open an alarm, unless one about the same is open; returns whether it is new."""
    new = insert(session, Alarm).values(**values).on_conflict_do_nothing().returning(Alarm.id)
    return await session.scalar(new) is not None


async def open_alarms(session: AsyncSession, kinds: Sequence[AlarmKind]) -> list[Alarm]:
    """Return the open alarms of these kinds, locked."""
    # In one order, so that two transactions never wait for each other.
    query = select(Alarm).where(Alarm.kind.in_(kinds), Alarm.closed_at.is_(None)).order_by(Alarm.id).with_for_update()
    return list(await session.scalars(query))


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which alarms are looked for; what is empty does not narrow it."""

    is_open: bool | None = None
    kind: AlarmKind | None = None
    severity: Severity | None = None
    text: str = ""
    """In the subject."""
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None
    """Only what was opened before this alarm (its time and id)."""


async def alarms(
    session: AsyncSession, sought: Sought, *, offset: int = 0, most: int
) -> list[tuple[Alarm, str | None]]:
    """Return alarms and who acknowledged them (name or mail address), the newest first."""
    who = func.coalesce(func.nullif(StaffMember.name, ""), StaffMember.email)
    query = (
        select(Alarm, who)
        .outerjoin(StaffMember, StaffMember.id == Alarm.acknowledged_by)
        .where(*_sought(sought))
        .order_by(Alarm.opened_at.desc(), Alarm.id.desc())
        .offset(offset)
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def count_alarms(session: AsyncSession, sought: Sought) -> int:
    """Count the alarms that `alarms` returns."""
    return await session.scalar(select(func.count()).select_from(Alarm).where(*_sought(sought))) or 0


def _sought(sought: Sought) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if sought.is_open is not None:
        conditions.append(Alarm.closed_at.is_(None) if sought.is_open else Alarm.closed_at.is_not(None))
    if sought.kind is not None:
        conditions.append(Alarm.kind == sought.kind)
    if sought.severity is not None:
        conditions.append(Alarm.severity == sought.severity)
    if sought.text:
        conditions.append(Alarm.subject.contains(sought.text, autoescape=True))
    if sought.since is not None:
        conditions.append(Alarm.opened_at >= sought.since)
    if sought.until is not None:
        conditions.append(Alarm.opened_at < sought.until)
    if sought.before is not None:
        at, number = sought.before
        conditions += [
            Alarm.opened_at <= at,
            or_(Alarm.opened_at < at, and_(Alarm.opened_at == at, Alarm.id < number)),
        ]
    return conditions


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


async def sources_stale(
    session: AsyncSession, now: datetime, bad_for: timedelta
) -> list[tuple[GridSource, datetime | None]]:
    """Return the data sources whose newest good data are too old, or that have been bad for so long.

    With as of when their data are: when they were last read, or the end of what they told where that is before. A
    source that nothing was ever expected of (it is new, and only uploaded to) is none of them.
    """
    query = select(GridSource).where(GridSource.state != SourceState.OFF).order_by(GridSource.name)
    found: list[tuple[GridSource, datetime | None]] = []
    for source in await session.scalars(query):
        newest = min(filter(None, (source.good_at, source.data_until)), default=None)
        patience = timedelta(seconds=source.stale_after_s)
        is_old = newest is not None and now - newest > patience
        if is_old or (source.bad_since is not None and now - source.bad_since > min(bad_for, patience)):
            found.append((source, newest))
    return found


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


async def sessions_by_state(session: AsyncSession) -> list[tuple[SessionState, int]]:
    """Return how many sessions run, or have ended and have no bill, by state; those of old are not counted."""
    states = (*ACTIVE, SessionState.ENDED)
    query = (
        select(ChargingSession.state, func.count())
        .where(ChargingSession.state.in_(states))
        .group_by(ChargingSession.state)
    )
    found = {row[0]: row[1] for row in await session.execute(query)}
    return [(state, found.get(state, 0)) for state in states]


async def payments_by_state(session: AsyncSession) -> list[tuple[PaymentState, int]]:
    """Return how many external payments wait for something, by state."""
    states = (PaymentState.PENDING, PaymentState.HELD, PaymentState.CAPTURING, PaymentState.RELEASING)
    query = (
        select(Payment.state, func.count()).where(Payment.external, Payment.state.in_(states)).group_by(Payment.state)
    )
    found = {row[0]: row[1] for row in await session.execute(query)}
    return [(state, found.get(state, 0)) for state in states]


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


async def forget_surplus(session: AsyncSession, keep: int, most: int) -> int:
    """Delete up to `most` of the journal's oldest frames beyond the number that is kept; returns how many."""
    first, last = await _frame_numbers(session)
    surplus = last - first + 1 - keep if last else 0
    if surplus <= 0:
        return 0
    deleted = await session.execute(
        delete(OcppFrame).where(OcppFrame.id < first + min(surplus, most)).returning(OcppFrame.id)
    )
    return len(deleted.all())


async def forget_links(session: AsyncSession, before: datetime) -> None:
    """Forget what was measured on lines that nobody has written about since then."""
    await session.execute(delete(StationLink).where(StationLink.written_at < before))


async def journal_facts(session: AsyncSession) -> tuple[int, datetime | None, datetime | None]:
    """Return about how many frames the journal has, and the times of the oldest and the newest.

    Nothing is counted: that would hold everybody else up where there are millions. Frames are numbered and the oldest
    are deleted first, so the numbers tell.
    """
    first, last = await _frame_numbers(session)
    # One by one: together they are not read from the ends of the index.
    oldest_at = await session.scalar(select(func.min(OcppFrame.at)))
    newest_at = await session.scalar(select(func.max(OcppFrame.at)))
    return last - first + 1 if last else 0, oldest_at, newest_at


async def _frame_numbers(session: AsyncSession) -> tuple[int, int]:
    first = await session.scalar(select(func.min(OcppFrame.id)))
    last = await session.scalar(select(func.max(OcppFrame.id)))
    return first or 0, last or 0


def database_file(session: AsyncSession) -> str | None:
    """Return the file of an SQLite database; None where there is none."""
    engine = session.get_bind()
    return engine.engine.url.database if engine.dialect.name == "sqlite" else None


async def database_bytes(session: AsyncSession) -> int:
    """Return how large the database is."""
    if session.get_bind().dialect.name == "sqlite":
        pages = await session.scalar(text("PRAGMA page_count")) or 0
        return int(pages) * int(await session.scalar(text("PRAGMA page_size")) or 0)
    return int(await session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Which entries of the audit log are looked for; what is empty does not narrow it."""

    member_id: UUID | None = None
    action: str = ""
    """How the action begins."""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    down: bool = True
    """The newest first."""
    before: tuple[datetime, UUID] | None = None
    """Only what is older than this entry (its time and id)."""


async def audit_log(
    session: AsyncSession, looked: Looked, *, offset: int, most: int
) -> list[tuple[AuditEntry, str | None]]:
    """Return entries and who did it (name or mail address)."""
    who = func.coalesce(func.nullif(StaffMember.name, ""), StaffMember.email)
    query = select(AuditEntry, who).outerjoin(StaffMember, StaffMember.id == AuditEntry.member_id)
    if looked.member_id is not None:
        query = query.where(AuditEntry.member_id == looked.member_id)
    if looked.action:
        query = query.where(AuditEntry.action.startswith(looked.action, autoescape=True))
    if looked.subject:
        query = query.where(AuditEntry.subject == looked.subject)
    if looked.since is not None:
        query = query.where(AuditEntry.at >= looked.since)
    if looked.until is not None:
        query = query.where(AuditEntry.at < looked.until)
    if looked.before is not None:
        at, number = looked.before
        query = query.where(
            AuditEntry.at <= at, or_(AuditEntry.at < at, and_(AuditEntry.at == at, AuditEntry.id < number))
        )
    columns = (AuditEntry.at, AuditEntry.id)
    query = query.order_by(*(column.desc() if looked.down else column.asc() for column in columns))
    return [(row[0], row[1]) for row in await session.execute(query.offset(offset).limit(most))]


async def goodwill_since(session: AsyncSession, member_id: UUID, since: datetime) -> int:
    """Return how much credit a member has given to drivers since then, in minor units."""
    query = select(AuditEntry.details).where(
        AuditEntry.member_id == member_id, AuditEntry.at >= since, AuditEntry.action == CREDIT
    )
    return sum(int(details.get("minor", 0)) for details in await session.scalars(query))


async def clocks_apart(session: AsyncSession, by: timedelta, since: datetime) -> list[tuple[Site, timedelta]]:
    """Return connected sites whose clock was heard to be so much ahead or behind since then, and how late it is."""
    query = (
        select(Site, StationLink.clock_ahead_s)
        .join(StationLink, StationLink.station_id == Site.station_id)
        .where(
            Site.connected,
            StationLink.gone_at.is_(None),
            StationLink.clock_at >= since,
            func.abs(StationLink.clock_ahead_s) > by.total_seconds(),
        )
    )
    found = (await session.execute(query)).all()
    return [(row[0], timedelta(seconds=-(row[1] or 0.0))) for row in found]


async def silent_replicas(session: AsyncSession, since: datetime) -> list[Replica]:
    """Return the processes that were last heard of before that time and did not say that they end."""
    return list(await session.scalars(select(Replica).where(Replica.beat_at < since)))


async def alarm_since(session: AsyncSession, kind: AlarmKind, subject: str, since: datetime) -> bool:
    """Tell whether there was an alarm of a kind about a subject since then, open or over."""
    query = select(Alarm.id).where(Alarm.kind == kind, Alarm.subject == subject, Alarm.opened_at >= since).limit(1)
    return await session.scalar(query) is not None


async def failing(session: AsyncSession, kinds: Sequence[str], attempts: int) -> tuple[int, str]:
    """Return how much due work of some kinds has failed so often in a row, and the last error of some of it."""
    query = select(func.count(), func.max(Work.last_error)).where(
        Work.state == WorkState.DUE, Work.kind.in_(kinds), Work.attempts >= attempts
    )
    row = (await session.execute(query)).one()
    return row[0], row[1] or ""


async def alarms_to_tell(session: AsyncSession, told_before: datetime) -> list[Alarm]:
    """Return the open alarms that nobody cares for and that were not told about since then, the oldest first."""
    query = (
        select(Alarm)
        .where(
            Alarm.closed_at.is_(None),
            Alarm.acknowledged_at.is_(None),
            or_(Alarm.told_at.is_(None), Alarm.told_at <= told_before),
        )
        .order_by(Alarm.id)  # its time is in it
        .with_for_update()
    )
    return list(await session.scalars(query))


async def told_since(session: AsyncSession, since: datetime) -> list[Alarm]:
    """Return the alarms that the staff was mailed about since then, also those that are over, locked."""
    return list(await session.scalars(select(Alarm).where(Alarm.told_at >= since).order_by(Alarm.id).with_for_update()))
