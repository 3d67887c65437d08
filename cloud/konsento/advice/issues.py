"""What is told of a region's day, and when: made once, from what is in force then."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import messages, policy
from konsento.advice.letters import Facts, facts_of
from konsento.advice.messages import WORK
from konsento.grid.decisions import Outcome, last_decision
from konsento.grid.finding import day_bounds
from konsento.grid.windows import Window, window_of
from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.models import AdviceIssue, AdviceKind, GridRegion, GridWindow, WindowDecision
from konsento.services import Services

log = logging.getLogger(__name__)

_LOOK_BACK: Final = timedelta(days=2)
"""Of what was told for the last days it is noted who has charged in its windows."""


async def ask(session: AsyncSession, services: Services, code: str, day: date) -> None:
    """Have drivers told of a day that was decided: tomorrow's in the evening, changes of today's in the morning.

    Some operators forecast no day before it begins: a day that could not be decided before is told in the morning.
    """
    region = await session.get_one(GridRegion, code)
    zone, now = ZoneInfo(region.time_zone), services.clock.now()
    today = now.astimezone(zone).date()
    if day > today:
        at = policy.moment(day - timedelta(days=1), policy.EVENING, zone)
        await _ask(session, services, f"{code}:{day}:{AdviceKind.EVENING}", at)
    elif day == today:
        at = policy.moment(day, policy.MORNING, zone)
        ahead = await _was_decided_ahead(session, region, day)
        kind = AdviceKind.MORNING if ahead else AdviceKind.EVENING
        await _ask(session, services, f"{code}:{day}:{kind}", at)


async def issue_of(
    session: AsyncSession, services: Services, region: GridRegion, day: date, kind: AdviceKind
) -> AdviceIssue | None:
    """Return the issue, locked; the first time it is made, where there is something to tell."""
    query = select(AdviceIssue).where(
        AdviceIssue.region == region.code, AdviceIssue.day == day, AdviceIssue.kind == kind
    )
    issue = await session.scalar(query.with_for_update())
    if issue is not None:
        return issue
    now = services.clock.now()
    await messages.note_charged(session, region.code, day - _LOOK_BACK, now)
    await messages.forget_old(session, now)
    rows = await _in_force(session, region.code, day)
    windows = [window_of(row) for row in rows]
    told: Sequence[Window] = ()
    if kind is AdviceKind.MORNING:
        before = await _told(session, region.code, day)
        if before is None or not policy.has_changed(before, windows):
            return None
        told = before
    of_use_until = policy.of_use_until([*windows, *told])
    if of_use_until is None or now >= of_use_until:
        return None
    decision = rows[0].decision_id if rows else None
    if decision is None:
        last = await last_decision(session, region.code, day)
        if last is None:
            return None
        decision = last.id
    row = {"id": new_id(), "region": region.code, "day": day, "kind": kind, "decision_id": decision, "created_at": now}
    await session.execute(insert(session, AdviceIssue).values(row).on_conflict_do_nothing())
    if kind is AdviceKind.EVENING:
        at = policy.moment(day, policy.MORNING, ZoneInfo(region.time_zone))
        await _ask(session, services, f"{region.code}:{day}:{AdviceKind.MORNING}", at)
    log.info("advice for %s on %s: %s, %d windows", region.code, day, kind, len(windows))
    return await session.scalar(query.with_for_update())


async def facts(session: AsyncSession, region: GridRegion, issue: AdviceIssue, now: datetime) -> Facts:
    """Return what an issue tells by what is in force now."""
    rows = await _in_force(session, region.code, issue.day)
    decision = await session.get_one(WindowDecision, rows[0].decision_id if rows else issue.decision_id)
    told: Sequence[Window] = ()
    if issue.kind is AdviceKind.MORNING:
        told = await _told(session, region.code, issue.day) or ()
    return facts_of(issue.kind, region, decision, [window_of(row) for row in rows], told=told, now=now)


async def _ask(session: AsyncSession, services: Services, key: str, at: datetime) -> None:
    after_s = max(0.0, (at - services.clock.now()).total_seconds())
    await services.work.add(session, WORK, key, after_s=after_s)


async def _was_decided_ahead(session: AsyncSession, region: GridRegion, day: date) -> bool:
    begin, _ = day_bounds(day, region.time_zone)
    query = select(WindowDecision.id).where(
        WindowDecision.region == region.code,
        WindowDecision.day == day,
        WindowDecision.decided_at < begin,
        WindowDecision.outcome != Outcome.UNDECIDED,
    )
    return await session.scalar(query.limit(1)) is not None


async def _in_force(session: AsyncSession, code: str, day: date) -> list[GridWindow]:
    query = select(GridWindow).where(GridWindow.region == code, GridWindow.day == day).order_by(GridWindow.begin)
    return list(await session.scalars(query))


async def _told(session: AsyncSession, code: str, day: date) -> list[Window] | None:
    """Return the windows that were told the evening before; None where nothing was."""
    query = (
        select(WindowDecision.windows)
        .join(AdviceIssue, AdviceIssue.decision_id == WindowDecision.id)
        .where(AdviceIssue.region == code, AdviceIssue.day == day, AdviceIssue.kind == AdviceKind.EVENING)
    )
    written: Iterable[Mapping[str, str]] | None = await session.scalar(query)
    if written is None:
        return None
    return [
        Window(begin=datetime.fromisoformat(one["begin"]), end=datetime.fromisoformat(one["end"])) for one in written
    ]
