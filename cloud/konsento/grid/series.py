"""Balance data as they are kept: each slot as each source told it last, and all sources put together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import BalanceSlot, FirstType, Series, Supply
from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.models import GridSlot

_AT_ONCE: Final = 500
"""Rows of one statement: SQLite takes 32,766 values."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def keep(session: AsyncSession, source_id: UUID, slots: Iterable[BalanceSlot], now: datetime) -> None:
    """Keep what a source tells; what it told of a slot before is replaced, unless that was issued later."""
    for some in batched(slots, _AT_ONCE, strict=False):
        row = insert(session, GridSlot).values([_row(source_id, slot, now) for slot in some])
        new = row.excluded
        changed = {
            name: getattr(new, name)
            for name in (
                "end",
                "minutes",
                "demand_kwh",
                "supply_kwh",
                "supply",
                "first_kwh",
                "first_share",
                "first",
                "issued_at",
                "received_at",
            )
        }
        newer = or_(new.issued_at.is_(None), GridSlot.issued_at.is_(None), new.issued_at >= GridSlot.issued_at)
        keys = ["source_id", "region", "series", "begin"]
        await session.execute(row.on_conflict_do_update(index_elements=keys, set_=changed, where=newer))


async def forget(session: AsyncSession, before: datetime) -> None:
    """Forget the slots of long ago."""
    await session.execute(delete(GridSlot).where(GridSlot.end < before))


async def newest(session: AsyncSession, region: str, begin: datetime, until: datetime) -> datetime | None:
    """Return when the newest of a region's slots of a time was received; None where there is none."""
    query = select(func.max(GridSlot.received_at)).where(
        GridSlot.region == region, GridSlot.begin >= begin, GridSlot.begin < until
    )
    return await session.scalar(query)


async def sources(session: AsyncSession, region: str, begin: datetime, until: datetime) -> set[UUID]:
    """Return whose data there are of a region's slots of a time."""
    query = (
        select(GridSlot.source_id)
        .where(GridSlot.region == region, GridSlot.begin >= begin, GridSlot.begin < until)
        .distinct()
    )
    return set(await session.scalars(query))


async def between(
    session: AsyncSession,
    region: str,
    begin: datetime,
    until: datetime,
    *,
    series: Series = Series.FORECAST,
    supply: Supply = Supply.GENERATION,
) -> list[BalanceSlot]:
    """Return the slots of a region that begin in a time, in order, put together from all sources.

    Demand and supply come together from the source that issued them last, with the meaning of supply that is asked for;
    generation of the first type from the one that issued it last. Where one of the two has shorter slots, those are
    summed if they fill the longer one exactly; nothing is interpolated.
    """
    query = (
        select(GridSlot)
        .where(
            GridSlot.region == region,
            GridSlot.series == str(series),
            GridSlot.begin >= begin,
            GridSlot.begin < until,
        )
        .order_by(GridSlot.begin)
    )
    return combined(list(await session.scalars(query)), supply)


def combined(rows: Sequence[GridSlot], supply: Supply) -> list[BalanceSlot]:
    """Return the rows of one region and series as slots, one for each time. Pure."""
    pairs = _newest(row for row in rows if row.demand_kwh is not None and row.supply == str(supply))
    firsts = _newest(row for row in rows if row.first_kwh is not None or row.first_share is not None)
    if not pairs:
        return [_slot(row, None, row) for _, row in sorted(firsts.items())]
    result: list[BalanceSlot] = []
    for at, pair in sorted(pairs.items()):
        same = firsts.get(at)
        if same is not None and same.minutes == pair.minutes:
            result.append(_slot(pair, pair, same))
        else:
            result.append(_slot(pair, pair, None, _summed(pair, firsts)))
    return result


def _newest(rows: Iterable[GridSlot]) -> dict[datetime, GridSlot]:
    found: dict[datetime, GridSlot] = {}
    for row in rows:
        known = found.get(row.begin)
        if known is None or _age(row) > _age(known):
            found[row.begin] = row
    return found


def _age(row: GridSlot) -> tuple[datetime, datetime]:
    return row.issued_at or _LONG_AGO, row.received_at


def _summed(pair: GridSlot, firsts: dict[datetime, GridSlot]) -> tuple[int, str | None] | None:
    """Return the first type's energy in a slot from the shorter ones that fill it; None where they do not."""
    at, energy, kind = pair.begin, 0, None
    while at < pair.end:
        part = firsts.get(at)
        if part is None or part.first_kwh is None or part.end > pair.end:
            return None
        energy, kind, at = energy + part.first_kwh, part.first, part.end
    return energy, kind


def _slot(
    row: GridSlot, pair: GridSlot | None, first: GridSlot | None, summed: tuple[int, str | None] | None = None
) -> BalanceSlot:
    energy, kind = (first.first_kwh, first.first) if first is not None else summed or (None, None)
    return BalanceSlot(
        region=row.region,
        begin=row.begin,
        minutes=row.minutes,
        demand_kwh=pair.demand_kwh if pair is not None else None,
        supply_kwh=pair.supply_kwh if pair is not None else None,
        supply=Supply(pair.supply) if pair is not None and pair.supply is not None else None,
        first_kwh=energy,
        first_share=first.first_share if first is not None else None,
        first=FirstType(kind) if kind is not None else None,
        series=Series(row.series),
        issued_at=row.issued_at,
    )


def by_day(slots: Iterable[BalanceSlot], bounds: Sequence[tuple[datetime, datetime]]) -> list[list[BalanceSlot]]:
    """Return the slots of each of several days that follow each other."""
    days: defaultdict[int, list[BalanceSlot]] = defaultdict(list)
    place = 0
    for slot in slots:
        while place < len(bounds) and slot.begin >= bounds[place][1]:
            place += 1
        if place < len(bounds) and slot.begin >= bounds[place][0]:
            days[place].append(slot)
    return [days[at] for at in range(len(bounds))]


def _row(source_id: UUID, slot: BalanceSlot, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "source_id": source_id,
        "region": slot.region,
        "series": str(slot.series),
        "begin": slot.begin,
        "end": slot.begin + timedelta(minutes=slot.minutes),
        "minutes": slot.minutes,
        "demand_kwh": slot.demand_kwh,
        "supply_kwh": slot.supply_kwh,
        "supply": None if slot.supply is None else str(slot.supply),
        "first_kwh": slot.first_kwh,
        "first_share": slot.first_share,
        "first": None if slot.first is None else str(slot.first),
        "issued_at": slot.issued_at,
        "received_at": now,
    }
