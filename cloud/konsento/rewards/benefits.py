"""What is given for buying, as drivers read it before they choose."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from konsento.kit.i18n import Language
from konsento.models import Coupon, PointRule
from konsento.rewards import codes
from konsento.rewards.coupons import good_at
from konsento.rewards.facts import Place
from konsento.rewards.power import lineage
from konsento.rewards.rules import fits
from konsento.rewards.texts import gain, points_per_kwh


class Benefit(Protocol):
    """Something that is given."""

    def text(self, language: Language) -> str:
        """Return it as a few words."""


@dataclass(frozen=True, kw_only=True)
class PointsPerKwh:
    """Eco points."""

    points: Decimal
    from_minute: int | None
    to_minute: int | None
    in_windows: bool

    def text(self, language: Language) -> str:
        """Return it as a few words: 1 eco point per kWh."""
        hours = (self.from_minute, self.to_minute)
        return points_per_kwh(language, self.points, hours, in_windows=self.in_windows)


@dataclass(frozen=True, kw_only=True)
class PublicCoupon:
    """A coupon whose code is for everybody."""

    coupon: Coupon
    code: str

    def text(self, language: Language) -> str:
        """Return it as a few words: 10 % off with the code SUNNY10."""
        return language.text(
            "{gain} with the code {code}", gain=gain(language, self.coupon), code=codes.label(self.code)
        )


@dataclass(frozen=True, kw_only=True)
class CouponAfter:
    """A coupon that comes after so much energy."""

    coupon: Coupon
    wh: int

    def text(self, language: Language) -> str:
        """Return it as a few words: A coupon after every 50 kWh: 10% off."""
        return language.text(
            "A coupon after every {energy}: {gain}", energy=language.energy(self.wh), gain=gain(language, self.coupon)
        )


def of_place(place: Place, rules: Iterable[PointRule], on_offer: Iterable[tuple[Coupon, str | None]]) -> list[Benefit]:
    """Return what is given for buying there: points, then coupons."""
    found: list[Benefit] = [
        PointsPerKwh(
            points=rule.points_per_kwh,
            from_minute=rule.from_minute,
            to_minute=rule.to_minute,
            in_windows=rule.in_windows,
        )
        for rule in rules
        if fits(rule, place)
    ]
    for coupon, code in on_offer:
        if code is not None and good_at(coupon, place):
            found.append(PublicCoupon(coupon=coupon, code=code))
        if coupon.grant_wh is not None and coupon.grant_power_type in {"", *lineage(place.power_type)}:
            found.append(CouponAfter(coupon=coupon, wh=coupon.grant_wh))
    return found
