"""How many messages there are, and what became of them."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import AdviceChannel, AdviceIssue, AdviceKind, AdviceMessage, AdviceState


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many messages of one kind about one day of a region there are."""

    region: str
    day: date
    kind: AdviceKind
    channel: AdviceChannel
    queued: int
    sent: int
    dropped: int
    opened: int
    acted: int


async def counts(session: AsyncSession, since: date, until: date, region: str | None = None) -> list[Counted]:
    """Return how many messages there are about the days from `since` to before `until`, by day, kind and channel."""
    in_state = {
        state.value: func.sum(case((AdviceMessage.state == state, 1), else_=0)).label(state.value)
        for state in AdviceState
    }
    query = (
        select(
            AdviceIssue.region,
            AdviceIssue.day,
            AdviceIssue.kind,
            AdviceMessage.channel,
            *in_state.values(),
            func.count(AdviceMessage.opened_at).label("opened"),
            func.count(AdviceMessage.acted_at).label("acted"),
        )
        .join(AdviceMessage, AdviceMessage.issue_id == AdviceIssue.id)
        .where(AdviceIssue.day >= since, AdviceIssue.day < until, AdviceMessage.farewell.is_(False))
        .group_by(AdviceIssue.region, AdviceIssue.day, AdviceIssue.kind, AdviceMessage.channel)
        .order_by(AdviceIssue.day, AdviceIssue.region, AdviceIssue.kind, AdviceMessage.channel)
    )
    if region is not None:
        query = query.where(AdviceIssue.region == region)
    return [Counted(**row._asdict()) for row in await session.execute(query)]
