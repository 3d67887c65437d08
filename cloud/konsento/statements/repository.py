"""Queries of statements: the ledger's accounts of suppliers and site owners, and what moved them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row as SqlRow
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import (
    AccountKind,
    ChargingSession,
    Correction,
    LedgerAccount,
    Outlet,
    Payout,
    Receipt,
    Site,
    Supplier,
    Transfer,
    TransferKind,
)

PAYEES = (AccountKind.SUPPLIER, AccountKind.SITE_OWNER)
PAYOUTS = ("payout", "payout-back")
"""Reasons of transfers that are no sales."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one session, or the correction of one, brought."""

    id: UUID
    """Of the entry in the ledger."""
    at: datetime
    session_id: UUID | None
    receipt: int | None
    site: str
    outlet: str
    wh: int
    gross_minor: int
    tax_minor: int
    share_minor: int
    """Below zero where it takes a part of a bill back; then the energy is not counted again."""
    is_correction: bool

    @property
    def net_minor(self) -> int:
        """Return what was sold without its tax."""
        return self.gross_minor - self.tax_minor


async def accounts(session: AsyncSession) -> list[LedgerAccount]:
    """Return the accounts of all suppliers and site owners."""
    query = select(LedgerAccount).where(LedgerAccount.kind.in_(PAYEES))
    return list(await session.scalars(query.order_by(LedgerAccount.kind, LedgerAccount.owner, LedgerAccount.currency)))


async def account(session: AsyncSession, account_id: UUID) -> LedgerAccount | None:
    """Return the account of a supplier or site owner."""
    found = await session.get(LedgerAccount, account_id)
    return found if found is not None and found.kind in PAYEES else None


async def name_of(session: AsyncSession, found: LedgerAccount) -> str:
    """Return what a supplier is called, or the site whose owner it is; what names the account where nobody knows."""
    if found.kind is AccountKind.SITE_OWNER:
        return await session.scalar(select(Site.name).where(Site.id == UUID(found.owner))) or found.owner
    return await session.scalar(select(Supplier.name).where(Supplier.code == found.owner)) or found.owner


async def balance_at(session: AsyncSession, account_id: UUID, at: datetime) -> int:
    """Return what was owed at a moment: credits less debits of before."""
    posted = Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST))
    total = 0
    # One query for each side, so that each has its index.
    for side, sign in ((Transfer.credit_id, 1), (Transfer.debit_id, -1)):
        query = select(func.coalesce(func.sum(Transfer.amount_minor), 0))
        query = query.where(side == account_id, posted, Transfer.created_at < at)
        total += sign * int(await session.scalar(query) or 0)
    return total


async def rows(
    session: AsyncSession,
    account_id: UUID,
    begin: datetime,
    end: datetime,
    *,
    after: Row | None = None,
    most: int,
) -> list[Row]:
    """Return what moved an account in the order of time, without payouts; `after` is the row that was read last."""
    share = case((Transfer.credit_id == account_id, Transfer.amount_minor), else_=-Transfer.amount_minor)
    is_correction = and_(Correction.session_id == Transfer.session_id, Correction.created_at == Transfer.created_at)
    query = (
        select(Transfer, share, Receipt, Correction, Outlet.name, Site.name)
        .outerjoin(ChargingSession, ChargingSession.id == Transfer.session_id)
        .outerjoin(Receipt, Receipt.session_id == Transfer.session_id)
        .outerjoin(Correction, and_(is_correction, Transfer.reason.endswith("-back")))
        .outerjoin(Outlet, Outlet.id == ChargingSession.outlet_id)
        .outerjoin(Site, Site.id == ChargingSession.site_id)
        .where(
            or_(Transfer.debit_id == account_id, Transfer.credit_id == account_id),
            Transfer.kind.in_((TransferKind.POSTED, TransferKind.POST)),
            Transfer.reason.not_in(PAYOUTS),
            Transfer.created_at >= begin,
            Transfer.created_at < end,
        )
        .order_by(Transfer.created_at, Transfer.id)
        .limit(most)
    )
    if after is not None:
        later = and_(Transfer.created_at == after.at, Transfer.id > after.id)
        query = query.where(or_(Transfer.created_at > after.at, later))
    return [_row(one) for one in await session.execute(query)]


def _row(found: SqlRow[Transfer, int, Receipt | None, Correction | None, str | None, str | None]) -> Row:
    transfer, share, receipt, correction, outlet, site = found
    is_correction = transfer.reason.endswith("-back")
    gross, tax = 0, 0
    if correction is not None:
        gross, tax = -correction.amount_minor, -correction.tax_minor
    elif receipt is not None and not is_correction:
        gross, tax = receipt.amount_minor, receipt.tax_minor
    return Row(
        id=transfer.id,
        at=transfer.created_at,
        session_id=transfer.session_id,
        receipt=receipt.number if receipt is not None else None,
        site=site or "",
        outlet=outlet or "",
        wh=receipt.billed_wh if receipt is not None and not is_correction else 0,
        gross_minor=gross,
        tax_minor=tax,
        share_minor=share,
        is_correction=is_correction,
    )


async def payouts(session: AsyncSession, account_id: UUID, begin: datetime, end: datetime) -> Sequence[Payout]:
    """Return what was recorded as paid, the oldest first."""
    query = select(Payout).where(Payout.account_id == account_id, Payout.recorded_at >= begin, Payout.recorded_at < end)
    return (
        await session.scalars(query.order_by(Payout.recorded_at, Payout.takes_back_id.is_not(None), Payout.id))
    ).all()


async def taken_back(session: AsyncSession, payout_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these payouts were taken back."""
    query = select(Payout.takes_back_id).where(Payout.takes_back_id.in_(payout_ids))
    return {one for one in await session.scalars(query) if one is not None}
