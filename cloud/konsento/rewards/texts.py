"""Rules and coupons in words."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from konsento.kit.i18n import Language, marked
from konsento.models import Coupon, CouponKind, PointRule
from konsento.rewards.facts import Given


def gain(language: Language, coupon: Coupon) -> str:
    """Return what a coupon gives: 10% off, ¥100 off, 2.00 kWh free."""
    match coupon.kind:
        case CouponKind.ENERGY:
            return language.text("{energy} free", energy=language.energy(coupon.value))
        case CouponKind.PERCENT:
            return language.text("{share} off", share=language.percent(coupon.value))
        case CouponKind.AMOUNT:
            return language.text("{amount} off", amount=language.money(int(coupon.value), coupon.currency))


def conditions(language: Language, coupon: Coupon, power: Callable[[str], str]) -> list[str]:
    """Return what a coupon asks for, each as a few words; `power` gives the word for a kind of power."""
    text, found = language.text, list[str]()
    if coupon.least_minor:
        found.append(text("for bills of {amount} and more", amount=language.money(coupon.least_minor, coupon.currency)))
    if coupon.first_only:
        found.append(text("for a first charging"))
    if coupon.site_ids or coupon.outlet_ids:
        found.append(text("at certain outlets"))
    if coupon.power_types:
        found.append(text("for {kinds}", kinds=" · ".join(power(word) for word in coupon.power_types)))
    if coupon.tariff_names:
        found.append(text("at certain prices"))
    return found


def rule_text(language: Language, rule: PointRule, power: str) -> str:
    """Return what a rule gives, for what; `power` is the word for its kind of power, empty for any."""
    hours = (rule.from_minute, rule.to_minute)
    words = [points_per_kwh(language, rule.points_per_kwh, hours, in_windows=rule.in_windows)]
    if power:
        words.append(power)
    if rule.tariff_name or rule.supplier_code:
        words.append(language.text("for certain offers"))
    return " · ".join(words)


_POINTS: Final = {
    (False, False): (marked("{points} eco point per kWh"), marked("{points} eco points per kWh")),
    (True, False): (
        marked("{points} eco point more per kWh from {begin} to {end}"),
        marked("{points} eco points more per kWh from {begin} to {end}"),
    ),
    (False, True): (
        marked("{points} eco point more per kWh in recommended hours"),
        marked("{points} eco points more per kWh in recommended hours"),
    ),
    (True, True): (
        marked("{points} eco point more per kWh in recommended hours from {begin} to {end}"),
        marked("{points} eco points more per kWh in recommended hours from {begin} to {end}"),
    ),
}
"""By whether a rule has hours, and whether it counts in recommended windows alone: for one point, and for others."""


def points_per_kwh(
    language: Language, points: Decimal, hours: tuple[int | None, int | None], *, in_windows: bool
) -> str:
    """Return how many points a kWh brings, in which hours, minutes of the day or none: 1 eco point per kWh."""
    begin, end = (clock(minute) if minute is not None else "" for minute in hours)
    one, several = _POINTS[bool(begin and end), in_windows]
    return language.text(one if points == 1 else several, points=points, begin=begin, end=end)


def clock(minute: int) -> str:
    """Return a minute of the day as a clock shows it."""
    return f"{minute // 60}:{minute % 60:02}"


def number_of(language: Language, points: int) -> str:
    """Return a number of points: 1 point, 120 points."""
    return language.text("1 point") if points == 1 else language.text("{points} points", points=points)


def earned(language: Language, given: Given) -> list[str]:
    """Return what a driver got for a session, as sentences."""
    sentences = []
    if given.points_earned:
        sentences.append(language.text("You have earned {points}.", points=number_of(language, given.points_earned)))
    sentences += [language.text("You have earned a coupon: {code}", code=code) for code in given.coupons_earned]
    return sentences
