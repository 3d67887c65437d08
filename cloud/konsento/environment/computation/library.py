"""The table of factors and the fuel mixes in the database: taking editions and files in, and reading them."""

import logging
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.computation.factors.choice import Factors, Numbered
from konsento.environment.computation.factors.factor import Factor
from konsento.environment.computation.factors.ministry import Edition, read_ministry
from konsento.environment.computation.factors.table import is_table, read_table, shipped
from konsento.environment.computation.keeping import slot_number
from konsento.environment.computation.mix import Mix
from konsento.environment.computation.models import FactorRow, MixSlotRow, Supplier
from konsento.environment.computation.reading import Told
from konsento.environment.registers import import_suppliers

log = logging.getLogger(__name__)

_FIELDS: Final = tuple(field.name for field in fields(Factor))
_AREA: Final = re.compile(r"jukyu_\d{6,8}_(0[1-9]|10)\.csv$")


def read_factors(raw: bytes, given: Edition) -> tuple[list[Factor], list[Told]]:
    """Read a file of factors: the project's own layout or the ministry's. Raises BadFileError for any other."""
    return read_table(raw) if is_table(raw) else read_ministry(raw, given)


async def add_shipped(session: AsyncSession, now: datetime) -> int:
    """Add what comes with the program and is not there yet; returns how many factors that were."""
    return await add_factors(session, shipped(), now)


async def add_factors(session: AsyncSession, factors: Iterable[Factor], now: datetime) -> int:
    """Add factors, those left out that are there already; returns how many are new.

    Nothing is replaced: of two editions for the same time the later one counts from the next run on, and results of
    earlier runs keep the numbers of theirs.
    """
    known = {_of(row) for row in await session.scalars(select(FactorRow))}
    new = [factor for factor in dict.fromkeys(factors) if factor not in known]
    for factor in new:
        session.add(FactorRow(imported_at=now, **{name: getattr(factor, name) for name in _FIELDS}))
    if new:
        # What half hours were worth has to be found out anew.
        await session.execute(update(MixSlotRow).values(direct=None, upstream=None))
        names = {factor.retailer: factor.name or factor.retailer for factor in new if factor.retailer}
        await import_suppliers(session, Supplier, names)
    await session.flush()
    return len(new)


async def table_of_factors(session: AsyncSession) -> Factors:
    """Return the table of factors, ready to be asked."""
    return Factors(Numbered(id=row.id, factor=_of(row)) for row in await session.scalars(select(FactorRow)))


async def factors_by_number(session: AsyncSession, numbers: Iterable[int] | None = None) -> list[Numbered]:
    """Return factors with their numbers; all of them without `numbers`."""
    query = select(FactorRow).order_by(FactorRow.id)
    if numbers is not None:
        query = query.where(FactorRow.id.in_(sorted(set(numbers))))
    return [Numbered(id=row.id, factor=_of(row)) for row in await session.scalars(query)]


def _of(row: FactorRow) -> Factor:
    return Factor(**{name: getattr(row, name) for name in _FIELDS})


def region_of_name(name: str) -> str:
    """Return whose mix a file of Japan's operators is, by its name (`eria_jukyu_202604_03.csv`); empty if unknown."""
    found = _AREA.search(name)
    return f"JP-A{found[1]}" if found else ""


async def add_mix(session: AsyncSession, region: str, mix: Mix, now: datetime) -> tuple[int, int, list[Told]]:
    """Keep a region's mix; returns how many half hours are new and how many differ from what was known before.

    What a file that was re-issued says replaces what an earlier one said.
    """
    wanted = {slot_number(one.start): dict(one.kwh) for one in mix.slots}
    added = changed = 0
    if wanted:
        query = select(MixSlotRow).where(MixSlotRow.region == region, MixSlotRow.slot.between(min(wanted), max(wanted)))
        known = {row.slot: row for row in await session.scalars(query)}
        for slot, kwh in wanted.items():
            row = known.get(slot)
            if row is None:
                added += 1
                session.add(MixSlotRow(region=region, slot=slot, kwh=kwh, imported_at=now))
            elif row.kwh != kwh:
                changed += 1
                row.kwh, row.imported_at, row.direct, row.upstream = kwh, now, None, None
        await session.flush()
    told = list(mix.told)
    if changed:
        told.append(
            Told(row=0, reason="Reissued", detail=f"{changed} half hours differ from an earlier file and count")
        )
    log.info("fuel mix of %s: %d half hours added, %d changed", region, added, changed)
    return added, changed, told
