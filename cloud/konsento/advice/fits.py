"""How much energy fits into a recommended window. Pure."""

from decimal import Decimal

from konsento.grid.windows import Window

_HOUR_S = 3600


def kwh_that_fit(window: Window, rated_w: int, volts: int) -> Decimal:
    """Return the kWh that an outlet of that power supplies in a window, if a car takes all of it.

    `volts` tells nothing here: an outlet's rated power holds at its voltage.
    """
    del volts
    seconds = Decimal((window.end - window.begin).total_seconds())
    return rated_w * seconds / _HOUR_S / 1000
