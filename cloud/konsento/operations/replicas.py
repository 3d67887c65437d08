"""Running processes: each says that it lives, and how it is."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from uuid import UUID

from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.process import PROCESS
from konsento.models import AlarmKind, Replica
from konsento.operations import alarms, repository

log = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 10.0
FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How a process is."""

    stations: int = 0
    """Connected to it."""
    journal_waiting: int = 0
    journal_dropped: int = 0


def own_version() -> str:
    """Return the version of the program; `development` where it runs from its sources."""
    try:
        return version("konsento")
    except PackageNotFoundError:
        return "development"


class Heart:
    """Beats for this process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        facts: Callable[[], Facts],
        *,
        replica_id: UUID | None = None,
        roles: str = "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._facts = facts
        self._id = replica_id or new_id()
        self._roles = roles
        self._started_at = clock.now()
        self._dropped_told = 0

    async def run(self) -> None:
        """Beat until cancelled, then say that the process is gone."""
        try:
            while True:
                try:
                    await self.beat()
                except Exception:  # the database may be away for a while; the next beat tells
                    log.exception("this process could not say that it lives")
                await asyncio.sleep(BEAT_EVERY_S)
        finally:
            await self._leave()

    async def beat(self) -> None:
        """Say that this process lives."""
        now, facts = self._clock.now(), self._facts()
        async with self._database.transaction() as session:
            row = await session.get(Replica, self._id)
            if row is None:
                await repository.forget_replicas(session, now - FORGOTTEN_AFTER)
                row = Replica(
                    id=self._id,
                    host=PROCESS,
                    version=own_version(),
                    roles=self._roles,
                    started_at=self._started_at,
                )
                session.add(row)
            row.beat_at = now
            row.stations = facts.stations
            row.journal_waiting = facts.journal_waiting
            row.journal_dropped = facts.journal_dropped
            if facts.journal_dropped > self._dropped_told:
                details = {"frames": facts.journal_dropped - self._dropped_told}
                await alarms.report(session, now, AlarmKind.JOURNAL_DROPPED, row.host, details)
        self._dropped_told = facts.journal_dropped

    async def _leave(self) -> None:
        try:
            async with self._database.transaction() as session:
                row = await session.get(Replica, self._id)
                if row is not None:
                    await session.delete(row)
        except Exception:  # it is going anyway; without a beat it counts as gone soon
            log.exception("this process could not say that it ends")


def alive(replica: Replica, now: datetime) -> bool:
    """Tell whether a process was heard of lately."""
    return now - replica.beat_at <= alarms.DEAD_AFTER
