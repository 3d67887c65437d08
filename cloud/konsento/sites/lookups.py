"""Looking sites up by their stations: all that dial in at the same time share one query."""

import asyncio
from typing import Final

from sqlalchemy import select

from konsento.kit.db import Database
from konsento.models import Site

AT_ONCE: Final = 500
"""Names in one query."""


class Lookups:
    """After an outage everybody dials in at once: a query for each would keep everything else waiting."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._wanted: dict[str, list[asyncio.Future[Site | None]]] = {}
        self._worker: asyncio.Task[None] | None = None

    async def find(self, station_id: str) -> Site | None:
        """Return the site with this OCPP identity; raises as the database does."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Site | None] = loop.create_future()
        self._wanted.setdefault(station_id, []).append(answer)
        if self._worker is None:
            self._worker = loop.create_task(self._work(), name="lookups")
        return await answer

    async def _work(self) -> None:
        try:
            while self._wanted:
                await self._look()
        finally:
            self._worker = None

    async def _look(self) -> None:
        batch: dict[str, list[asyncio.Future[Site | None]]] = {}
        try:
            async with self.database.transaction() as session:
                # Only now: who came while this waited for its turn is looked up with the others.
                for station_id in list(self._wanted)[:AT_ONCE]:
                    batch[station_id] = self._wanted.pop(station_id)
                rows = await session.scalars(select(Site).where(Site.station_id.in_(batch)))
                found = {site.station_id: site for site in rows}
        except Exception as error:  # noqa: BLE001  # whatever it is, whoever asked hears of it
            # Where the transaction did not even begin, everybody's does not.
            for answer in (one for answers in (batch or self._wanted).values() for one in answers):
                if not answer.done():
                    answer.set_exception(error)
            if not batch:
                self._wanted.clear()
            return
        for station_id, answers in batch.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(station_id))
