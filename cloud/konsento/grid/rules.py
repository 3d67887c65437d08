"""Which rules there can be. Pure."""

from decimal import Decimal
from typing import Final

from konsento.grid.region_errors import BadRule
from konsento.grid.rule import ReferenceMode, Rule, ThresholdUnit

_REFERENCE: Final = (Decimal(-100), Decimal(1000))
_MOST_MW: Final = Decimal(1_000_000)
_DIGITS: Final = 3
"""After the point: of percentages and MW."""


def check_rule(rule: Rule) -> None:
    """Raise `BadRule` where a rule cannot be."""
    reference, threshold = rule.reference, rule.threshold
    if not all(_short(value) for value in (reference.value, threshold.value)):
        raise BadRule
    good = 5 <= rule.shortest_minutes <= 1440 and 0 <= rule.gap_slots <= 4 and 1 <= rule.most_a_day <= 6
    if reference.mode is ReferenceMode.PERCENT:
        good = good and _REFERENCE[0] <= reference.value <= _REFERENCE[1]
    elif reference.mode is ReferenceMode.AUTO:
        good = good and 0 <= reference.value <= 100
    most = _MOST_MW if threshold.unit is ThresholdUnit.MW else Decimal(100)
    if not good or not 0 <= threshold.value <= most:
        raise BadRule


def _short(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS
