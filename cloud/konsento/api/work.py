"""The due work of the API: clearing away what is old."""

from datetime import timedelta
from typing import Final

from konsento.accounts import tokens
from konsento.api import idempotency
from konsento.kit.work import Again, Job
from konsento.services import Services
from konsento.staff import repository as staff
from konsento.webhooks import service as webhooks

EVERY_S: Final = 3600.0
TOKENS_KEPT: Final = timedelta(days=30)
"""How long an expired token is still listed, so that whoever made it sees why a program stopped working."""
_WORK: Final = "api-old"


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(_WORK)
    async def old(_job: Job) -> Again | None:
        await forget_old(services)
        return Again(EVERY_S)


async def begin(services: Services) -> None:
    """Have it done from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, _WORK, "all")


async def forget_old(services: Services) -> None:
    """Clear away expired tokens, old idempotency keys, and what is beyond the log of webhooks."""
    now = services.clock.now()
    async with services.database.transaction() as session:
        await tokens.forget_expired(session, now - TOKENS_KEPT)
        await staff.forget_expired_tokens(session, now - TOKENS_KEPT)
        await idempotency.forget_old(session, now)
        await webhooks.forget_old(session, now)
