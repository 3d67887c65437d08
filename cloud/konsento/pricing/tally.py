"""What was used so far at which rate: what a bill is made from, and what a running session keeps for its next reading.

Adding up is exact: a part that lies across the edge of a band is shared out as a fraction, so that it makes no
difference in how many parts something was measured.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Self

from konsento.pricing.price import Component, Price
from konsento.pricing.schedule import Schedule
from konsento.pricing.usage import Part, Usage

_TICK: Final = timedelta(microseconds=1)


class Tally:
    """Quantities by rate."""

    def __init__(self, price: Price, begin: datetime) -> None:
        """`begin` is when supply began: the rate per charging is the one of that moment."""
        self.price = price
        self.begin = begin
        self.used: dict[int, Fraction | int] = {}
        """mWh or seconds, by the place of the rate in `Price.rates`."""
        self.mwh = 0
        """All energy, also such that no rate asks anything for."""
        self.supply_s = 0
        """All seconds of supply."""
        self.idle_s = 0
        """How long the car has been standing idle, since it last drew."""
        self._schedule = Schedule(price)
        self._asked = {rate.component for rate in price.rates}

    @classmethod
    def of(cls, price: Price, usage: Usage) -> Self:
        """Return the tally of a whole usage."""
        tally = cls(price, usage.begin)
        for part in usage.parts:
            tally.add(part)
        return tally

    def add(self, part: Part) -> None:
        """Add what was used next. Raises ValueError for less than nothing."""
        if part.mwh < 0:
            raise ValueError("energy below zero cannot be billed")
        if part.supply_s < 0 or part.end < part.begin:
            raise ValueError("time below zero cannot be billed")
        self.mwh += part.mwh
        self.supply_s += part.supply_s
        if part.mwh and Component.ENERGY in self._asked:
            self._spread(Component.ENERGY, part, part.mwh)
        if part.supply_s and Component.TIME in self._asked:
            self._spread(Component.TIME, part, part.supply_s)
        if not part.idle:
            self.idle_s = 0
        elif part.supply_s:
            if Component.IDLE in self._asked:
                self._spread_idle(part)
            self.idle_s += part.supply_s

    def _spread(self, component: Component, part: Part, amount: int) -> None:
        for span in self._schedule.spans(component, part.begin, part.end):
            if span.rate is not None:
                self._use(span.rate, _share(part, span.begin, span.until, amount))

    def _spread_idle(self, part: Part) -> None:
        """Count what is beyond the time that costs nothing, which may end within the part."""
        before: Fraction | int = self.idle_s
        for span in self._schedule.spans(Component.IDLE, part.begin, part.end):
            after = before + _share(part, span.begin, span.until, part.supply_s)
            if span.rate is not None:
                free_s = self.price.rates[span.rate].free_s
                self._use(span.rate, max(0, after - max(before, free_s)))
            before = after

    def _use(self, rate: int, amount: Fraction | int) -> None:
        if amount:
            self.used[rate] = self.used.get(rate, 0) + amount

    @property
    def delivered(self) -> bool:
        """Whether the driver got anything: a Wh, or supply at all where no energy is sold.

        Without it nothing is asked for the charging as such.
        """
        return self.mwh >= 1000 if Component.ENERGY in self._asked else self.supply_s > 0

    def session_rate(self) -> int | None:
        """Return the rate per charging, the one of when supply began; None for none."""
        return self._schedule.rate_at(Component.SESSION, self.begin)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it, without the price."""
        return {
            "begin": self.begin.isoformat(),
            "used": {str(rate): str(amount) for rate, amount in self.used.items()},
            "mwh": self.mwh,
            "supply_s": self.supply_s,
            "idle_s": self.idle_s,
        }

    @classmethod
    def from_dict(cls, price: Price, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave, for the same price."""
        tally = cls(price, datetime.fromisoformat(said["begin"]))
        tally.used = {int(rate): Fraction(amount) for rate, amount in said["used"].items()}
        tally.mwh = said["mwh"]
        tally.supply_s = said["supply_s"]
        tally.idle_s = said["idle_s"]
        return tally


def _share(part: Part, begin: datetime, end: datetime, amount: int) -> Fraction | int:
    """Return how much of what a part has lies in a piece of its time."""
    if (begin, end) == (part.begin, part.end):
        return amount
    return amount * Fraction((end - begin) // _TICK, (part.end - part.begin) // _TICK)
