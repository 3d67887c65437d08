"""What a coupon and points take off a bill: pure.

In this order, each off what the ones before have left: free energy, percent, an amount, points. So a percentage never
counts what is free already, and points, which a driver has earned, are spent last and only on what is really left.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from konsento.models import Coupon, CouponKind
from konsento.pricing import Adjustment, Bill, Discount, DiscountKind
from konsento.rewards import codes

ORDER: Final = (DiscountKind.ENERGY, DiscountKind.PERCENT, DiscountKind.AMOUNT, DiscountKind.POINTS)
POINTS_CODE: Final = ""
"""The code of a discount by points: no coupon has this one."""


def of_coupon(coupon: Coupon, code: str) -> Discount:
    """Return what a coupon takes off."""
    match coupon.kind:
        case CouponKind.ENERGY:
            kind, value = DiscountKind.ENERGY, coupon.value
        case CouponKind.PERCENT:
            kind, value = DiscountKind.PERCENT, coupon.value * 100
        case CouponKind.AMOUNT:
            kind, value = DiscountKind.AMOUNT, coupon.value
    return Discount(kind=kind, value=value, code=codes.label(code))


def of_points(points: int, value_minor: Decimal) -> Discount:
    """Return what points take off at most: whole minor units."""
    worth = Decimal(worth_minor(points, value_minor))
    return Discount(kind=DiscountKind.POINTS, value=worth, code=POINTS_CODE)


def worth_minor(points: int, value_minor: Decimal) -> int:
    """Return what so many points take off: rounded down, and what is cut off is not taken from the driver either."""
    return int(points * value_minor)


def points_for(minor: int, value_minor: Decimal) -> int:
    """Return the fewest points that take so much off; 0 where points are worth nothing."""
    return math.ceil(minor / value_minor) if value_minor > 0 else 0


def in_order(discounts: Iterable[Discount]) -> tuple[Discount, ...]:
    """Return discounts in the order in which they are taken."""
    return tuple(sorted(discounts, key=lambda discount: ORDER.index(discount.kind)))


def taken_by_coupon(bill: Bill) -> int:
    """Return what a bill has less by its coupon, in minor units."""
    return -sum(line.amount_minor for line in bill.lines if _is_discount(line.component) and line.code != POINTS_CODE)


def taken_by_points(bill: Bill) -> int:
    """Return what a bill has less by points, in minor units."""
    return -sum(line.amount_minor for line in bill.lines if _is_discount(line.component) and line.code == POINTS_CODE)


def _is_discount(component: object) -> bool:
    return component is Adjustment.DISCOUNT
