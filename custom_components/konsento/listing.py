"""The sessions of a site as its owner lists them: a page of them, and the sums of this month and the last by kind."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from homeassistant.util import dt as dt_util

from .control.session import Session
from .control.words import SessionKind
from .history import described, energy_of, sessions_since
from .hub import Hub

PAGE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants listed."""

    since: datetime
    """Only what ran at or after this time, UTC."""
    outlet: str | None = None
    """Only of this outlet."""
    kind: SessionKind | None = None
    """Only of this kind."""
    offset: int = 0
    """So many of the newest are left out."""
    limit: int = PAGE

    def matches(self, session: Session) -> bool:
        """Whether a session is meant, whenever it ran."""
        return self.outlet in {None, session.outlet} and self.kind in {None, session.kind}


async def listed(hub: Hub, wish: Wish) -> dict[str, Any]:
    """Return the page that is wanted, the newest first, and the sums.

    The sums are of whole months of the site's time zone, whatever page or time is wanted: this one so far and the one
    before it. Of an outlet or a kind they are where only that is wanted.
    """
    months = _months()
    first = dt_util.as_utc(dt_util.start_of_local_day(months[-1]))
    kept = [session for session in await sessions_since(hub, min(first, wish.since)) if wish.matches(session)]
    found = [session for session in kept if session.ended_at is None or session.ended_at >= wish.since]
    page = found[wish.offset : wish.offset + wish.limit]
    end = wish.offset + len(page)
    kinds = [wish.kind] if wish.kind else list(SessionKind)
    titles = {unit.control.outlet: unit.subentry.title for unit in hub.outlets.values()}
    return {
        # People know an outlet by its name; one that is gone has none.
        "sessions": [{**described(hub, session), "outlet": titles.get(session.outlet)} for session in page],
        "total": len(found),
        "next_offset": end if end < len(found) else None,
        # Two months of a large site are thousands of sessions with their half hours.
        "months": await hub.hass.async_add_executor_job(_sums, kept, months, kinds),
    }


def _months() -> tuple[date, date]:
    """Return the first days of this month and of the one before."""
    this = dt_util.now().date().replace(day=1)
    return this, (this - timedelta(days=1)).replace(day=1)


def _sums(sessions: Sequence[Session], months: Sequence[date], kinds: Collection[SessionKind]) -> list[dict[str, Any]]:
    mwh: dict[tuple[date, SessionKind], int] = defaultdict(int)
    begun: dict[tuple[date, SessionKind], int] = defaultdict(int)
    for session in sessions:
        for day, part in energy_of(session).items():
            mwh[day.replace(day=1), session.kind] += part
        if session.started_at:
            begun[dt_util.as_local(session.started_at).date().replace(day=1), session.kind] += 1
    return [
        {
            "month": f"{month:%Y-%m}",
            "kind": str(kind),
            "sessions": begun[month, kind],
            "energy_wh": mwh[month, kind] / 1000,
        }
        for month, kind in product(months, kinds)
    ]
