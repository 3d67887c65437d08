"""The lots of a balance: what came in, how long it can be used, and in which order it goes.

Whatever ends first is used first. Callers hold the lock of the driver's ledger account (`ledger.lock`), which keeps
everybody else from the driver's lots.
"""

import calendar
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import BalanceHold, BalanceLot, BalanceUse
from konsento.payments.errors import BalanceTooLow


def end_of(issued_at: datetime, months: int) -> datetime:
    """Return until when something can be used that came in at that moment: so many months, less a day."""
    month = issued_at.month - 1 + months
    year, month = issued_at.year + month // 12, month % 12 + 1
    day = min(issued_at.day, calendar.monthrange(year, month)[1])
    return issued_at.replace(year=year, month=month, day=day) - timedelta(days=1)


_FIRST_TO_GO = (
    BalanceLot.expires_at.is_(None),
    BalanceLot.expires_at,
    BalanceLot.promotional.desc(),
    BalanceLot.issued_at,
    BalanceLot.id,
)


def _left_of(driver_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return BalanceLot.driver_id == driver_id, BalanceLot.left_minor > 0


async def of_driver(session: AsyncSession, driver_id: UUID) -> list[BalanceLot]:
    """Return the lots of which something is left, in the order in which they are used."""
    return list(await session.scalars(select(BalanceLot).where(*_left_of(driver_id)).order_by(*_FIRST_TO_GO)))


async def reserve(session: AsyncSession, driver_id: UUID, payment_id: UUID, amount_minor: int) -> None:
    """Hold an amount for a payment, from what ends first. Raises `BalanceTooLow`."""
    missing = amount_minor
    for lot in await _locked(session, *_left_of(driver_id)):
        part = min(missing, lot.left_minor - lot.held_minor)
        if part == 0:
            continue
        lot.held_minor += part
        session.add(BalanceHold(payment_id=payment_id, lot_id=lot.id, amount_minor=part))
        missing -= part
    if missing > 0:
        raise BalanceTooLow
    await session.flush()


async def take(session: AsyncSession, amounts: Mapping[UUID, int], at: datetime) -> None:
    """Take what is given for each payment (its id) out of what it holds, and free the rest; 0 frees all of it."""
    query = (
        select(BalanceHold, BalanceLot)
        .join(BalanceLot, BalanceLot.id == BalanceHold.lot_id)
        .where(BalanceHold.payment_id.in_(amounts))
        .order_by(*_FIRST_TO_GO)
        .execution_options(populate_existing=True)
        .with_for_update(of=BalanceLot)
    )
    left = dict(amounts)
    for hold, lot in await session.execute(query):
        taken = min(left[hold.payment_id], hold.amount_minor)
        lot.held_minor -= hold.amount_minor
        lot.left_minor -= taken
        left[hold.payment_id] -= taken
        if taken > 0:
            session.add(_use(lot, taken, at, hold.payment_id))
    await session.flush()
    await session.execute(delete(BalanceHold).where(BalanceHold.payment_id.in_(amounts)))


async def put_back(session: AsyncSession, payment_id: UUID, amount_minor: int, at: datetime) -> int:
    """Put what was taken for a payment back into its lots, the longest lasting first; returns what did not fit.

    That is what came from lots that have ended meanwhile.
    """
    query = select(BalanceUse.lot_id, BalanceUse.amount_minor).where(BalanceUse.payment_id == payment_id)
    taken: dict[UUID, int] = {}
    for lot_id, used in await session.execute(query):
        taken[lot_id] = taken.get(lot_id, 0) + used
    left = amount_minor
    for lot in reversed(await _locked(session, BalanceLot.id.in_(taken))):
        if lot.expires_at is not None and lot.expires_at <= at:
            continue
        part = min(left, taken[lot.id])
        if part > 0:
            lot.left_minor += part
            left -= part
            session.add(_use(lot, -part, at, payment_id))
    await session.flush()
    return left


async def end(session: AsyncSession, lot_id: UUID, at: datetime) -> tuple[BalanceLot, int]:
    """End a lot whose time is over; returns it and what goes with it: what is held stays until it is resolved."""
    (lot,) = await _locked(session, BalanceLot.id == lot_id)
    over = lot.expires_at is not None and lot.expires_at <= at
    unused = lot.left_minor - lot.held_minor if over else 0
    if unused > 0:
        lot.left_minor -= unused
        session.add(_use(lot, unused, at, None))
        await session.flush()
    return lot, unused


async def overdue(session: AsyncSession, at: datetime, most: int) -> Sequence[BalanceLot]:
    """Return lots whose time is over and of which something is left that nobody holds."""
    query = (
        select(BalanceLot)
        .where(BalanceLot.expires_at <= at, BalanceLot.left_minor > BalanceLot.held_minor)
        .order_by(BalanceLot.expires_at, BalanceLot.id)
        .limit(most)
    )
    return (await session.scalars(query)).all()


async def _locked(session: AsyncSession, *which: ColumnElement[bool]) -> list[BalanceLot]:
    query = (
        select(BalanceLot)
        .where(*which)
        .order_by(*_FIRST_TO_GO)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    await session.flush()
    return list(await session.scalars(query))


def _use(lot: BalanceLot, amount_minor: int, at: datetime, payment_id: UUID | None) -> BalanceUse:
    return BalanceUse(id=new_id(), lot_id=lot.id, payment_id=payment_id, amount_minor=amount_minor, at=at)
