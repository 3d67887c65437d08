"""Energy of a site since midnight, from the lifetime registers of its outlets.

An outlet's register at midnight is the last one known before the first reading of the new day. So the days add up to
what was measured, whatever the outlet or this program missed at midnight.
"""

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime

from .journal import Journal
from .register import flowed

_KIND = "day"


@dataclass(slots=True)
class _Register:
    day: str
    """Local date, ISO 8601."""
    base_mwh: int
    """Register at the beginning of that day."""
    last_mwh: int
    read_at: str
    """When that was, ISO 8601."""


class DayEnergy:
    """What flowed today, by outlet. The caller says what day it is, by the site's own time zone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._registers: dict[str, _Register] = {}
        self._unsaved: set[str] = set()

    async def open(self) -> None:
        """Read what the last run of the program kept."""
        kept = await self._journal.remembered(_KIND)
        # What a version before had kept says no time: nothing of that day is lost by taking it for midnight.
        self._registers = {
            outlet: _Register(**{"read_at": f"{value['day']}T00:00:00+00:00", **value})
            for outlet, value in kept.items()
        }

    def take(self, outlet: str, lifetime_mwh: int | None, now: datetime) -> None:
        """Take a reading; `now` is the site's local time. None and 0 are no registers: an outlet that has not said."""
        if not lifetime_mwh:
            return
        day, known = now.date().isoformat(), self._registers.get(outlet)
        if known is None:
            known = self._registers[outlet] = _Register(day, lifetime_mwh, lifetime_mwh, now.isoformat())
        elif known.day == day and known.last_mwh == lifetime_mwh:
            return
        if known.day != day:
            known.day, known.base_mwh = day, known.last_mwh
        seconds = (now - datetime.fromisoformat(known.read_at)).total_seconds()
        # A register that begins anew or is another one takes nothing back and adds nothing.
        known.base_mwh += lifetime_mwh - known.last_mwh - flowed(known.last_mwh, lifetime_mwh, seconds)
        known.last_mwh, known.read_at = lifetime_mwh, now.isoformat()
        self._unsaved.add(outlet)

    def energy_mwh(self, today: date) -> int:
        """Return the energy of all outlets today, also of those that were removed meanwhile."""
        day = today.isoformat()
        return sum(
            register.last_mwh - register.base_mwh for register in self._registers.values() if register.day == day
        )

    async def keep(self, outlets: Collection[str], today: date) -> None:
        """Forget outlets that the site no longer has, once the day of their last reading is over."""
        gone = [
            outlet
            for outlet, register in self._registers.items()
            if outlet not in outlets and register.day != today.isoformat()
        ]
        for outlet in gone:
            del self._registers[outlet]
            self._unsaved.discard(outlet)
            await self._journal.remember(_KIND, outlet, None)

    async def save(self) -> None:
        """Write down what is new, in one transaction."""
        unsaved, self._unsaved = self._unsaved, set()
        await asyncio.gather(
            *(self._journal.remember(_KIND, outlet, asdict(self._registers[outlet])) for outlet in unsaved)
        )
