"""The due work of advice: started by every decision about a region's day."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice import handing, issues, messages, pushes, telling
from konsento.feeds import decided
from konsento.kit.work import Again, Job
from konsento.models import AdviceKind, WindowDecision
from konsento.services import Services

_PUSH_PLACES: Final = 8
"""How many push services are waited for side by side; no other work waits for them."""


def install(services: Services) -> None:
    """Register the handlers, and listen to decisions: so after `feeds.work`."""

    async def tell_of(session: AsyncSession, code: str, decision: WindowDecision) -> None:
        await issues.ask(session, services, code, decision.day)

    decided.listeners.append(tell_of)

    @services.work.on(messages.WORK, places=1)
    async def tell(job: Job) -> Again | None:
        code, day, kind = job.key.split(":")
        return await telling.go_on(services, code, date.fromisoformat(day), AdviceKind(kind))

    @services.work.on(handing.PUSH, places=_PUSH_PLACES)
    async def send_push(job: Job) -> Again | None:
        await pushes.send(services, UUID(job.key), UUID(job.payload[handing.ISSUE]))
        return None
