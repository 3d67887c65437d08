"""Whether the ledger agrees with itself. Reads only; a finding names what is wrong, and by how much."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from konsento.models import LedgerAccount, Transfer, TransferKind


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that must not be."""

    rule: str
    """Which rule is broken, as a word: `trial-balance`, `account-sums` and so on."""
    subject: str
    """What it is about: a currency, an account, a session, a number."""
    says: str
    """What is wrong with it, for somebody at a terminal."""


async def trial_balance(session: AsyncSession) -> list[Finding]:
    """Find currencies in which all debits are not all credits, pending ones too."""
    posted = func.sum(LedgerAccount.debits_posted - LedgerAccount.credits_posted)
    pending = func.sum(LedgerAccount.debits_pending - LedgerAccount.credits_pending)
    rows = await session.execute(select(LedgerAccount.currency, posted, pending).group_by(LedgerAccount.currency))
    return [
        Finding(rule="trial-balance", subject=currency, says=f"off by {by} posted and {held} pending")
        for currency, by, held in rows
        if by or held
    ]


async def account_sums(session: AsyncSession) -> list[Finding]:
    """Find accounts whose sums are not those of their transfers."""
    moved = union_all(_moved(Transfer.debit_id, debit=True), _moved(Transfer.credit_id, debit=False)).subquery()
    names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
    summed = select(moved.c.account_id, *(func.sum(moved.c[name]).label(name) for name in names))
    by_account = summed.group_by(moved.c.account_id).subquery()
    rows = await session.execute(
        select(LedgerAccount, *(func.coalesce(by_account.c[name], 0) for name in names)).outerjoin(
            by_account, by_account.c.account_id == LedgerAccount.id
        )
    )
    found: list[Finding] = []
    for account, *sums in rows:
        wrong = [
            f"{name} is {getattr(account, name)}, its transfers make {total}"
            for name, total in zip(names, sums, strict=True)
            if getattr(account, name) != total
        ]
        if wrong:
            subject = " ".join(filter(None, (account.kind.value, account.owner, account.currency)))
            found.append(Finding(rule="account-sums", subject=subject, says="; ".join(wrong)))
    return found


def _moved(side: InstrumentedAttribute[UUID], *, debit: bool) -> Select[Any]:
    """Return what each transfer adds to the sums of the account on one of its sides."""
    pending = aliased(Transfer)
    posted = case((Transfer.kind == TransferKind.PENDING, 0), else_=Transfer.amount_minor)
    held = case(
        (Transfer.kind == TransferKind.PENDING, Transfer.amount_minor),
        (Transfer.kind == TransferKind.POSTED, 0),
        else_=-pending.amount_minor,
    )
    none = posted - posted
    sums = (posted, none, held, none) if debit else (none, posted, none, held)
    names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
    return select(
        side.label("account_id"), *(column.label(name) for column, name in zip(sums, names, strict=True))
    ).outerjoin(pending, pending.id == Transfer.pending_id)
