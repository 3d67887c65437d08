"""One computation of everything: from energy and factors to results, and to what of them may be published."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, case, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.computation.factors.choice import SELF, Chosen, Factors, NoFactorError
from konsento.environment.computation.formulas import (
    Footprint,
    Intensity,
    from_the_grid,
    generated_on_site,
    rounded,
)
from konsento.environment.computation.keeping import first_slot, slot_start
from konsento.environment.computation.library import table_of_factors
from konsento.environment.computation.mix.slots import GENERATED
from konsento.environment.computation.mix.value import intensity_of
from konsento.environment.computation.models import (
    Energy,
    Group,
    MixSlotRow,
    OutletDay,
    PublishedCell,
    Result,
    Run,
    SumRow,
)
from konsento.environment.computation.privacy import THRESHOLDS, Tally, publish
from konsento.environment.computation.settings import ComputationSettings, Span
from konsento.environment.regions import Tree
from konsento.environment.wire import Use

log = logging.getLogger(__name__)

_NO_OUTLETS: Final = Tally(wh=0, outlets=0, largest_wh=0)
_AT_ONCE: Final = 500
_MILLI: Final = 1000
"""mg/kWh in g/kWh, as half hours' intensities are kept."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Energy in Wh and masses in mg CO2e of a result; they add up."""

    wh: int = 0
    hourly_wh: int = 0
    scope1: int = 0
    scope2_location: int = 0
    scope2_market: int = 0
    scope2_hourly: int = 0
    scope3_location: int = 0
    scope3_market: int = 0
    scope3_hourly: int = 0
    factors: frozenset[int] = field(default_factory=frozenset)
    """Numbers of the factors that were used."""
    provisional: bool = False

    def __add__(self, other: Figures) -> Figures:
        numbers = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        return Figures(
            **numbers,
            factors=self.factors | other.factors,
            provisional=self.provisional or other.provisional,
        )

    def columns(self) -> dict[str, Any]:
        """Return what the tables keep."""
        return {name: getattr(self, name) for name in NUMBERS} | {
            "factors": sorted(self.factors),
            "provisional": self.provisional,
        }


NUMBERS: Final = (
    "wh", "hourly_wh", "scope1", "scope2_location", "scope2_market", "scope2_hourly",
    "scope3_location", "scope3_market", "scope3_hourly",
)  # fmt: skip


async def compute(session: AsyncSession, settings: ComputationSettings, tree: Tree, now: datetime, reason: str) -> Run:
    """Compute everything that there is and keep it as a new run."""
    factors = await table_of_factors(session)
    mix_factors = await _value_mixes(session, factors, tree, settings.zone)
    await _name_mixes(session, tree)
    groups = {group.id: group for group in await session.scalars(select(Group))}
    periods = await _periods(session, settings)
    exact: list[dict[str, Any]] = []
    cells: list[tuple[str, tuple[Any, ...], Tally, Figures]] = []
    open_from = None
    without_factors = 0
    for first, after in periods:
        tallies = await _tallies(session, first, after, settings.zone)
        finished = slot_start(first_slot(after, settings.zone)) + timedelta(hours=settings.settle_hours) <= now
        shown = finished or settings.publish_unfinished
        open_from = open_from or (None if shown else first)
        for group_id, sums in (await _sums(session, first, after, settings.zone)).items():
            group = groups[group_id]
            try:
                figures = _figures(factors, tree, group, first, sums)
            except NoFactorError as error:
                log.warning("run without %s in %s from %s on: %s", group.power_type, group.region, first, error)
                without_factors += 1
                continue
            tally = replace(tallies.get(group_id, _NO_OUTLETS), wh=figures.wh)
            about = {
                "period": first,
                "region": group.region,
                "power_type": group.power_type,
                "supplier": group.supplier,
                "use": group.use,
            }
            exact.append(about | {"outlets": tally.outlets, "largest_wh": tally.largest_wh} | figures.columns())
            if shown and figures.wh:
                key = (first, group.power_type, group.supplier, group.use)
                cells.append((group.region, key, tally, figures))
    published = publish(cells, _parent(tree), Figures.__add__, THRESHOLDS[settings.privacy])
    run = Run(
        at=now,
        reason=reason,
        period=settings.period.value,
        privacy=settings.privacy.value,
        mix_factors=sorted(mix_factors),
        left_out=published.left_out,
        without_factors=without_factors,
        wh=sum(row["wh"] for row in exact),
        open_from=open_from,
    )
    session.add(run)
    await session.flush()
    await _insert(session, Result, run.id, exact)
    shown_rows = (
        dict(zip(("period", "power_type", "supplier", "use"), cell.key, strict=True))
        | {"region": cell.region, "rest": cell.rest, "merged": cell.merged, "outlets": cell.tally.outlets}
        | cell.values.columns()
        for cell in published.cells
    )
    await _insert(session, PublishedCell, run.id, shown_rows)
    return run


def _parent(tree: Tree) -> Any:
    def parent(region: str) -> str | None:
        path = tree.path(region) if region in tree else (region,)
        return path[1] if len(path) > 1 else None

    return parent


async def _insert(session: AsyncSession, table: Any, run_id: int, rows: Iterable[dict[str, Any]]) -> None:
    numbered = ({"run_id": run_id, "number": number} | row for number, row in enumerate(rows))
    for some in batched(numbered, _AT_ONCE, strict=False):
        await session.execute(insert(table), list(some))


async def _periods(session: AsyncSession, settings: ComputationSettings) -> list[tuple[date, date]]:
    """Return the periods with energy in them: first day, and first day of the next one."""
    query = select(func.min(Energy.slot), func.max(Energy.slot)).having(func.count() > 0)
    bounds = (await session.execute(query)).one_or_none()
    if bounds is None:
        return []
    first, last = (slot_start(slot).astimezone(settings.zone).date() for slot in bounds)
    return list(spans(first, last, settings.period))


def spans(first: date, last: date, span: Span) -> Iterator[tuple[date, date]]:
    """Yield the periods from that of `first` to that of `last`: first day, and first day of the next."""
    at = first.replace(day=1) if span is Span.MONTH else first
    while at <= last:
        after = (
            (at.replace(day=28) + timedelta(days=4)).replace(day=1) if span is Span.MONTH else at + timedelta(days=1)
        )
        yield at, after
        at = after


@dataclass(frozen=True, kw_only=True)
class _Sums:
    wh: int
    hourly_wh: int
    direct: int
    """Sum of Wh x mg/kWh of the half hours whose mix is known."""
    upstream: int


async def _sums(session: AsyncSession, first: date, after: date, zone: ZoneInfo) -> dict[int, _Sums]:
    known = MixSlotRow.direct.is_not(None)
    wh = cast(Energy.wh, BigInteger)
    query = (
        select(
            Energy.group_id,
            func.sum(wh),
            func.sum(case((known, wh), else_=0)),
            func.sum(case((known, wh * MixSlotRow.direct), else_=0)),
            func.sum(case((known, wh * MixSlotRow.upstream), else_=0)),
        )
        .join(Group, Group.id == Energy.group_id)
        .outerjoin(MixSlotRow, and_(MixSlotRow.region == Group.mix_region, MixSlotRow.slot == Energy.slot))
        .where(Energy.slot >= first_slot(first, zone), Energy.slot < first_slot(after, zone))
        .group_by(Energy.group_id)
    )
    return {
        group: _Sums(wh=int(wh), hourly_wh=int(hourly), direct=int(direct), upstream=int(upstream))
        for group, wh, hourly, direct, upstream in await session.execute(query)
    }


async def _tallies(session: AsyncSession, first: date, after: date, zone: ZoneInfo) -> dict[int, Tally]:
    """Return how many outlets each group had, never more than there were."""
    by_outlet = (
        select(OutletDay.group_id, OutletDay.month, OutletDay.outlet, func.sum(OutletDay.wh).label("wh"))
        .where(OutletDay.day >= first.toordinal(), OutletDay.day < after.toordinal())
        .group_by(OutletDay.group_id, OutletDay.month, OutletDay.outlet)
        .subquery()
    )
    singles = (
        select(by_outlet.c.group_id, func.sum(by_outlet.c.wh), func.count(), func.max(by_outlet.c.wh))
        .where(by_outlet.c.wh > 0)
        .group_by(by_outlet.c.group_id, by_outlet.c.month)
    )
    in_sums = (
        select(SumRow.group_id, func.sum(SumRow.wh), func.max(SumRow.outlets), func.sum(SumRow.largest_wh))
        .where(SumRow.slot >= first_slot(first, zone), SumRow.slot < first_slot(after, zone))
        .group_by(SumRow.group_id)
    )
    found: dict[int, Tally] = {}
    for query in (singles, in_sums):
        for group, wh, outlets, largest in await session.execute(query):
            tally = Tally(wh=int(wh), outlets=int(outlets), largest_wh=int(largest))
            found[group] = found[group].maybe_same(tally) if group in found else tally
    return found


def _figures(factors: Factors, tree: Tree, group: Group, day: date, sums: _Sums) -> Figures:
    lineage = tree.path(group.region) if group.region in tree else (group.region,)
    if group.supplier == SELF:
        chosen = factors.of_power_type(day, group.power_type)
        own = generated_on_site(sums.wh, chosen.intensity)
        # No grid, so every half hour is known.
        return _of(replace(sums, hourly_wh=sums.wh), own, own, own, chosen)
    use = Use(group.use)
    loss, loss_used, loss_soon = factors.loss(day, lineage)
    location = factors.location_based(day, lineage)
    market = factors.market_based(day, lineage, group.supplier, group.power_type)
    by_location = from_the_grid(sums.wh, location.intensity, loss, use)
    by_market = from_the_grid(sums.wh, market.intensity, loss, use)
    hourly = from_the_grid(sums.wh - sums.hourly_wh, location.intensity, loss, use)
    if sums.hourly_wh:
        average = Intensity(
            direct=Decimal(sums.direct) / _MILLI / sums.hourly_wh,
            upstream=Decimal(sums.upstream) / _MILLI / sums.hourly_wh,
        )
        hourly += from_the_grid(sums.hourly_wh, average, loss, use)
    used = Chosen(
        intensity=location.intensity,
        used=(*location.used, *market.used, *loss_used),
        provisional=location.provisional or market.provisional or loss_soon,
    )
    return _of(sums, by_location, by_market, hourly, used)


def _of(sums: _Sums, location: Footprint, market: Footprint, hourly: Footprint, chosen: Chosen) -> Figures:
    return Figures(
        wh=sums.wh,
        hourly_wh=sums.hourly_wh,
        scope1=rounded(location.scope1),
        scope2_location=rounded(location.scope2),
        scope2_market=rounded(market.scope2),
        scope2_hourly=rounded(hourly.scope2),
        scope3_location=rounded(location.scope3),
        scope3_market=rounded(market.scope3),
        scope3_hourly=rounded(hourly.scope3),
        factors=frozenset(chosen.used),
        provisional=chosen.provisional,
    )


@dataclass(frozen=True, kw_only=True)
class _Valuation:
    """What the mixes of a region are valued with on a day."""

    by_type: Mapping[str, Intensity]
    elsewhere: Intensity
    loss: Decimal
    used: frozenset[int]


def _valuation(factors: Factors, tree: Tree, region: str, day: date) -> _Valuation:
    lineage = tree.path(region) if region in tree else (region,)
    by_type = {name: factors.of_power_type(day, name) for name in GENERATED}
    # Imports come from anywhere in the country, so its average, the root's, stands for them.
    elsewhere = factors.location_based(day, lineage[-1:])
    loss, loss_used, _ = factors.loss(day, lineage)
    return _Valuation(
        by_type={name: chosen.intensity for name, chosen in by_type.items()},
        elsewhere=elsewhere.intensity,
        loss=loss,
        used=frozenset(n for chosen in (*by_type.values(), elsewhere) for n in chosen.used) | frozenset(loss_used),
    )


async def _value_mixes(session: AsyncSession, factors: Factors, tree: Tree, zone: ZoneInfo) -> set[int]:
    """Find out what the half hours cause that have no value yet; returns the numbers of the factors of all mixes."""
    valuations: dict[tuple[str, date], _Valuation] = {}
    bounds = select(MixSlotRow.region, func.min(MixSlotRow.slot), func.max(MixSlotRow.slot)).group_by(MixSlotRow.region)
    for region, least, most in (await session.execute(bounds)).all():
        first, last = (slot_start(slot).astimezone(zone).date() for slot in (least, most))
        try:
            for day, _ in spans(first, last, Span.DAY):
                valuations[region, day] = _valuation(factors, tree, region, day)
        except NoFactorError as error:
            log.warning("the fuel mix of %s has no value: %s", region, error)
    values = []
    query = select(MixSlotRow.region, MixSlotRow.slot, MixSlotRow.kwh).where(MixSlotRow.direct.is_(None))
    for region, slot, kwh in (await session.execute(query)).all():
        how = valuations.get((region, slot_start(slot).astimezone(zone).date()))
        intensity = intensity_of(kwh, how.by_type, how.elsewhere, how.loss) if how is not None else None
        if intensity is not None:
            direct, upstream = rounded(intensity.direct * _MILLI), rounded(intensity.upstream * _MILLI)
            values.append({"region": region, "slot": slot, "direct": direct, "upstream": upstream})
    for some in batched(values, _AT_ONCE, strict=False):
        await session.execute(update(MixSlotRow), list(some))
    return {number for valuation in valuations.values() for number in valuation.used}


async def _name_mixes(session: AsyncSession, tree: Tree) -> None:
    """Note for every group whose mix counts: that of the nearest region up the tree that has one."""
    with_mix = set(await session.scalars(select(MixSlotRow.region).distinct()))
    by_mix: dict[str, list[int]] = defaultdict(list)
    for number, region, known in await session.execute(select(Group.id, Group.region, Group.mix_region)):
        path = tree.path(region) if region in tree else (region,)
        nearest = next((one for one in path if one in with_mix), "")
        if nearest != known:
            by_mix[nearest].append(number)
    for nearest, numbers in by_mix.items():
        for some in batched(numbers, _AT_ONCE, strict=False):
            await session.execute(update(Group).where(Group.id.in_(some)).values(mix_region=nearest))
