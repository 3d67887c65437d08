"""Spot prices as they are kept."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import SpotSlot
from konsento.kit.db import insert
from konsento.models import SpotPrice


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
    return [
        SpotSlot(region=row.region, begin=row.begin, minutes=row.minutes, price=row.price, currency=row.currency)
        for row in await session.scalars(query)
    ]
