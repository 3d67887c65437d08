"""A driver's eco points: reserved, taken, earned, expired, corrected.

The ledger holds how many there are, in a unit of its own that no transfer turns into money; the lots hold which of them
expire when. A driver's points change while their account is locked, so ledger and lots always agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import insert as plain_insert
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move, Resolution
from konsento.models import (
    POINTS,
    AccountKind,
    ChargingSession,
    LedgerAccount,
    PointLot,
    PointUse,
    Transfer,
    TransferKind,
)
from konsento.rewards.errors import BadCorrection, TooFewPoints

RESERVED: Final = "points-hold"
SPENT: Final = "points-spent"
FREED: Final = "points-free"
EARNED: Final = "points-earned"
EXPIRED: Final = "points-expired"
CORRECTED: Final = "points-correction"
VOIDED: Final = "points-void"
RETURNED: Final = "points-returned"
TAKEN_BACK: Final = "points-taken-back"
LARGEST_CORRECTION: Final = 10_000
"""Points that the back office gives or takes at once."""
_ISSUED: Final = AccountName(AccountKind.POINTS_ISSUED, POINTS)
_EXPIRED_AT_ONCE: Final = 500


def _account_of(driver_id: UUID) -> AccountName:
    return AccountName(AccountKind.DRIVER_POINTS, POINTS, str(driver_id))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How many points a driver has."""

    available: int
    """Can be used now."""
    reserved: int
    """By charging that is not billed yet."""


async def standing(session: AsyncSession, driver_id: UUID) -> Standing:
    """Return how many points a driver has."""
    account = await ledger.find_account(session, *_account_of(driver_id))
    if account is None:
        return Standing(available=0, reserved=0)
    return Standing(available=ledger.available_credit(account), reserved=account.debits_pending)


async def reserve(session: AsyncSession, use: PointUse, at: datetime) -> None:
    """Keep points for a session. Raises `TooFewPoints`, also where another session has just reserved them."""
    await expire(session, at, use.driver_id)
    account = await _locked(session, use.driver_id)
    left = ledger.available_credit(account)
    if use.points > left:
        raise TooFewPoints(left=left)
    move = Move(
        id=_hold_id(use.session_id),
        reason=RESERVED,
        at=at,
        session_id=use.session_id,
        debit=_account_of(use.driver_id),
        credit=_ISSUED,
        amount_minor=use.points,
        pending=True,
    )
    await ledger.write(session, [move])
    session.add(use)
    await session.flush()


def taken(use: PointUse, points: int, at: datetime) -> Resolution:
    """Return the entry that takes points of a session's reservation, at most all of it; the rest is free again."""
    return Resolution(
        id=uuid5(use.session_id, "points taken"),
        reason=SPENT if points else FREED,
        at=at,
        session_id=use.session_id,
        pending_id=_hold_id(use.session_id),
        amount_minor=points,
    )


def earned(session_id: UUID, driver_id: UUID, points: int, at: datetime) -> Move:
    """Return the entry that gives a driver the points of a session."""
    return Move(
        id=_earned_id(session_id),
        reason=EARNED,
        at=at,
        session_id=session_id,
        debit=_ISSUED,
        credit=_account_of(driver_id),
        amount_minor=points,
    )


async def add_lots(session: AsyncSession, given: Mapping[UUID, Sequence[Move]], expire_days: int) -> None:
    """Note what drivers have just been given, by driver; 0 days for points that never expire."""
    rows = [
        {
            "id": move.id,
            "driver_id": driver_id,
            "session_id": move.session_id,
            "points": move.amount_minor,
            "points_left": move.amount_minor,
            "earned_at": move.at,
            "expires_at": move.at + timedelta(days=expire_days) if expire_days else None,
        }
        for driver_id, moves in given.items()
        for move in moves
    ]
    if rows:
        await session.execute(plain_insert(PointLot), rows)


async def use_up(session: AsyncSession, used: Mapping[UUID, int]) -> None:
    """Take points of drivers out of their lots, the first to expire first. Their accounts are locked already."""
    lots: dict[UUID, list[PointLot]] = defaultdict(list)
    for lot in await _lots(session, [driver_id for driver_id, points in used.items() if points]):
        lots[lot.driver_id].append(lot)
    await _lower(session, {driver_id: (lots[driver_id], points) for driver_id, points in used.items()})


async def expire(session: AsyncSession, at: datetime, driver_id: UUID | None = None) -> int:
    """Have points expire whose time has come, of one driver or of many; returns how many lots it has looked at.

    What is reserved does not expire while it is: the session takes it, or gives it back, and then it does.
    """
    query = (
        select(PointLot.driver_id)
        .where(PointLot.points_left > 0, PointLot.expires_at <= at)
        .order_by(PointLot.expires_at)
        .limit(_EXPIRED_AT_ONCE)
    )
    if driver_id is not None:
        query = query.where(PointLot.driver_id == driver_id)
    drivers = sorted(set(await session.scalars(query)))
    expired = 0
    for owner in drivers:
        account = await _locked(session, owner)
        lots = [lot for lot in await _lots(session, [owner]) if lot.expires_at is not None and lot.expires_at <= at]
        points = max(0, sum(lot.points_left for lot in lots) - account.debits_pending)
        # What is reserved will be taken from the front: so what goes now is taken from the back.
        expired += await _take_back(session, account, lots, points, at=at, reason=EXPIRED)
    return expired


async def correct(session: AsyncSession, driver_id: UUID, points: int, correction_id: UUID, at: datetime) -> int | None:
    """Give a driver points, or take some that are free; returns how many are then free.

    The same `correction_id` does it once; None says that it was done before. Points that are given never expire: they
    make a mistake good. Raises `BadCorrection`.
    """
    account = await _locked(session, driver_id)
    if await ledger.exists(session, correction_id):
        return None
    left = ledger.available_credit(account)
    if points == 0 or abs(points) > LARGEST_CORRECTION or left + points < 0:
        raise BadCorrection(most=LARGEST_CORRECTION, left=left)
    own = _account_of(driver_id)
    move = Move(
        id=correction_id,
        reason=CORRECTED,
        at=at,
        debit=_ISSUED if points > 0 else own,
        credit=own if points > 0 else _ISSUED,
        amount_minor=abs(points),
    )
    await ledger.write(session, [move])
    if points > 0:
        await add_lots(session, {driver_id: [move]}, expire_days=0)
    else:
        await use_up(session, {driver_id: -points})
    return left + points


async def unwind(session: AsyncSession, charging: ChargingSession, at: datetime) -> None:
    """Give back what a session took, and take back what it earned, as far as that is free; once."""
    account = await _locked(session, charging.driver_id)
    back, less = uuid5(charging.id, "points returned"), uuid5(charging.id, "points taken back")
    if await ledger.exists(session, back) or await ledger.exists(session, less):
        return
    use = await session.get(PointUse, charging.id)
    lot = await session.get(PointLot, _earned_id(charging.id))
    returned = use.points_used or 0 if use is not None else 0
    took = min(lot.points if lot is not None else 0, ledger.available_credit(account) + returned)
    own = _account_of(charging.driver_id)
    entries = [
        Move(
            id=number,
            reason=reason,
            at=at,
            session_id=charging.id,
            debit=debit,
            credit=credit,
            amount_minor=points,
        )
        for number, reason, debit, credit, points in (
            (back, RETURNED, _ISSUED, own, returned),
            (less, TAKEN_BACK, own, _ISSUED, took),
        )
        if points
    ]
    if entries:
        back_again = [move for move in entries if move.credit == own]
        await add_lots(session, {charging.driver_id: back_again}, expire_days=0)
        await use_up(session, {charging.driver_id: took})
        await ledger.write(session, entries)


async def forget(session: AsyncSession, driver_id: UUID, at: datetime) -> None:
    """Have all free points of a driver who goes come to nothing."""
    account = await _locked(session, driver_id)
    lots = await _lots(session, [driver_id])
    free = ledger.available_credit(account)
    await _take_back(session, account, lots, free, at=at, reason=VOIDED)


@dataclass(frozen=True, kw_only=True)
class Happened:
    """A line of a driver's history of points."""

    at: datetime
    points: int
    """Below zero where they went."""
    reason: str
    session_id: UUID | None


async def history(session: AsyncSession, driver_id: UUID, most: int, skipped: int = 0) -> list[Happened]:
    """Return what has changed a driver's points, the newest first; reservations do not."""
    account = await ledger.find_account(session, *_account_of(driver_id))
    if account is None:
        return []
    query = (
        select(Transfer)
        .where(
            or_(Transfer.debit_id == account.id, Transfer.credit_id == account.id),
            Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST)),
        )
        .order_by(Transfer.created_at.desc(), Transfer.id.desc())
        .limit(most)
        .offset(skipped)
    )
    return [
        Happened(
            at=row.created_at,
            points=row.amount_minor if row.credit_id == account.id else -row.amount_minor,
            reason=row.reason,
            session_id=row.session_id,
        )
        for row in await session.scalars(query)
    ]


async def next_to_expire(session: AsyncSession, driver_id: UUID) -> tuple[datetime, int] | None:
    """Return when a driver's next points expire, and how many then; None where none do."""
    lots = [lot for lot in await _lots(session, [driver_id]) if lot.expires_at is not None]
    if not lots:
        return None
    first = lots[0].expires_at
    return (first, sum(lot.points_left for lot in lots if lot.expires_at == first)) if first is not None else None


def _earned_id(session_id: UUID) -> UUID:
    return uuid5(session_id, "points earned")


def _hold_id(session_id: UUID) -> UUID:
    return uuid5(session_id, "points")


async def _locked(session: AsyncSession, driver_id: UUID) -> LedgerAccount:
    account = await ledger.account(session, *_account_of(driver_id))
    return (await ledger.lock(session, account.id))[account.id]


async def _lots(session: AsyncSession, drivers: Iterable[UUID]) -> list[PointLot]:
    query = (
        select(PointLot)
        .where(PointLot.driver_id.in_(list(drivers)), PointLot.points_left > 0)
        .order_by(PointLot.expires_at.is_(None), PointLot.expires_at, PointLot.earned_at, PointLot.id)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def _lower(session: AsyncSession, wanted: Mapping[UUID, tuple[list[PointLot], int]]) -> dict[UUID, int]:
    """Take so many points out of lots, in their order; returns what each lot gave."""
    took: dict[UUID, int] = {}
    rows = []
    for lots, points in wanted.values():
        rest = points
        for lot in lots:
            part = min(rest, lot.points_left)
            if part:
                took[lot.id] = part
                rows.append({"id": lot.id, "points_left": lot.points_left - part})
                rest -= part
    if rows:
        await session.execute(update(PointLot), rows)
    return took


async def _take_back(
    session: AsyncSession, account: LedgerAccount, lots: list[PointLot], points: int, *, at: datetime, reason: str
) -> int:
    """Have points come to nothing, of the last lots first; returns how many lots gave some."""
    driver_id = UUID(account.owner)
    before = {lot.id: lot.points_left for lot in lots}
    took = await _lower(session, {driver_id: (list(reversed(lots)), points)})
    entries = [
        Move(
            # What is left of a lot only falls, so this happens once.
            id=uuid5(number, f"{reason} {before[number]}"),
            reason=reason,
            at=at,
            debit=_account_of(driver_id),
            credit=_ISSUED,
            amount_minor=part,
        )
        for number, part in took.items()
    ]
    if entries:
        await ledger.write(session, entries)
    return len(took)
