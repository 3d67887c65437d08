"""Receipts without an invoice, of before there were any: they get one, the oldest first, with today's date."""

from typing import Final

from konsento.invoices import repository
from konsento.invoices import service as invoices
from konsento.kit.work import Again, Job
from konsento.services import Services

AT_ONCE: Final = 100
"""Receipts in one transaction: everybody else waits meanwhile."""
_KIND: Final = "invoices"


def install(services: Services) -> None:
    """Register the handler."""

    @services.work.on(_KIND)
    async def issue_missing(_job: Job) -> Again | None:
        async with services.database.transaction() as session:
            missing = await repository.receipts_without(session, AT_ONCE)
            await invoices.issue(session, services.settings, missing, services.clock.now())
        return Again(0) if len(missing) == AT_ONCE else None


async def begin(services: Services) -> None:
    """Look for them once after each start."""
    async with services.database.transaction() as session:
        await services.work.add(session, _KIND, "all")
