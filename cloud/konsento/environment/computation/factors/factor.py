"""One emission factor with its provenance."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a factor says."""

    DIRECT = "direct"
    """At the power station, by power type; without a power type: average of a region's generation."""
    LIFECYCLE = "lifecycle"
    """Over the whole life, by power type."""
    UPSTREAM = "upstream"
    """Life cycle less direct, where no single power type is meant: average of a region."""
    GRID_AVERAGE = "grid_average"
    """Direct, per kWh that reaches customers of a region: the location-based figure of the year."""
    RETAILER_BASE = "retailer_base"
    """基礎排出係数 of a retailer's menu: with feed-in tariff and non-fossil certificates, without credits."""
    RETAILER_ADJUSTED = "retailer_adjusted"
    """調整後排出係数: the same less J-Credits."""
    UNADJUSTED = "unadjusted"
    """未調整排出係数: as generated, without any certificate."""
    RESIDUAL = "residual"
    """What nobody has claimed: the market-based figure where no retailer's is known."""
    LOSS = "loss"
    """Share of what is fed in that a region's grid loses."""


UNITS: Final = {"g/kWh": Decimal(1), "kg/kWh": Decimal(1000), "t/kWh": Decimal(1_000_000)}
"""g per kWh in one of each; a loss has the unit `share`."""
SHARE: Final = "share"
ALL_OF_IT: Final = ""
"""Menu of a factor for a retailer's whole business."""
RESIDUAL_MENU: Final = "残差"
"""Menu of what a retailer sells outside its other menus: メニュー…(残差)."""
ZERO_MENUS: Final = "zero"
"""Menu that stands for all of a retailer's menus whose factor is 0."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One factor of one edition. Two factors with the same key say the same thing for different times."""

    kind: Kind
    value: Decimal
    unit: str
    """`g/kWh`, `kg/kWh`, `t/kWh` or `share`, as published."""
    region: str = ""
    """Where it holds, and below in the tree; empty for everywhere."""
    power_type: str = ""
    """Of the contract, also `nuclear`; empty for no single one."""
    retailer: str = ""
    """Registration number, for example `A0269`."""
    menu: str = ALL_OF_IT
    delivered: bool = False
    """Told per kWh that reaches the customer, so that the losses of the grid are in it already."""
    gases: str = "CO2"
    valid_from: date
    valid_to: date | None = None
    """Last day; None while no other edition follows."""
    provisional: bool = False
    """Stands in until the year's own figure is published."""
    title: str
    url: str = ""
    edition: str
    licence: str
    processed_by: str = ""
    """Who changed what of the source, as its licence asks to say."""
    name: str = ""
    """The retailer's name, for people."""
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What the factor is about."""
        return (self.kind.value, self.region, self.power_type, self.retailer, self.menu)


def grams_per_kwh(factor: Factor) -> Decimal:
    """Return the factor in g CO2e/kWh; ValueError for one that is none."""
    if factor.unit not in UNITS:
        raise ValueError(f"{factor.unit} is no amount of gas per energy")
    return factor.value * UNITS[factor.unit]
