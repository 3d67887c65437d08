"""Queries of settlement."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import (
    WITH_OUTLET,
    ChargingSession,
    Correction,
    Counter,
    MeterEvent,
    Payment,
    PaymentPurpose,
    Receipt,
    ReceiptLine,
    SessionState,
)

RECEIPTS: Final = "receipts"


_READ: Final = (
    MeterEvent.site_id,
    MeterEvent.transaction_id,
    MeterEvent.seq_no,
    MeterEvent.event_type,
    MeterEvent.at,
    MeterEvent.received_at,
    MeterEvent.seconds,
    MeterEvent.begin_mwh,
    MeterEvent.register_mwh,
)
"""What settlement reads of an event."""


async def ended(session: AsyncSession, session_ids: Collection[UUID]) -> list[ChargingSession]:
    """Return those of the sessions that have ended and are not billed, with outlet and site, locked."""
    return await _sessions(session, session_ids, SessionState.ENDED)


async def settled(session: AsyncSession, session_id: UUID) -> ChargingSession | None:
    """Return a session if it is billed, with outlet and site, locked."""
    return next(iter(await _sessions(session, [session_id], SessionState.SETTLED)), None)


async def _sessions(session: AsyncSession, session_ids: Collection[UUID], state: SessionState) -> list[ChargingSession]:
    query = (
        select(ChargingSession)
        .where(ChargingSession.id.in_(session_ids), ChargingSession.state == state)
        .options(WITH_OUTLET)
        .order_by(ChargingSession.id)  # all replicas lock in the same order
        .with_for_update(of=ChargingSession)
    )
    return list(await session.scalars(query))


async def events_of_all(session: AsyncSession, sessions: Sequence[ChargingSession]) -> dict[UUID, list[Any]]:
    """Return the meter events of sessions, in their order, by session."""
    found: dict[UUID, list[Any]] = {charging.id: [] for charging in sessions}
    transactions = {(one.site_id, one.transaction_id): found[one.id] for one in sessions if one.transaction_id}
    if transactions:
        query = (
            select(*_READ)
            .where(tuple_(MeterEvent.site_id, MeterEvent.transaction_id).in_(transactions))
            .order_by(MeterEvent.seq_no)
        )
        for event in await session.execute(query):
            transactions[event.site_id, event.transaction_id].append(event)
    return found


async def take_numbers(session: AsyncSession, counter: str, many: int) -> int:
    """Take consecutive numbers and return the last of them; others wait for theirs until the transaction ends.

    They are given back if it is rolled back, so that there are no gaps.
    """
    taken = insert(session, Counter).values(name=counter, last=many)
    taken = taken.on_conflict_do_update(index_elements=[Counter.name], set_={"last": Counter.last + many})
    last: int = (await session.scalars(taken.returning(Counter.last))).one()
    return last


async def lines_of(session: AsyncSession, session_id: UUID) -> Sequence[ReceiptLine]:
    """Return the lines of a session's receipt, in their order."""
    query = select(ReceiptLine).where(ReceiptLine.session_id == session_id).order_by(ReceiptLine.position)
    return list(await session.scalars(query))


async def corrections_of(session: AsyncSession, session_id: UUID) -> Sequence[Correction]:
    """Return the corrections of a session's receipt, the oldest first."""
    query = select(Correction).where(Correction.session_id == session_id)
    return list(await session.scalars(query.order_by(Correction.created_at, Correction.id)))


async def receipt_of(
    session: AsyncSession, driver_id: UUID, session_id: UUID
) -> tuple[Receipt, ChargingSession] | None:
    """Return a driver's receipt and its session with outlet and site."""
    query = (
        select(Receipt, ChargingSession)
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .where(Receipt.session_id == session_id, ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row is not None else None


async def receipts_of(
    session: AsyncSession, driver_id: UUID, before: int | None, most: int
) -> list[tuple[Receipt, ChargingSession, str]]:
    """Return a driver's receipts, the newest first, each with its session, outlet, site and who took the money.

    `before` is the number of the one that was given last.
    """
    query = (
        select(Receipt, ChargingSession, func.coalesce(func.nullif(Payment.method, ""), Payment.provider))
        .join(ChargingSession, ChargingSession.id == Receipt.session_id)
        .join(
            Payment,
            and_(Payment.session_id == Receipt.session_id, Payment.purpose == PaymentPurpose.SESSION),
        )
        .where(ChargingSession.driver_id == driver_id)
        .options(WITH_OUTLET)
        .order_by(Receipt.number.desc())
        .limit(most)
    )
    if before is not None:
        query = query.where(Receipt.number < before)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]
