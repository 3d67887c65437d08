"""Spot prices as they are kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import SpotSlot
from konsento.kit.db import insert
from konsento.models import GridRegion, SpotPrice

LONGEST: Final = timedelta(hours=1)
"""Of a slot."""


async def keep(session: AsyncSession, slots: Iterable[SpotSlot], now: datetime) -> None:
    """Keep spot prices; a later one for the same slot takes the place of the one before."""
    told = {(slot.region, slot.begin): slot for slot in slots}
    if not told:
        return
    # A market's file has the whole year, and a day of it is new.
    query = select(SpotPrice.region, SpotPrice.begin, SpotPrice.minutes, SpotPrice.price, SpotPrice.currency).where(
        SpotPrice.begin >= min(slot.begin for slot in told.values()),
        SpotPrice.begin <= max(slot.begin for slot in told.values()),
    )
    for region, begin, *values in await session.execute(query):
        slot = told.get((region, begin))
        if slot is not None and values == [slot.minutes, slot.price, slot.currency]:
            del told[region, begin]
    if not told:
        return
    row = insert(session, SpotPrice.__table__)
    changed = {name: getattr(row.excluded, name) for name in ("end", "minutes", "price", "currency", "received_at")}
    replacing = row.on_conflict_do_update(index_elements=["region", "begin"], set_=changed)
    # One statement for each row, all in one go.
    await session.execute(
        replacing,
        [
            {
                "region": slot.region,
                "begin": slot.begin,
                "end": slot.end,
                "minutes": slot.minutes,
                "price": slot.price,
                "currency": slot.currency,
                "received_at": now,
            }
            for slot in told.values()
        ],
    )


async def forget(session: AsyncSession, before: datetime) -> None:
    """Forget the prices of long ago."""
    await session.execute(delete(SpotPrice).where(SpotPrice.end < before))


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
