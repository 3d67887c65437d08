"""What cannot be a price: absurd numbers, and rates that contradict each other."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Final

from konsento.catalogue.errors import (
    BadBand,
    BadFactor,
    BadFixedAmount,
    BadFloorAndCap,
    BadFreeTime,
    BadPlus,
    BadPrice,
    BadTaxRate,
    BandsOfFollowing,
    IdleWithoutEnergy,
    MinimumAboveMaximum,
    NoRate,
    NothingOutsideBands,
    OverlappingBands,
    TooManyRates,
    WindowsNotCheaper,
)
from konsento.kit.money import major_from_minor
from konsento.pricing import Band, Component, Price, Rate
from konsento.pricing.following import Following, FollowsWindows, grain

PRICES_BELOW: Final = 1_000_000
"""Major units per kWh, minute or charging."""
PRICE_DIGITS: Final = 8
"""Decimals of a price, and of a tax rate."""
GROSS_DIGITS: Final = 10
"""Decimals of a price once tax is added to it: what the database keeps."""
MOST_RATES: Final = 20
HIGHEST_FACTOR: Final = 100
"""By which a spot price is multiplied."""
LONGEST_FREE_S: Final = 86_400

_YEARS: Final = range(2000, 2028)
"""In them every day of the year falls on every weekday."""


def check_price(price: Price) -> None:
    """Raise a subclass of `BadTariff` for what cannot be a price."""
    if not price.rates:
        raise NoRate
    if len(price.rates) > MOST_RATES:
        raise TooManyRates(most=MOST_RATES)
    if not 0 <= price.tax_rate < 1 or digits(price.tax_rate) > PRICE_DIGITS:
        raise BadTaxRate
    for rate in price.rates:
        _check_rate(price, rate)
    _check_together(price.rates)
    for amount in (price.min_minor, price.max_minor):
        if amount is not None and not 0 <= major_from_minor(amount, price.currency) < PRICES_BELOW:
            raise BadFixedAmount(below=PRICES_BELOW)
    if price.min_minor is not None and price.max_minor is not None and price.min_minor > price.max_minor:
        raise MinimumAboveMaximum


def check_following(price: Price, following: Following) -> None:
    """Raise a subclass of `BadTariff` where a price, which is one by itself, cannot follow that."""
    energy = [rate for rate in price.rates if rate.component is Component.ENERGY]
    if [rate.band for rate in energy] != [None]:
        raise BandsOfFollowing
    own = energy[0].price
    if isinstance(following, FollowsWindows):
        _check_rate(price, Rate(component=Component.ENERGY, price=following.inside))
        if following.inside >= own:
            raise WindowsNotCheaper
        return
    if not 0 < following.factor <= HIGHEST_FACTOR or digits(following.factor) > PRICE_DIGITS:
        raise BadFactor(most=HIGHEST_FACTOR)
    if not abs(following.plus) < PRICES_BELOW or digits(following.plus) > PRICE_DIGITS:
        raise BadPlus(below=PRICES_BELOW, digits=PRICE_DIGITS)
    for asked in (following.floor, following.cap, grain(price.currency)):
        _check_rate(price, Rate(component=Component.ENERGY, price=asked))
    if not following.floor <= own <= following.cap:
        raise BadFloorAndCap


def _check_rate(price: Price, rate: Rate) -> None:
    if not 0 <= rate.price < PRICES_BELOW or digits(rate.price) > PRICE_DIGITS:
        raise BadPrice(below=PRICES_BELOW, digits=PRICE_DIGITS)
    if digits(price.gross(rate)) > GROSS_DIGITS:
        raise BadPrice(below=PRICES_BELOW, digits=GROSS_DIGITS - digits(price.tax_rate))
    if not 0 <= rate.free_s <= LONGEST_FREE_S or (rate.free_s and rate.component is not Component.IDLE):
        raise BadFreeTime
    if rate.band is not None:
        _check_band(rate.band)


def _check_band(band: Band) -> None:
    if not (0 <= band.from_minute < 1440 and 0 < band.to_minute <= 1440) or band.from_minute == band.to_minute:
        raise BadBand
    if not band.weekdays or not band.weekdays <= set(range(7)):
        raise BadBand
    for day in (band.from_day, band.to_day):
        try:
            # A leap year, so that 02-29 is a day.
            if f"{date.fromisoformat(f'2024-{day}'):%m-%d}" != day:
                raise BadBand
        except ValueError:
            raise BadBand from None


def _check_together(rates: tuple[Rate, ...]) -> None:
    of = {component: [rate for rate in rates if rate.component is component] for component in Component}
    if of[Component.IDLE] and not of[Component.ENERGY]:
        raise IdleWithoutEnergy
    if of[Component.ENERGY] and all(rate.band is not None for rate in of[Component.ENERGY]):
        raise NothingOutsideBands
    for component in Component:
        for one, other in combinations(of[component], 2):
            if one.band is None or other.band is None:
                if one.band is other.band:
                    raise OverlappingBands
            elif overlap(one.band, other.band):
                raise OverlappingBands


def overlap(one: Band, other: Band) -> bool:
    """Tell whether there is a minute of any year that is in both bands."""
    # Where two bands begin to overlap, one of them begins, or its season does, or a day does.
    minutes = {0, one.from_minute, other.from_minute}
    return any(
        one.has(day, minute) and other.has(day, minute)
        for begin in {one.from_day, other.from_day}
        for year in _YEARS
        for day in _two_days(year, begin)
        for minute in minutes
    )


def _two_days(year: int, of_year: str) -> tuple[date, ...]:
    """Return a day of the year and the one after it, into which its hours past midnight reach."""
    month, day = (int(part) for part in of_year.split("-"))
    try:
        first = date(year, month, day)
    except ValueError:
        return ()
    return first, first + timedelta(days=1)


def digits(number: Decimal) -> int:
    """Return how many decimals a number has."""
    return max(0, -int(number.normalize().as_tuple().exponent))
