"""What was read in a file about the grid. Pure."""

from dataclasses import dataclass
from datetime import datetime

from konsento.grid.records import BalanceSlot, SpotSlot


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds. Nothing is guessed: what cannot be read for certain is missing, or the file is refused."""

    format: str
    """A word of `grid.readers`."""
    region: str | None
    """Code of the one region that it is about; None where it has several."""
    slots: tuple[BalanceSlot, ...] = ()
    """By region, series and time; no slot twice."""
    prices: tuple[SpotSlot, ...] = ()
    missing: tuple[tuple[str, datetime], ...] = ()
    """Region and begin of slots that should be there and are not, or are not observed yet."""
    warnings: tuple[str, ...] = ()
    """What an operator should know, in English with its facts."""
