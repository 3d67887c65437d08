"""Discounts on a bill: taken one after the other, each off what is left, never below nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from konsento.kit.money import exponent
from konsento.pricing.bill import Adjustment, Bill, adjustment, tax_in
from konsento.pricing.price import Component, Price, exact


class DiscountKind(StrEnum):
    """What a discount is counted in."""

    PERCENT = "percent"
    """Of what is left of the total; 100 at most."""
    AMOUNT = "amount"
    """Minor units."""
    ENERGY = "energy"
    """Wh that cost nothing: the dearest ones of the bill."""
    POINTS = "points"
    """Minor units that points are taken for."""


@dataclass(frozen=True, kw_only=True)
class Discount:
    """What is taken off a bill."""

    kind: DiscountKind
    value: Decimal
    """0 or more, in the unit of the kind."""
    code: str = ""
    """What it is given for: a coupon's code."""


def discounted(bill: Bill, price: Price, discounts: Sequence[Discount]) -> Bill:
    """Return a bill less its discounts, with a line for each that takes something off.

    What a discount takes off is rounded up, in the driver's favour; the tax is that of the new total.
    """
    lines, total, freed = list(bill.lines), bill.total_minor, Fraction(0)
    for discount in discounts:
        value = Fraction(discount.value)
        match discount.kind:
            case DiscountKind.PERCENT:
                worth = total * value / 100
            case DiscountKind.AMOUNT | DiscountKind.POINTS:
                worth = value
            case DiscountKind.ENERGY:
                worth = _energy_worth(bill, price, freed + value) - _energy_worth(bill, price, freed)
                freed += value
        off = min(total, math.ceil(worth))
        if off > 0:
            lines.append(adjustment(price, Adjustment.DISCOUNT, -off, discount.code))
            total -= off
    return replace(bill, lines=tuple(lines), tax_minor=tax_in(price, total), total_minor=total)


def _energy_worth(bill: Bill, price: Price, wh: Fraction) -> Fraction:
    """Return what the first `wh` of a bill cost, the dearest first."""
    worth, digits = Fraction(0), exponent(price.currency)
    energy = [line for line in bill.lines if line.component is Component.ENERGY]
    for line in sorted(energy, key=lambda line: -line.unit_price):
        free = min(wh, Fraction(line.quantity))
        worth += exact(line.unit_price, digits) * free / 1000
        wh -= free
    return worth
