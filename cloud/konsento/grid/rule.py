"""By which rule windows are found in a region ([0177]): surplus of supply, and generation of the first type. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from konsento.grid.records import Supply
from konsento.pricing.price import plain

TRAILING_DAYS: Final = 30
"""What automatic references look back on."""


class ReferenceMode(StrEnum):
    """How the reference value of the surplus comes about."""

    PERCENT = "percent"
    """A percentage of demand; negative in a region that always imports."""
    AUTO = "auto"
    """A percentile of the region's own surplus of the last `TRAILING_DAYS` days."""
    NONE = "none"
    """Any: for a region whose source tells no demand and supply, or tells a supply that always equals demand."""


class ThresholdUnit(StrEnum):
    """In what the threshold of the first type's generation is told."""

    MW = "mw"
    SHARE = "share"
    """Percent of supply."""
    PEAK = "peak"
    """Percent of the region's own highest generation of the first type of the last `TRAILING_DAYS` days."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The value by which supply must exceed demand at least."""

    mode: ReferenceMode = ReferenceMode.AUTO
    value: Decimal = Decimal(60)
    """Percent of demand, or the percentile (0 to 100); without meaning for `NONE`."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What the first type's generation must be at least."""

    unit: ThresholdUnit = ThresholdUnit.SHARE
    value: Decimal = Decimal(30)
    """MW, or percent."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule of a region."""

    reference: Reference = field(default_factory=Reference)
    threshold: Threshold = field(default_factory=Threshold)
    supply: Supply = Supply.GENERATION
    """What supply is taken to be, where sources tell several."""
    shortest_minutes: int = 120
    """Shorter windows are dropped."""
    gap_slots: int = 1
    """So many slots that do not fulfil the rule, or are missing, do not end a window."""
    most_a_day: int = 2

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "reference": {"mode": str(self.reference.mode), "value": plain(self.reference.value)},
            "threshold": {"unit": str(self.threshold.unit), "value": plain(self.threshold.value)},
            "supply": str(self.supply),
            "shortest_minutes": self.shortest_minutes,
            "gap_slots": self.gap_slots,
            "most_a_day": self.most_a_day,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave."""
        reference, threshold = said["reference"], said["threshold"]
        return cls(
            reference=Reference(mode=ReferenceMode(reference["mode"]), value=Decimal(reference["value"])),
            threshold=Threshold(unit=ThresholdUnit(threshold["unit"]), value=Decimal(threshold["value"])),
            supply=Supply(said["supply"]),
            shortest_minutes=said["shortest_minutes"],
            gap_slots=said["gap_slots"],
            most_a_day=said["most_a_day"],
        )
