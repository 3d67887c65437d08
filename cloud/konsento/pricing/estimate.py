"""From what a driver asks for to the other two of energy, time and money; and the most that anything can cost."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Final

from konsento.kit.money import exponent
from konsento.pricing.price import Component, Price, exact
from konsento.pricing.schedule import Schedule

CUT_OFF_S: Final = 1
"""How long power may flow on after a limit is reached at an outlet of ours; its firmware predicts the moment and is
well below."""
OVER_RATING: Final = Decimal("1.25")
"""The most power that an outlet lets through for long, as a share of its rating: beyond it, its breaker opens."""
LONGEST: Final = timedelta(hours=26)
"""By then a charging is over, with pauses and every delay: no rate that begins later can be asked for it."""


@dataclass(frozen=True, kw_only=True)
class Worst:
    """The dearest rates that can hold while a charging is on, per Wh and second: what is held is worked out with them.

    In minor units, tax included; exact.
    """

    per_wh: Fraction
    per_s: Fraction
    per_idle_s: Fraction
    idle_free_s: int
    per_session: Fraction
    min_minor: int
    max_minor: int | None

    @property
    def timeless(self) -> bool:
        """Whether it makes no difference how long a charging lasts."""
        return not self.per_s and not self.per_idle_s

    def cost(self, wh: int, seconds: int) -> Fraction:
        """Return the most that a charging of that energy and time of supply can cost, not rounded."""
        idle_s = max(0, seconds - self.idle_free_s)
        total = self.per_session + self.per_wh * wh + self.per_s * seconds + self.per_idle_s * idle_s
        total = max(total, Fraction(self.min_minor))
        return min(total, Fraction(self.max_minor)) if self.max_minor is not None else total

    def most_minor(self, wh: int, seconds: int) -> int:
        """Return the same in whole minor units: what is to be held."""
        return int(self.cost(wh, seconds))


def worst(price: Price, begin: datetime) -> Worst:
    """Return the dearest rates of a charging that is asked for at that time, whenever it begins and ends."""
    schedule, digits = Schedule(price), exponent(price.currency)

    def dearest(component: Component) -> Fraction:
        spans = schedule.spans(component, begin, begin + LONGEST)
        rates = {span.rate for span in spans if span.rate is not None}
        return max((exact(price.gross(price.rates[rate]), digits) for rate in rates), default=Fraction(0))

    idle = [rate.free_s for rate in price.rates if rate.component is Component.IDLE]
    return Worst(
        per_wh=dearest(Component.ENERGY) / 1000,
        per_s=dearest(Component.TIME) / 60,
        per_idle_s=dearest(Component.IDLE) / 60,
        idle_free_s=min(idle, default=0),
        per_session=dearest(Component.SESSION),
        min_minor=price.min_minor or 0,
        max_minor=price.max_minor,
    )


def affordable(rates: Worst, minor: int, rated_w: int, most: tuple[int, int]) -> tuple[int, int] | None:
    """Return the most energy (Wh) that an amount pays for at the rated power, and the longest time (s) with it.

    `most` is the most of both. Energy comes first; what is left of the money then lets it take longer. None where the
    amount does not pay for a Wh. Nobody's rounding is counted on: what costs 20.99 is not paid with 20.
    """
    most_wh, most_s = most

    def fits(wh: int, seconds: int) -> bool:
        return rates.cost(wh, seconds) <= minor

    def needed_s(wh: int) -> int:
        return 0 if rates.timeless else min(most_s, time_for_energy(rated_w, wh))

    wh = _last(lambda wh: fits(wh, needed_s(wh)), most_wh)
    if wh <= 0:
        return None
    return wh, _last(lambda seconds: fits(wh, seconds), most_s)


def _last(fits: Callable[[int], bool], most: int) -> int:
    """Return the last number up to `most` that fits, where all before it do; -1 where not even 0 fits."""
    if fits(most):
        return most
    return bisect_left(range(most), True, key=lambda number: not fits(number)) - 1


def energy_for_time(rated_w: int, seconds: int) -> int:
    """Return the whole watt-hours that flow in `seconds` at the rated power."""
    return rated_w * seconds // 3600


def most_energy_for_time(rated_w: int, seconds: int) -> int:
    """Return the most whole watt-hours that can flow in `seconds` until the breaker's limit, rounded up."""
    most = rated_w * OVER_RATING * seconds / 3600
    return int(most.to_integral_value(rounding=ROUND_CEILING))


def time_for_energy(rated_w: int, wh: int) -> int:
    """Return the whole seconds that `wh` take at the rated power, rounded up."""
    return -(-wh * 3600 // rated_w)


def cut_off_slack_wh(rated_w: int, cut_off_s: int = CUT_OFF_S) -> int:
    """Return the most energy, in whole watt-hours rounded up, that flows between a limit and the open relay."""
    return most_energy_for_time(rated_w, cut_off_s)
