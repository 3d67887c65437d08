"""Who is told of a region's windows: found a page at a time, so that thousands take a handful of queries."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.advice.policy import LATELY, PATIENCE, RESTED, Earlier
from konsento.models import (
    AdviceBrowser,
    AdviceChannel,
    AdviceChoice,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
    ChargingSession,
    Driver,
    DriverKind,
    Outlet,
    SessionState,
    Site,
)

PAGE: Final = 250
"""Drivers of one transaction."""
_CHARGED: Final = ChargingSession.state.notin_((SessionState.FAILED, SessionState.STARTING))


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Where and how a driver has charged lately."""

    region: str
    """Where most often."""
    outlet_id: UUID
    """The outlet that they used there last."""
    rated_w: int
    """Of that, W."""
    volts: int
    charged: bool
    """Within `policy.RESTED`, or at this moment."""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A driver who wants to be advised, and how."""

    driver: Driver
    choice: AdviceChoice
    channels: tuple[AdviceChannel, ...]


async def page_of(session: AsyncSession, region: str, after: UUID | None, now: datetime) -> list[Recipient]:
    """Return the next drivers by id who want advice now and have charged in a region lately."""
    there = _sessions(now).where(Site.region == region, ChargingSession.driver_id == Driver.id)
    query = _wanting(now).where(AdviceChoice.stopped_at.is_(None), there.exists())
    if after is not None:
        query = query.where(Driver.id > after)
    rows = (await session.execute(query.order_by(Driver.id).limit(PAGE))).all()
    return [
        Recipient(driver=driver, choice=choice, channels=_channels(choice, pushes)) for driver, choice, pushes in rows
    ]


async def wanting(session: AsyncSession, driver_ids: Collection[UUID], now: datetime) -> dict[UUID, Recipient]:
    """Return those of some drivers who want to be told now, also where advice has stopped by itself."""
    rows = (await session.execute(_wanting(now).where(Driver.id.in_(driver_ids)))).all()
    return {
        driver.id: Recipient(driver=driver, choice=choice, channels=_channels(choice, pushes))
        for driver, choice, pushes in rows
    }


async def habits(session: AsyncSession, driver_ids: Collection[UUID], now: datetime) -> dict[UUID, Habit]:
    """Return where each of some drivers charges most, of those who charged lately anywhere that is in a region."""
    there = (ChargingSession.driver_id, Site.region)
    newest = (ChargingSession.created_at.desc(), ChargingSession.id.desc())
    resting = or_(ChargingSession.ended_at.is_(None), ChargingSession.ended_at > now - RESTED)
    of_each = (
        _sessions(now)
        .with_only_columns(
            ChargingSession.driver_id,
            Site.region,
            ChargingSession.created_at,
            ChargingSession.outlet_id,
            ChargingSession.rated_w,
            Outlet.volts,
            func.count().over(partition_by=there).label("sessions"),
            func.row_number().over(partition_by=there, order_by=newest).label("age"),
            func.max(case((resting, 1), else_=0)).over(partition_by=ChargingSession.driver_id).label("charged"),
        )
        .join(Outlet, Outlet.id == ChargingSession.outlet_id)
        .where(ChargingSession.driver_id.in_(driver_ids), Site.region.is_not(None))
        .subquery()
    )
    # The last of each driver is the region with the most sessions; of two alike, that of the newer one.
    rows = await session.execute(
        select(of_each).where(of_each.c.age == 1).order_by(of_each.c.sessions, of_each.c.created_at)
    )
    return {
        row.driver_id: Habit(
            region=row.region,
            outlet_id=row.outlet_id,
            rated_w=row.rated_w,
            volts=row.volts,
            charged=bool(row.charged),
        )
        for row in rows
    }


async def regions_of(session: AsyncSession, driver_id: UUID, now: datetime) -> list[str]:
    """Return all regions in which a driver has charged lately, by code."""
    query = _sessions(now).with_only_columns(Site.region).where(ChargingSession.driver_id == driver_id)
    return [region for region in await session.scalars(query.distinct().order_by(Site.region)) if region is not None]


async def earlier(session: AsyncSession, driver_ids: Collection[UUID]) -> dict[UUID, list[Earlier]]:
    """Return the last advices of each of some drivers, corrections and the last word not counted.

    They are as many as the policy asks about: the limit of a week is below its patience.
    """
    followed = or_(AdviceMessage.opened_at.is_not(None), AdviceMessage.acted_at.is_not(None))
    # A driver of two channels was advised once.
    once = (
        select(
            AdviceMessage.driver_id,
            func.max(AdviceMessage.due_at).label("at"),
            func.max(case((followed, 1), else_=0)).label("followed"),
        )
        .join(AdviceIssue, AdviceIssue.id == AdviceMessage.issue_id)
        .where(AdviceMessage.driver_id.in_(driver_ids), is_advice())
        .group_by(AdviceMessage.driver_id, AdviceMessage.issue_id)
        .subquery()
    )
    age = func.row_number().over(partition_by=once.c.driver_id, order_by=once.c.at.desc())
    numbered = select(once, age.label("age")).subquery()
    found: defaultdict[UUID, list[Earlier]] = defaultdict(list)
    for row in await session.execute(select(numbered).where(numbered.c.age <= PATIENCE)):
        found[row.driver_id].append(Earlier(at=row.at, followed=bool(row.followed)))
    return found


def is_advice() -> ColumnElement[bool]:
    """Say of a message and its issue: it is an advice that went out, or will."""
    return and_(
        AdviceIssue.kind == AdviceKind.EVENING,
        AdviceMessage.state != AdviceState.DROPPED,
        AdviceMessage.farewell.is_(False),
    )


def _wanting(now: datetime) -> Select[Driver, AdviceChoice, bool]:
    pushes = exists().where(AdviceBrowser.driver_id == Driver.id)
    return (
        select(Driver, AdviceChoice, pushes.label("pushes"))
        .join(AdviceChoice, AdviceChoice.driver_id == Driver.id)
        .where(
            Driver.kind == DriverKind.ACCOUNT,
            Driver.email_verified_at.is_not(None),
            or_(AdviceChoice.paused_until.is_(None), AdviceChoice.paused_until <= now),
            or_(AdviceChoice.mail, pushes),
        )
    )


def _sessions(now: datetime) -> Select[UUID]:
    return (
        select(ChargingSession.id)
        .join(Site, Site.id == ChargingSession.site_id)
        .where(ChargingSession.created_at > now - LATELY, _CHARGED)
    )


def _channels(choice: AdviceChoice, pushes: bool) -> tuple[AdviceChannel, ...]:
    wanted = {AdviceChannel.MAIL: choice.mail, AdviceChannel.PUSH: pushes}
    return tuple(channel for channel, on in wanted.items() if on)
