"""Finding sessions: by everything that somebody on the phone can name."""

from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.models import ACTIVE, WITH_OUTLET, ChargingSession, Invoice, Outlet, Receipt, SessionState, Site

EXPORTED_AT_ONCE: Final = 100
"""Sessions that one transaction reads for a file: everybody else waits meanwhile."""
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which sessions are looked for; what is empty does not narrow the search."""

    text: str = ""
    """An id, a transaction id, the number of a request, a receipt or an invoice, a station, or an outlet's code."""
    code: str = ""
    """The same text as an outlet's code, where it can be one."""
    site_id: UUID | None = None
    states: Collection[SessionState] = ()
    reason: str = ""
    """Why supply ended: OCPP's word."""
    since: datetime | None = None
    until: datetime | None = None
    amount_minor: int | None = None
    """What was billed."""
    driver_ids: Collection[UUID] | None = None
    sort: str = "created"
    down: bool = True
    before: tuple[datetime, UUID] | None = None
    """Only what was made before this session (its time and id)."""


_OF_RECEIPTS: Final = {"amount": Receipt.amount_minor}
_OF_OUTLETS: Final = {"outlet": Outlet.name}
_OF_SITES: Final = {"site": Site.name}
SORTS: Final[dict[str, Any]] = {
    "created": ChargingSession.created_at,
    "energy": ChargingSession.delivered_mwh,
    "seconds": ChargingSession.seconds,
    "state": ChargingSession.state,
    "end": ChargingSession.end_reason,
    **_OF_RECEIPTS,
    **_OF_OUTLETS,
    **_OF_SITES,
}


async def find(
    session: AsyncSession, wanted: Wanted, *, offset: int, most: int
) -> list[tuple[ChargingSession, Receipt | None]]:
    """Return sessions with outlet, site and receipt."""
    # The ids first: what is skipped is then read from an index alone, not with all that belongs to it.
    ids = list(await session.scalars(_ordered(wanted).offset(offset).limit(most)))
    query = (
        select(ChargingSession, Receipt)
        .outerjoin(Receipt, Receipt.session_id == ChargingSession.id)
        .where(ChargingSession.id.in_(ids))
        .options(WITH_OUTLET)
    )
    found = {row[0].id: (row[0], row[1]) for row in await session.execute(query)}
    return [found[number] for number in ids]


async def count(session: AsyncSession, wanted: Wanted) -> int:
    """Count the sessions that `find` finds."""
    query = select(func.count()).select_from(ChargingSession).where(*_conditions(wanted))
    return await session.scalar(query) or 0


async def every(database: Database, wanted: Wanted) -> AsyncIterator[list[tuple[ChargingSession, Receipt | None]]]:
    """Give all sessions that are wanted, the newest first, in parts; each part is read in a transaction of its own."""
    wanted = replace(wanted, sort="created", down=True)
    while True:
        async with database.transaction() as session:
            part = await find(session, wanted, offset=0, most=EXPORTED_AT_ONCE)
        if part:
            yield part
        if len(part) < EXPORTED_AT_ONCE:
            return
        last = part[-1][0]
        wanted = replace(wanted, before=(last.created_at, last.id))


def _ordered(wanted: Wanted) -> Select[UUID]:
    name = wanted.sort if wanted.sort in SORTS else "created"
    order = SORTS[name]
    number = ChargingSession.id
    query = select(number).where(*_conditions(wanted))
    if name in _OF_RECEIPTS:
        query = query.outerjoin(Receipt, Receipt.session_id == ChargingSession.id)
    if name in _OF_OUTLETS:
        query = query.join(Outlet, Outlet.id == ChargingSession.outlet_id)
    if name in _OF_SITES:
        query = query.join(Site, Site.id == ChargingSession.site_id)
    # Both down or both up, so that one index has the order; what was not billed comes last either way.
    if wanted.down:
        return query.order_by(order.desc().nulls_last() if name in _OF_RECEIPTS else order.desc(), number.desc())
    return query.order_by(order.asc().nulls_last() if name in _OF_RECEIPTS else order.asc(), number.asc())


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    created = ChargingSession.created_at
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        conditions.append(_named(wanted.text, wanted.code))
    if wanted.site_id is not None:
        conditions.append(ChargingSession.site_id == wanted.site_id)
    if wanted.states:
        conditions.append(ChargingSession.state.in_(wanted.states))
    if wanted.reason:
        conditions.append(ChargingSession.end_reason == wanted.reason)
    if wanted.since is not None:
        conditions.append(created >= wanted.since)
    if wanted.until is not None:
        conditions.append(created < wanted.until)
    if wanted.amount_minor is not None:
        billed = select(Receipt.session_id).where(Receipt.amount_minor == wanted.amount_minor)
        conditions.append(ChargingSession.id.in_(billed))
    if wanted.driver_ids is not None:
        conditions.append(ChargingSession.driver_id.in_(wanted.driver_ids))
    if wanted.before is not None:
        at, number = wanted.before
        conditions += [created <= at, or_(created < at, and_(created == at, ChargingSession.id < number))]
    return conditions


def _named(text: str, code: str) -> ColumnElement[bool]:
    # A select for each way, so that each has its index: of an OR SQLite reads all sessions.
    number = select(ChargingSession.id)
    ways: list[Select[UUID]] = [
        number.where(ChargingSession.transaction_id == text),
        number.join(Site, Site.id == ChargingSession.site_id).where(Site.station_id == text),
        select(Invoice.session_id).where(Invoice.label == text),
    ]
    if code:
        ways.append(number.join(Outlet, Outlet.id == ChargingSession.outlet_id).where(Outlet.code == code))
    if text.isdecimal() and int(text) <= _LARGEST:
        ways.append(select(Receipt.session_id).where(Receipt.number == int(text)))
        if int(text) < 2**31:
            ways.append(number.where(ChargingSession.remote_start_id == int(text)))
    with suppress(ValueError):
        ways.append(number.where(ChargingSession.id == UUID(text)))
    return ChargingSession.id.in_(union(*ways))


RUNNING: Final = "running"
"""What stands for all of `ACTIVE` in the filter of states."""


def states_of(text: str) -> Collection[SessionState]:
    """Return the states that a filter names; none for all."""
    if text == RUNNING:
        return ACTIVE
    return (SessionState(text),) if text in set(SessionState) else ()
