"""Telling drivers of a region's day: messages are made for all who are to be told, and handed out when they are due.

Both go a page of drivers at a time, each page in one transaction with the mails that it sends and with how far it came.
So whoever dies in between, or runs beside, nobody is told twice and nobody is left out.
"""

from datetime import date, datetime

from sqlalchemy import func, select

from konsento.advice import handing, issues, listing
from konsento.advice.recipients import PAGE
from konsento.kit.work import Again
from konsento.models import AdviceKind, AdviceMessage, AdviceState, GridRegion
from konsento.services import Services


async def go_on(services: Services, code: str, day: date, kind: AdviceKind) -> Again | None:
    """Do the next part of telling a region's drivers of a day. Opens its own transaction."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        region = await session.get(GridRegion, code)
        if region is None or not region.advises:
            return None
        issue = await issues.issue_of(session, services, region, day, kind)
        if issue is None:
            return None
        if issue.listed_at is None:
            await listing.list_page(session, services, region, issue)
            return Again(0.0)
        if await handing.hand_out(session, services, region, issue) == PAGE:
            return Again(0.0)
        query = select(func.min(AdviceMessage.due_at)).where(
            AdviceMessage.issue_id == issue.id, AdviceMessage.state == AdviceState.QUEUED
        )
        due: datetime | None = await session.scalar(query)
    return None if due is None else Again(max(0.0, (due - now).total_seconds()))
