"""The due work that lets points expire."""

from typing import Final

from konsento.kit.work import Again, Job
from konsento.rewards import points
from konsento.services import Services

EVERY_S: Final = 3600.0
"""Points expire at most so much later than they say; whoever spends some before finds them gone already."""
_WORK: Final = "points-expire"


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(_WORK)
    async def expire(_job: Job) -> Again | None:
        # Some drivers at a time: others wait for the locks of one transaction only.
        while await services.database.attempt(lambda session: points.expire(session, services.clock.now())):
            pass
        return Again(EVERY_S)


async def begin(services: Services) -> None:
    """Have it done from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, _WORK, "all")
