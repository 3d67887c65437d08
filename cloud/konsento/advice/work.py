"""The due work of advice: what decisions about windows, plans and billed sessions bring with them."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import handing, issues, messages, planned_work, pushes, shares, sites, telling
from konsento.feeds.deciding import Listener
from konsento.kit.work import Again, Job
from konsento.models import AdviceKind, GridRegion, WindowDecision
from konsento.services import Services

_PUSH_PLACES: Final = 8
"""How many push services are waited for side by side; no other work waits for them."""


def install(services: Services) -> None:
    """Register the handlers."""
    planned_work.install(services)
    shares.install(services)
    sites.install(services)

    @services.work.on(messages.WORK, places=1)
    async def tell(job: Job) -> Again | None:
        code, day, kind = job.key.split(":")
        return await telling.go_on(services, code, date.fromisoformat(day), AdviceKind(kind))

    @services.work.on(handing.PUSH, places=_PUSH_PLACES)
    async def send_push(job: Job) -> Again | None:
        await pushes.send(services, UUID(job.key), UUID(job.payload[handing.ISSUE]))
        return None


async def begin(services: Services) -> None:
    """Have done from now on what nothing else starts."""
    await shares.begin(services)


def listener(services: Services) -> Listener:
    """Return who hears of every decision, and has drivers and sites told of it."""

    async def decided(session: AsyncSession, region: GridRegion, decision: WindowDecision) -> None:
        await issues.ask(session, services, region.code, decision.day)
        await sites.tell_region(session, services, region.code)

    return decided
