"""From energy to money."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from konsento.kit.money import floor_minor


@dataclass(frozen=True, kw_only=True)
class Price:
    """What energy costs."""

    unit_price: Decimal
    """Per kWh in major units, tax included."""
    currency: str
    tax_rate: Decimal
    """Share of tax on the net price."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a bill."""

    wh: int
    unit_price: Decimal
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What is to be paid. The total is the sum of the lines and contains the tax."""

    lines: tuple[Line, ...]
    tax_minor: int
    total_minor: int


def bill(price: Price, wh: int) -> Bill:
    """Return the bill for whole watt-hours. Raises ValueError for less than none."""
    amount = amount_minor(price, wh)
    line = Line(wh=wh, unit_price=price.unit_price, amount_minor=amount)
    return Bill(lines=(line,), tax_minor=tax_in(price, amount), total_minor=amount)


def amount_minor(price: Price, wh: int) -> int:
    """Return what whole watt-hours cost, tax included. Raises ValueError for less than none."""
    if wh < 0:
        raise ValueError("energy below zero cannot be billed")
    return floor_minor(price.unit_price * wh / 1000, price.currency)


def tax_in(price: Price, amount_minor: int) -> int:
    """Return the tax that an amount contains, rounded down once for the whole bill (Japan's qualified invoice)."""
    share = price.tax_rate / (1 + price.tax_rate)
    return int((amount_minor * share).to_integral_value(rounding=ROUND_FLOOR))
