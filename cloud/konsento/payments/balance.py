"""The prepaid balance: the first payment provider, and the balance itself."""

import logging
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Entry, Move
from konsento.models import AccountKind, LedgerAccount
from konsento.payments.errors import BalanceTooLow
from konsento.payments.ledger_hold import LedgerProvider
from konsento.settings import Settings

log = logging.getLogger(__name__)

NAME: Final = "balance"


async def available(session: AsyncSession, driver_id: UUID) -> int:
    """Return what a driver can still spend, in minor units of the deployment's currency: held money is not in it."""
    query = select(LedgerAccount).where(
        LedgerAccount.kind == AccountKind.DRIVER_BALANCE, LedgerAccount.owner == str(driver_id)
    )
    return sum(ledger.available_credit(account) for account in await session.scalars(query))


async def welcome(session: AsyncSession, driver_id: UUID, settings: Settings) -> None:
    """Give a new driver the operator's welcome credit, if there is one; asked again it gives nothing more."""
    if settings.welcome_credit_minor == 0:
        return
    promotion = await ledger.account(session, AccountKind.PROMOTION, settings.currency)
    balance = await ledger.account(session, AccountKind.DRIVER_BALANCE, settings.currency, str(driver_id))
    entry = Entry(id=uuid5(driver_id, "welcome"), reason="welcome", at=datetime.now(UTC))
    await ledger.transfer(session, entry, promotion, balance, settings.welcome_credit_minor)


async def top_up(
    session: AsyncSession,
    driver_id: UUID,
    amount_minor: int,
    currency: str,
    *,
    transfer_id: UUID | None = None,
    paid_to: AccountName | None = None,
    at: datetime | None = None,
) -> None:
    """Add money that came in from outside: to our bank, or to the account `paid_to`.

    The same `transfer_id` adds it once.
    """
    move = Move(
        id=transfer_id or new_id(),
        reason="top-up",
        at=at or datetime.now(UTC),
        debit=paid_to or AccountName(AccountKind.FUNDS, currency),
        credit=AccountName(AccountKind.DRIVER_BALANCE, currency, str(driver_id)),
        amount_minor=amount_minor,
    )
    await ledger.write(session, [move])
    log.info("balance of driver %s topped up by %d %s (minor units)", driver_id, amount_minor, currency)


async def goodwill(
    session: AsyncSession, driver_id: UUID, amount_minor: int, currency: str, *, transfer_id: UUID, at: datetime
) -> bool:
    """Give a driver money of the operator's. The same `transfer_id` gives it once; returns whether it is new."""
    if await ledger.exists(session, transfer_id):
        return False
    promotion = await ledger.account(session, AccountKind.PROMOTION, currency)
    balance = await ledger.account(session, AccountKind.DRIVER_BALANCE, currency, str(driver_id))
    await ledger.transfer(session, Entry(id=transfer_id, reason="goodwill", at=at), promotion, balance, amount_minor)
    log.info("driver %s was given %d %s (minor units)", driver_id, amount_minor, currency)
    return True


class BalanceProvider(LedgerProvider):
    """Pays from the driver's prepaid balance."""

    name = NAME
    source = AccountKind.DRIVER_BALANCE

    def check(self, account: LedgerAccount, hold_minor: int) -> None:
        """Raise `BalanceTooLow` where the balance does not cover it."""
        if ledger.available_credit(account) < hold_minor:
            raise BalanceTooLow
