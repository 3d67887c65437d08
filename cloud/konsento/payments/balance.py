"""The prepaid balance: what a driver has, how it comes in, how it is used and how it ends.

Each amount that comes in is a lot with an end of its own (`payments.lots`); the ledger has the same sums.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.kit.work import Again, Job
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Entry, Move
from konsento.models import AccountKind, BalanceLot, BalanceUse, LedgerAccount, Payment, Transfer, TransferKind
from konsento.payments import lots
from konsento.payments.desk import Till
from konsento.payments.errors import BalanceTooLow
from konsento.payments.ledger_hold import LedgerProvider
from konsento.settings import Settings

log = logging.getLogger(__name__)

NAME: Final = "balance"
SOON: Final = timedelta(days=30)
"""What ends within this time is told to the driver."""
NOTIFIED_ABOVE_YEN: Final = 10_000_000
"""Whoever has more unused at the end of a base day notifies the finance bureau (資金決済法, article 5)."""
REPORTED_IN: Final = ZoneInfo("Asia/Tokyo")
"""Whose days the report on unused balances counts: it answers Japan's Payment Services Act."""
_WORK: Final = "balance-ends"
_LOOK_EVERY_S: Final = 3600.0
_AT_ONCE: Final = 100


def install(services: Till) -> None:
    """Register the handler that ends lots whose time is over."""

    @services.work.on(_WORK)
    async def end(_job: Job) -> Again:
        await end_overdue(services.database, services.clock.now())
        return Again(_LOOK_EVERY_S)


async def begin(services: Till) -> None:
    """Have lots looked at from now on."""
    async with services.database.transaction() as session:
        await services.work.add(session, _WORK, "all")


async def available(session: AsyncSession, driver_id: UUID) -> int:
    """Return what a driver can still spend, in minor units of the deployment's currency: held money is not in it."""
    return sum(ledger.available_credit(account) for account in await _accounts(session, driver_id))


async def usable(session: AsyncSession, settings: Settings, driver_id: UUID) -> bool:
    """Tell whether a driver has to do with a balance: where there are balances, or because one was there before."""
    return settings.balance or settings.welcome_credit_minor > 0 or bool(await _accounts(session, driver_id))


async def welcome(session: AsyncSession, driver_id: UUID, settings: Settings, at: datetime) -> None:
    """Give a new driver the operator's welcome credit, if there is one; asked again it gives nothing more."""
    amount = settings.welcome_credit_minor
    if amount > 0:
        entry = Entry(id=uuid5(driver_id, "welcome"), reason="welcome", at=at)
        promotion = AccountName(AccountKind.PROMOTION, settings.currency)
        await _add(session, settings, driver_id, promotion, amount_minor=amount, entry=entry)


async def goodwill(
    session: AsyncSession, settings: Settings, driver_id: UUID, amount_minor: int, *, transfer_id: UUID, at: datetime
) -> bool:
    """Give a driver money of the operator's. The same `transfer_id` gives it once; returns whether it is new."""
    promotion = AccountName(AccountKind.PROMOTION, settings.currency)
    entry = Entry(id=transfer_id, reason="goodwill", at=at)
    is_new = await _add(session, settings, driver_id, promotion, amount_minor=amount_minor, entry=entry)
    if is_new:
        log.info("driver %s was given %d %s (minor units)", driver_id, amount_minor, settings.currency)
    return is_new


async def top_up(
    session: AsyncSession,
    settings: Settings,
    driver_id: UUID,
    amount_minor: int,
    at: datetime,
    *,
    transfer_id: UUID | None = None,
    paid_to: AccountName | None = None,
) -> bool:
    """Add money that came in from outside, in the deployment's currency: to our bank, or to the account `paid_to`.

    The same `transfer_id` adds it once; returns whether it is new.
    """
    source = paid_to or AccountName(AccountKind.FUNDS, settings.currency)
    entry = Entry(id=transfer_id or new_id(), reason="top-up", at=at)
    is_new = await _add(session, settings, driver_id, source, amount_minor=amount_minor, entry=entry)
    if is_new:
        log.info("balance of driver %s topped up by %d %s (minor units)", driver_id, amount_minor, settings.currency)
    return is_new


async def _add(
    session: AsyncSession, settings: Settings, driver_id: UUID, source: AccountName, *, amount_minor: int, entry: Entry
) -> bool:
    move = Move(
        id=entry.id,
        reason=entry.reason,
        at=entry.at,
        debit=source,
        credit=AccountName(AccountKind.DRIVER_BALANCE, source.currency, str(driver_id)),
        amount_minor=amount_minor,
    )
    await ledger.write(session, [move])  # keeps everybody else from the driver's lots
    if await session.get(BalanceLot, entry.id) is not None:
        return False
    session.add(
        BalanceLot(
            id=entry.id,
            driver_id=driver_id,
            promotional=source.kind is AccountKind.PROMOTION,
            currency=source.currency,
            amount_minor=amount_minor,
            left_minor=amount_minor,
            held_minor=0,
            issued_at=entry.at,
            expires_at=lots.end_of(entry.at, settings.balance_months),
        )
    )
    await session.flush()
    return True


async def end_overdue(database: Database, at: datetime) -> None:
    """End all lots whose time is over. Opens its own transactions, one for each lot."""
    while True:
        async with database.transaction() as session:
            overdue = [lot.id for lot in await lots.overdue(session, at, _AT_ONCE)]
        for lot_id in overdue:
            await database.attempt(partial(_end, lot_id=lot_id, at=at))
        if len(overdue) < _AT_ONCE:
            return


async def _end(session: AsyncSession, *, lot_id: UUID, at: datetime) -> None:
    lot = await session.get_one(BalanceLot, lot_id)
    into = AccountKind.PROMOTION if lot.promotional else AccountKind.EXPIRED
    balance = await ledger.account(session, AccountKind.DRIVER_BALANCE, lot.currency, str(lot.driver_id))
    gone = await ledger.account(session, into, lot.currency)
    await ledger.lock(session, balance.id, gone.id)
    before = lot.left_minor
    lot, unused = await lots.end(session, lot_id, at)
    if unused > 0:
        # What was held may be freed, and end, later: each end of a lot is named after what was left before.
        entry = Entry(id=uuid5(lot.id, f"expired at {before}"), reason="expired", at=at)
        await ledger.transfer(session, entry, balance, gone, unused)
        log.info("driver %s: %d %s of the balance ended (minor units)", lot.driver_id, unused, lot.currency)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """What changed a balance."""

    at: datetime
    reason: str
    """Of the ledger: `top-up`, `welcome`, `goodwill`, `capture`, `refund`, `expired`."""
    amount_minor: int
    """Below zero for what went out."""
    currency: str
    session_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A driver's balance, and how it came about."""

    available_minor: int
    held_minor: int
    lots: Sequence[BalanceLot]
    """Of which something is left, in the order in which they are used."""
    movements: Sequence[Movement]
    """The newest first."""


async def statement(session: AsyncSession, driver_id: UUID, most: int | None = None) -> Statement:
    """Return a driver's statement, with at most so many movements."""
    accounts = await _accounts(session, driver_id)
    own = [account.id for account in accounts]
    query = (
        select(Transfer, Transfer.credit_id.in_(own))
        .where(
            Transfer.debit_id.in_(own) | Transfer.credit_id.in_(own),
            Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST)),
        )
        .order_by(Transfer.created_at.desc(), Transfer.id.desc())
        .limit(most)
    )
    return Statement(
        available_minor=sum(ledger.available_credit(account) for account in accounts),
        held_minor=sum(account.debits_pending for account in accounts),
        lots=await lots.of_driver(session, driver_id),
        movements=[
            Movement(
                at=transfer.created_at,
                reason=transfer.reason,
                amount_minor=transfer.amount_minor if received else -transfer.amount_minor,
                currency=transfer.currency,
                session_id=transfer.session_id,
            )
            for transfer, received in await session.execute(query)
        ],
    )


async def ending_soon(session: AsyncSession, driver_id: UUID, at: datetime) -> BalanceLot | None:
    """Return the lot of a driver that ends next, if it does so within `SOON`."""
    for lot in await lots.of_driver(session, driver_id):
        if lot.expires_at is not None and lot.left_minor > lot.held_minor:
            return lot if lot.expires_at <= at + SOON else None
    return None


async def unused(session: AsyncSession, day: date) -> dict[str, int]:
    """Return by currency what was paid in, and neither used nor ended, at the end of a day in Japan.

    What the operator gave is not in it. What came in before balances had lots counts from the day of that change.
    """
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), REPORTED_IN)
    paid = BalanceLot.promotional.is_(False)
    came = select(BalanceLot.currency, func.sum(BalanceLot.amount_minor)).where(paid, BalanceLot.issued_at < end)
    went = (
        select(BalanceLot.currency, func.sum(BalanceUse.amount_minor))
        .join(BalanceUse, BalanceUse.lot_id == BalanceLot.id)
        .where(paid, BalanceUse.at < end)
    )
    left = {currency: int(total) for currency, total in (await session.execute(came.group_by(BalanceLot.currency)))}
    for currency, total in await session.execute(went.group_by(BalanceLot.currency)):
        left[currency] -= int(total)
    return left


async def first_day(session: AsyncSession) -> date | None:
    """Return the day, in Japan, on which the first money was paid in; None for none yet."""
    first = await session.scalar(select(func.min(BalanceLot.issued_at)).where(BalanceLot.promotional.is_(False)))
    return first.astimezone(REPORTED_IN).date() if first is not None else None


def base_days(first: date, today: date) -> list[date]:
    """Return the days whose unused balance the act asks for, from the first payment on, and today."""
    days = (date(year, month, day) for year in range(first.year, today.year + 1) for month, day in ((3, 31), (9, 30)))
    return [*(day for day in days if first <= day < today), today]


async def _accounts(session: AsyncSession, driver_id: UUID) -> Sequence[LedgerAccount]:
    query = select(LedgerAccount).where(
        LedgerAccount.kind == AccountKind.DRIVER_BALANCE, LedgerAccount.owner == str(driver_id)
    )
    return (await session.scalars(query)).all()


class BalanceProvider(LedgerProvider):
    """Pays from the driver's prepaid balance."""

    name = NAME
    source = AccountKind.DRIVER_BALANCE

    def check(self, account: LedgerAccount, hold_minor: int) -> None:
        """Raise `BalanceTooLow` where the balance does not cover it."""
        if ledger.available_credit(account) < hold_minor:
            raise BalanceTooLow

    async def held(self, session: AsyncSession, payment: Payment) -> None:
        """Hold of the lots as well."""
        await lots.reserve(session, payment.driver_id, payment.id, payment.hold_minor)

    async def resolved(self, session: AsyncSession, taken: Mapping[UUID, int], at: datetime) -> None:
        """Take of the lots as well."""
        await lots.take(session, taken, at)
