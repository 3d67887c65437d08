"""Which process holds a station's connection: a row in the database, so that all processes agree.

Every connection raises the station's epoch. A process whose own number is behind holds a connection that the station
has left: it closes it, and answers nothing for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.clock import Clock
from konsento.kit.db import Database, insert
from konsento.models import Replica, StationOwner
from konsento.ocpp.messages import Version


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds a station's connection."""

    replica_id: UUID
    epoch: int


class Owners:
    """The table of owners, as the process `replica_id` works with it."""

    def __init__(self, database: Database, clock: Clock, replica_id: UUID) -> None:
        self.replica_id = replica_id
        self._database = database
        self._clock = clock
        self._epochs: dict[str, int] = {}

    def epoch(self, station_id: str) -> int | None:
        """Return the number under which this process holds a station's connection; None where it does not."""
        return self._epochs.get(station_id)

    async def claim(self, station_id: str, version: Version) -> UUID | None:
        """Note that a station has connected here; returns which other process held its connection until now."""
        async with self._database.transaction() as session:
            query = select(StationOwner.replica_id).where(StationOwner.station_id == station_id).with_for_update()
            before = await session.scalar(query)
            new = insert(session, StationOwner).values(
                station_id=station_id, replica_id=self.replica_id, epoch=1, version=version, since=self._clock.now()
            )
            changes = {name: new.excluded[name] for name in ("replica_id", "version", "since")}
            claimed = new.on_conflict_do_update(
                index_elements=[StationOwner.station_id], set_=changes | {"epoch": StationOwner.epoch + 1}
            ).returning(StationOwner.epoch)
            epoch: int = (await session.scalars(claimed)).one()
        self._epochs[station_id] = epoch
        return before if before != self.replica_id else None

    async def release(self, station_id: str, epoch: int | None = None) -> bool:
        """Note that a station's connection here is gone; False where another process has a newer one.

        `epoch` is that of the connection, where it is not the one that `claim` noted last.
        """
        epoch = self._epochs.get(station_id) if epoch is None else epoch
        async with self._database.transaction() as session:
            released = await session.scalar(
                update(StationOwner)
                .where(
                    StationOwner.station_id == station_id,
                    StationOwner.replica_id == self.replica_id,
                    StationOwner.epoch == epoch,
                )
                .values(replica_id=None)
                .returning(StationOwner.station_id)
            )
        if self._epochs.get(station_id) == epoch:
            self._epochs.pop(station_id, None)
        return released is not None

    def forget(self, station_id: str) -> None:
        """Hold a station's connection no more: another process has a newer one."""
        self._epochs.pop(station_id, None)

    async def owner(self, station_id: str) -> Owner | None:
        """Return who holds a station's connection, if anybody does."""
        async with self._database.transaction() as session:
            row = await session.get(StationOwner, station_id)
        if row is None or row.replica_id is None:
            return None
        return Owner(replica_id=row.replica_id, epoch=row.epoch)

    async def noted(self) -> dict[str, int]:
        """Return the stations whose connections this process holds by the table, each with its epoch."""
        query = select(StationOwner.station_id, StationOwner.epoch).where(StationOwner.replica_id == self.replica_id)
        async with self._database.transaction() as session:
            return {row.station_id: row.epoch for row in await session.execute(query)}


async def version_of(session: AsyncSession, station_id: str) -> Version | None:
    """Return the OCPP version that a station speaks, or None while it has no connection to any process."""
    row = await session.get(StationOwner, station_id)
    return Version(row.version) if row is not None and row.replica_id is not None else None


async def connected_of(session: AsyncSession, station_ids: Collection[str]) -> set[str]:
    """Return those of the stations that have a connection to any process."""
    query = select(StationOwner.station_id).where(
        StationOwner.station_id.in_(station_ids), StationOwner.replica_id.is_not(None)
    )
    return set(await session.scalars(query))


async def orphans(session: AsyncSession, heard_since: datetime, most: int) -> list[str]:
    """Take stations, `most` at once, from processes that were not heard of since then; returns them.

    They are locked, as long as the transaction goes on, against the processes that they connect to.
    """
    living = select(Replica.id).where(Replica.beat_at >= heard_since)
    query = (
        select(StationOwner.station_id)
        .where(StationOwner.replica_id.is_not(None), StationOwner.replica_id.not_in(living))
        .order_by(StationOwner.station_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    stations = list(await session.scalars(query))
    if stations:
        freed = update(StationOwner).where(StationOwner.station_id.in_(stations)).values(replica_id=None)
        await session.execute(freed)
    return stations


async def nobody(session: AsyncSession) -> None:
    """Forget every owner: no other process is there."""
    await session.execute(update(StationOwner).values(replica_id=None))
