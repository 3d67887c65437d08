"""What is known of a region's next hours: how renewable its power will be, and when charging is recommended.

What is too old to be believed is no advice: then there are no windows, and it is said why.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue import following
from konsento.grid import series, windows
from konsento.grid.decisions import stale_sources
from konsento.grid.records import BalanceSlot, FirstType
from konsento.grid.regions import rule_of
from konsento.grid.windows import Window
from konsento.models import GridRegion, GridSource, Outlet

HOURS: Final = 48
HALF_HOUR: Final = timedelta(minutes=30)
"""Shorter slots are put together: nobody plugs in by the minute."""


class Standing(StrEnum):
    """Whether anything can be said about a region."""

    GOOD = "good"
    STALE = "stale"
    """Nothing new has come for too long."""
    NO_DATA = "no_data"
    """There is no forecast of the time to come."""
    SILENT = "silent"
    """The operator does not have windows found there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """Half an hour, or an hour where nothing finer is published."""

    begin: datetime
    """UTC."""
    end: datetime
    share: Decimal
    """The first type's share of the power, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a kWh costs whose charging begins in a time."""

    begin: datetime
    end: datetime
    per_kwh: Decimal
    """Major units, tax included."""
    known: bool
    """Whether that is fixed already; else it is what it costs unless the market says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What one offer at an outlet costs over the time."""

    name: str
    currency: str
    """ISO 4217."""
    costs: tuple[Cost, ...]
    """One after the other, each different from the one before."""

    @property
    def is_flat(self) -> bool:
        """Tell whether it costs the same all the time."""
        return len(self.costs) == 1

    def at(self, moment: datetime) -> Cost | None:
        """Return what it costs at a moment; None where it is not sold by the kWh then."""
        return next((cost for cost in self.costs if cost.begin <= moment < cost.end), None)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is known of a region."""

    region: GridRegion
    now: datetime
    until: datetime
    """How far it looks."""
    standing: Standing
    slots: tuple[Slot, ...]
    """In order; with gaps where nothing is published."""
    windows: tuple[Window, ...]
    """That are not over; none where the data cannot be believed."""
    first: FirstType | None
    """What the share is of; None where that is not known, or not the same everywhere."""
    as_of: datetime | None
    """When the newest of the data were published, or came; None for none."""
    sources: tuple[str, ...]
    """By name."""
    offers: tuple[Offered, ...] = ()
    """Of the outlet that was asked about, in its order."""

    @property
    def next(self) -> Window | None:
        """The window that is on, or comes first."""
        return self.windows[0] if self.windows else None


async def outlook(
    session: AsyncSession, region: GridRegion, now: datetime, hours: int = HOURS, *, outlet: Outlet | None = None
) -> Outlook:
    """Return what is known of the next hours; with what it costs at an outlet, whose site and offers are loaded."""
    begin, until = _floor(now), now + timedelta(hours=hours)
    told = await series.told(session, region.code, begin - timedelta(hours=1), until)
    stale = await stale_sources(session, told, now)
    fresh = [one for one in told if one.source_id not in stale]
    known = series.combined(fresh, rule_of(region).supply)
    slots = tuple(slot for slot in half_hours(known) if slot.end > now)
    found = await windows.in_force(session, region.code, now, until)
    standing = Standing.GOOD
    if not region.advises:
        standing = Standing.SILENT
    elif stale and not fresh:
        standing = Standing.STALE
    elif not slots and not found:
        standing = Standing.NO_DATA
    kinds = {slot.first for slot in known if slot.first is not None}
    return Outlook(
        region=region,
        now=now,
        until=until,
        standing=standing,
        slots=slots if standing is Standing.GOOD else (),
        windows=tuple(found) if standing is Standing.GOOD else (),
        first=next(iter(kinds)) if len(kinds) == 1 else None,
        as_of=max((one.age_from for one in fresh or told), default=None),
        sources=await _names(session, {one.source_id for one in fresh or told}),
        offers=await offered(session, outlet, begin, until) if outlet is not None else (),
    )


async def offered(session: AsyncSession, outlet: Outlet, begin: datetime, until: datetime) -> tuple[Offered, ...]:
    """Return what the offers of an outlet, whose site and offers are loaded, cost in a time."""
    by_name: dict[str, list[following.Ahead]] = {}
    for ahead in await following.ahead(session, outlet, begin, until):
        by_name.setdefault(ahead.offer, []).append(ahead)
    return tuple(
        Offered(name=name, currency=some[0].currency, costs=tuple(_joined(some))) for name, some in by_name.items()
    )


def half_hours(slots: Sequence[BalanceSlot]) -> list[Slot]:
    """Return the shares of slots, those of less than half an hour put together to one: pure.

    A half hour of which a part is missing is left out.
    """
    found: list[Slot] = []
    parts: list[BalanceSlot] = []
    for slot in slots:
        if slot.share is None:
            continue
        if timedelta(minutes=slot.minutes) >= HALF_HOUR:
            found.append(Slot(begin=slot.begin, end=slot.end, share=slot.share))
            continue
        if parts and (parts[-1].end != slot.begin or slot.begin >= _floor(parts[0].begin) + HALF_HOUR):
            parts = []
        parts.append(slot)
        begin = _floor(parts[0].begin)
        if parts[0].begin == begin and slot.end == begin + HALF_HOUR:
            mean = sum((part.share or Decimal(0) for part in parts), Decimal(0)) / len(parts)
            found.append(Slot(begin=begin, end=slot.end, share=mean))
            parts = []
    return found


def _joined(some: Iterable[following.Ahead]) -> list[Cost]:
    found: list[Cost] = []
    for ahead in some:
        cost = Cost(begin=ahead.begin, end=ahead.end, per_kwh=ahead.per_kwh, known=ahead.known)
        last = found[-1] if found else None
        if last is not None and (last.end, last.per_kwh, last.known) == (cost.begin, cost.per_kwh, cost.known):
            found[-1] = Cost(begin=last.begin, end=cost.end, per_kwh=cost.per_kwh, known=cost.known)
        else:
            found.append(cost)
    return found


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)


async def _names(session: AsyncSession, sources: Collection[UUID]) -> tuple[str, ...]:
    query = select(GridSource.name).where(GridSource.id.in_(sources)).order_by(GridSource.name)
    return tuple(await session.scalars(query))
