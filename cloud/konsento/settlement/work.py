"""The due work of settlement."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from konsento.kit.work import Again, Job
from konsento.services import Services
from konsento.settlement import checking, correcting, evidence, settling

AT_ONCE: Final = 100
"""Sessions of one transaction: more would gain little, and on SQLite everybody else waits for it."""


def install(services: Services) -> None:
    """Register the handlers."""

    @services.work.in_batches("settle", most=AT_ONCE)
    async def settle(jobs: Sequence[Job]) -> Mapping[str, Again]:
        session_ids = [UUID(job.key) for job in jobs]
        await services.database.attempt(
            lambda session: settling.settle(session, services, session_ids, wait=True),
        )
        return {}

    @services.work.on(settling.EVIDENCE)
    async def ask(job: Job) -> Again | None:
        return await evidence.ask(services, UUID(job.key))

    @services.work.on(correcting.WORK)
    async def correct(job: Job) -> Again | None:
        return await correcting.correct_late(services, UUID(job.key))

    @services.work.on(checking.WORK)
    async def check(_job: Job) -> Again:
        return await checking.check_nightly(services)


async def begin(services: Services) -> None:
    """Have the books checked every night from now on; asked again, also by another process, it is one check."""
    async with services.database.transaction() as session:
        await services.work.add(session, checking.WORK, "all", after_s=checking.until_night_s(services.clock.now()))
