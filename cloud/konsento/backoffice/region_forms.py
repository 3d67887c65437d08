"""What operators type into the forms of a region and its rule, read into what the grid's domain takes."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from konsento.backoffice.reward_forms import whole
from konsento.grid.areas import Area
from konsento.grid.records import Supply
from konsento.grid.region_errors import (
    BadGap,
    BadMost,
    BadPercentile,
    BadReference,
    BadRule,
    BadShortest,
    BadThreshold,
    UnknownChoice,
)
from konsento.grid.regions import WantedRegion, rule_of
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.kit import typed
from konsento.models import GridRegion
from konsento.pricing.price import plain

_USUAL: Final = Rule()


class NamesForm(BaseModel):
    """What a region is called, as typed."""

    code: str = ""
    name_en: str = ""
    name_ja: str = ""
    time_zone: str = ""

    @staticmethod
    def preset(area: Area) -> NamesForm:
        """Return the form of an area that is known here."""
        return NamesForm(code=area.code, name_en=area.name_en, name_ja=area.name_ja, time_zone=area.time_zone)

    def named(self, code: str) -> WantedRegion:
        """Read it, for the region with this code."""
        return WantedRegion(
            code=code,
            name_en=self.name_en,
            name_ja=self.name_ja,
            time_zone=typed.plain(self.time_zone),
        )


class RegionForm(NamesForm):
    """A region with its rule, as typed."""

    advises: bool = False
    reference: str = ""
    """A word of `ReferenceMode`."""
    percent: str = ""
    """Of demand, where the reference is a percentage."""
    percentile: str = ""
    threshold: str = ""
    unit: str = ""
    """A word of `ThresholdUnit`."""
    supply: str = ""
    """A word of `Supply`."""
    shortest: str = ""
    """Minutes."""
    gap: str = ""
    """Slots."""
    most: str = ""
    """Windows a day."""

    @staticmethod
    def of(region: GridRegion) -> RegionForm:
        """Return the form as it stands for a region."""
        rule = rule_of(region)
        mode, value = rule.reference.mode, plain(rule.reference.value)
        return RegionForm(
            code=region.code,
            name_en=region.name_en,
            name_ja=region.name_ja,
            time_zone=region.time_zone,
            advises=region.advises,
            reference=mode,
            percent=value if mode is ReferenceMode.PERCENT else "0",
            percentile=value if mode is ReferenceMode.AUTO else plain(_USUAL.reference.value),
            threshold=plain(rule.threshold.value),
            unit=rule.threshold.unit,
            supply=rule.supply,
            shortest=str(rule.shortest_minutes),
            gap=str(rule.gap_slots),
            most=str(rule.most_a_day),
        )

    def rule(self) -> Rule:
        """Read the rule. Raises the `BadRule` that says what cannot be read."""
        return Rule(
            reference=self._reference(),
            threshold=Threshold(unit=_choice(ThresholdUnit, self.unit), value=_number(self.threshold, BadThreshold)),
            supply=_choice(Supply, self.supply),
            shortest_minutes=_whole(self.shortest, BadShortest),
            gap_slots=_whole(self.gap, BadGap),
            most_a_day=_whole(self.most, BadMost),
        )

    def _reference(self) -> Reference:
        mode = _choice(ReferenceMode, self.reference)
        if mode is ReferenceMode.NONE:
            return Reference(mode=mode)
        if mode is ReferenceMode.PERCENT:
            return Reference(mode=mode, value=_number(self.percent, BadReference))
        return Reference(mode=mode, value=_number(self.percentile, BadPercentile))


def _number(text: str, error: type[BadRule]) -> Decimal:
    said = typed.plain(text).removesuffix("%").strip()
    number = typed.number(said) if not typed.TWO_READINGS.fullmatch(said) else None
    if number is None:
        raise error
    return number


def _whole(text: str, error: type[BadRule]) -> int:
    number = whole(text)
    if number is None:
        raise error
    return number


def _choice[Word: StrEnum](words: type[Word], said: str) -> Word:
    try:
        return words(said)
    except ValueError:
        raise UnknownChoice from None
