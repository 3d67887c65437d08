"""Recommended windows as a calendar (RFC 5545): a file in a mail, and an address to which calendars subscribe.

An event keeps its UID whatever becomes of its window: the first of a region's day, the second, and so on. A window that
is withdrawn stays in the calendar, cancelled. The same content gives the same bytes, so that its ETag stays.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from icalendar import Calendar, Event
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.decisions import Outcome
from konsento.grid.regions import name_of
from konsento.kit.i18n import Language
from konsento.models import GridRegion, WindowDecision
from konsento.settings import Settings

BACK: Final = timedelta(days=7)
"""Windows that are over for longer are not in the calendar."""
FETCHED_AGAIN: Final = timedelta(hours=6)
"""What calendars are asked for; most come less often."""
MEDIA_TYPE: Final = "text/calendar; charset=utf-8; method=PUBLISH"
_CHANGES: Final = (Outcome.NEW, Outcome.CHANGED, Outcome.WITHDRAWN)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A window of a region's day, as it is or was."""

    region: GridRegion
    day: date
    number: int
    """Of the windows of its day, from 1."""
    begin: datetime
    end: datetime
    cancelled: bool
    changed: int
    """How often the day was decided differently since."""
    decided_at: datetime


async def entries(session: AsyncSession, regions: Iterable[str], now: datetime, day: date | None = None) -> list[Entry]:
    """Return the windows of regions, those of the last days and all to come, withdrawn ones as well; or of one day."""
    known = {
        row.code: row for row in await session.scalars(select(GridRegion).where(GridRegion.code.in_(set(regions))))
    }
    query = (
        select(WindowDecision.region, WindowDecision.day, WindowDecision.decided_at, WindowDecision.windows)
        .where(WindowDecision.region.in_(known), WindowDecision.outcome.in_([str(one) for one in _CHANGES]))
        .where(WindowDecision.day == day if day is not None else WindowDecision.day >= (now - BACK).date())
        .order_by(WindowDecision.region, WindowDecision.day, WindowDecision.decided_at, WindowDecision.id)
    )
    history: defaultdict[tuple[str, date], list[tuple[datetime, Sequence[dict[str, str]]]]] = defaultdict(list)
    for region, of, decided_at, windows in await session.execute(query):
        history[region, of].append((decided_at, windows))
    return [entry for (code, of), decided in history.items() for entry in _of_day(known[code], of, decided)]


def written(language: Language, settings: Settings, some: Iterable[Entry]) -> bytes:
    """Return the calendar in a language."""
    calendar = Calendar()
    calendar.add("prodid", "-//Konsento//Advice//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    name = language.text("Good times to charge")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", FETCHED_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{FETCHED_AGAIN // timedelta(hours=1)}H")
    for entry in some:
        calendar.add_component(_event(language, settings, entry))
    return bytes(calendar.to_ical())


def etag(content: bytes) -> str:
    """Return the validator of a calendar (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _of_day(
    region: GridRegion, day: date, decided: Sequence[tuple[datetime, Sequence[dict[str, str]]]]
) -> Iterable[Entry]:
    in_force = len(decided[-1][1])
    for index in range(max(len(windows) for _, windows in decided)):
        # As it was last, which for a withdrawn one is some decisions ago.
        window = next(windows[index] for _, windows in reversed(decided) if index < len(windows))
        yield Entry(
            region=region,
            day=day,
            number=index + 1,
            begin=datetime.fromisoformat(window["begin"]),
            end=datetime.fromisoformat(window["end"]),
            cancelled=index >= in_force,
            changed=len(decided) - 1,
            decided_at=decided[-1][0],
        )


def _event(language: Language, settings: Settings, entry: Entry) -> Event:
    text, region = language.text, name_of(entry.region, language.code)
    event = Event()
    event.add("uid", f"{entry.region.code}-{entry.day}-{entry.number}@{urlsplit(settings.public_url).hostname}")
    event.add("sequence", entry.changed)
    # When it was made, not when it was asked for: else no two answers would be alike.
    event.add("dtstamp", entry.decided_at.replace(microsecond=0).astimezone(UTC))
    event.add("dtstart", entry.begin.astimezone(UTC))
    event.add("dtend", entry.end.astimezone(UTC))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("summary", text("Good time to charge: {region} (forecast)", region=region))
    description = (
        text("Withdrawn: the forecast has changed.")
        if entry.cancelled
        else text("Much renewable power is forecast in this time. It may change until it begins.")
    )
    event.add("description", description)
    begin = entry.begin.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    event.add("url", f"{settings.public_url.rstrip('/')}/outlook?region={entry.region.code}&window={begin}")
    return event
