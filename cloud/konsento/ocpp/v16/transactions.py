"""The transactions of stations of 1.6: numbers that the server makes, and places in the order of their messages.

Both are committed before the message goes on, and the same message gets the same ones again: a station repeats what was
not answered, and after a reboot some repeat more. The order is that of arrival, which OCPP 1.6 asks a station to keep
(3.7, transaction-related messages); clocks that jump do not disturb it. What comes after StopTransaction says nothing
new, so that stays the last.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.models import V16Reading, V16Transaction
from konsento.ocpp.v16.messages import MeterValues, Part, StartTransaction, StopTransaction

_TRIES: Final = 5
_encoder: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in which transaction a message belongs."""

    number: int
    seq_no: int
    connector_id: int
    started_at: datetime


class Transactions:
    """The transactions of 1.6 in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, station_id: str, message: StartTransaction) -> Place:
        """Return the number of a start: a new one, or the one that the same start has."""
        digest = _digest(msgspec.structs.replace(message, id_tag=message.id_tag.upper(), reservation_id=None))
        for _ in range(_TRIES):
            try:
                async with self._database.transaction() as session:
                    row = await self._started(session, station_id, digest)
                    if row is None:
                        row = _new(station_id, digest, message)
                        session.add(row)
                        await session.flush()
                    return _place(row, 0)
            except IntegrityError:
                continue  # the same start at another process, or a number that there is: look again
        raise RuntimeError("no free transaction number found")

    async def reading(self, station_id: str, message: MeterValues) -> Place | None:
        """Return the place of readings, None where their transaction is not known, or over."""
        if message.transaction_id is None:
            return None
        async with self._database.transaction() as session:
            row = await self._locked(session, station_id, message.transaction_id)
            if row is None or row.ended_seq_no is not None:
                return None
            key = (station_id, row.number, _digest(message))
            known = await session.get(V16Reading, key)
            if known is None:
                row.last_seq_no += 1
                known = V16Reading(station_id=key[0], number=key[1], digest=key[2], seq_no=row.last_seq_no)
                session.add(known)
            return _place(row, known.seq_no)

    async def stop(self, station_id: str, message: StopTransaction) -> Place | None:
        """Return the place of the end, one for each transaction; None where the transaction is not known."""
        async with self._database.transaction() as session:
            row = await self._locked(session, station_id, message.transaction_id)
            if row is None:
                return None
            if row.ended_seq_no is None:
                row.last_seq_no += 1
                row.ended_seq_no = row.last_seq_no
                # From now on none is asked for.
                await session.execute(
                    delete(V16Reading).where(V16Reading.station_id == station_id, V16Reading.number == row.number)
                )
            return _place(row, row.ended_seq_no)

    async def connector(self, station_id: str, number: int) -> int | None:
        """Return the connector of a transaction, None where it is not known."""
        async with self._database.transaction() as session:
            row = await session.get(V16Transaction, (station_id, number))
            return row.connector_id if row is not None else None

    @staticmethod
    async def _started(session: AsyncSession, station_id: str, digest: str) -> V16Transaction | None:
        query = select(V16Transaction).where(
            V16Transaction.station_id == station_id, V16Transaction.start_digest == digest
        )
        return await session.scalar(query)

    @staticmethod
    async def _locked(session: AsyncSession, station_id: str, number: int) -> V16Transaction | None:
        return await session.get(V16Transaction, (station_id, number), with_for_update=True)


def _new(station_id: str, digest: str, message: StartTransaction) -> V16Transaction:
    return V16Transaction(
        station_id=station_id,
        number=1 + secrets.randbelow(2**31 - 1),
        start_digest=digest,
        connector_id=message.connector_id,
        started_at=message.timestamp,
        last_seq_no=0,
    )


def _place(row: V16Transaction, seq_no: int) -> Place:
    return Place(number=row.number, seq_no=seq_no, connector_id=row.connector_id, started_at=row.started_at)


def _digest(message: Part) -> str:
    return hashlib.sha256(_encoder.encode(message)).hexdigest()
