"""Balance data as they are kept: each slot as each source told it last, and all sources put together."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.records import BalanceSlot, FirstType, Series, Supply
from konsento.kit.db import insert
from konsento.kit.ids import new_id
from konsento.models import GridSlot

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = timedelta(days=1)
_KEY: Final = ("source_id", "region", "series", "begin")
_VALUES: Final = (
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

type _Grid = Mapping[datetime, BalanceSlot]
"""Slots by their begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A slot as one source told it last."""

    source_id: UUID
    slot: BalanceSlot
    received_at: datetime

    @property
    def age_from(self) -> datetime:
        """When it was issued; when it was received, where the source does not say, or says that it is yet to be."""
        return min(self.slot.issued_at or self.received_at, self.received_at)


async def keep(session: AsyncSession, source_id: UUID, slots: Iterable[BalanceSlot], now: datetime) -> None:
    """Keep what a source tells; what it told of a slot before is replaced, unless that was issued later.

    Where one of the two does not say when it was issued, what comes later counts.
    """
    # One statement must not change a row twice.
    once: dict[tuple[str, Series, datetime], BalanceSlot] = {}
    for slot in slots:
        key = slot.region, slot.series, slot.begin
        if key not in once or not _is_older(slot, once[key]):
            once[key] = slot
    if not once:
        return
    row = insert(session, GridSlot.__table__)
    new = row.excluded
    newer = or_(new.issued_at.is_(None), GridSlot.issued_at.is_(None), new.issued_at >= GridSlot.issued_at)
    changed = {name: getattr(new, name) for name in _VALUES}
    replacing = row.on_conflict_do_update(index_elements=_KEY, set_=changed, where=newer)
    # A short statement with many rows: one statement that holds them all takes four times as long to put together.
    await session.execute(replacing, [_row(source_id, slot, now) for slot in once.values()])


async def newest(session: AsyncSession, since: datetime) -> dict[str, datetime]:
    """Return by region when the newest forecast of its slots from `since` on was issued, or came."""
    at = func.max(func.coalesce(GridSlot.issued_at, GridSlot.received_at, type_=GridSlot.received_at.type))
    query = (
        select(GridSlot.region, at)
        .where(GridSlot.series == Series.FORECAST, GridSlot.begin >= since)
        .group_by(GridSlot.region)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def forget(session: AsyncSession, before: datetime) -> None:
    """Forget the slots of long ago."""
    await session.execute(delete(GridSlot).where(GridSlot.end < before))


async def told(
    session: AsyncSession, region: str, begin: datetime, until: datetime, *, series: Series = Series.FORECAST
) -> list[Told]:
    """Return the slots of a region that begin in a time, in order, as each source told them."""
    query = (
        select(GridSlot.source_id, GridSlot.received_at, GridSlot.begin, *(getattr(GridSlot, name) for name in _VALUES))
        .where(
            GridSlot.region == region,
            GridSlot.series == str(series),
            GridSlot.begin >= begin,
            GridSlot.begin < until,
        )
        .order_by(GridSlot.begin, GridSlot.source_id)
    )
    return [
        Told(
            source_id=row.source_id,
            received_at=row.received_at,
            slot=BalanceSlot(
                region=region,
                begin=row.begin,
                minutes=row.minutes,
                demand_kwh=row.demand_kwh,
                supply_kwh=row.supply_kwh,
                supply=None if row.supply is None else Supply(row.supply),
                first_kwh=row.first_kwh,
                first_share=row.first_share,
                first=None if row.first is None else FirstType(row.first),
                series=series,
                issued_at=row.issued_at,
            ),
        )
        for row in await session.execute(query)
    ]


async def between(
    session: AsyncSession,
    region: str,
    begin: datetime,
    until: datetime,
    *,
    series: Series = Series.FORECAST,
    supply: Supply = Supply.GENERATION,
) -> list[BalanceSlot]:
    """Return the slots of a region that begin in a time, in order, put together from all sources (`combined`)."""
    return combined(await told(session, region, begin, until, series=series), supply)


def combined(told: Sequence[Told], supply: Supply) -> list[BalanceSlot]:
    """Return what sources told of one region and series as one row of slots that do not overlap. Pure.

    Demand and supply, with the meaning of supply that is asked for, come from the source that issued both last; where
    none tells both, from the last that told each (the European platform tells them in two documents). Generation of the
    first type comes from the source that issued it last, and is one thing in the whole row: where sources count
    different things as the first type, what most of the last day has. Where slots differ in length the shorter ones are
    summed if they fill the longer one exactly, and else left out; nothing is interpolated.
    """
    pairs = _newest(one for one in told if _has_supply(one.slot, supply) and one.slot.demand_kwh is not None)
    supplies = _newest(one for one in told if _has_supply(one.slot, supply))
    demands = _newest(one for one in told if one.slot.demand_kwh is not None)
    balances = {at: _only(slot, "demand_kwh", "supply_kwh", "supply") for at, slot in pairs.items()}
    if len(supplies) > len(pairs):
        apart = _joined(
            {at: _only(slot, "supply_kwh", "supply") for at, slot in supplies.items()},
            {at: _only(slot, "demand_kwh") for at, slot in demands.items()},
        )
        # Demand alone says nothing that a rule could ask.
        balances |= _beside(balances, [slot for slot in apart.values() if slot.supply_kwh is not None])
    firsts = [one for one in told if one.slot.first_kwh is not None or one.slot.first_share is not None]
    kind = _main_kind(firsts)
    generated = {
        at: _only(slot, "first_kwh", "first_share", "first")
        for at, slot in _newest(one for one in firsts if one.slot.first is kind).items()
    }
    return list(_joined(balances, generated).values())


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


def _has_supply(slot: BalanceSlot, supply: Supply) -> bool:
    return slot.supply_kwh is not None and slot.supply is supply


def _newest(told: Iterable[Told]) -> dict[datetime, BalanceSlot]:
    found: dict[datetime, Told] = {}
    for one in told:
        known = found.get(one.slot.begin)
        if known is None or _order(one) > _order(known):
            found[one.slot.begin] = one
    return {at: one.slot for at, one in found.items()}


def _order(one: Told) -> tuple[datetime, datetime, UUID]:
    return one.slot.issued_at or _LONG_AGO, one.received_at, one.source_id


def _is_older(slot: BalanceSlot, other: BalanceSlot) -> bool:
    return slot.issued_at is not None and other.issued_at is not None and slot.issued_at < other.issued_at


def _main_kind(firsts: Sequence[Told]) -> FirstType | None:
    """Return the first type that most of the last day has; of equals the one that most of all has."""
    if not firsts:
        return None
    since = max(one.slot.end for one in firsts) - _LAST
    lately, ever = Counter[FirstType | None](), Counter[FirstType | None]()
    for at, kind, minutes in {(one.slot.begin, one.slot.first, one.slot.minutes) for one in firsts}:
        ever[kind] += minutes
        lately[kind] += minutes if at >= since else 0
    return max(ever, key=lambda kind: (lately[kind], ever[kind], str(kind)))


def _only(slot: BalanceSlot, *names: str) -> BalanceSlot:
    """Return a slot that tells nothing but these values."""
    return BalanceSlot(
        region=slot.region,
        begin=slot.begin,
        minutes=slot.minutes,
        series=slot.series,
        issued_at=slot.issued_at,
        **{name: getattr(slot, name) for name in names},
    )


def _joined(*grids: _Grid) -> dict[datetime, BalanceSlot]:
    """Return the slots of several grids as one, in order; each tells other values."""
    result: dict[datetime, BalanceSlot] = {}
    until = _LONG_AGO
    for at in sorted({at for grid in grids for at in grid}):
        if at < until:
            continue
        longest = max((grid[at] for grid in grids if at in grid), key=lambda slot: slot.minutes)
        filling = [slot for grid in grids if (slot := _filling(longest, grid)) is not None]
        result[at], until = reduce(_with, filling), longest.end
    return result


def _with(one: BalanceSlot, other: BalanceSlot) -> BalanceSlot:
    """Return a slot with what another one tells beside it, issued when the older of the two was."""
    issues = [slot.issued_at for slot in (one, other) if slot.issued_at is not None]
    return replace(
        one,
        demand_kwh=other.demand_kwh if one.demand_kwh is None else one.demand_kwh,
        supply_kwh=other.supply_kwh if one.supply_kwh is None else one.supply_kwh,
        supply=one.supply or other.supply,
        first_kwh=other.first_kwh if one.first_kwh is None else one.first_kwh,
        first_share=other.first_share if one.first_share is None else one.first_share,
        first=one.first or other.first,
        issued_at=min(issues, default=None),
    )


def _filling(longest: BalanceSlot, grid: _Grid) -> BalanceSlot | None:
    """Return what a grid tells of just the time of a slot, summed from shorter ones; None where they do not fill it."""
    parts: list[BalanceSlot] = []
    at = longest.begin
    while at < longest.end:
        part = grid.get(at)
        if part is None or part.end > longest.end:
            return None
        parts.append(part)
        at = part.end
    if len(parts) == 1:
        return parts[0]
    if any(part.first_share is not None for part in parts):
        return None  # shares have no sum
    return replace(
        parts[0],
        minutes=longest.minutes,
        demand_kwh=_sum(parts, lambda part: part.demand_kwh),
        supply_kwh=_sum(parts, lambda part: part.supply_kwh),
        first_kwh=_sum(parts, lambda part: part.first_kwh),
    )


def _sum(parts: Sequence[BalanceSlot], value: Callable[[BalanceSlot], int | None]) -> int | None:
    values = [value(part) for part in parts]
    told = [one for one in values if one is not None]
    return sum(told) if len(told) == len(values) else None


def _beside(known: _Grid, more: Iterable[BalanceSlot]) -> dict[datetime, BalanceSlot]:
    """Return those slots that overlap no known one."""
    begins = sorted(known)

    def free(slot: BalanceSlot) -> bool:
        place = bisect_left(begins, slot.end)
        return place == 0 or known[begins[place - 1]].end <= slot.begin

    return {slot.begin: slot for slot in more if free(slot)}


def _row(source_id: UUID, slot: BalanceSlot, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "source_id": source_id,
        "region": slot.region,
        "series": str(slot.series),
        "begin": slot.begin,
        "end": slot.end,
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
