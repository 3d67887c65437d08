"""Documents that are issued by due work: credit notes of corrections, and invoices of receipts that never got one.

The invoice of a session that is billed now is issued in the same transaction (`settling`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.invoices import repository
from konsento.invoices import service as invoices
from konsento.invoices.service import Credit
from konsento.kit.work import Again, Job
from konsento.models import Correction
from konsento.services import Services

AT_ONCE: Final = 100
"""Receipts in one transaction: everybody else waits meanwhile."""
CREDIT: Final = "credit"
"""The work that issues the credit note of a correction; its key is the correction's id."""
CREDITED: Final = "credited"
"""The work that tells the driver of it; its key is the note's id."""
_MISSING: Final = "invoices"


def install(services: Services) -> None:
    """Register the handlers."""

    @services.work.on(_MISSING)
    async def issue_missing(_job: Job) -> Again | None:
        async with services.database.transaction() as session:
            missing = await repository.receipts_without(session, AT_ONCE)
            await invoices.issue(session, services.settings, missing, services.clock.now())
        return Again(0) if len(missing) == AT_ONCE else None

    @services.work.on(CREDIT)
    async def credit(job: Job) -> Again | None:
        async with services.database.transaction() as session:
            await issue_credit(session, services, UUID(job.key))
        return None


async def begin(services: Services) -> None:
    """Look for receipts without an invoice once after each start."""
    async with services.database.transaction() as session:
        await services.work.add(session, _MISSING, "all")


async def issue_credit(session: AsyncSession, services: Services, correction_id: UUID) -> None:
    """Issue the credit note of a correction, dated like it is issued, and have its driver told."""
    correction = await session.get_one(Correction, correction_id)
    # One of a receipt of before there were invoices may come before its invoice.
    await invoices.issue(session, services.settings, [correction.session_id], services.clock.now())
    wanted = Credit(
        session_id=correction.session_id,
        source=correction.id,
        amount_minor=correction.amount_minor,
        tax_minor=correction.tax_minor,
        reason=correction.reason.value,
    )
    note = await invoices.credit(session, services.settings, wanted, services.clock.now())
    await services.work.add(session, CREDITED, str(note.id))
