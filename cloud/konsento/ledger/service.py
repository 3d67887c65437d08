"""Transfers and balances.

A transfer's id is chosen by the caller. Asked for again with the same content it changes nothing; with another content
it is refused. A pending transfer is resolved at most once, by posting up to its amount or by voiding it.

`write` is the one door: however many entries there are, all their accounts are locked at once and in one order, and the
sums follow in one statement. `transfer`, `post` and `void` are it for a single entry.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, tuple_, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.ledger.errors import LedgerError
from konsento.models import AccountKind, LedgerAccount, Transfer, TransferKind


class AccountName(NamedTuple):
    """What names an account; it is made when it is needed first."""

    kind: AccountKind
    currency: str
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a transfer is about."""

    id: UUID
    reason: str
    at: datetime
    session_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Move(Entry):
    """An amount above zero that leaves one account and arrives in another; `pending` only reserves it."""

    debit: AccountName
    credit: AccountName
    amount_minor: int
    pending: bool = False


@dataclass(frozen=True, kw_only=True)
class Resolution(Entry):
    """What becomes of a pending transfer: an amount of it is taken, at most its own, and the rest is free; 0 voids."""

    pending_id: UUID
    amount_minor: int


class _Sums(NamedTuple):
    """What a transfer adds to the sums of its two accounts."""

    posted: int
    pending: int


_ACCOUNTS: Final = cast("Table", LedgerAccount.__table__)
_TRANSFERS: Final = cast("Table", Transfer.__table__)
_SAID: Final = ("kind", "pending_id", "debit_id", "credit_id", "amount_minor", "currency", "reason", "session_id")
"""What has to be the same where a transfer is asked for again."""
_SUMS: Final = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")


async def write(session: AsyncSession, entries: Sequence[Move | Resolution]) -> None:
    """Write entries, all or none; those that are there already change nothing. Raises LedgerError.

    Their accounts stay locked until the transaction ends: write late in it. What an account must not be left with
    (a driver's balance below zero) the database refuses with an IntegrityError.
    """
    held = await _transfers(session, [entry.pending_id for entry in entries if isinstance(entry, Resolution)])
    names = {name for entry in entries if isinstance(entry, Move) for name in (entry.debit, entry.credit)}
    ids = await _account_ids(session, names)
    wanted: dict[UUID, dict[str, Any]] = {}
    for entry in entries:
        row = _moved(entry, ids) if isinstance(entry, Move) else _resolved(entry, held)
        if wanted.setdefault(entry.id, row) != row:
            raise LedgerError("a transfer with this id says something else")
    accounts = await lock(session, *{row[side] for row in wanted.values() for side in ("debit_id", "credit_id")})
    for existing in (await _transfers(session, wanted)).values():
        if any(getattr(existing, name) != wanted[existing.id][name] for name in _SAID):
            raise LedgerError("a transfer with this id says something else")
        del wanted[existing.id]
    if wanted:
        await _refuse_second_resolutions(session, wanted.values())
        await session.execute(plain_insert(_TRANSFERS), list(wanted.values()))
        await _add_up(session, accounts, wanted.values(), held)


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
    move = Move(
        id=entry.id,
        reason=entry.reason,
        at=entry.at,
        session_id=entry.session_id,
        debit=name_of(debit),
        credit=name_of(credit),
        amount_minor=amount_minor,
        pending=pending,
    )
    await write(session, [move])
    return await session.get_one(Transfer, entry.id)


async def post(session: AsyncSession, entry: Entry, pending_id: UUID, amount_minor: int) -> Transfer:
    """Take an amount of a pending transfer, at most its own; the rest is free again. Raises LedgerError."""
    if amount_minor <= 0:
        raise LedgerError("what is posted is more than zero and at most what is pending")
    return await _resolve(session, entry, pending_id, amount_minor)


async def void(session: AsyncSession, entry: Entry, pending_id: UUID) -> Transfer:
    """Give a pending transfer up: all of it is free again. Raises LedgerError."""
    return await _resolve(session, entry, pending_id, 0)


async def account(session: AsyncSession, kind: AccountKind, currency: str, owner: str = "") -> LedgerAccount:
    """Return an account, made when it is needed first."""
    name = AccountName(kind, currency, owner)
    return await session.get_one(LedgerAccount, (await _account_ids(session, {name}))[name])


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


def name_of(account: LedgerAccount) -> AccountName:
    """Return what names an account."""
    return AccountName(account.kind, account.currency, account.owner)


def available_credit(account: LedgerAccount) -> int:
    """Return what can still be taken from an account that we owe: posted credits less debits, pending ones too."""
    return account.credits_posted - account.debits_posted - account.debits_pending


async def _resolve(session: AsyncSession, entry: Entry, pending_id: UUID, amount_minor: int) -> Transfer:
    resolution = Resolution(
        id=entry.id,
        reason=entry.reason,
        at=entry.at,
        session_id=entry.session_id,
        pending_id=pending_id,
        amount_minor=amount_minor,
    )
    await write(session, [resolution])
    return await session.get_one(Transfer, entry.id)


async def _transfers(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Any]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await session.execute(select(_TRANSFERS).where(_TRANSFERS.c.id.in_(wanted)))
    return {row.id: row for row in rows}


async def _account_ids(session: AsyncSession, names: set[AccountName]) -> dict[AccountName, UUID]:
    found = await _found_ids(session, names)
    missing = sorted(names - found.keys())  # in one order, as with locks
    if not missing:
        return found
    rows = [{"id": new_id(), **name._asdict(), **dict.fromkeys(_SUMS, 0)} for name in missing]
    # Another replica may make one between the look and the insert.
    await session.execute(insert(session, LedgerAccount).on_conflict_do_nothing(), rows)
    return found | await _found_ids(session, set(missing))


async def _found_ids(session: AsyncSession, names: set[AccountName]) -> dict[AccountName, UUID]:
    if not names:
        return {}
    columns = (LedgerAccount.kind, LedgerAccount.currency, LedgerAccount.owner)
    rows = await session.execute(select(*columns, LedgerAccount.id).where(tuple_(*columns).in_(names)))
    return {AccountName(kind, currency, owner): id_ for kind, currency, owner, id_ in rows}


def _moved(move: Move, ids: dict[AccountName, UUID]) -> dict[str, Any]:
    if move.amount_minor <= 0:
        raise LedgerError("an amount is more than zero")
    if move.debit == move.credit or move.debit.currency != move.credit.currency:
        raise LedgerError("a transfer is between two accounts of one currency")
    return {
        "id": move.id,
        "kind": TransferKind.PENDING if move.pending else TransferKind.POSTED,
        "pending_id": None,
        "debit_id": ids[move.debit],
        "credit_id": ids[move.credit],
        "amount_minor": move.amount_minor,
        "currency": move.debit.currency,
        "reason": move.reason,
        "session_id": move.session_id,
        "created_at": move.at,
    }


def _resolved(resolution: Resolution, held: dict[UUID, Any]) -> dict[str, Any]:
    pending = held.get(resolution.pending_id)
    if pending is None or pending.kind is not TransferKind.PENDING:
        raise LedgerError("only a pending transfer can be resolved")
    if not 0 <= resolution.amount_minor <= pending.amount_minor:
        raise LedgerError("what is posted is more than zero and at most what is pending")
    return {
        "id": resolution.id,
        "kind": TransferKind.POST if resolution.amount_minor else TransferKind.VOID,
        "pending_id": pending.id,
        "debit_id": pending.debit_id,
        "credit_id": pending.credit_id,
        "amount_minor": resolution.amount_minor,
        "currency": pending.currency,
        "reason": resolution.reason,
        "session_id": resolution.session_id,
        "created_at": resolution.at,
    }


async def _refuse_second_resolutions(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> None:
    resolved = [row["pending_id"] for row in rows if row["pending_id"] is not None]
    if not resolved:
        return
    query = select(_TRANSFERS.c.id).where(_TRANSFERS.c.pending_id.in_(resolved)).limit(1)
    if len(set(resolved)) < len(resolved) or await session.scalar(query) is not None:
        raise LedgerError("this pending transfer is resolved already")


async def _add_up(
    session: AsyncSession,
    accounts: dict[UUID, LedgerAccount],
    rows: Iterable[dict[str, Any]],
    held: dict[UUID, Any],
) -> None:
    changes: dict[UUID, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMS, 0))
    for row in rows:
        sums = _sums(row, held)
        for side, name in (("debit_id", "debits"), ("credit_id", "credits")):
            changes[row[side]][f"{name}_posted"] += sums.posted
            changes[row[side]][f"{name}_pending"] += sums.pending
    added = {name: _ACCOUNTS.c[name] + bindparam(f"add_{name}") for name in _SUMS}
    await session.execute(
        update(_ACCOUNTS).where(_ACCOUNTS.c.id == bindparam("of")).values(added),
        [{"of": id_} | {f"add_{name}": change for name, change in sums.items()} for id_, sums in changes.items()],
    )
    for id_, by_sum in changes.items():
        for name, change in by_sum.items():
            set_committed_value(accounts[id_], name, getattr(accounts[id_], name) + change)


def _sums(row: dict[str, Any], held: dict[UUID, Any]) -> _Sums:
    match row["kind"]:
        case TransferKind.PENDING:
            return _Sums(0, row["amount_minor"])
        case TransferKind.POSTED:
            return _Sums(row["amount_minor"], 0)
        case _:
            return _Sums(row["amount_minor"], -held[row["pending_id"]].amount_minor)
