"""How much a car takes from a wall outlet in a time. Pure."""

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from konsento.grid.windows import Window

LOW_VOLTS: Final = 127
"""Outlets up to here give 12 A for hours, others 16 A: what their plugs bear (JIS C 8303, IEC 60884)."""
LOW_AMPERES: Final = 12
HIGH_AMPERES: Final = 16
_HALF: Final = Decimal("0.5")
_SMALL: Final = Decimal(3)
"""Below so many kWh half ones are told."""


def watts_for_hours(rated_w: int, volts: int) -> int:
    """Return what flows for hours at an outlet, W: never above what it is rated for."""
    return min(rated_w, volts * (LOW_AMPERES if volts <= LOW_VOLTS else HIGH_AMPERES))


def wh_that_fit(window: Window, rated_w: int, volts: int) -> int:
    """Return the energy that flows at an outlet in a window, Wh, rounded down."""
    seconds = max(0, (window.end - window.begin) // timedelta(seconds=1))
    return watts_for_hours(rated_w, volts) * seconds // 3600


def kwh_that_fit(window: Window, rated_w: int, volts: int) -> Decimal:
    """Return the same as people say it: whole kWh, below 3 also half ones, rounded down."""
    kwh = Decimal(wh_that_fit(window, rated_w, volts)) / 1000
    if kwh < _SMALL:
        return (kwh / _HALF).to_integral_value(ROUND_FLOOR) * _HALF
    return kwh.to_integral_value(ROUND_FLOOR)
