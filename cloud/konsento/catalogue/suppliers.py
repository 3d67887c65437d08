"""Suppliers and their contracts: who may sell at which site, from when until when, at what shares."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from stdnum.jp import cn

from konsento.catalogue.apply import LONGEST_SUPPLIER, SUPPLIER_CODE
from konsento.catalogue.checks import digits
from konsento.catalogue.errors import (
    BadContractTime,
    BadInvoiceNumber,
    BadShares,
    ContractOver,
    ContractOverlaps,
    SupplierCodeMissing,
    SupplierCodeTaken,
    SupplierNameMissing,
    UnknownSupplier,
)
from konsento.kit.ids import new_id
from konsento.models import Contract, Supplier, Tariff

LONGEST_CONTACT: Final = 200
SHARE_DIGITS: Final = 6
"""Decimals of a share of 1."""


@dataclass(frozen=True, kw_only=True)
class WantedSupplier:
    """What a supplier shall be."""

    code: str
    name: str
    contact: str = ""
    invoice_number: str = ""
    """T and 13 digits; empty for none."""
    is_operator: bool = False


@dataclass(frozen=True, kw_only=True)
class WantedContract:
    """What a contract shall be."""

    site_id: UUID | None
    """None for all sites."""
    valid_from: datetime
    valid_to: datetime | None
    supplier_share: Decimal
    owner_share: Decimal


def check_supplier(wanted: WantedSupplier) -> None:
    """Raise a subclass of `BadSupplier` for what cannot be a supplier."""
    if not re.fullmatch(SUPPLIER_CODE, wanted.code):
        raise SupplierCodeMissing
    if not 0 < len(wanted.name) <= LONGEST_SUPPLIER or len(wanted.contact) > LONGEST_CONTACT:
        raise SupplierNameMissing(most=LONGEST_SUPPLIER)
    number = wanted.invoice_number
    if number and not (re.fullmatch("T[0-9]{13}", number) and cn.is_valid(number[1:])):
        raise BadInvoiceNumber


async def suppliers(session: AsyncSession) -> list[Supplier]:
    """Return all suppliers, by name."""
    return list(await session.scalars(select(Supplier).order_by(Supplier.name, Supplier.code)))


async def supplier(session: AsyncSession, code: str) -> Supplier:
    """Return the supplier with this code, kept from others until the transaction ends. Raises `UnknownSupplier`."""
    found = await session.scalar(select(Supplier).where(Supplier.code == code).with_for_update())
    if found is None:
        raise UnknownSupplier
    return found


async def add_supplier(session: AsyncSession, wanted: WantedSupplier) -> Supplier:
    """Make a supplier. Raises a subclass of `BadSupplier`."""
    check_supplier(wanted)
    if await session.scalar(select(Supplier.id).where(Supplier.code == wanted.code)) is not None:
        raise SupplierCodeTaken(code=wanted.code)
    made = Supplier(id=new_id(), **vars(wanted))
    session.add(made)
    await session.flush()
    return made


async def change_supplier(session: AsyncSession, wanted: WantedSupplier) -> dict[str, Any]:
    """Change what is said about the supplier with the code of `wanted`; returns what is new.

    Raises a subclass of `BadSupplier`.
    """
    check_supplier(wanted)
    row = await supplier(session, wanted.code)
    new = {name: value for name, value in vars(wanted).items() if getattr(row, name) != value}
    for name, value in new.items():
        setattr(row, name, value)
    return new


async def named_by_tariffs_alone(session: AsyncSession) -> list[str]:
    """Return the names of suppliers that tariffs have and that are not among the suppliers."""
    known = select(Supplier.code).where(Supplier.code == Tariff.supplier_code).exists()
    names = select(Tariff.supplier).where(~known).distinct().order_by(Tariff.supplier)
    return list(await session.scalars(names))


async def contracts_of(session: AsyncSession, supplier_id: UUID) -> list[Contract]:
    """Return the contracts with a supplier, the newest first."""
    query = select(Contract).where(Contract.supplier_id == supplier_id)
    return list(await session.scalars(query.order_by(Contract.valid_from.desc(), Contract.id.desc())))


async def add_contract(session: AsyncSession, code: str, wanted: WantedContract) -> Contract:
    """Make a contract with the supplier of a code. Raises a subclass of `BadContract`, `UnknownSupplier`."""
    shares = wanted.supplier_share, wanted.owner_share
    if not all(share.is_finite() and 0 <= share <= 1 and digits(share) <= SHARE_DIGITS for share in shares):
        raise BadShares
    if sum(shares) > 1:
        raise BadShares
    if wanted.valid_to is not None and wanted.valid_to <= wanted.valid_from:
        raise BadContractTime
    row = await supplier(session, code)
    if any(_overlap(other, wanted) for other in await contracts_of(session, row.id)):
        raise ContractOverlaps
    contract = Contract(id=new_id(), supplier_id=row.id, **vars(wanted))
    session.add(contract)
    await session.flush()
    return contract


async def find_contract(
    session: AsyncSession, code: str, site_id: UUID | None, valid_from: datetime
) -> Contract | None:
    """Return the contract with a supplier for a site, or for all, that begins at that moment."""
    query = (
        select(Contract)
        .join(Contract.supplier)
        .where(Supplier.code == code, Contract.valid_from == valid_from)
        .where(Contract.site_id == site_id if site_id is not None else Contract.site_id.is_(None))
    )
    return await session.scalar(query)


async def end_contract(session: AsyncSession, code: str, contract_id: UUID, at: datetime, now: datetime) -> Contract:
    """Let a supplier's contract end at `at`, or never come about where it has not begun then.

    Sessions keep what was agreed. Raises `ContractOver`, `UnknownSupplier` where there is no such contract.
    """
    query = select(Contract).join(Contract.supplier).where(Contract.id == contract_id, Supplier.code == code)
    contract = await session.scalar(query)
    if contract is None:
        raise UnknownSupplier
    if at < now or (contract.valid_to is not None and contract.valid_to <= at):
        raise ContractOver
    if contract.valid_from >= at:
        await session.delete(contract)
    else:
        contract.valid_to = at
    await session.flush()
    return contract


async def contracts_in_force(session: AsyncSession, at: datetime) -> list[Contract]:
    """Return all contracts that count at a moment, their suppliers loaded."""
    query = (
        select(Contract)
        .join(Contract.supplier)
        .options(contains_eager(Contract.supplier))
        .where(Contract.valid_from <= at, or_(Contract.valid_to.is_(None), Contract.valid_to > at))
    )
    return list(await session.scalars(query))


async def contract_in_force(session: AsyncSession, supplier_code: str, site_id: UUID, at: datetime) -> Contract | None:
    """Return the contract by which a supplier sells at a site at a moment; the site's own beats the one for all."""
    query = (
        select(Contract)
        .join(Contract.supplier)
        .where(
            Supplier.code == supplier_code,
            or_(Contract.site_id == site_id, Contract.site_id.is_(None)),
            Contract.valid_from <= at,
            or_(Contract.valid_to.is_(None), Contract.valid_to > at),
        )
        .order_by(Contract.site_id.is_(None))
        .limit(1)
    )
    return await session.scalar(query)


def _overlap(contract: Contract, wanted: WantedContract) -> bool:
    return (
        contract.site_id == wanted.site_id
        and (wanted.valid_to is None or contract.valid_from < wanted.valid_to)
        and (contract.valid_to is None or contract.valid_to > wanted.valid_from)
    )
