"""What a charging used: energy, time of supply and standing idle, in the order in which they were measured."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What flowed between two accepted readings, evenly over the time between them."""

    begin: datetime
    end: datetime
    """Not before `begin`."""
    mwh: int
    """0 or more."""
    supply_s: int = 0
    """Seconds of supply in it, by the site's count."""
    idle: bool = False
    """Whether the car took nothing: its seconds of supply are then such of standing idle."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A charging as it is billed."""

    begin: datetime
    """When supply began: the rate per charging is the one of this moment."""
    parts: tuple[Part, ...] = ()
    """In order of time."""

    @property
    def end(self) -> datetime:
        """When the last part ended."""
        return self.parts[-1].end if self.parts else self.begin

    @property
    def mwh(self) -> int:
        """All energy."""
        return sum(part.mwh for part in self.parts)

    @property
    def supply_s(self) -> int:
        """Seconds of supply, those of standing idle included."""
        return sum(part.supply_s for part in self.parts)

    @property
    def idle_s(self) -> int:
        """Seconds of supply in which the car took nothing."""
        return sum(part.supply_s for part in self.parts if part.idle)

    @classmethod
    def steady(cls, *, begin: datetime, mwh: int, supply_s: int, idle_s: int = 0) -> Self:
        """Return the usage of a car that draws evenly and then stands idle for the last `idle_s` of `supply_s`."""
        stopped = begin + timedelta(seconds=supply_s - idle_s)
        parts = [Part(begin=begin, end=stopped, mwh=mwh, supply_s=supply_s - idle_s)]
        if idle_s:
            end = begin + timedelta(seconds=supply_s)
            parts.append(Part(begin=stopped, end=end, mwh=0, supply_s=idle_s, idle=True))
        return cls(begin=begin, parts=tuple(parts))
