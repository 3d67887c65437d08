"""Transfers and balances.

A transfer's id is chosen by the caller. Asked for again with the same content it changes nothing; with another content
it is refused. A pending transfer is resolved at most once, by posting up to its amount or by voiding it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.ledger.errors import LedgerError
from konsento.models import AccountKind, LedgerAccount, Transfer, TransferKind


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a transfer is about."""

    id: UUID
    reason: str
    at: datetime
    session_id: UUID | None = None


async def account(session: AsyncSession, kind: AccountKind, currency: str, owner: str = "") -> LedgerAccount:
    """Return an account, made when it is needed first."""
    found = await find_account(session, kind, currency, owner)
    if found is not None:
        return found
    try:
        async with session.begin_nested():
            session.add(
                LedgerAccount(
                    id=new_id(),
                    kind=kind,
                    owner=owner,
                    currency=currency,
                    debits_posted=0,
                    credits_posted=0,
                    debits_pending=0,
                    credits_pending=0,
                )
            )
    except IntegrityError:  # another replica made it between the look and the insert
        pass
    made = await find_account(session, kind, currency, owner)
    if made is None:
        raise LedgerError(f"account {kind} cannot be made")
    return made


async def find_account(
    session: AsyncSession, kind: AccountKind, currency: str, owner: str = ""
) -> LedgerAccount | None:
    """Return an account, or None where it has never been needed."""
    query = select(LedgerAccount).where(
        LedgerAccount.kind == kind, LedgerAccount.owner == owner, LedgerAccount.currency == currency
    )
    return await session.scalar(query)


async def lock(session: AsyncSession, *accounts: UUID) -> dict[UUID, LedgerAccount]:
    """Keep others from accounts until the transaction ends, and return them as they are now."""
    # What this transaction read before it got the locks may be old.
    await session.flush()
    query = (
        select(LedgerAccount)
        .where(LedgerAccount.id.in_(accounts))
        .order_by(LedgerAccount.id)  # always in one order, so that two transactions never wait for each other
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {account.id: account for account in await session.scalars(query)}


async def exists(session: AsyncSession, transfer_id: UUID) -> bool:
    """Tell whether there is a transfer with this id."""
    return await session.get(Transfer, transfer_id) is not None


def available_credit(account: LedgerAccount) -> int:
    """Return what can still be taken from an account that we owe: posted credits less debits, pending ones too."""
    return account.credits_posted - account.debits_posted - account.debits_pending


async def transfer(
    session: AsyncSession,
    entry: Entry,
    debit: LedgerAccount,
    credit: LedgerAccount,
    amount_minor: int,
    *,
    pending: bool = False,
) -> Transfer:
    """Move an amount, or reserve it with `pending`; locks both accounts. Raises LedgerError."""
    kind = TransferKind.PENDING if pending else TransferKind.POSTED
    if amount_minor <= 0:
        raise LedgerError("an amount is more than zero")
    if debit.id == credit.id or debit.currency != credit.currency:
        raise LedgerError("a transfer is between two accounts of one currency")
    made = Transfer(
        id=entry.id,
        kind=kind,
        pending_id=None,
        debit_id=debit.id,
        credit_id=credit.id,
        amount_minor=amount_minor,
        currency=debit.currency,
        reason=entry.reason,
        session_id=entry.session_id,
        created_at=entry.at,
    )
    await lock(session, debit.id, credit.id)
    if (existing := await _existing(session, made)) is not None:
        return existing
    session.add(made)
    if pending:
        debit.debits_pending += amount_minor
        credit.credits_pending += amount_minor
    else:
        debit.debits_posted += amount_minor
        credit.credits_posted += amount_minor
    await session.flush()
    return made


async def post(session: AsyncSession, entry: Entry, pending_id: UUID, amount_minor: int) -> Transfer:
    """Take an amount of a pending transfer, at most its own; the rest is free again. Raises LedgerError."""
    return await _resolve(session, entry, pending_id, TransferKind.POST, amount_minor)


async def void(session: AsyncSession, entry: Entry, pending_id: UUID) -> Transfer:
    """Give a pending transfer up: all of it is free again. Raises LedgerError."""
    return await _resolve(session, entry, pending_id, TransferKind.VOID, 0)


async def _resolve(
    session: AsyncSession, entry: Entry, pending_id: UUID, kind: TransferKind, amount_minor: int
) -> Transfer:
    pending = await session.get(Transfer, pending_id)
    if pending is None or pending.kind is not TransferKind.PENDING:
        raise LedgerError("only a pending transfer can be resolved")
    if amount_minor > pending.amount_minor or (kind is TransferKind.POST and amount_minor <= 0):
        raise LedgerError("what is posted is more than zero and at most what is pending")
    made = Transfer(
        id=entry.id,
        kind=kind,
        pending_id=pending_id,
        debit_id=pending.debit_id,
        credit_id=pending.credit_id,
        amount_minor=amount_minor,
        currency=pending.currency,
        reason=entry.reason,
        session_id=entry.session_id,
        created_at=entry.at,
    )
    accounts = await lock(session, pending.debit_id, pending.credit_id)
    debit, credit = accounts[pending.debit_id], accounts[pending.credit_id]
    if (existing := await _existing(session, made)) is not None:
        return existing
    if await session.scalar(select(Transfer.id).where(Transfer.pending_id == pending_id)) is not None:
        raise LedgerError("this pending transfer is resolved already")
    session.add(made)
    debit.debits_pending -= pending.amount_minor
    credit.credits_pending -= pending.amount_minor
    debit.debits_posted += amount_minor
    credit.credits_posted += amount_minor
    await session.flush()
    return made


async def _existing(session: AsyncSession, wanted: Transfer) -> Transfer | None:
    existing = await session.get(Transfer, wanted.id)
    if existing is None:
        return None
    same = ("kind", "pending_id", "debit_id", "credit_id", "amount_minor", "currency", "reason", "session_id")
    if any(getattr(existing, name) != getattr(wanted, name) for name in same):
        raise LedgerError("a transfer with this id says something else")
    return existing
