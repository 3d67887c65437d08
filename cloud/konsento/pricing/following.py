"""Prices of energy that follow the grid: lower in recommended windows, or tied to the spot price ([0172], [0176]).

A price that follows has one rate for energy, outside of all bands, and that rate is what is replaced: by what a kWh
costs in the slot in which a driver agrees. It is fixed then, however long the charging takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from konsento.kit.money import exponent
from konsento.pricing.price import Basis, Component, Price, Why, plain

FINER: Final = 2
"""A kWh of a spot price is asked for in hundredths of the currency's minor unit: 0.01 yen, 0.0001 euros."""


class Follows(StrEnum):
    """What a price of energy follows."""

    WINDOWS = "windows"
    SPOT = "spot"


@dataclass(frozen=True, kw_only=True)
class FollowsWindows:
    """Another price of energy in recommended windows."""

    kind: ClassVar[Follows] = Follows.WINDOWS
    inside: Decimal
    """Major units per kWh, with tax or without as the tariff's other rates are."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"kind": str(self.kind), "inside": plain(self.inside)}


@dataclass(frozen=True, kw_only=True)
class FollowsSpot:
    """The spot price of the slot × `factor` + `plus`, not below `floor` and not above `cap`.

    `plus`, `floor` and `cap` are major units per kWh, with tax or without as the tariff's other rates are. Spot prices
    are without tax: where the tariff's rates contain it, it is added to them first. What comes out is rounded down to
    hundredths of the minor unit, and then kept between floor and cap. Where the spot price of a slot is not known, the
    tariff's own price of energy counts.
    """

    kind: ClassVar[Follows] = Follows.SPOT
    factor: Decimal
    plus: Decimal
    floor: Decimal
    cap: Decimal

    def price_for(self, spot: Decimal, price: Price) -> Decimal:
        """Return what a kWh costs at a spot price (major units per kWh, may be negative), as `price` says its rates."""
        taxed = spot * (1 + price.tax_rate) if price.tax_included else spot
        rounded = (taxed * self.factor + self.plus).quantize(grain(price.currency), rounding=ROUND_FLOOR)
        return max(self.floor, min(self.cap, rounded))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"kind": str(self.kind)} | {name: plain(number) for name, number in vars(self).items()}


type Following = FollowsWindows | FollowsSpot


def following_from(said: Mapping[str, Any] | None) -> Following | None:
    """Return what `to_dict` gave; None for a price that follows nothing."""
    if said is None:
        return None
    numbers = {name: Decimal(number) for name, number in said.items() if name != "kind"}
    return FollowsWindows(**numbers) if said["kind"] == Follows.WINDOWS else FollowsSpot(**numbers)


def grain(currency: str) -> Decimal:
    """Return the finest step of a price that follows the spot price, in major units."""
    return Decimal(1).scaleb(-exponent(currency) - FINER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A time in which what a price follows stays the same, and what it is then."""

    begin: datetime
    end: datetime
    spot: Decimal | None = None
    """Major units per kWh without tax; None for a recommended window."""
    currency: str = ""
    """Of the spot price, ISO 4217."""

    def has(self, at: datetime) -> bool:
        """Tell whether a moment is in it."""
        return self.begin <= at < self.end

    @classmethod
    def around(cls, slots: list[Self], at: datetime) -> Self | None:
        """Return the one that a moment is in; of several the one that begins last."""
        return max((slot for slot in slots if slot.has(at)), key=lambda slot: slot.begin, default=None)


def fixed(price: Price, following: Following, slot: Slot | None) -> Price:
    """Return the price that a driver agrees to in a slot; None for no window, or for a spot price that is not known."""
    if isinstance(following, FollowsWindows):
        if slot is None:
            return replace(price, basis=Basis(why=Why.OUTSIDE))
        return _at(price, following.inside, Basis(why=Why.WINDOW, begin=slot.begin, end=slot.end))
    if slot is None or slot.spot is None or slot.currency != price.currency:
        return replace(price, basis=Basis(why=Why.UNKNOWN))
    basis = Basis(why=Why.SPOT, begin=slot.begin, end=slot.end, spot=slot.spot)
    return _at(price, following.price_for(slot.spot, price), basis)


def _at(price: Price, per_kwh: Decimal, basis: Basis) -> Price:
    rates = tuple(
        replace(rate, price=per_kwh.normalize() + 0) if rate.component is Component.ENERGY else rate
        for rate in price.rates
    )
    return replace(price, rates=rates, basis=basis)
