"""Queries of settlement."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import insert
from konsento.models import (
    WITH_OUTLET,
    ChargingSession,
    Counter,
    MeterEvent,
    Payment,
    PaymentPurpose,
    Receipt,
    events_of,
)

RECEIPTS = "receipts"


async def session_to_settle(session: AsyncSession, session_id: UUID) -> ChargingSession:
    """Return a session with outlet and site, locked against other replicas."""
    query = (
        select(ChargingSession)
        .where(ChargingSession.id == session_id)
        .options(WITH_OUTLET)
        .with_for_update(of=ChargingSession)
    )
    return (await session.scalars(query)).one()


async def events(session: AsyncSession, charging: ChargingSession) -> list[MeterEvent]:
    """Return all meter events of a session."""
    query = select(MeterEvent).where(events_of(charging)).order_by(MeterEvent.seq_no)
    return list(await session.scalars(query))


async def next_receipt_number(session: AsyncSession) -> int:
    """Return the next number; it is given back if the transaction is rolled back, so that there are no gaps."""
    next_one = insert(session, Counter).values(name=RECEIPTS, last=1)
    next_one = next_one.on_conflict_do_update(index_elements=[Counter.name], set_={"last": Counter.last + 1})
    number: int = (await session.scalars(next_one.returning(Counter.last))).one()
    return number


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
        .join(Payment, Payment.session_id == Receipt.session_id)
        .where(ChargingSession.driver_id == driver_id, Payment.purpose == PaymentPurpose.SESSION)
        .options(WITH_OUTLET)
        .order_by(Receipt.number.desc())
        .limit(most)
    )
    if before is not None:
        query = query.where(Receipt.number < before)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]
