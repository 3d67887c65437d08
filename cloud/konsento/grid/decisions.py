"""Deciding the windows of a day: stored with all that went into it, so that each can be explained and done again."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid import series
from konsento.grid.finding import Bar, Found, FoundWindow, day_bounds, find
from konsento.grid.records import BalanceSlot, FirstType, Supply
from konsento.grid.regions import rule_of
from konsento.grid.rule import TRAILING_DAYS, Rule
from konsento.grid.series import Told
from konsento.kit.ids import new_id
from konsento.models import GridRegion, GridSource, GridWindow, WindowDecision
from konsento.pricing.price import plain


class Outcome(StrEnum):
    """What a decision is, compared with what was in force for its day."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    NONE = "none"
    """There is no window, and there was none."""
    UNDECIDED = "undecided"
    """The data do not suffice: what was in force stays."""


STALE: Final = "stale"
"""The reason of an undecided day: nothing new came from a source for longer than the operator is patient with it."""
OVER: Final = "over"
"""The reason of a day without a window: what was found was over before anybody could be told."""


async def decide(session: AsyncSession, region: GridRegion, day: date, now: datetime) -> WindowDecision:
    """Decide the windows of a region's day, store that, and put them in force.

    Once the first window of a day has begun its decision stands: drivers have plugged in on its word. Where the data do
    not suffice, what is in force stays, and the decision says why. Sources that are stale are left out of the day, and
    so are windows that are over: nobody was told of them.
    """
    # One decision at a time: it is compared with what the one before put in force.
    await session.flush()
    await session.refresh(region, with_for_update=True)
    begin, end = day_bounds(day, region.time_zone)
    before = await _in_force(session, region.code, day)
    if before and before[0].begin <= now:
        last = await last_decision(session, region.code, day)
        if last is not None:
            return last
    rule = rule_of(region)
    since, _ = day_bounds(day - timedelta(days=TRAILING_DAYS), region.time_zone)
    told = await series.told(session, region.code, since, end)
    stale = await stale_sources(session, [one for one in told if one.slot.begin >= begin], now)
    known = series.combined([one for one in told if one.slot.begin < begin or one.source_id not in stale], rule.supply)
    today = [slot for slot in known if slot.begin >= begin]
    found = find(today, rule, day, region.time_zone, known)
    windows = [window for window in found.windows if window.end > now]
    reason = str(found.reason or ("" if windows else OVER))
    decision = WindowDecision(
        id=new_id(),
        region=region.code,
        day=day,
        decided_at=now,
        outcome=str(_outcome(before, windows) if found.told_enough else Outcome.UNDECIDED),
        reason=STALE if stale and not found.told_enough else reason,
        rule=rule.to_dict(),
        **_stored(today, found, region.time_zone, stale),
        windows=[_written(window) for window in windows],
    )
    session.add(decision)
    await session.flush()
    if found.told_enough:
        await _put_in_force(session, decision, windows)
    return decision


async def last_decision(session: AsyncSession, region: str, day: date) -> WindowDecision | None:
    """Return the decision that was made last about a region's day."""
    query = (
        select(WindowDecision)
        .where(WindowDecision.region == region, WindowDecision.day == day)
        .order_by(WindowDecision.decided_at.desc(), WindowDecision.id.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def decisions_of(
    session: AsyncSession, region: str, *, most: int, offset: int = 0, day: date | None = None
) -> list[WindowDecision]:
    """Return decisions about a region, or one of its days, the newest first."""
    query = (
        select(WindowDecision)
        .where(*_about(region, day))
        .order_by(WindowDecision.decided_at.desc(), WindowDecision.id.desc())
        .offset(offset)
        .limit(most)
    )
    return list(await session.scalars(query))


async def count_decisions(session: AsyncSession, region: str, day: date | None = None) -> int:
    """Return how many there are of them."""
    query = select(func.count()).select_from(WindowDecision).where(*_about(region, day))
    return await session.scalar(query) or 0


def is_unchanged(decision: WindowDecision) -> bool:
    """Tell whether what is stored with a decision is what was stored when it was made."""
    return _digest(decision.inputs) == decision.inputs_sha256


def recompute(decision: WindowDecision) -> Found:
    """Return what a stored decision found, computed again from what was stored with it.

    Its own `windows` are those of them that were not over when it was made.
    """
    inputs = decision.inputs
    bar = Bar(
        reference=_number(inputs["reference_percent"]),
        mw=_number(inputs["threshold_mw"]),
        share=_number(inputs["threshold_share"]),
        days=inputs["history_days"],
    )
    slots = [_read(decision.region, row) for row in inputs["slots"]]
    return find(slots, Rule.from_dict(decision.rule), decision.day, inputs["time_zone"], bar=bar)


def _about(region: str, day: date | None) -> list[ColumnElement[bool]]:
    of_region = WindowDecision.region == region
    return [of_region] if day is None else [of_region, WindowDecision.day == day]


async def _in_force(session: AsyncSession, region: str, day: date) -> list[GridWindow]:
    query = select(GridWindow).where(GridWindow.region == region, GridWindow.day == day).order_by(GridWindow.begin)
    return list(await session.scalars(query))


async def stale_sources(session: AsyncSession, told: Sequence[Told], now: datetime) -> set[UUID]:
    """Return those sources of a day whose newest data about it are older than the operator has patience with them."""
    newest: dict[UUID, datetime] = {}
    for one in told:
        newest[one.source_id] = max(one.age_from, newest.get(one.source_id, one.age_from))
    query = select(GridSource.id, GridSource.stale_after_s).where(GridSource.id.in_(newest))
    patience = {source: timedelta(seconds=seconds) for source, seconds in await session.execute(query)}
    return {source for source, at in newest.items() if now - at > patience[source]}


def _outcome(before: Sequence[GridWindow], windows: Sequence[FoundWindow]) -> Outcome:
    old, new = [(one.begin, one.end) for one in before], [(one.begin, one.end) for one in windows]
    if old == new:
        return Outcome.SAME if new else Outcome.NONE
    if not old:
        return Outcome.NEW
    return Outcome.CHANGED if new else Outcome.WITHDRAWN


async def _put_in_force(session: AsyncSession, decision: WindowDecision, windows: Sequence[FoundWindow]) -> None:
    await session.execute(
        delete(GridWindow).where(GridWindow.region == decision.region, GridWindow.day == decision.day)
    )
    for window in windows:
        session.add(
            GridWindow(
                id=new_id(),
                decision_id=decision.id,
                region=decision.region,
                day=decision.day,
                begin=window.begin,
                end=window.end,
                share_most=_rounded(window.share_most, 4),
                surplus_most=_rounded(window.surplus_most, 2),
            )
        )
    await session.flush()


def _rounded(number: Decimal | None, digits: int) -> Decimal | None:
    return None if number is None else round(number, digits)


def _stored(slots: Sequence[BalanceSlot], found: Found, time_zone: str, stale: Collection[UUID]) -> dict[str, Any]:
    inputs = {
        "time_zone": time_zone,
        "reference_percent": _text(found.reference_percent),
        "threshold_mw": _text(found.threshold_mw),
        "threshold_share": _text(found.threshold_share),
        "history_days": found.history_days,
        "stale_sources": sorted(map(str, stale)),
        "slots": [_row(slot) for slot in slots],
    }
    return {"inputs": inputs, "inputs_sha256": _digest(inputs)}


def _digest(inputs: Mapping[str, Any]) -> str:
    written = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _row(slot: BalanceSlot) -> list[Any]:
    return [
        slot.begin.isoformat(),
        slot.minutes,
        slot.demand_kwh,
        slot.supply_kwh,
        None if slot.supply is None else str(slot.supply),
        slot.first_kwh,
        _text(slot.first_share),
        None if slot.first is None else str(slot.first),
    ]


def _read(region: str, row: Sequence[Any]) -> BalanceSlot:
    begin, minutes, demand, supply_kwh, supply, first_kwh, first_share, first = row
    return BalanceSlot(
        region=region,
        begin=datetime.fromisoformat(begin),
        minutes=minutes,
        demand_kwh=demand,
        supply_kwh=supply_kwh,
        supply=None if supply is None else Supply(supply),
        first_kwh=first_kwh,
        first_share=_number(first_share),
        first=None if first is None else FirstType(first),
    )


def _written(window: FoundWindow) -> dict[str, Any]:
    return {
        "begin": window.begin.isoformat(),
        "end": window.end.isoformat(),
        "score": _text(window.score),
        "surplus_most": _text(window.surplus_most),
        "share_most": _text(window.share_most),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
