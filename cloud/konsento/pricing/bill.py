"""From what was used to money.

The total is worked out exactly and rounded once, downwards. Each line is rounded down too, and what is then missing to
the total goes one minor unit each to the lines that lost most: so the lines add up to the total.
Energy is billed in whole Wh and time in whole seconds. What lies across the edge of a band may fall into fractions of
them at two rates; the whole one then counts at the cheaper rate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from konsento.kit.money import exponent, floor_minor, major_from_minor
from konsento.pricing.price import Band, Component, Price, exact
from konsento.pricing.tally import Tally
from konsento.pricing.usage import Usage


class Adjustment(StrEnum):
    """A line that is no rate."""

    MINIMUM = "minimum"
    """What is missing to the least that a charging costs."""
    MAXIMUM = "maximum"
    """What is above the most that a charging costs: negative."""
    DISCOUNT = "discount"
    """Negative."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a bill."""

    component: Component | Adjustment
    quantity: int
    """Wh, s, or 1."""
    unit_price: Decimal
    """Major units per kWh, minute or piece, tax included."""
    amount_minor: int
    band: Band | None = None
    code: str = ""
    """Of a discount: what it was given for."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What is to be paid. The total is the sum of the lines and contains the tax."""

    lines: tuple[Line, ...]
    tax_minor: int
    total_minor: int


PER: Final = {Component.ENERGY: 1000, Component.TIME: 60, Component.SESSION: 1, Component.IDLE: 60}
"""How much of a line's quantity its unit price is for: Wh in a kWh, seconds in a minute."""


def bill(price: Price, usage: Usage) -> Bill:
    """Return the bill for a usage. Raises ValueError for less than nothing."""
    return bill_of(Tally.of(price, usage))


def bill_of(tally: Tally) -> Bill:
    """Return the bill for what has been added up."""
    price = tally.price
    quantities = _quantities(tally)
    digits = exponent(price.currency)
    exacts = {
        place: exact(price.gross(price.rates[place]), digits) * quantity / PER[price.rates[place].component]
        for place, quantity in quantities.items()
    }
    amounts = whole(exacts)
    lines = [
        Line(
            component=rate.component,
            quantity=quantities[place],
            unit_price=price.gross(rate),
            amount_minor=amounts[place],
            band=rate.band,
        )
        for place, rate in sorted(enumerate(price.rates), key=lambda one: _ORDER[one[1].component])
        if place in quantities
    ]
    total = sum(amounts.values())
    if price.min_minor is not None and total < price.min_minor and tally.delivered:
        lines.append(adjustment(price, Adjustment.MINIMUM, price.min_minor - total))
        total = price.min_minor
    if price.max_minor is not None and total > price.max_minor:
        lines.append(adjustment(price, Adjustment.MAXIMUM, price.max_minor - total))
        total = price.max_minor
    return Bill(lines=tuple(lines), tax_minor=tax_in(price, total), total_minor=total)


def adjustment(price: Price, kind: Adjustment, amount_minor: int, code: str = "") -> Line:
    """Return a line of an amount that is no quantity of anything."""
    major = major_from_minor(amount_minor, price.currency)
    return Line(component=kind, quantity=1, unit_price=major, amount_minor=amount_minor, code=code)


def amount_minor(price: Price, wh: int) -> int:
    """Return what whole watt-hours cost at a price that is flat. Raises ValueError for less than none."""
    if wh < 0:
        raise ValueError("energy below zero cannot be billed")
    return floor_minor(price.unit_price * wh / 1000, price.currency)


def tax_in(price: Price, amount_minor: int) -> int:
    """Return the tax that an amount contains, rounded down once for the whole bill (Japan's qualified invoice)."""
    rate = Fraction(price.tax_rate)
    return int(amount_minor * rate / (1 + rate))


def whole[K](exacts: dict[K, Fraction]) -> dict[K, int]:
    """Return amounts of 0 or more in whole units that add up to the sum rounded down, each less than one unit off."""
    amounts = {key: int(value) for key, value in exacts.items()}
    missing = int(sum(exacts.values(), Fraction(0))) - sum(amounts.values())
    for key in sorted(exacts, key=lambda key: amounts[key] - exacts[key])[:missing]:
        amounts[key] += 1
    return amounts


_ORDER: Final = {component: at for at, component in enumerate(Component)}


def _quantities(tally: Tally) -> dict[int, int]:
    """Return whole Wh and seconds by rate, and 1 for the rate per charging."""
    price = tally.price
    found: dict[int, int] = {}
    for component, unit in ((Component.ENERGY, 1000), (Component.TIME, 1), (Component.IDLE, 1)):
        places = [place for place in tally.used if price.rates[place].component is component]
        places.sort(key=lambda place: -price.rates[place].price)
        found |= _floors((place, Fraction(tally.used[place]) / unit) for place in places)
    session = tally.session_rate()
    if session is not None and tally.delivered:
        found[session] = 1
    return found


def _floors(amounts: Iterable[tuple[int, Fraction]]) -> dict[int, int]:
    """Return whole amounts, the dearest first: running sums are rounded down, so fractions end at the cheaper ones.

    More of anything never costs less so, and the sum is the whole sum rounded down.
    """
    found: dict[int, int] = {}
    exactly, given = Fraction(0), 0
    for place, amount in amounts:
        exactly += amount
        found[place] = int(exactly) - given
        given = int(exactly)
    return {place: amount for place, amount in found.items() if amount}
