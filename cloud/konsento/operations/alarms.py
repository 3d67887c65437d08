"""Alarms: raised when something is found wrong, once while it stays wrong, and closed when it no longer is.

Two sorts. What can be looked at (a site that is away, work that was given up) is found by `watch`, again and again, and
its alarm closes by itself. What happened once (a meter that made no sense) is told by `report`, and its alarm stays
until a person has acknowledged it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import Alarm, AlarmKind, Severity
from konsento.operations import repository
from konsento.operations.errors import UnknownAlarm, UnknownWork

SITE_AWAY: Final = timedelta(minutes=5)
SESSION_SILENT: Final = timedelta(minutes=5)
SESSION_UNSETTLED: Final = timedelta(minutes=30)
"""Beyond the patience of settlement with missing events, which is 15 minutes."""
DEAD_AFTER: Final = timedelta(seconds=35)
"""Of a running process: three beats that did not come."""
TRANSACTION_UNKNOWN: Final = timedelta(hours=24)
"""How long an alarm about a transaction that belongs to no session stays, if it is not given to one."""

CLOCK_APART: Final = timedelta(minutes=1)
CLOCK_HEARD: Final = timedelta(days=1)
"""What a site's clock was longer ago says nothing about now."""
SOURCE_BAD: Final = timedelta(hours=6)
"""So long a data source may be bad, where its data are not too old before."""
MAIL_ATTEMPTS: Final = 6
"""Failures of one mail in a row: about two minutes of trying."""
LEAST_FREE: Final = 0.05
"""Share of the disk below which it counts as nearly full."""

SEVERITY: Final = {
    AlarmKind.SITE_OFFLINE: Severity.CRITICAL,
    AlarmKind.OUTLET_FAULTED: Severity.WARNING,
    AlarmKind.WORK_GIVEN_UP: Severity.CRITICAL,
    AlarmKind.SESSION_SILENT: Severity.WARNING,
    AlarmKind.SESSION_UNSETTLED: Severity.CRITICAL,
    AlarmKind.UNKNOWN_TRANSACTION: Severity.CRITICAL,
    AlarmKind.METER_DOUBTFUL: Severity.WARNING,
    AlarmKind.LATE_READINGS: Severity.WARNING,
    AlarmKind.BOOKS_WRONG: Severity.CRITICAL,
    AlarmKind.JOURNAL_DROPPED: Severity.WARNING,
    AlarmKind.PRESENCE_UNCHECKED: Severity.WARNING,
    AlarmKind.LABEL_DOUBTFUL: Severity.WARNING,
    AlarmKind.CLOCK_WRONG: Severity.WARNING,
    AlarmKind.PROCESS_GONE: Severity.CRITICAL,
    AlarmKind.DISK_FULL: Severity.CRITICAL,
    AlarmKind.MAILS_REFUSED: Severity.WARNING,
    AlarmKind.SIGN_INS_FAIL: Severity.WARNING,
    AlarmKind.PAYMENT_DIFFERS: Severity.CRITICAL,
    AlarmKind.PAYMENT_UNKNOWN: Severity.CRITICAL,
    AlarmKind.PAYMENT_DISPUTED: Severity.CRITICAL,
    AlarmKind.REFUND_FAILED: Severity.CRITICAL,
    AlarmKind.SOURCE_STALE: Severity.WARNING,
}
REPORTED: Final = frozenset(
    {
        AlarmKind.METER_DOUBTFUL,
        AlarmKind.LATE_READINGS,
        AlarmKind.BOOKS_WRONG,
        AlarmKind.JOURNAL_DROPPED,
        AlarmKind.PRESENCE_UNCHECKED,
        AlarmKind.LABEL_DOUBTFUL,
        AlarmKind.PROCESS_GONE,
        AlarmKind.SIGN_INS_FAIL,
        AlarmKind.PAYMENT_DIFFERS,
        AlarmKind.PAYMENT_UNKNOWN,
        AlarmKind.PAYMENT_DISPUTED,
        AlarmKind.REFUND_FAILED,
    }
)
"""Kinds that happen once; acknowledging closes them."""
WATCHED: Final = tuple(kind for kind in AlarmKind if kind not in REPORTED)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong now."""

    kind: AlarmKind
    subject: str
    details: dict[str, Any] = field(default_factory=dict)


async def report(
    session: AsyncSession, at: datetime, kind: AlarmKind, subject: str, details: dict[str, Any] | None = None
) -> None:
    """Raise an alarm about something that happened; while one is open about the same, it is counted there.

    `details` hold no driver's data: everybody in the back office reads them.
    """
    found = await repository.open_alarm(session, kind, subject[:100])
    if found is None:
        finding = Finding(kind=kind, subject=subject[:100], details=details or {})
        if await repository.add_alarm(session, _alarm(finding, at)):
            return
        # Another process opened it between the look and the insert.
        found = await repository.open_alarm(session, kind, subject[:100])
        if found is None:
            return
    found.count += 1
    found.last_seen = at
    found.details = details or {}


async def watch(session: AsyncSession, now: datetime) -> None:
    """Look at everything that can be looked at: open the alarms that are missing, close those whose cause is gone."""
    found = {(finding.kind, finding.subject): finding for finding in await _look(session, now)}
    for alarm in await repository.open_alarms(session, WATCHED):
        finding = found.pop((alarm.kind, alarm.subject), None)
        if finding is None:
            alarm.closed_at = now
        else:
            alarm.last_seen = now
            if alarm.details != finding.details:
                alarm.details = finding.details
    for finding in found.values():
        await repository.add_alarm(session, _alarm(finding, now))
    await _report_processes(session, now)


async def _report_processes(session: AsyncSession, now: datetime) -> None:
    for replica in await repository.silent_replicas(session, now - DEAD_AFTER):
        if not await repository.alarm_since(session, AlarmKind.PROCESS_GONE, replica.host, replica.beat_at):
            await report(session, now, AlarmKind.PROCESS_GONE, replica.host, {"stations": replica.stations})


async def acknowledge(session: AsyncSession, alarm_id: UUID, member_id: UUID, note: str, now: datetime) -> Alarm:
    """Note who cares about an alarm, and what they say. Raises `UnknownAlarm`.

    An alarm about something that happened is over with it; another one closes when its cause is gone.
    """
    alarm = await session.get(Alarm, alarm_id, with_for_update=True)
    if alarm is None or alarm.closed_at is not None:
        raise UnknownAlarm
    alarm.acknowledged_by = member_id
    alarm.acknowledged_at = now
    alarm.note = note.strip()[:500]
    if alarm.kind in REPORTED:
        alarm.closed_at = now
    return alarm


async def retry_work(session: AsyncSession, alarm_id: UUID, now: datetime) -> tuple[str, str]:
    """Make the given-up work of an alarm due again, and close the alarm; returns its kind and key.

    Raises `UnknownAlarm`, `UnknownWork`.
    """
    alarm = await session.get(Alarm, alarm_id, with_for_update=True)
    if alarm is None or alarm.closed_at is not None or alarm.kind is not AlarmKind.WORK_GIVEN_UP:
        raise UnknownAlarm
    kind, _, key = alarm.subject.partition(" ")
    if not await repository.revive(session, kind, key, now):
        raise UnknownWork
    alarm.closed_at = now
    return kind, key


async def _look(session: AsyncSession, now: datetime) -> Sequence[Finding]:
    found = [
        Finding(kind=AlarmKind.SITE_OFFLINE, subject=site.station_id, details={"site": site.name})
        for site in await repository.sites_gone(session, now - SITE_AWAY)
    ]
    found += [
        Finding(
            kind=AlarmKind.OUTLET_FAULTED,
            subject=outlet.code,
            details={"outlet": outlet.name, "site": outlet.site.name, "reason": outlet.status_reason},
        )
        for outlet in await repository.faulted_outlets(session)
    ]
    found += [
        Finding(
            kind=AlarmKind.WORK_GIVEN_UP,
            subject=f"{work.kind} {work.key}",
            details={"error": work.last_error, "attempts": work.attempts},
        )
        for work in await repository.given_up(session)
    ]
    silent = await repository.silent_sessions(session, now - SESSION_SILENT)
    unsettled = await repository.unsettled_sessions(session, now - SESSION_UNSETTLED)
    for kind, sessions in ((AlarmKind.SESSION_SILENT, silent), (AlarmKind.SESSION_UNSETTLED, unsettled)):
        found += [
            Finding(
                kind=kind,
                subject=str(charging.id),
                details={"outlet": charging.outlet.name, "site": charging.outlet.site.name},
            )
            for charging in sessions
        ]
    found += [
        Finding(
            kind=AlarmKind.UNKNOWN_TRANSACTION,
            subject=f"{station_id} {transaction_id}",
            details={"events": events},
        )
        for station_id, transaction_id, events in await repository.unknown_transactions(
            session, now - TRANSACTION_UNKNOWN
        )
    ]
    found += [
        Finding(
            kind=AlarmKind.CLOCK_WRONG,
            subject=site.station_id,
            details={"site": site.name, "seconds": int(late.total_seconds())},
        )
        for site, late in await repository.clocks_apart(session, CLOCK_APART, now - CLOCK_HEARD)
    ]
    found += [
        Finding(
            kind=AlarmKind.SOURCE_STALE,
            subject=str(source.id),
            details={
                "source": source.name,
                "reason": source.problem,
                "newest": newest.strftime("%Y-%m-%d %H:%M UTC") if newest is not None else "",
            },
        )
        for source, newest in await repository.sources_stale(session, now, SOURCE_BAD)
    ]
    mails, error = await repository.failing(session, ("mail", "mails"), MAIL_ATTEMPTS)
    if mails:
        details = {"mails": mails, "error": error}
        found.append(Finding(kind=AlarmKind.MAILS_REFUSED, subject="mail", details=details))
    return found + _disk(session)


class Disk(NamedTuple):
    """The disk that holds an SQLite database."""

    folder: Path
    total: int
    free: int


def disk_of(session: AsyncSession) -> Disk | None:
    """Return how full the disk of the database is; None where the database is on a server of its own."""
    file = repository.database_file(session)
    if not file or not (folder := Path(file).resolve().parent).exists():
        return None
    usage = shutil.disk_usage(folder)
    return Disk(folder, usage.total, usage.free)


def _disk(session: AsyncSession) -> list[Finding]:
    disk = disk_of(session)
    if disk is None or disk.free >= disk.total * LEAST_FREE:
        return []
    details = {"free": f"{disk.free // 2**20} MiB", "percent": round(100 * disk.free / disk.total, 1)}
    return [Finding(kind=AlarmKind.DISK_FULL, subject=str(disk.folder)[:100], details=details)]


def _alarm(finding: Finding, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": finding.kind,
        "severity": SEVERITY[finding.kind],
        "subject": finding.subject,
        "details": finding.details,
        "opened_at": at,
        "last_seen": at,
        "count": 1,
        "note": "",
    }
