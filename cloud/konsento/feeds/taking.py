"""Taking in a file of a source, however it came: read for certain, or refused and shown with its reason."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import deciding
from konsento.feeds.sources import file_of, find_source
from konsento.grid import readers, series, spot
from konsento.grid.errors import Unreadable
from konsento.grid.reading import Reading
from konsento.kit.ids import new_id
from konsento.models import GridFile, GridSource, SourceState
from konsento.services import Services

log = logging.getLogger(__name__)

_SHOWN: Final = 20
"""Warnings and missing slots that a report names; the rest is counted."""
_NAME: Final = 200
_PROBLEM: Final = 500


@dataclass(frozen=True, kw_only=True)
class Came:
    """A file that has come."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What tells one content from another."""
        return hashlib.sha256(self.content).hexdigest()


async def take(services: Services, source_id: UUID, came: Came) -> Unreadable | None:
    """Take in a file; returns why it could not be read, None where it could. Opens its own transactions.

    Where it cannot be read nothing of it is used: what the source told before stays, with its age. Raises
    `UnknownSource`.
    """
    async with services.database.transaction() as session:
        source = await find_source(session, source_id)
        last = await file_of(session, source_id, good=True)
        if last is not None and last.sha256 == came.sha256 and last.name == came.name[-_NAME:]:
            _note_good(source, services.clock.now())
            return None
    try:
        # A large file takes its time; the process has others to serve.
        reading = await asyncio.to_thread(
            readers.read, came.content, name=came.name, format=source.format, region=source.region
        )
    except Unreadable as error:
        log.warning("data source %s: %s", source.name, error)
        await _keep_bad(services, source_id, came, error)
        return error
    await _keep_good(services, source_id, came, reading)
    return None


async def note_trouble(services: Services, source_id: UUID, problem: str) -> None:
    """Note that nothing came from a source, and why. Opens its own transaction."""
    async with services.database.transaction() as session:
        source = await find_source(session, source_id)
        if source.state is SourceState.OFF:
            return
        source.tried_at, source.state, source.problem = services.clock.now(), SourceState.BAD, problem[:_PROBLEM]
    log.warning("data source %s: %s", source.name, problem)


async def _keep_good(services: Services, source_id: UUID, came: Came, reading: Reading) -> None:
    now = services.clock.now()
    async with services.database.transaction() as session:
        source = await find_source(session, source_id)
        await series.keep(session, source_id, reading.slots, now)
        await spot.keep(session, reading.prices, now)
        await _keep_file(session, source_id, came, now, _report(reading))
        # The bad one is over: what stands there now is good.
        await session.execute(delete(GridFile).where(GridFile.source_id == source_id, GridFile.good.is_(False)))
        _note_good(source, now)
        ends = [*(slot.end for slot in reading.slots), *(price.end for price in reading.prices)]
        if ends and (source.data_until is None or max(ends) > source.data_until):
            source.data_until = max(ends)
        await deciding.ask(session, services, {slot.region for slot in reading.slots})
    log.info("data source %s: %d slots, %d prices", source.name, len(reading.slots), len(reading.prices))


async def _keep_bad(services: Services, source_id: UUID, came: Came, error: Unreadable) -> None:
    now = services.clock.now()
    said = {"error": error.code, "values": {name: str(value) for name, value in error.values.items()}}
    async with services.database.transaction() as session:
        source = await find_source(session, source_id)
        await _keep_file(session, source_id, came, now, said)
        source.tried_at = now
        if source.state is not SourceState.OFF:
            source.state, source.problem = SourceState.BAD, str(error)[:_PROBLEM]


def _note_good(source: GridSource, now: datetime) -> None:
    source.tried_at = source.good_at = now
    if source.state is not SourceState.OFF:
        source.state, source.problem = SourceState.GOOD, ""


async def _keep_file(session: AsyncSession, source_id: UUID, came: Came, now: datetime, report: dict[str, Any]) -> None:
    good = "error" not in report
    await session.execute(delete(GridFile).where(GridFile.source_id == source_id, GridFile.good.is_(good)))
    session.add(
        GridFile(
            id=new_id(),
            source_id=source_id,
            good=good,
            name=came.name[-_NAME:],
            content=came.content,
            sha256=came.sha256,
            came_at=now,
            report=report,
        )
    )
    await session.flush()


def _report(reading: Reading) -> dict[str, Any]:
    return {
        "format": reading.format,
        "regions": sorted({slot.region for slot in reading.slots} | {price.region for price in reading.prices}),
        "slots": len(reading.slots),
        "prices": len(reading.prices),
        "missing": len(reading.missing),
        "missing_first": [f"{region} {begin.isoformat()}" for region, begin in reading.missing[:_SHOWN]],
        "warnings": list(reading.warnings[:_SHOWN]),
        "more_warnings": max(0, len(reading.warnings) - _SHOWN),
    }
