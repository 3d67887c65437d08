"""The due work of settlement."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from konsento.kit.work import Again, Job
from konsento.services import Services
from konsento.settlement import evidence, settling

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
