"""What became of what drivers were told: opened, acted on."""

import logging
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import tokens
from konsento.advice.tokens import Purpose
from konsento.models import (
    AdviceIssue,
    AdviceMessage,
    AdviceState,
    ChargingSession,
    GridWindow,
    SessionState,
    Site,
    Work,
    WorkState,
)

log = logging.getLogger(__name__)

KEPT: Final = timedelta(days=400)
"""What drivers were told is kept for so long: a year can be compared with the one before."""
WORK: Final = "advice"
"""The due work of an issue; its keys are `REGION:YYYY-MM-DD:kind`."""
_DONE_KEPT: Final = timedelta(days=7)
_AHEAD: Final = timedelta(days=2)
"""An advice is about tomorrow; whoever plans does it within that."""


async def opened(session: AsyncSession, token: str, now: datetime) -> bool:
    """Note that a message's link was opened, the first time; False for a token that is none.

    It says from which message somebody comes, and lets nobody in: who passes a link on passes on nothing else.
    """
    number = await tokens.read(session, Purpose.MESSAGE, token)
    if number is None:
        return False
    same = AdviceMessage.id == number
    await session.execute(update(AdviceMessage).where(same, AdviceMessage.opened_at.is_(None)).values(opened_at=now))
    return True


async def acted(session: AsyncSession, driver_id: UUID, region: str, now: datetime) -> None:
    """Note that a driver has started, or planned, a session: it counts for the day that they were told of last."""
    mine = (
        AdviceMessage.driver_id == driver_id,
        AdviceMessage.state == AdviceState.SENT,
        AdviceMessage.farewell.is_(False),
    )
    last = (
        select(AdviceIssue.day)
        .join(AdviceMessage, AdviceMessage.issue_id == AdviceIssue.id)
        .where(*mine, AdviceIssue.region == region, AdviceIssue.created_at > now - _AHEAD)
        .order_by(AdviceIssue.day.desc())
        .limit(1)
    )
    told = select(AdviceIssue.id).where(AdviceIssue.region == region, AdviceIssue.day == last.scalar_subquery())
    note = update(AdviceMessage).where(*mine, AdviceMessage.issue_id.in_(told), AdviceMessage.acted_at.is_(None))
    await session.execute(note.values(acted_at=now).execution_options(synchronize_session=False))


async def note_charged(session: AsyncSession, region: str, since: date, now: datetime) -> None:
    """Note who has charged in a window that they were told of, whichever way they started: by the days from `since`."""
    told = select(AdviceIssue.id).where(AdviceIssue.region == region, AdviceIssue.day >= since)
    inside = (
        exists()
        .where(ChargingSession.driver_id == AdviceMessage.driver_id)
        .where(ChargingSession.site_id == Site.id, Site.region == region)
        .where(ChargingSession.state != SessionState.FAILED, ChargingSession.started_at < GridWindow.end)
        .where(or_(ChargingSession.ended_at.is_(None), ChargingSession.ended_at > GridWindow.begin))
        .where(GridWindow.region == region, GridWindow.day == AdviceIssue.day, GridWindow.begin <= now)
        .where(AdviceIssue.id == AdviceMessage.issue_id)
        .correlate(AdviceMessage)
    )
    mine = (
        update(AdviceMessage)
        .where(
            AdviceMessage.issue_id.in_(told),
            AdviceMessage.state == AdviceState.SENT,
            AdviceMessage.farewell.is_(False),
            AdviceMessage.acted_at.is_(None),
            inside,
        )
        .values(acted_at=now)
        .execution_options(synchronize_session=False)
    )
    await session.execute(mine)


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Delete what was told long ago, with its messages, and the rows of work that is done."""
    await session.execute(delete(AdviceIssue).where(AdviceIssue.created_at < now - KEPT))
    done = (Work.kind == WORK, Work.state == WorkState.DONE, Work.due_at < now - _DONE_KEPT)
    await session.execute(delete(Work).where(*done))
