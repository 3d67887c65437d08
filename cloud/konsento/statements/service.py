"""Statements of a month, and payouts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.db import Database
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import AccountKind, LedgerAccount, Payout
from konsento.statements import repository
from konsento.statements.errors import BadPayout, NoSuchPayee, PayoutTakenBack, PayoutTooLarge
from konsento.statements.months import Month
from konsento.statements.repository import Row

READ_AT_ONCE: Final = 500
"""Rows that one transaction reads: everybody else waits meanwhile."""
LONGEST_REFERENCE: Final = 100


@dataclass(frozen=True, kw_only=True)
class Payee:
    """A supplier or a site's owner, in one currency."""

    account_id: UUID
    kind: AccountKind
    owner: str
    """The supplier's code, or the site's id."""
    name: str
    currency: str
    balance_minor: int
    """Owed now."""


@dataclass(frozen=True, kw_only=True)
class Paid:
    """A payout of a statement."""

    id: UUID
    amount_minor: int
    paid_on: date
    reference: str
    can_be_taken_back: bool


@dataclass(kw_only=True)
class Sums:
    """What rows come to."""

    sessions: int = 0
    wh: int = 0
    gross_minor: int = 0
    tax_minor: int = 0
    share_minor: int = 0

    def add(self, row: Row) -> None:
        """Count a row in."""
        self.sessions += not row.is_correction
        self.wh += row.wh
        self.gross_minor += row.gross_minor
        self.tax_minor += row.tax_minor
        self.share_minor += row.share_minor

    @property
    def net_minor(self) -> int:
        """Return what was sold without its tax."""
        return self.gross_minor - self.tax_minor


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a payee got and was paid in a month. Opening balance, shares and payouts add up to the closing balance."""

    payee: Payee
    month: Month
    opening_minor: int
    closing_minor: int
    sums: Sums
    days: dict[date, Sums]
    """The same by the days of the operator's clock on which something was billed or put right."""
    payouts: tuple[Paid, ...]

    @property
    def paid_minor(self) -> int:
        """Return what was paid in this month, less what was taken back."""
        return sum(one.amount_minor for one in self.payouts)


async def payees(session: AsyncSession) -> list[Payee]:
    """Return all suppliers and site owners that ever got something."""
    return [await _payee(session, account) for account in await repository.accounts(session)]


async def payee(session: AsyncSession, account_id: UUID) -> Payee:
    """Return one of them. Raises `NoSuchPayee`."""
    return await _payee(session, await _account(session, account_id))


async def statement(database: Database, account_id: UUID, month: Month) -> Statement:
    """Return a statement; opens its own transactions. Raises `NoSuchPayee`.

    What is billed while it is made may be missing from it, never counted twice: the balances come from the rows.
    """
    sums, days, zone = Sums(), dict[date, Sums](), ZoneInfo(month.time_zone)
    async with database.transaction() as session:
        whose = await payee(session, account_id)
        opening = await repository.balance_at(session, account_id, month.begin)
        paid = await repository.payouts(session, account_id, month.begin, month.end)
        back = await repository.taken_back(session, [one.id for one in paid])
    async for row in rows(database, account_id, month):
        sums.add(row)
        days.setdefault(row.at.astimezone(zone).date(), Sums()).add(row)
    payouts = tuple(
        Paid(
            id=one.id,
            amount_minor=one.amount_minor,
            paid_on=one.paid_on,
            reference=one.reference,
            can_be_taken_back=one.takes_back_id is None and one.id not in back,
        )
        for one in paid
    )
    return Statement(
        payee=whose,
        month=month,
        opening_minor=opening,
        closing_minor=opening + sums.share_minor - sum(one.amount_minor for one in payouts),
        sums=sums,
        days=days,
        payouts=payouts,
    )


async def rows(database: Database, account_id: UUID, month: Month) -> AsyncIterator[Row]:
    """Give what moved an account in a month, without payouts; each part is read in a transaction of its own."""
    last: Row | None = None
    while True:
        async with database.transaction() as session:
            part = await repository.rows(session, account_id, month.begin, month.end, after=last, most=READ_AT_ONCE)
        for row in part:
            yield row
        if len(part) < READ_AT_ONCE:
            return
        last = part[-1]


async def record_payout(
    session: AsyncSession,
    account_id: UUID,
    amount_minor: int,
    *,
    paid_on: date,
    reference: str,
    payout_id: UUID,
    member_id: UUID,
    at: datetime,
    today: date,
) -> bool:
    """Record that a payee was paid. The same `payout_id` records it once; returns whether it is new.

    `today` is the day of the operator's clock, after which nothing can have been paid.
    Raises `NoSuchPayee`, `BadPayout`, and `PayoutTooLarge` for more than is owed.
    """
    account = await _account(session, account_id)
    reference = " ".join(reference.split())
    if amount_minor <= 0 or not 0 < len(reference) <= LONGEST_REFERENCE or paid_on > today:
        raise BadPayout
    account = (await ledger.lock(session, account.id))[account.id]
    if await ledger.exists(session, payout_id):
        return False
    left = ledger.available_credit(account)
    if amount_minor > left:
        raise PayoutTooLarge(left=left)
    funds = AccountName(AccountKind.FUNDS, account.currency)
    move = Move(
        id=payout_id, reason="payout", at=at, debit=ledger.name_of(account), credit=funds, amount_minor=amount_minor
    )
    await ledger.write(session, [move])
    session.add(
        Payout(
            id=payout_id,
            account_id=account.id,
            amount_minor=amount_minor,
            paid_on=paid_on,
            reference=reference,
            takes_back_id=None,
            member_id=member_id,
            recorded_at=at,
        )
    )
    await session.flush()
    return True


async def take_back(session: AsyncSession, payout_id: UUID, *, member_id: UUID, at: datetime) -> Payout:
    """Take back a payout that was recorded by mistake: it is owed again. Returns what takes it back.

    Raises `NoSuchPayee` where there is none, and `PayoutTakenBack`.
    """
    payout = await session.get(Payout, payout_id)
    if payout is None:
        raise NoSuchPayee
    account = await _account(session, payout.account_id)
    await ledger.lock(session, account.id)
    if payout.takes_back_id is not None or await repository.taken_back(session, [payout.id]):
        raise PayoutTakenBack
    funds = AccountName(AccountKind.FUNDS, account.currency)
    back = Payout(
        id=uuid5(payout.id, "back"),
        account_id=account.id,
        amount_minor=-payout.amount_minor,
        paid_on=payout.paid_on,
        reference=payout.reference,
        takes_back_id=payout.id,
        member_id=member_id,
        recorded_at=at,
    )
    move = Move(
        id=back.id,
        reason="payout-back",
        at=at,
        debit=funds,
        credit=ledger.name_of(account),
        amount_minor=payout.amount_minor,
    )
    await ledger.write(session, [move])
    session.add(back)
    await session.flush()
    return back


async def _account(session: AsyncSession, account_id: UUID) -> LedgerAccount:
    account = await repository.account(session, account_id)
    if account is None:
        raise NoSuchPayee
    return account


async def _payee(session: AsyncSession, account: LedgerAccount) -> Payee:
    return Payee(
        account_id=account.id,
        kind=account.kind,
        owner=account.owner,
        name=await repository.name_of(session, account),
        currency=account.currency,
        balance_minor=account.credits_posted - account.debits_posted,
    )
