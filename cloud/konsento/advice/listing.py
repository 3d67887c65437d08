"""Making the messages of an issue: to whom the policy lets one be sent, and when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import issues, policy, recipients
from konsento.advice.recipients import PAGE
from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.models import AdviceChannel, AdviceIssue, AdviceKind, AdviceMessage, AdviceState, GridRegion
from konsento.notifications import mail
from konsento.services import Services


async def list_page(session: AsyncSession, services: Services, region: GridRegion, issue: AdviceIssue) -> None:
    """Make messages for the next drivers, and note how far it came."""
    now = services.clock.now()
    if issue.kind is AdviceKind.EVENING:
        ids, new = await _new_advice(session, region, issue, now)
    else:
        ids, new = await _new_corrections(session, region, issue, now)
    can_mail = mail.possible(services.settings)
    rows = [one.row(issue) for one in new if can_mail or one.channel is not AdviceChannel.MAIL]
    if rows:
        await session.execute(insert(session, AdviceMessage).on_conflict_do_nothing(), rows)
    if ids:
        issue.reached = ids[-1]
    if len(ids) < PAGE:
        issue.listed_at = now


@dataclass(frozen=True, kw_only=True)
class _New:
    """A message to be made."""

    driver_id: UUID
    channel: AdviceChannel
    due_at: datetime
    farewell: bool = False

    def row(self, issue: AdviceIssue) -> dict[str, object]:
        return {
            "id": new_id(),
            "issue_id": issue.id,
            "driver_id": self.driver_id,
            "channel": self.channel,
            "farewell": self.farewell,
            "state": AdviceState.QUEUED,
            "reason": "",
            "due_at": self.due_at,
        }


async def _new_advice(
    session: AsyncSession, region: GridRegion, issue: AdviceIssue, now: datetime
) -> tuple[list[UUID], list[_New]]:
    """Return the drivers of the next page, and the messages to those whom the policy lets be told."""
    some = await recipients.page_of(session, region.code, issue.reached, now)
    ids = [one.driver.id for one in some]
    habits = await recipients.habits(session, ids, now)
    earlier = await recipients.earlier(session, ids)
    known = await issues.facts(session, region, issue, now)
    of_use_until = policy.of_use_until(known.windows)
    new: list[_New] = []
    for one in some:
        habit, past, choice = habits[one.driver.id], earlier.get(one.driver.id, []), one.choice
        due_at = policy.due(now, choice.quiet_from, choice.quiet_until, known.zone)
        is_theirs = habit.region == region.code and not habit.charged
        if not is_theirs or policy.has_had_enough(past, due_at, known.zone):
            continue
        if of_use_until is None or due_at >= of_use_until:
            continue
        farewell = policy.follows_none(past, choice.since)
        if farewell:
            choice.stopped_at = now
        new += [
            _New(driver_id=one.driver.id, channel=channel, due_at=due_at, farewell=farewell) for channel in one.channels
        ]
    return ids, new


async def _new_corrections(
    session: AsyncSession, region: GridRegion, issue: AdviceIssue, now: datetime
) -> tuple[list[UUID], list[_New]]:
    """Return the next drivers who were told the evening before, and the corrections to them by the same ways."""
    told = (
        select(AdviceMessage.driver_id, AdviceMessage.channel)
        .join(AdviceIssue, AdviceIssue.id == AdviceMessage.issue_id)
        .where(
            AdviceIssue.region == region.code,
            AdviceIssue.day == issue.day,
            AdviceIssue.kind == AdviceKind.EVENING,
            AdviceMessage.state == AdviceState.SENT,
            AdviceMessage.farewell.is_(False),
            # What went out later told of what is in force already.
            AdviceMessage.sent_at <= issue.created_at,
        )
    )
    if issue.reached is not None:
        told = told.where(AdviceMessage.driver_id > issue.reached)
    page = told.with_only_columns(AdviceMessage.driver_id).distinct().order_by(AdviceMessage.driver_id).limit(PAGE)
    ids = list(await session.scalars(page))
    ways = await session.execute(told.where(AdviceMessage.driver_id.in_(ids)))
    wanting = await recipients.wanting(session, ids, now)
    zone = ZoneInfo(region.time_zone)
    new: list[_New] = []
    for driver_id, channel in ways:
        one = wanting.get(driver_id)
        if one is None or channel not in one.channels:
            continue
        due_at = policy.due(now, one.choice.quiet_from, one.choice.quiet_until, zone)
        new.append(_New(driver_id=driver_id, channel=channel, due_at=due_at))
    return ids, new
