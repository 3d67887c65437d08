"""Spot prices as they are kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import SpotSlot
from konsento.kit.db import insert
from konsento.models import GridRegion, SpotPrice

LONGEST: Final = timedelta(hours=1)
"""Of a slot."""

_AT_ONCE: Final = 500
"""Rows of one statement: SQLite takes 32,766 values."""
_TOLD: Final = ("end", "minutes", "price", "currency", "received_at")


async def keep(session: AsyncSession, slots: Iterable[SpotSlot], now: datetime) -> None:
    """Keep spot prices; a later one for the same slot takes the place of the one before."""
    for some in batched(slots, _AT_ONCE, strict=False):
        rows = [
            {
                "region": slot.region,
                "begin": slot.begin,
                "end": slot.end,
                "minutes": slot.minutes,
                "price": slot.price,
                "currency": slot.currency,
                "received_at": now,
            }
            for slot in some
        ]
        new = insert(session, SpotPrice).values(rows)
        changed = {name: getattr(new.excluded, name) for name in _TOLD}
        # A market's file has the whole year, and one day of it is new.
        differs = or_(*(getattr(SpotPrice, name) != changed[name] for name in _TOLD if name != "received_at"))
        await session.execute(
            new.on_conflict_do_update(index_elements=["region", "begin"], set_=changed, where=differs)
        )


async def forget(session: AsyncSession, before: datetime) -> None:
    """Forget the prices of long ago."""
    await session.execute(delete(SpotPrice).where(SpotPrice.end < before))


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
