"""What energy will cost at an outlet, slot by slot, as far as that is known: for pages that look ahead."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.offers import on_sale
from konsento.catalogue.slots import slots_between
from konsento.catalogue.tariffs import following_of, price_of, tariffs_between
from konsento.grid.decisions import Outcome
from konsento.grid.finding import day_bounds
from konsento.models import GridRegion, Outlet, Tariff, WindowDecision
from konsento.pricing import Component, Price
from konsento.pricing.following import Following, FollowsWindows, Slot, fixed
from konsento.pricing.schedule import Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """What a kWh costs whose charging begins in a time."""

    begin: datetime
    """UTC."""
    end: datetime
    """The first moment after it, UTC."""
    offer: str
    """Name of the offer."""
    per_kwh: Decimal
    """Major units, tax included."""
    currency: str
    """ISO 4217."""
    known: bool = True
    """Whether the data reach so far; else it is what the tariff says without them."""


async def ahead(session: AsyncSession, outlet: Outlet, begin: datetime, until: datetime) -> list[Ahead]:
    """Return what a kWh costs at an outlet whose site and offers are loaded, by offer in the outlet's order and time.

    Times follow each other without a gap while an offer is sold by the kWh; those of the same price are not joined
    where the spot price makes them. What is sold is judged by the suppliers' contracts of `begin`.
    """
    if begin >= until or not outlet.tariff_names:
        return []
    sold = await on_sale(session, begin, outlet)
    tariffs = [
        tariff
        for tariff in await tariffs_between(session, begin, until, list(outlet.tariff_names))
        if sold.may_sell(outlet, tariff)
    ]
    region = outlet.site.region
    slots = await slots_between(session, tariffs, begin, until, regions=[region])
    with_windows = any(isinstance(following_of(tariff), FollowsWindows) for tariff in tariffs)
    decided = await decided_days(session, region, begin, until) if region is not None and with_windows else []
    found = []
    for name in outlet.tariff_names:
        rows = [tariff for tariff in tariffs if tariff.name == name]
        for row, first, last in _in_turn(rows, begin, until):
            following = following_of(row)
            of_it = slots.of(following, region) if following is not None else []
            price = price_of(row, outlet.site.time_zone)
            found += priced(name, price, following, of_it, (first, last), decided=decided)
    return found


def priced(
    name: str,
    price: Price,
    following: Following | None,
    slots: Iterable[Slot],
    time: tuple[datetime, datetime],
    *,
    decided: Iterable[Slot] = (),
) -> list[Ahead]:
    """Return what a kWh costs in a time, `price` being what the tariff says by itself: pure.

    `slots` are those that it follows in one region; `decided` are the times for which it is known whether they are
    recommended.
    """
    if following is None:
        return list(_banded(name, price, time))
    of_it, days = list(slots), list(decided)
    begin, until = time
    edges = {at for slot in (*of_it, *days) for at in (slot.begin, slot.end) if begin < at < until}
    found: list[Ahead] = []
    for first, last in pairwise([begin, *sorted(edges), until]):
        slot = Slot.around(of_it, first)
        if isinstance(following, FollowsWindows):
            known = slot is not None or Slot.around(days, first) is not None
        else:
            known = slot is not None and slot.currency == price.currency
        per_kwh = fixed(price, following, slot).unit_price
        one = Ahead(begin=first, end=last, offer=name, per_kwh=per_kwh, currency=price.currency, known=known)
        before = found[-1] if found else None
        # The midnights of days without windows are no edges of anything.
        if before is not None and slot is None and replace(before, begin=first, end=last) == one:
            found[-1] = replace(before, end=last)
        else:
            found.append(one)
    return found


def _banded(name: str, price: Price, time: tuple[datetime, datetime]) -> Iterator[Ahead]:
    for span in Schedule(price).spans(Component.ENERGY, *time):
        if span.rate is not None:
            per_kwh = price.gross(price.rates[span.rate])
            yield Ahead(begin=span.begin, end=span.until, offer=name, per_kwh=per_kwh, currency=price.currency)


def _in_turn(rows: list[Tariff], begin: datetime, until: datetime) -> Iterator[tuple[Tariff, datetime, datetime]]:
    """Return the tariffs of one name with the part of a time in which each counts; of several the last to begin."""
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        ends = [until, *(at for at in (row.valid_to, after.valid_from if after else None) if at is not None)]
        first, last = max(begin, row.valid_from), min(ends)
        if first < last:
            yield row, first, last


async def decided_days(session: AsyncSession, region: str, begin: datetime, until: datetime) -> list[Slot]:
    """Return the days about a time for which it was decided which windows they have."""
    query = (
        select(WindowDecision.day, GridRegion.time_zone)
        .join(GridRegion, GridRegion.code == WindowDecision.region)
        .where(WindowDecision.region == region, WindowDecision.outcome != Outcome.UNDECIDED)
        .where(WindowDecision.day >= begin.date() - timedelta(days=1))
        .where(WindowDecision.day <= until.date() + timedelta(days=1))
        .distinct()
    )
    bounds = [day_bounds(day, zone) for day, zone in await session.execute(query)]
    return [Slot(begin=first, end=last) for first, last in bounds]
