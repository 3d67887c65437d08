"""Which rules there can be. Pure."""

from decimal import Decimal
from typing import Final

from konsento.grid.region_errors import BadGap, BadMost, BadPercentile, BadReference, BadShortest, BadThreshold
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit

_PERCENT: Final = (Decimal(-100), Decimal(1000))
_MOST_MW: Final = Decimal(1_000_000)
_DIGITS: Final = 3
"""After the point: of percentages and MW."""


def check_rule(rule: Rule) -> None:
    """Raise the `BadRule` that names what cannot be in a rule."""
    _check_reference(rule.reference)
    _check_threshold(rule.threshold)
    if not 5 <= rule.shortest_minutes <= 1440:
        raise BadShortest
    if not 0 <= rule.gap_slots <= 4:
        raise BadGap
    if not 1 <= rule.most_a_day <= 6:
        raise BadMost


def _check_reference(reference: Reference) -> None:
    value = reference.value
    match reference.mode:
        case ReferenceMode.AUTO:
            if not _short(value) or not 0 <= value <= 100:
                raise BadPercentile
        case ReferenceMode.PERCENT:
            if not _short(value) or not _PERCENT[0] <= value <= _PERCENT[1]:
                raise BadReference
        case ReferenceMode.NONE:
            # It is not asked, but kept with the rule.
            if not _short(value):
                raise BadReference


def _check_threshold(threshold: Threshold) -> None:
    most = _MOST_MW if threshold.unit is ThresholdUnit.MW else Decimal(100)
    if not _short(threshold.value) or not 0 <= threshold.value <= most:
        raise BadThreshold


def _short(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS
