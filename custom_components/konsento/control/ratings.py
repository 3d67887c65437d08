"""What an outlet can supply, of what its firmware says and what its meter measures."""

from .driver import OutletFacts

_NOMINAL_V = (100, 120, 200, 230)
"""Of household circuits, with their usual tolerance of a tenth (IEC 60038; Japan: 100 and 200 V)."""
_TOLERANCE = 0.1


def nominal_voltage(measured_v: float | None) -> int | None:
    """Return the nominal voltage of a circuit at which this is measured; None where that cannot be told."""
    if measured_v is None:
        return None
    nearest = min(_NOMINAL_V, key=lambda nominal: abs(nominal - measured_v))
    return nearest if abs(nearest - measured_v) <= nearest * _TOLERANCE else None


def most_power(facts: OutletFacts, measured_v: float | None) -> int | None:
    """Return the most that an outlet supplies for hours, W; None where it does not say.

    At 100 V its rating as a current is the narrower one.
    """
    volts = nominal_voltage(measured_v)
    by_current = facts.max_current_a * volts if facts.max_current_a is not None and volts is not None else None
    bounds = [bound for bound in (facts.max_power_w, by_current) if bound is not None]
    return int(min(bounds)) if bounds else None
