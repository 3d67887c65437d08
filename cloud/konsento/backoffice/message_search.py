"""Finding frames of the journal among millions, the newest first, without holding up whoever else needs the database.

What has an index is looked up. Whatever else is asked for is looked for in what the index gives, some thousand frames
at a time, each part in a transaction of its own; after a while the search says how far back it has come, and goes on
from there when it is asked again.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, true

from konsento.kit.db import Database
from konsento.models import Direction, OcppFrame
from konsento.models.journal import ROUTINE

PART: Final = 4000
"""Frames that are looked through in one transaction: about 10 ms."""
PATIENCE_S: Final = 1.5
"""How long somebody waits for one page."""

type Place = tuple[datetime, int]
"""Time and number of a frame; what comes next is older."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which frames are looked for; what is empty does not narrow it."""

    station_id: str = ""
    direction: Direction | None = None
    type: str = ""
    action: str = ""
    transaction_id: str = ""
    failed: bool = False
    """Only errors, and what was no frame."""
    text: str = ""
    """In the payload, as it stands there."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of what was found."""

    frames: list[OcppFrame] = field(default_factory=list)
    further: Place | None = None
    """From where to go on; None where there is no more."""
    back_to: datetime | None = None
    """How far back it was looked where time ran out before the page was full."""


async def look(
    database: Database, sought: Sought, *, before: Place | None = None, most: int, patience_s: float = PATIENCE_S
) -> Found:
    """Return up to `most` frames, the newest first, of those that are older than `before`."""
    began = perf_counter()
    frames: list[OcppFrame] = []
    while True:
        part = await _part(database, sought, before, most - len(frames))
        frames += part.frames
        if part.further is None or len(frames) == most:
            return Found(frames=frames, further=part.further)
        if perf_counter() - began > patience_s:
            return Found(frames=frames, further=part.further, back_to=part.further[0])
        before = part.further
        # Whoever else waits for the database goes first.
        await asyncio.sleep(0)


async def every(database: Database, sought: Sought, at_once: int = 500) -> AsyncIterator[list[OcppFrame]]:
    """Give all frames that are found, some at a time."""
    before: Place | None = None
    while True:
        found = await look(database, sought, before=before, most=at_once)
        yield found.frames
        if found.further is None:
            return
        before = found.further


async def _part(database: Database, sought: Sought, before: Place | None, most: int) -> Found:
    """Look through some frames in one transaction."""
    within = [*_indexed(sought), *_between(sought, before)]
    newest_first = (OcppFrame.at.desc(), OcppFrame.id.desc())
    columns = OcppFrame.__table__.c
    # Not the payload, unless it is looked into: it is the most of a frame.
    read = [column for column in columns if column.name != "text" or sought.text]
    part = select(*read).where(*within).order_by(*newest_first).limit(PART).subquery()
    hits = (
        select(part.c.id, part.c.at)
        .where(*_others(sought, part.c))
        .order_by(part.c.at.desc(), part.c.id.desc())
        .limit(most)
    )
    last = select(OcppFrame.at, OcppFrame.id).where(*within).order_by(*newest_first).offset(PART - 1).limit(1)
    async with database.transaction() as session:
        found = [(row[0], row[1]) for row in await session.execute(hits)]
        numbers = [number for number, _ in found]
        rows = {frame.id: frame for frame in await session.scalars(select(OcppFrame).where(OcppFrame.id.in_(numbers)))}
        frames = [rows[number] for number in numbers]
        if len(found) == most:
            number, at = found[-1]
            return Found(frames=frames, further=(at, number))
        end = (await session.execute(last)).one_or_none()
    return Found(frames=frames, further=(end[0], end[1]) if end is not None else None)


def _indexed(sought: Sought) -> list[ColumnElement[bool]]:
    """Return the one condition by whose index is looked: the one that leaves the fewest frames."""
    if sought.transaction_id:
        return [OcppFrame.transaction_id == sought.transaction_id]
    if sought.failed:
        return [OcppFrame.failed == true()]
    if sought.action and sought.action not in ROUTINE:
        return [OcppFrame.rare_action == sought.action]
    if sought.station_id:
        return [OcppFrame.station_id == sought.station_id]
    return []


def _between(sought: Sought, before: Place | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if sought.since is not None:
        conditions.append(OcppFrame.at >= sought.since)
    if sought.until is not None:
        conditions.append(OcppFrame.at < sought.until)
    if before is not None:
        at, number = before
        conditions += [OcppFrame.at <= at, or_(OcppFrame.at < at, and_(OcppFrame.at == at, OcppFrame.id < number))]
    return conditions


def _others(sought: Sought, columns: Any) -> list[ColumnElement[bool]]:
    """Return all other conditions, on the columns of what the index gave."""
    conditions: list[ColumnElement[bool]] = []
    for name in ("station_id", "direction", "type", "action"):
        value = getattr(sought, name)
        if value:
            conditions.append(columns[name] == value)
    if sought.failed:
        conditions.append(columns["failed"] == true())
    if sought.text:
        conditions.append(columns["text"].contains(sought.text, autoescape=True))
    return conditions
