"""Taking a file of a source: whichever way it came, it is read for certain, or refused and kept with the reason."""

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import deciding, reasons, sources
from konsento.feeds.errors import NotReadAtAll, NotReadInTime, SourceOff
from konsento.grid import readers, series, spot
from konsento.grid.errors import NoData, Unreadable
from konsento.grid.reading import Reading
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.models import GridFile, GridSource, SourceState
from konsento.operations.replicas import own_version
from konsento.services import Services

log = logging.getLogger(__name__)

READ_S: Final = 45.0
"""For reading one file; the lease of due work is 90 s."""
LONGEST_FILE_NAME: Final = 200
LONGEST_PROBLEM: Final = 500
_MOST_NAMED: Final = 20
"""Warnings, and missing slots, that are kept one by one."""


class Outcome(StrEnum):
    """What became of a file."""

    GOOD = "good"
    SAME = "same"
    """It is the last good one again: only its time is noted."""
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a file."""

    outcome: Outcome
    error: KonsentoError | None = None
    """Why it is bad."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Came:
    """A file that came."""

    name: str
    content: bytes
    sha256: str
    report: dict[str, Any]
    """What is kept with it: what it is read by (`as`), and where it came from (`from`)."""


async def take(
    services: Services, source_id: UUID, name: str, content: bytes, origin: Mapping[str, Any] | None = None
) -> Taken:
    """Take a file, by its name or address. What of it can be used is kept; a bad one changes no data.

    `origin` is kept with it. Opens its own transactions. Raises `UnknownSource`, `SourceOff`.
    """
    async with services.database.transaction() as session:
        source = await _source(session, source_id)
        zone = str(await sources.zone_of(session, services.settings, source))
        told = _told(source, zone)
        last = await sources.last_file(session, source_id, good=True)
        came = _Came(
            name=name,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            report={"as": told, "from": dict(origin or {})},
        )
        if last is not None and last.sha256 == came.sha256 and last.report.get("as") == told:
            last.report = last.report | came.report
            _note_good(source, services.clock.now(), None)
            return Taken(outcome=Outcome.SAME, warnings=tuple(last.report["warnings"]))
    try:
        reading = await _read(content, name, source, zone)
    except KonsentoError as error:
        log.warning("source %s: %s cannot be read: %s", source_id, name, error)
        async with services.database.transaction() as session:
            source = await _source(session, source_id)
            note_bad(source, error, services.clock.now())
            more = {"error": str(error), "reason": reasons.kept(error)}
            await _keep_file(session, services, source_id, came, more, good=False)
        return Taken(outcome=Outcome.BAD, error=error)
    await _keep(services, source_id, came, reading)
    return Taken(outcome=Outcome.GOOD, warnings=reading.warnings)


async def unchanged(services: Services, source_id: UUID) -> None:
    """Note that a source has nothing newer than its last good file."""
    async with services.database.transaction() as session:
        _note_good(await _source(session, source_id), services.clock.now(), None)


async def failed(services: Services, source_id: UUID, error: KonsentoError) -> datetime:
    """Note that nothing came from a source; returns since when it is bad."""
    async with services.database.transaction() as session:
        return note_bad(await _source(session, source_id), error, services.clock.now())


def note_bad(source: GridSource, error: KonsentoError, now: datetime) -> datetime:
    """Have a source be bad; returns since when."""
    source.state = SourceState.BAD
    source.problem, source.reason = str(error)[:LONGEST_PROBLEM], reasons.kept(error)
    source.tried_at = now
    source.bad_since = source.bad_since or now
    return source.bad_since


def validators(source: GridSource, zone: str, last: GridFile | None) -> dict[str, Any]:
    """Return where a source's last good file came from, if the same file would be read in the same way today."""
    return last.report["from"] if last is not None and last.report.get("as") == _told(source, zone) else {}


async def _source(session: AsyncSession, source_id: UUID) -> GridSource:
    source = await sources.find_source(session, source_id, lock=True)
    if source.state is SourceState.OFF:
        raise SourceOff
    return source


def _told(source: GridSource, zone: str) -> dict[str, Any]:
    """Return all but its bytes that a file is read by: read by something else it may say something else."""
    return {"format": source.format, "region": source.region, "time_zone": zone, "program": own_version()}


async def _read(content: bytes, name: str, source: GridSource, zone: str) -> Reading:
    try:
        async with asyncio.timeout(READ_S):
            reading = await asyncio.to_thread(
                readers.read,
                content,
                name=name,
                format=source.format,
                region=source.region,
                time_zone=zone if source.region is not None else None,
            )
    except Unreadable:
        raise
    except TimeoutError:
        raise NotReadInTime(seconds=int(READ_S)) from None
    except Exception as error:
        # Bytes of strangers must not end the fetching of this source, or of others.
        log.exception("source %s: the program failed at reading %s", source.id, name)
        raise NotReadAtAll(error=type(error).__name__) from error
    if not reading.slots and not reading.prices:
        raise NoData(said=name)
    return reading


async def _keep(services: Services, source_id: UUID, came: _Came, reading: Reading) -> None:
    now = services.clock.now()
    oldest = now - timedelta(days=services.settings.feeds_days)
    async with services.database.transaction() as session:
        source = await _source(session, source_id)
        await series.keep(session, source_id, [slot for slot in reading.slots if slot.end > oldest], now)
        await spot.keep(session, [price for price in reading.prices if price.end > oldest], now)
        await _keep_file(session, services, source_id, came, _report(reading), good=True)
        _note_good(source, now, _end(reading))
        await deciding.decide_what_came(session, services, reading.slots)
    log.info("source %s: %d slots and %d prices in %s", source_id, len(reading.slots), len(reading.prices), came.name)


def _note_good(source: GridSource, now: datetime, until: datetime | None) -> None:
    source.state = SourceState.GOOD
    source.problem, source.reason, source.bad_since = "", {}, None
    source.tried_at = source.good_at = now
    # One of long ago may be uploaded as well.
    source.data_until = max(filter(None, (source.data_until, until)), default=None)


def _end(reading: Reading) -> datetime:
    return max(one.end for part in (reading.slots, reading.prices) for one in part)


def _report(reading: Reading) -> dict[str, Any]:
    return {
        "regions": sorted({one.region for part in (reading.slots, reading.prices) for one in part}),
        "slots": len(reading.slots),
        "prices": len(reading.prices),
        "begin": min(one.begin for part in (reading.slots, reading.prices) for one in part).isoformat(),
        "end": _end(reading).isoformat(),
        "missing": len(reading.missing),
        "missing_first": [[region, begin.isoformat()] for region, begin in _some(reading.missing)],
        "warnings": list(_some(reading.warnings)),
    }


def _some[One](many: Iterable[One]) -> list[One]:
    return list(many)[:_MOST_NAMED]


async def _keep_file(
    session: AsyncSession, services: Services, source_id: UUID, came: _Came, more: Mapping[str, Any], *, good: bool
) -> None:
    """Keep a file in place of the last good one, or the last bad one."""
    file = await sources.last_file(session, source_id, good=good)
    if file is None:
        file = GridFile(id=new_id(), source_id=source_id, good=good)
        session.add(file)
    file.name, file.content, file.sha256 = came.name[-LONGEST_FILE_NAME:], came.content, came.sha256
    file.came_at, file.report = services.clock.now(), came.report | dict(more)
    await session.flush()
