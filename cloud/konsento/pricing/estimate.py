"""From what a driver asks for to the other two of energy, time and money."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from konsento.kit.money import exponent
from konsento.pricing.bill import Price

CUT_OFF_S: Final = 1
"""How long power may flow on after a limit is reached at an outlet of ours; its firmware predicts the moment and is
well below."""
OVER_RATING: Final = Decimal("1.25")
"""The most power that an outlet lets through for long, as a share of its rating: beyond it, its breaker opens."""


def wh_for_money(price: Price, minor: int) -> int | None:
    """Return the most whole watt-hours that cost at most `minor`; None where energy is free."""
    if price.unit_price <= 0:
        return None
    # One more yen would be the next coin: everything below (minor + 1) is rounded down to minor, but a driver who
    # gives 20 yen expects energy for 20, not for 20.99.
    major = Decimal(minor).scaleb(-exponent(price.currency))
    return int((major * 1000 / price.unit_price).to_integral_value(rounding=ROUND_FLOOR))


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
