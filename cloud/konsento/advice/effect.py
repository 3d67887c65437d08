"""What advice brings about, by region and month: what drivers were told, and what they charged within the windows.

It compares, and says nothing about causes: who wants advice is another driver than who does not. All is summed up by
the database, in a handful of queries for all regions together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, String, Subquery, case, column, extract, func, or_, select, values
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid import regions
from konsento.kit.db import UtcDateTime
from konsento.models import (
    AdviceChannel,
    AdviceChoice,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
    GridRegion,
    GridWindow,
    WindowShare,
)
from konsento.statements.months import Month, month_at

MONTHS: Final = 13
"""With the present one: so the month of a year ago is there. What drivers were told is kept a little longer."""
FEW: Final = 10
"""Of fewer than that nothing is said in percent of them, and no change is claimed."""


class Group(StrEnum):
    """Whose sessions."""

    ADVISED = "advised"
    """Of drivers with advice, from the moment on from which they wanted it."""
    BEFORE = "before"
    """Of the same drivers, before that."""
    WITHOUT = "without"
    """Of drivers who never wanted any."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """What was charged on days with windows: sessions that were billed, by the day on which they began."""

    sessions: int = 0
    mwh: int = 0
    inside_mwh: int = 0
    """Of it, what flowed within the windows."""

    def __add__(self, other: Energy) -> Energy:
        return Energy(
            sessions=self.sessions + other.sessions,
            mwh=self.mwh + other.mwh,
            inside_mwh=self.inside_mwh + other.inside_mwh,
        )

    @property
    def share(self) -> Decimal | None:
        """Return which part flowed within the windows, 0 to 1 in thousandths; None where nothing was charged."""
        return share(self.inside_mwh, self.mwh)

    @property
    def is_few(self) -> bool:
        """Tell whether these are too few sessions to say anything by them."""
        return self.sessions < FEW


@dataclass(frozen=True, kw_only=True)
class Told:
    """What drivers were told about the days of a month."""

    window_days: int = 0
    """Days with windows."""
    days: int = 0
    """Days that drivers were to be told of the evening before."""
    corrected_days: int = 0
    """Days of which they were to be told in the morning that something had changed."""
    advices: int = 0
    """Drivers who were told of a day, each day anew; by however many messages."""
    opened: int = 0
    """Of the advices: the driver followed a link of a message."""
    acted: int = 0
    """Of the advices: the driver charged, or planned to, in a window of the day."""
    sent: Mapping[AdviceChannel, int] = field(default_factory=dict)
    """Messages."""
    waiting: int = 0
    """Messages whose time has not come."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Messages that were not sent, by `advice.policy.Dropped`."""


@dataclass(frozen=True, kw_only=True)
class MonthEffect:
    """A month of a region, by the region's clock."""

    month: Month
    told: Told
    energy: Mapping[Group, Energy]

    @property
    def all_drivers(self) -> Energy:
        """Return what all of them charged."""
        return sum(self.energy.values(), Energy())

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to say about it."""
        return self.told == Told() and not self.energy


@dataclass(frozen=True, kw_only=True)
class SameDrivers:
    """Drivers who charged both before they wanted advice and since, on days with windows."""

    drivers: int = 0
    before: Energy = field(default_factory=Energy)
    advised: Energy = field(default_factory=Energy)

    @property
    def change(self) -> Decimal | None:
        """Return by how much the share within the windows differs, in thousandths; None where it is of too few."""
        if self.before.is_few or self.advised.is_few or self.before.share is None or self.advised.share is None:
            return None
        return self.advised.share - self.before.share


@dataclass(frozen=True, kw_only=True)
class RegionEffect:
    """A region with its months, the oldest first, from the first one of which there is something to say."""

    region: GridRegion
    months: list[MonthEffect]
    same: SameDrivers


async def effect(session: AsyncSession, now: datetime) -> list[RegionEffect]:
    """Return what advice brought about in the last `MONTHS` months, by region."""
    found = await regions.all_regions(session)
    if not found:
        return []
    of_zone = {zone: _months(now, zone) for zone in {region.time_zone for region in found}}
    since = min(months[0].local.date() for months in of_zone.values())
    told = await _told(session, since)
    sessions = _sessions(of_zone)
    energy = await _energy(session, sessions)
    same = await _same(session, sessions)
    return [
        RegionEffect(
            region=region,
            months=_from_the_first(
                MonthEffect(
                    month=month,
                    told=told.get((region.code, month.name), Told()),
                    energy=energy.get((region.code, month.name), {}),
                )
                for month in of_zone[region.time_zone]
            ),
            same=same.get(region.code, SameDrivers()),
        )
        for region in found
    ]


def share(part: int, whole: int) -> Decimal | None:
    """Return a part of a whole, 0 to 1 in thousandths; None of nothing."""
    return (Decimal(part) / whole).quantize(Decimal("0.001")) if whole else None


def _months(now: datetime, time_zone: str) -> list[Month]:
    found = [month_at(now, time_zone)]
    while len(found) < MONTHS:
        found.append(found[-1].before())
    return found[::-1]


def _from_the_first(months: Iterable[MonthEffect]) -> list[MonthEffect]:
    every = list(months)
    first = next((number for number, one in enumerate(every) if not one.is_empty), len(every))
    return every[first:]


type _Key = tuple[str, str]
"""A region's code, and a month as 2026-11."""


def _key(row: Any) -> _Key:
    return row.region, f"{row.year:04}-{row.month:02}"


async def _told(session: AsyncSession, since: date) -> dict[_Key, Told]:
    """Return what drivers were told about the days from `since`; days are those of the region's clock already."""
    found: defaultdict[_Key, dict[str, Any]] = defaultdict(dict)
    of_month = (extract("year", AdviceIssue.day).label("year"), extract("month", AdviceIssue.day).label("month"))
    windows = (
        select(
            GridWindow.region,
            extract("year", GridWindow.day).label("year"),
            extract("month", GridWindow.day).label("month"),
            func.count(GridWindow.day.distinct()).label("days"),
        )
        .where(GridWindow.day >= since)
        .group_by("region", "year", "month")
    )
    for row in await session.execute(windows):
        found[_key(row)]["window_days"] = row.days
    issues = (
        select(AdviceIssue.region, *of_month, AdviceIssue.kind, func.count().label("days"))
        .where(AdviceIssue.day >= since)
        .group_by("region", "year", "month", AdviceIssue.kind)
    )
    for issue in await session.execute(issues):
        found[_key(issue)]["days" if issue.kind is AdviceKind.EVENING else "corrected_days"] = issue.days
    advices = _advices(since)
    drivers = select(
        advices.c.region,
        extract("year", advices.c.day).label("year"),
        extract("month", advices.c.day).label("month"),
        func.count().label("advices"),
        func.count(advices.c.opened_at).label("opened"),
        func.count(advices.c.acted_at).label("acted"),
    ).group_by("region", "year", "month")
    for row in await session.execute(drivers):
        found[_key(row)] |= {"advices": row.advices, "opened": row.opened, "acted": row.acted}
    what = (AdviceMessage.channel, AdviceMessage.state, AdviceMessage.reason)
    messages = (
        select(AdviceIssue.region, *of_month, *what, func.count().label("messages"))
        .join(AdviceMessage, AdviceMessage.issue_id == AdviceIssue.id)
        .where(AdviceIssue.day >= since, AdviceMessage.farewell.is_(False))
        .group_by("region", "year", "month", *what)
    )
    for message in await session.execute(messages):
        month = found[_key(message)]
        match message.state:
            case AdviceState.SENT:
                month.setdefault("sent", Counter())[message.channel] += message.messages
            case AdviceState.DROPPED:
                month.setdefault("dropped", Counter())[message.reason] += message.messages
            case _:
                month["waiting"] = month.get("waiting", 0) + message.messages
    return {key: Told(**known) for key, known in found.items()}


def _advices(since: date) -> Subquery:
    """Return a row for each driver and day of a region: whoever is told by mail and notice, and corrected, is one."""
    return (
        select(
            AdviceIssue.region,
            AdviceIssue.day,
            AdviceMessage.driver_id,
            func.min(AdviceMessage.opened_at).label("opened_at"),
            func.min(AdviceMessage.acted_at).label("acted_at"),
        )
        .join(AdviceMessage, AdviceMessage.issue_id == AdviceIssue.id)
        .where(AdviceIssue.day >= since, AdviceMessage.state == AdviceState.SENT, AdviceMessage.farewell.is_(False))
        .group_by(AdviceIssue.region, AdviceIssue.day, AdviceMessage.driver_id)
        .subquery()
    )


def _sessions(of_zone: Mapping[str, list[Month]]) -> CTE:
    """Return the sessions of days with windows, each with the month in which it began and whose it is."""
    months = (
        values(
            column("time_zone", String),
            column("month", String),
            column("begin", UtcDateTime),
            column("until", UtcDateTime),
            name="months",
        )
        .data([(zone, one.name, one.begin, one.end) for zone, all_of in of_zone.items() for one in all_of])
        .cte("months")
    )
    # Advice that is turned on anew counts from then, and who turns it off has no choice any more: what was sent first
    # tells that somebody was advised before.
    first = (
        select(AdviceMessage.driver_id, func.min(AdviceMessage.sent_at).label("at"))
        .where(AdviceMessage.state == AdviceState.SENT)
        .group_by(AdviceMessage.driver_id)
        .subquery()
    )
    group = case(
        (or_(AdviceChoice.since <= WindowShare.began_at, first.c.at <= WindowShare.began_at), Group.ADVISED.value),
        (or_(AdviceChoice.since.is_not(None), first.c.at.is_not(None)), Group.BEFORE.value),
        else_=Group.WITHOUT.value,
    )
    return (
        select(
            WindowShare.region,
            months.c.month,
            WindowShare.driver_id,
            group.label("whose"),
            WindowShare.mwh,
            WindowShare.inside_mwh,
        )
        .join(GridRegion, GridRegion.code == WindowShare.region)
        .join(
            months,
            (months.c.time_zone == GridRegion.time_zone)
            & (WindowShare.began_at >= months.c.begin)
            & (WindowShare.began_at < months.c.until),
        )
        .outerjoin(AdviceChoice, AdviceChoice.driver_id == WindowShare.driver_id)
        .outerjoin(first, first.c.driver_id == WindowShare.driver_id)
        .where(WindowShare.had_windows)
        .cte("sessions")
    )


async def _energy(session: AsyncSession, sessions: CTE) -> dict[_Key, dict[Group, Energy]]:
    found: defaultdict[_Key, dict[Group, Energy]] = defaultdict(dict)
    by = (sessions.c.region, sessions.c.month, sessions.c.whose)
    query = select(
        *by,
        func.count().label("sessions"),
        func.sum(sessions.c.mwh).label("mwh"),
        func.sum(sessions.c.inside_mwh).label("inside_mwh"),
    ).group_by(*by)
    for row in await session.execute(query):
        found[row.region, row.month][Group(row.whose)] = Energy(
            sessions=row.sessions, mwh=int(row.mwh), inside_mwh=int(row.inside_mwh)
        )
    return found


async def _same(session: AsyncSession, sessions: CTE) -> dict[str, SameDrivers]:
    def sums(group: Group) -> list[ColumnElement[int]]:
        what = {"sessions": 1, "mwh": sessions.c.mwh, "inside_mwh": sessions.c.inside_mwh}
        return [
            func.sum(case((sessions.c.whose == group.value, value), else_=0)).label(f"{group}_{name}")
            for name, value in what.items()
        ]

    each = (
        select(sessions.c.region, sessions.c.driver_id, *sums(Group.BEFORE), *sums(Group.ADVISED))
        .group_by(sessions.c.region, sessions.c.driver_id)
        .subquery()
    )
    numbers = [one for one in each.c if one.name not in {"region", "driver_id"}]
    query = (
        select(each.c.region, func.count().label("drivers"), *(func.sum(one).label(one.name) for one in numbers))
        .where(each.c.before_sessions > 0, each.c.advised_sessions > 0)
        .group_by(each.c.region)
    )

    def energy(row: Any, group: Group) -> Energy:
        return Energy(
            sessions=int(getattr(row, f"{group}_sessions")),
            mwh=int(getattr(row, f"{group}_mwh")),
            inside_mwh=int(getattr(row, f"{group}_inside_mwh")),
        )

    return {
        row.region: SameDrivers(
            drivers=row.drivers, before=energy(row, Group.BEFORE), advised=energy(row, Group.ADVISED)
        )
        for row in await session.execute(query)
    }
