"""Spot prices as they are kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import SpotSlot
from konsento.kit.db import insert
from konsento.models import GridRegion, SpotPrice

LONGEST: Final = timedelta(hours=1)
"""Of a slot."""


async def keep(session: AsyncSession, slots: Iterable[SpotSlot], now: datetime) -> None:
    """Keep spot prices; a later one for the same slot takes the place of the one before."""
    for slot in slots:
        values = {
            "region": slot.region,
            "begin": slot.begin,
            "end": slot.end,
            "minutes": slot.minutes,
            "price": slot.price,
            "currency": slot.currency,
            "received_at": now,
        }
        row = insert(session, SpotPrice).values(values)
        changed = {name: values[name] for name in ("end", "minutes", "price", "currency", "received_at")}
        await session.execute(row.on_conflict_do_update(index_elements=["region", "begin"], set_=changed))


async def between(session: AsyncSession, region: str | None, begin: datetime, until: datetime) -> list[SpotSlot]:
    """Return the spot prices of a region whose slots overlap a time, in order; none for no region."""
    if region is None:
        return []
    query = (
        select(SpotPrice)
        .where(SpotPrice.region == region, SpotPrice.begin < until, SpotPrice.end > begin)
        .order_by(SpotPrice.begin)
    )
    return [_slot(row) for row in await session.scalars(query)]


async def by_region(
    session: AsyncSession, begin: datetime, until: datetime, regions: Collection[str] | None = None
) -> dict[str, list[SpotSlot]]:
    """Return the spot prices whose slots overlap a time, in order, by region; of these regions or all, in one query."""
    query = (
        select(SpotPrice)
        # The bound below is for the index: without it all prices that ever were would be looked through.
        .where(SpotPrice.begin > begin - LONGEST, SpotPrice.begin < until, SpotPrice.end > begin)
        .where(SpotPrice.region.in_(select(GridRegion.code) if regions is None else regions))
        .order_by(SpotPrice.region, SpotPrice.begin)
    )
    found: defaultdict[str, list[SpotSlot]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.region].append(_slot(row))
    return dict(found)


def _slot(row: SpotPrice) -> SpotSlot:
    return SpotSlot(region=row.region, begin=row.begin, minutes=row.minutes, price=row.price, currency=row.currency)
