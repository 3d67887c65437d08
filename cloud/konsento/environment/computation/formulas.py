"""From energy to greenhouse gases, without counting anything twice. Pure; the worked example is in docs/environment.md.

Sources: GHG Protocol, Scope 2 Guidance (2015), chapters 4 and 6 (location-based and market-based figures side by side);
Corporate Value Chain Standard (2011), category 3 (A: upstream of fuels, B: upstream of electricity, C: losses of
transmission and distribution, D: electricity that was bought and is sold on to its users).

Units: energy Wh, intensities g CO2e/kWh (which is mg/Wh), results mg CO2e. Everything is exact until `rounded`.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from konsento.environment.wire import Use

ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """What the generation of one kWh causes, g CO2e."""

    direct: Decimal
    """At the power station."""
    upstream: Decimal
    """Before it and for it: life cycle less direct. Never negative."""
    losses_within: bool = False
    """`direct` is told per kWh that reaches the customer, so losses of the grid are in it already."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Greenhouse gases of some energy by one method, mg CO2e."""

    scope1: Decimal = ZERO
    scope2: Decimal = ZERO
    scope3: Decimal = ZERO
    """Category 3 only."""

    def __add__(self, other: Self) -> Footprint:
        return Footprint(
            scope1=self.scope1 + other.scope1, scope2=self.scope2 + other.scope2, scope3=self.scope3 + other.scope3
        )

    @property
    def total(self) -> Decimal:
        """All scopes together; nothing stands in two of them."""
        return self.scope1 + self.scope2 + self.scope3


def generated_on_site(wh: int, intensity: Intensity) -> Footprint:
    """Return what energy of the site's own plant causes: scope 1 at the plant, whoever uses it, and no grid losses."""
    return Footprint(scope1=wh * intensity.direct, scope3=wh * intensity.upstream)


def from_the_grid(wh: int | Decimal, intensity: Intensity, loss: Decimal, use: Use) -> Footprint:
    """Return what bought energy causes.

    `loss` is the share of what is fed in that the grid loses, 0 <= loss < 1: for 1 kWh at the customer
    1 / (1 - loss) kWh is fed in, so `loss / (1 - loss)` kWh is lost. Own use is the site's scope 2; what is resold to
    drivers is scope 3 of whoever bought it, and in nobody's scope 2 here.
    """
    if not 0 <= loss < 1:
        raise ValueError(f"a loss of {loss} is no share of what is fed in")
    lost = wh * loss / (1 - loss)
    generation = wh * intensity.direct
    upstream = wh * intensity.upstream
    losses = lost * (intensity.upstream + (ZERO if intensity.losses_within else intensity.direct))
    if use is Use.RESOLD:
        return Footprint(scope3=generation + upstream + losses)
    return Footprint(scope2=generation, scope3=upstream + losses)


def rounded(mg: Decimal) -> int:
    """Return whole mg, halves up: once for each published figure, after everything was added."""
    return int(mg.to_integral_value(rounding=ROUND_HALF_UP))
