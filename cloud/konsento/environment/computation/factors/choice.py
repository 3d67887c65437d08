"""Which factor counts, for whom and when.

Location-based: the average of the grid. Market-based, after the hierarchy of the Scope 2 Guidance (table 6.3): what the
supplier publishes for the contract, what it sells besides its other menus, what it sells in all, what nobody claimed
(Japan: the substitute value), the average of the grid. A claim of renewable power is believed only where the supplier
publishes a menu with a factor of 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from konsento.environment.computation.factors.factor import (
    ALL_OF_IT,
    RESIDUAL_MENU,
    ZERO_MENUS,
    Factor,
    Kind,
    grams_per_kwh,
)
from konsento.environment.computation.formulas import Intensity

RENEWABLE: Final = frozenset({"solar", "wind", "hydro", "geothermal", "biomass"})
SELF: Final = "SELF"
"""Supplier of what the site's own plant generates."""


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A factor and its number in the table."""

    id: int
    factor: Factor


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a figure was computed with."""

    intensity: Intensity
    used: tuple[int, ...]
    """Numbers of the factors."""
    provisional: bool
    """One of them stands in for another that is still to come."""


class NoFactorError(LookupError):
    """The table has nothing for this; the message says for what."""


class Factors:
    """The table of factors, ready to be asked. Of several for the same time the one imported last counts."""

    def __init__(self, factors: Iterable[Numbered]) -> None:
        self._by_key: dict[tuple[str, str, str, str, str], list[Numbered]] = defaultdict(list)
        for numbered in factors:
            self._by_key[numbered.factor.key].append(numbered)

    def at(
        self,
        day: date,
        kind: Kind,
        *,
        region: str = "",
        power_type: str = "",
        retailer: str = "",
        menu: str = ALL_OF_IT,
    ) -> tuple[Numbered, bool] | None:
        """Return the factor of a day and whether it stands in.

        Where none is valid, the latest that was stands in; where none was yet, the first that will be.
        """
        known = self._by_key.get((kind.value, region, power_type, retailer, menu))
        if not known:
            return None
        valid = [n for n in known if n.factor.valid_from <= day and (n.factor.valid_to or date.max) >= day]
        if valid:
            best = max(valid, key=lambda n: n.id)
            return best, best.factor.provisional
        before = [n for n in known if n.factor.valid_from <= day]
        if before:
            return max(before, key=lambda n: (n.factor.valid_to or date.max, n.id)), True
        return min(known, key=lambda n: (n.factor.valid_from, -n.id)), True

    def nearest(self, day: date, kind: Kind, lineage: Sequence[str]) -> tuple[Numbered, bool]:
        """Return the factor of the smallest region that has one, up to the whole world."""
        for region in (*lineage, ""):
            found = self.at(day, kind, region=region)
            if found is not None:
                return found
        raise NoFactorError(f"there is no factor {kind} for {lineage[-1] if lineage else 'the world'}")

    def loss(self, day: date, lineage: Sequence[str]) -> tuple[Decimal, tuple[int, ...], bool]:
        """Return the share of what is fed in that is lost, with its factor's number."""
        numbered, provisional = self.nearest(day, Kind.LOSS, lineage)
        return numbered.factor.value, (numbered.id,), provisional

    def of_power_type(self, day: date, power_type: str) -> Chosen:
        """Return what a power type causes: direct, and upstream as life cycle less direct."""
        found = [self.at(day, kind, power_type=power_type) for kind in (Kind.DIRECT, Kind.LIFECYCLE)]
        if found[0] is None or found[1] is None:
            raise NoFactorError(f"there is no factor for {power_type}")
        (direct, soon), (life, soon_too) = found[0], found[1]
        at_plant = grams_per_kwh(direct.factor)
        upstream = max(Decimal(0), grams_per_kwh(life.factor) - at_plant)
        intensity = Intensity(direct=at_plant, upstream=upstream)
        return Chosen(intensity=intensity, used=(direct.id, life.id), provisional=soon or soon_too)

    def location_based(self, day: date, lineage: Sequence[str]) -> Chosen:
        """Return the average of the grid."""
        average, soon = self.nearest(day, Kind.GRID_AVERAGE, lineage)
        return self._with_upstream(day, average, lineage, provisional=soon)

    def market_based(self, day: date, lineage: Sequence[str], supplier: str, power_type: str) -> Chosen:
        """Return what the contract says, or what stands for it."""
        for menu, of_type in (("", power_type), (ZERO_MENUS, ""), (RESIDUAL_MENU, ""), (ALL_OF_IT, "")):
            if menu == ZERO_MENUS and power_type not in RENEWABLE:
                continue
            found = self.at(day, Kind.RETAILER_BASE, power_type=of_type, retailer=supplier, menu=menu)
            if found is not None:
                numbered, soon = found
                if not (of_type or menu == ZERO_MENUS):
                    return self._with_upstream(day, numbered, lineage, provisional=soon)
                by_type = self.of_power_type(day, power_type)
                direct = grams_per_kwh(numbered.factor)
                intensity = Intensity(
                    direct=direct, upstream=by_type.intensity.upstream, losses_within=numbered.factor.delivered
                )
                used = (numbered.id, *by_type.used)
                return Chosen(intensity=intensity, used=used, provisional=soon or by_type.provisional)
        for kind in self._without_retailer(lineage):
            numbered, soon = self.nearest(day, kind, lineage)
            return self._with_upstream(day, numbered, lineage, provisional=soon)
        raise NoFactorError(f"there is no factor for energy of {supplier}")

    def _without_retailer(self, lineage: Sequence[str]) -> Iterator[Kind]:
        for kind in (Kind.RESIDUAL, Kind.GRID_AVERAGE):
            if any((kind.value, region, "", "", "") in self._by_key for region in (*lineage, "")):
                yield kind

    def _with_upstream(self, day: date, direct: Numbered, lineage: Sequence[str], *, provisional: bool) -> Chosen:
        upstream, soon = self.nearest(day, Kind.UPSTREAM, lineage)
        intensity = Intensity(
            direct=grams_per_kwh(direct.factor),
            upstream=grams_per_kwh(upstream.factor),
            losses_within=direct.factor.delivered,
        )
        return Chosen(intensity=intensity, used=(direct.id, upstream.id), provisional=provisional or soon)
