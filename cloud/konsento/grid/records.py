"""What is published about a grid: balance data and spot prices of a region by slots of time. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Series(StrEnum):
    """What the numbers are."""

    FORECAST = "forecast"
    ACTUAL = "actual"
    PLAN = "plan"
    """What the market's participants have announced."""


class Supply(StrEnum):
    """What a source calls supply; the same word has three meanings."""

    GENERATION = "generation"
    """What is generated in the region: below demand where power is imported."""
    CAPACITY = "capacity"
    """What could be supplied: above demand, by the reserve."""
    BALANCE = "balance"
    """Generation with exchange and storage: equal to demand."""


class FirstType(StrEnum):
    """What a source counts as power of the first type ([0174])."""

    SOLAR = "solar"
    WIND_SOLAR = "wind_solar"
    RENEWABLE = "renewable"


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceSlot:
    """The balance of one region in one slot ([0175]). What a source does not say is None."""

    region: str
    """Code of the region: `JP-A03`, `GB`."""
    begin: datetime
    """UTC."""
    minutes: int
    """5 to 60."""
    demand_kwh: int | None = None
    supply_kwh: int | None = None
    """Of all kinds of power together."""
    supply: Supply | None = None
    """What `supply_kwh` means; None without it."""
    first_kwh: int | None = None
    """Generation of the first type."""
    first_share: Decimal | None = None
    """The same as a share of what is generated, 0 to 1, where a source tells no energy."""
    first: FirstType | None = None
    """What the first type is; None where neither is told."""
    series: Series = Series.FORECAST
    issued_at: datetime | None = None
    """When the source published it, UTC; None where it does not say."""

    @property
    def end(self) -> datetime:
        """The first moment after it, UTC."""
        return self.begin + timedelta(minutes=self.minutes)

    @property
    def surplus_percent(self) -> Decimal | None:
        """By how many percent supply exceeds demand ([0177]): negative in a region that imports; None if not known."""
        if self.supply_kwh is None or not self.demand_kwh:
            return None
        return Decimal(100) * (self.supply_kwh - self.demand_kwh) / self.demand_kwh

    @property
    def share(self) -> Decimal | None:
        """The first type's share of supply, 0 to 1; None if not known."""
        if self.first_share is not None:
            return self.first_share
        if self.first_kwh is None or not self.supply_kwh:
            return None
        return Decimal(self.first_kwh) / self.supply_kwh


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotSlot:
    """What power costs on the spot market of one region in one slot."""

    region: str
    begin: datetime
    """UTC."""
    minutes: int
    price: Decimal
    """Major units per kWh, without tax; may be negative."""
    currency: str
    """ISO 4217."""

    @property
    def end(self) -> datetime:
        """The first moment after it, UTC."""
        return self.begin + timedelta(minutes=self.minutes)
