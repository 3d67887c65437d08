"""What the database knows of one session, a page of its timeline at a time: a long one has thousands of entries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.backoffice import repository
from konsento.backoffice.timeline import History, Source
from konsento.models import ChargingSession, LimitChange, MeterEvent, OcppFrame, Receipt, events_of

PAGE: Final = 500
"""Meter's events and messages of one page."""
AFTERWARDS: Final = timedelta(minutes=2)
"""So long after its end the outlet's messages still belong to a session: the outlet says that it is free again."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which page of how many, and the times between which it lies."""

    number: int
    last: int
    since: datetime | None
    """None on the first page."""
    until: datetime | None
    """Exclusive; None on the last page."""

    def has(self, at: datetime) -> bool:
        """Tell whether a moment is on this page."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


async def history(
    session: AsyncSession, charging: ChargingSession, shown: Collection[Source], page: int | None
) -> tuple[History, Part]:
    """Return what there is of a session on a page; without a page on the last one, where the newest is."""
    times = _times(charging, shown)
    part = await _part(session, times, page) if times is not None else Part(number=1, last=1, since=None, until=None)
    changes = select(LimitChange).where(LimitChange.session_id == charging.id).order_by(LimitChange.asked_at)
    found = History(
        charging=charging,
        events=await _events(session, charging, part) if Source.METER in shown else [],
        frames=await _frames(session, charging, part) if Source.OCPP in shown else [],
        changes=list(await session.scalars(changes)),
        payment=await repository.payment_of(session, charging.id),
        receipt=await session.get(Receipt, charging.id),
        transfers=await repository.transfers_of(session, charging.id),
        staff=await repository.entries_about(session, str(charging.id), PAGE),
    )
    return found, part


def _times(charging: ChargingSession, shown: Collection[Source]) -> CompoundSelect[Any] | Select[Any] | None:
    parts: list[Select[Any]] = []
    if Source.METER in shown:
        parts.append(select(MeterEvent.received_at.label("at")).where(events_of(charging)))
    if Source.OCPP in shown:
        parts.append(select(_about(charging).subquery().c.at))
    return (union_all(*parts) if len(parts) > 1 else parts[0]) if parts else None


async def _part(session: AsyncSession, times: CompoundSelect[Any] | Select[Any], page: int | None) -> Part:
    at = times.subquery().c.at
    total = await session.scalar(select(func.count(at))) or 0
    last = max(1, -(-total // PAGE))
    number = last if page is None else min(max(1, page), last)

    async def moment(offset: int) -> datetime | None:
        found: datetime | None = await session.scalar(select(at).order_by(at).offset(offset).limit(1))
        return found

    return Part(
        number=number,
        last=last,
        since=await moment((number - 1) * PAGE) if number > 1 else None,
        until=await moment(number * PAGE) if number < last else None,
    )


async def _events(session: AsyncSession, charging: ChargingSession, part: Part) -> list[MeterEvent]:
    query = (
        select(MeterEvent)
        .where(events_of(charging), *_within(MeterEvent.received_at, part))
        .order_by(MeterEvent.received_at, MeterEvent.seq_no)
    )
    return list(await session.scalars(query))


async def _frames(session: AsyncSession, charging: ChargingSession, part: Part) -> list[OcppFrame]:
    numbers = select(_about(charging).subquery().c.id)
    query = (
        select(OcppFrame)
        .where(OcppFrame.id.in_(numbers), *_within(OcppFrame.at, part))
        .order_by(OcppFrame.at, OcppFrame.id)
    )
    return list(await session.scalars(query))


def _about(charging: ChargingSession) -> CompoundSelect[Any]:
    """Select id and time of the frames about a session: its start request, its transaction, its outlet meanwhile.

    Three selects, each with an index of its own.
    """
    at_station = select(OcppFrame.id, OcppFrame.at).where(OcppFrame.station_id == charging.outlet.site.station_id)
    ways = [
        at_station.where(OcppFrame.remote_start_id == charging.remote_start_id),
        at_station.where(
            OcppFrame.evse_id == charging.outlet.evse_id,
            OcppFrame.at >= charging.created_at,
            *_before_the_end(charging),
        ),
    ]
    if charging.transaction_id is not None:
        ways.append(at_station.where(OcppFrame.transaction_id == charging.transaction_id))
    return union(*ways)


def _before_the_end(charging: ChargingSession) -> list[ColumnElement[bool]]:
    # By this server's clock where it is known: `ended_at` is the site's.
    ends = [at for at in (charging.ended_at, charging.heard_at) if at is not None]
    return [OcppFrame.at <= max(ends) + AFTERWARDS] if charging.ended_at is not None else []


def _within(at: Any, part: Part) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if part.since is not None:
        conditions.append(at >= part.since)
    if part.until is not None:
        conditions.append(at < part.until)
    return conditions
