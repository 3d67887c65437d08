"""What the database knows and Prometheus asks for: queues and running sessions."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from sqlalchemy.pool import QueuePool

from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.metrics import Sample
from konsento.operations import repository

log = logging.getLogger(__name__)

PATIENCE_S: Final = 2.0
FRESH_S: Final = 5.0
"""How long an answer of the database counts: several who ask cost it no more than one."""


class Gauges:
    """Remembers the newest answer; while the database is away there is none."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._found: list[Sample] = []

    async def refresh(self) -> None:
        """Ask the database, if nobody has just now. Raises nothing."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at < FRESH_S:
                return
            self._asked_at = now
            try:
                async with asyncio.timeout(PATIENCE_S):
                    self._found = await self._ask()
            except Exception:  # noqa: BLE001  # what is measured elsewhere is told all the same
                log.warning("the metrics come without the database's: it does not answer")
                self._found = [("konsento_database_up", "Whether the database answers.", {}, 0.0)]

    def samples(self) -> Iterable[Sample]:
        """Return what the database said, and the state of the connections to it."""
        yield from self._found
        pool = self._database.engine.pool
        if isinstance(pool, QueuePool):
            for state, number in (("used", pool.checkedout()), ("idle", pool.checkedin())):
                yield "konsento_database_connections", "Connections to the database.", {"state": state}, number

    async def _ask(self) -> list[Sample]:
        now = self._clock.now()
        async with self._database.transaction() as session:
            queues = await repository.queues(session)
            sessions = await repository.sessions_by_state(session)
            payments = await repository.payments_by_state(session)
            alarms = await repository.count_open(session)
        found: list[Sample] = [
            ("konsento_database_up", "Whether the database answers.", {}, 1.0),
            ("konsento_alarms_open", "Alarms that nobody has acknowledged.", {}, float(alarms)),
        ]
        for kind, state, number, due_at in queues:
            labels = {"kind": kind, "state": state.value}
            late_s = max(0.0, (now - due_at).total_seconds())
            found += [
                ("konsento_work_waiting", "Due work that is not done; `dead` waits for a person.", labels, number),
                ("konsento_work_oldest_seconds", "How long the oldest of it has been due.", labels, late_s),
            ]
        found += [
            ("konsento_sessions", "Sessions that run, or ended and have no bill yet.", {"state": state.value}, number)
            for state, number in sessions
        ]
        found += [
            ("konsento_payments", "Payments at external providers that are not over.", {"state": state.value}, number)
            for state, number in payments
        ]
        return found
