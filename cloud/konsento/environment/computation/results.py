"""Reading results: exact ones for operators, published cells for everybody else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.computation.errors import NoRun
from konsento.environment.computation.models import Energy, Group, PublishedCell, Result, Run
from konsento.environment.computation.runs import NUMBERS, Figures
from konsento.environment.wire import PowerType, Use


class By(StrEnum):
    """What figures are split by."""

    REGION = "region"
    POWER_TYPE = "power_type"
    SUPPLIER = "supplier"
    USE = "use"
    PERIOD = "period"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which figures are wanted; None for all."""

    regions: frozenset[str] | None = None
    power_type: PowerType | None = None
    supplier: str | None = None
    use: Use | None = None
    since: date | None = None
    """First day of the first period."""
    until: date | None = None
    """First day of the last period."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A figure, or several that were added up."""

    about: dict[str, Any]
    """Region, power type, supplier, use, period: what the line is split by."""
    rest: bool = False
    merged: int = 0
    outlets: int | None = None
    """At least so many; None where figures were added up."""
    figures: Figures = field(default_factory=Figures)


async def run_of(session: AsyncSession, number: int | None = None) -> Run:
    """Return a run, the latest without a number. Raises `NoRun`."""
    query = select(Run).where(Run.id == number) if number is not None else select(Run).order_by(Run.id.desc()).limit(1)
    run = await session.scalar(query)
    if run is None:
        raise NoRun
    return run


async def lines(session: AsyncSession, run: Run, asked: Asked, *, exact: bool) -> list[Line]:
    """Return the figures of a run one by one."""
    table: Any = Result if exact else PublishedCell
    query = select(table).where(table.run_id == run.id)
    for column, value in (
        (table.power_type, asked.power_type),
        (table.supplier, asked.supplier),
        (table.use, asked.use),
    ):
        if value is not None:
            query = query.where(column == value)
    if asked.since is not None:
        query = query.where(table.period >= asked.since)
    if asked.until is not None:
        query = query.where(table.period <= asked.until)
    query = query.order_by(table.period, table.region, table.power_type, table.supplier, table.use)
    return [_line(row) for row in await session.scalars(query) if asked.regions is None or row.region in asked.regions]


def _line(row: Any) -> Line:
    return Line(
        about={by.value: getattr(row, by.value) for by in By},
        rest=getattr(row, "rest", False),
        merged=getattr(row, "merged", 0),
        outlets=row.outlets,
        figures=Figures(
            **{name: getattr(row, name) for name in NUMBERS},
            factors=frozenset(row.factors),
            provisional=row.provisional,
        ),
    )


def added(found: Iterable[Line], by: Sequence[By]) -> list[Line]:
    """Return the figures added up, split by some of what they have; the rest of a region is apart from its parts."""
    sums: dict[tuple[Any, ...], Line] = {}
    for line in found:
        about = {one.value: line.about[one.value] for one in by}
        rest = line.rest and By.REGION in by
        key = (*about.values(), rest)
        known = sums.get(key, Line(about=about, rest=rest))
        sums[key] = Line(
            about=about, rest=rest, merged=known.merged + line.merged, figures=known.figures + line.figures
        )
    return [sums[key] for key in sorted(sums, key=lambda key: tuple(str(part) for part in key))]


def total(found: Iterable[Line]) -> Figures:
    """Return the sum of figures."""
    return sum((line.figures for line in found), Figures())


@dataclass(frozen=True, kw_only=True)
class Made:
    """A run, and the totals of what it published."""

    run: Run
    published: Figures


async def runs(session: AsyncSession, most: int) -> list[Made]:
    """Return the latest runs with what they published, the latest first."""
    found = (await session.scalars(select(Run).order_by(Run.id.desc()).limit(most))).all()
    query = (
        select(PublishedCell.run_id, *(func.sum(getattr(PublishedCell, name)) for name in NUMBERS))
        .where(PublishedCell.run_id.in_([run.id for run in found]))
        .group_by(PublishedCell.run_id)
    )
    totals = {}
    for number, *values in await session.execute(query):
        sums: dict[str, Any] = dict(zip(NUMBERS, map(int, values), strict=True))
        totals[number] = Figures(**sums)
    return [Made(run=run, published=totals.get(run.id, Figures())) for run in found]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a run says otherwise than another one."""

    about: dict[str, Any]
    before: Figures
    after: Figures


async def difference(session: AsyncSession, before: Run, after: Run) -> list[Change]:
    """Return where the exact results of two runs differ, in figures or in the factors that they were computed with."""
    old, new = await _by_key(session, before), await _by_key(session, after)
    changes = []
    for key in sorted(old.keys() | new.keys(), key=str):
        was = old[key].figures if key in old else Figures()
        is_now = new[key].figures if key in new else Figures()
        if was != is_now:
            changes.append(Change(about=(new.get(key) or old[key]).about, before=was, after=is_now))
    return changes


async def _by_key(session: AsyncSession, run: Run) -> dict[tuple[Any, ...], Line]:
    return {tuple(line.about.values()): line for line in await lines(session, run, Asked(), exact=True)}


HALF_HOUR: Final = ("slot", "region", "power_type", "supplier", "wh")


async def by_half_hour(session: AsyncSession, first: int, after: int) -> Sequence[Any]:
    """Return the energy by half hour, region, power type and supplier (the columns `HALF_HOUR`), in that order.

    `first` and `after` are half hours as in `keeping.slot_number`.
    """
    query = (
        select(Energy.slot, Group.region, Group.power_type, Group.supplier, func.sum(Energy.wh))
        .join(Group, Group.id == Energy.group_id)
        .where(Energy.slot >= first, Energy.slot < after)
        .group_by(Energy.slot, Group.region, Group.power_type, Group.supplier)
        .order_by(Energy.slot, Group.region, Group.power_type, Group.supplier)
    )
    return (await session.execute(query)).all()
