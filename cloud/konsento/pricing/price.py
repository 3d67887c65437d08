"""What charging costs: rates for energy, time, a charging as such and standing idle, each at all times or in a band."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Self

MINUTES: Final = 1440
"""Of a day."""
EVERY_DAY: Final = frozenset(range(7))


class Component(StrEnum):
    """What a rate is paid for, in the order in which drivers are told (AFIR, article 5)."""

    ENERGY = "energy"
    TIME = "time"
    """Of supply, as the site counts it."""
    SESSION = "session"
    """Once per charging in which anything was delivered."""
    IDLE = "idle"
    """Of supply while the car takes nothing, beside `TIME`."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Hours of the day, on some weekdays and in a part of the year, by the clock where the outlet is.

    Hours past midnight (22:00 to 6:00) belong to the day on which they began: so do their weekday and their season.
    """

    from_minute: int = 0
    """0..1439 of the local day."""
    to_minute: int = MINUTES
    """1..1440, not in the band any more; not above `from_minute` where the band goes past midnight."""
    weekdays: frozenset[int] = EVERY_DAY
    """0 is Monday."""
    from_day: str = "01-01"
    """First day of the season, MM-DD."""
    to_day: str = "12-31"
    """Last day of the season, MM-DD; before `from_day` where it goes past New Year."""

    def has(self, day: date, minute: int) -> bool:
        """Tell whether a minute of a local day is in the band."""
        if self.from_minute < self.to_minute:
            return self.from_minute <= minute < self.to_minute and self._on(day)
        if minute >= self.from_minute:
            return self._on(day)
        return minute < self.to_minute and self._on(day - timedelta(days=1))

    def _on(self, day: date) -> bool:
        if day.weekday() not in self.weekdays:
            return False
        of_year = f"{day:%m-%d}"
        if self.from_day <= self.to_day:
            return self.from_day <= of_year <= self.to_day
        return of_year >= self.from_day or of_year <= self.to_day

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "from_minute": self.from_minute,
            "to_minute": self.to_minute,
            "weekdays": sorted(self.weekdays),
            "from_day": self.from_day,
            "to_day": self.to_day,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave."""
        return cls(**{**said, "weekdays": frozenset(said["weekdays"])})


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What one component costs, at all times or in a band."""

    component: Component
    price: Decimal
    """Major units per kWh, per minute, per session, per minute of standing idle; 0 or more."""
    band: Band | None = None
    """None: at all times that no other rate of the component has in its band."""
    free_s: int = 0
    """Of standing idle: how long each stretch of it costs nothing, s."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "component": str(self.component),
            "price": plain(self.price),
            "band": self.band.to_dict() if self.band is not None else None,
            "free_s": self.free_s,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave."""
        band = said["band"]
        return cls(
            component=Component(said["component"]),
            price=Decimal(said["price"]),
            band=Band.from_dict(band) if band is not None else None,
            free_s=said["free_s"],
        )


class Why(StrEnum):
    """Why a kWh costs what it does, where that follows the grid (`pricing.following`)."""

    WINDOW = "window"
    """In a recommended window."""
    OUTSIDE = "outside"
    """In none."""
    SPOT = "spot"
    """By the spot price of a slot."""
    UNKNOWN = "unknown"
    """The spot price of the slot was not known."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a price of energy that follows the grid was made from, when it was fixed."""

    why: Why
    begin: datetime | None = None
    """Of the window or the slot, UTC; None without one."""
    end: datetime | None = None
    """The first moment after it, UTC."""
    spot: Decimal | None = None
    """The spot price, major units per kWh without tax."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "why": str(self.why),
            "begin": self.begin.isoformat() if self.begin is not None else None,
            "end": self.end.isoformat() if self.end is not None else None,
            "spot": plain(self.spot) if self.spot is not None else None,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave."""
        begin, end = (datetime.fromisoformat(said[name]) if said[name] else None for name in ("begin", "end"))
        spot = Decimal(said["spot"]) if said["spot"] is not None else None
        return cls(why=Why(said["why"]), begin=begin, end=end, spot=spot)


@dataclass(frozen=True, kw_only=True)
class Price:
    """What charging costs. At every moment each component has one rate at most; without one it is free."""

    currency: str
    """ISO 4217."""
    tax_rate: Decimal
    """Share of tax on the net price: 0.10 for 10 %."""
    rates: tuple[Rate, ...]
    tax_included: bool = True
    """Whether the rates contain the tax. Where not, it is added: what a driver is told and pays contains it always."""
    min_minor: int | None = None
    """The least that a charging costs in which anything was delivered, tax included."""
    max_minor: int | None = None
    """The most that a charging costs, tax included."""
    time_zone: str = "UTC"
    """Where the outlet is: by its clock the bands are read."""
    basis: Basis | None = None
    """Why energy costs that, where it follows the grid; None where it does not."""

    @classmethod
    def per_kwh(cls, unit_price: Decimal, currency: str, tax_rate: Decimal) -> Self:
        """Return the price of energy alone, tax included, the same at all times."""
        rate = Rate(component=Component.ENERGY, price=unit_price)
        return cls(currency=currency, tax_rate=tax_rate, rates=(rate,))

    @property
    def unit_price(self) -> Decimal:
        """The headline: what a kWh costs outside all bands (else in the first one), tax included; 0 for none."""
        energy = [rate for rate in self.rates if rate.component is Component.ENERGY]
        base = next((rate for rate in energy if rate.band is None), energy[0] if energy else None)
        return self.gross(base) if base is not None else Decimal(0)

    def gross(self, rate: Rate) -> Decimal:
        """Return a rate with the tax in it: what drivers are told. Exact."""
        if self.tax_included:
            return rate.price
        # Prices have 15 digits at most and tax rates 9, so that no digit of the product is lost (28 are kept).
        return (rate.price * (1 + self.tax_rate)).normalize() + 0

    @property
    def flat(self) -> bool:
        """Whether energy alone counts, at one rate: what is measured so far is then all that is to be known."""
        only = self.rates[0] if len(self.rates) == 1 else None
        if only is None or self.min_minor is not None or self.max_minor is not None:
            return False
        return only.component is Component.ENERGY and only.band is None

    @property
    def fingerprint(self) -> str:
        """What a page carries of the price that it showed: another price has another one.

        A price that is the same in two slots is the same price.
        """
        agreed = {name: value for name, value in self.to_dict().items() if name != "basis"}
        said = json.dumps(agreed, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it: the snapshot of a session."""
        said = {
            "currency": self.currency,
            "tax_rate": plain(self.tax_rate),
            "tax_included": self.tax_included,
            "rates": [rate.to_dict() for rate in self.rates],
            "min_minor": self.min_minor,
            "max_minor": self.max_minor,
            "time_zone": self.time_zone,
        }
        return said | {"basis": self.basis.to_dict()} if self.basis is not None else said

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Return what `to_dict` gave."""
        rates = tuple(Rate.from_dict(rate) for rate in said["rates"])
        basis = Basis.from_dict(said["basis"]) if said.get("basis") is not None else None
        return cls(**{**said, "tax_rate": Decimal(said["tax_rate"]), "rates": rates, "basis": basis})


def plain(number: Decimal) -> str:
    """Return a number as it is written, without zeros that say nothing: 38.50 and 38.5 are one price."""
    return f"{number.normalize() + 0:f}"


def exact(number: Decimal, exponent: int) -> Fraction:
    """Return major units as a fraction of minor ones."""
    return Fraction(number) * Fraction(10) ** exponent
