"""What the outlets supplied, by session and by day of the site's time zone.

One truth for each day: the sessions of the journal, to the mWh and split by their half hours, as far back as the
journal keeps them all; before that the recorder's long-term statistics of the outlets' lifetime registers. The two are
never added to each other. A half hour counts for the day in which it begins.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from homeassistant.components.recorder.const import DOMAIN as RECORDER
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.const import Platform, UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .control import half_hours
from .control.journal import KEEP_SESSIONS
from .control.outlet import progress
from .control.session import Session
from .control.words import SessionKind
from .entity import outlet_unique_id
from .hub import Hub
from .texts import snake

MOST_DAYS = 400
"""Days that one question may be about."""
LIFETIME = "lifetime_energy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Whole days of the site's time zone."""

    first: date
    last: date
    """Belongs to it."""

    @property
    def start(self) -> datetime:
        """The first moment, UTC."""
        return dt_util.as_utc(dt_util.start_of_local_day(self.first))

    @property
    def end(self) -> datetime:
        """The first moment after it, UTC."""
        return dt_util.as_utc(dt_util.start_of_local_day(self.last + timedelta(days=1)))

    def days(self) -> Iterator[date]:
        """Return its days."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def journal_begins(now: datetime) -> date:
    """Return the first day of which the journal has every session."""
    return dt_util.as_local(now - KEEP_SESSIONS).date() + timedelta(days=1)


async def sessions_since(hub: Hub, since: datetime) -> list[Session]:
    """Return the sessions that ran at or after a time, as far as the journal keeps them, the newest first.

    Those under way are as they are now: the journal learns of their meters from time to time only.
    """
    under_way = {now.id: now for unit in hub.outlets.values() if (now := progress(unit.control))}
    kept = [under_way.get(session.id, session) for session in await hub.site.journal.sessions(since)]
    began = [(session.started_at, session) for session in kept if session.started_at is not None]
    return [session for _, session in sorted(began, key=lambda each: each[0], reverse=True)]


async def sessions_in(hub: Hub, period: Period) -> list[Session]:
    """Return the sessions that ran in a period, the newest first."""
    return [
        session
        for session in await sessions_since(hub, period.start)
        if session.started_at
        and session.started_at < period.end
        and (session.ended_at is None or session.ended_at >= period.start)
    ]


def energy_of(session: Session) -> dict[date, int]:
    """Return the energy of a session by day, mWh; the days add up to it."""
    days: dict[date, int] = defaultdict(int)
    for number, mwh in _parts(session):
        days[dt_util.as_local(half_hours.begin_of(number)).date()] += mwh
    return days


def _parts(session: Session) -> half_hours.HalfHours:
    rest = session.energy_mwh - sum(mwh for _, mwh in session.half_hours)
    if not rest:
        return session.half_hours
    # Of a session that an earlier version began, or one too long to be split, it is not known when this flowed.
    until = session.ended_at or session.read_at or dt_util.utcnow()
    spread = half_hours.added((), rest, session.started_at or until, until)
    return (*session.half_hours, *(spread or ((half_hours.half_hour_of(until), rest),)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """What the outlets supplied on one day."""

    day: date
    source: str
    """`sessions` or `statistics`."""
    mwh: dict[str, int]
    """By outlet. By `sessions` one that is missing supplied nothing; by `statistics` it is not known."""


async def energy_by_day(hass: HomeAssistant, hub: Hub, period: Period) -> list[Day]:
    """Return the days of a period, rising."""
    begins = journal_begins(dt_util.utcnow())
    by_session = await hass.async_add_executor_job(_added_up, await sessions_in(hub, period))
    older = Period(first=period.first, last=min(period.last, begins - timedelta(days=1)))
    by_statistics = await _from_statistics(hass, hub, older) if older.first <= older.last else {}
    return [
        Day(day=day, source="sessions", mwh=by_session.get(day, {}))
        if day >= begins
        else Day(day=day, source="statistics", mwh=by_statistics.get(day, {}))
        for day in period.days()
    ]


def _added_up(sessions: Iterable[Session]) -> dict[date, dict[str, int]]:
    days: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for session in sessions:
        for day, mwh in energy_of(session).items():
            days[day][session.outlet] += mwh
    return days


async def _from_statistics(hass: HomeAssistant, hub: Hub, period: Period) -> dict[date, dict[str, int]]:
    if RECORDER not in hass.config.components:
        return {}
    registry = er.async_get(hass)
    outlets = {
        entity_id: unit.control.outlet
        for unit in hub.outlets.values()
        if (entity_id := registry.async_get_entity_id(Platform.SENSOR, DOMAIN, outlet_unique_id(unit, LIFETIME)))
    }
    if not outlets:
        return {}
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        period.start,
        period.end,
        set(outlets),
        "day",
        {"energy": UnitOfEnergy.WATT_HOUR},
        {"change"},
    )
    days: dict[date, dict[str, int]] = defaultdict(dict)
    for entity_id, known in rows.items():
        for row in known:
            if (change := row.get("change")) is not None:
                day = dt_util.as_local(dt_util.utc_from_timestamp(row["start"])).date()
                days[day][outlets[entity_id]] = round(change * 1000)
    return days


def described(hub: Hub, session: Session) -> dict[str, Any]:
    """Return what the owner may know of a session: never whose it is. `outlet` is the outlet's id."""
    server = hub.servers.get(session.server)
    return {
        "session_id": session.id,
        "outlet": session.outlet,
        "evse": session.evse,
        "local": session.kind is SessionKind.LOCAL,
        "note": session.note or None,
        "start": session.started_at.isoformat() if session.started_at else None,
        "end": session.ended_at.isoformat() if session.ended_at else None,
        "energy_wh": session.energy_mwh / 1000,
        "seconds": session.supply_s,
        "energy_limit_wh": session.limits.energy_wh or None,
        "time_limit_s": session.limits.time_s or None,
        "end_reason": snake(session.end_reason) if session.end_reason else None,
        "power_type": session.power_type or None,
        "supplier": session.supplier or None,
        "management_server": server.subentry.title if server else None,
    }
