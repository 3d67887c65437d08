"""Prices that follow the grid: never below the floor, never above the cap, and the rest of a price as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.catalogue.checks import check_following, check_price
from konsento.catalogue.errors import (
    BadFactor,
    BadFloorAndCap,
    BadPlus,
    BadPrice,
    BadTariff,
    BandsOfFollowing,
    WindowsNotCheaper,
)
from konsento.pricing import Band, Component, Price, Rate, Why
from konsento.pricing.following import Following, FollowsSpot, FollowsWindows, Slot, fixed, following_from, grain

from .prices import AMOUNTS, CURRENCIES, RATES, TAX_RATES

AT = datetime(2026, 5, 1, 1, tzinfo=UTC)
OWN = Decimal(30)
SPOT_PRICES = st.decimals(-500, 9_999, places=4)


def at_spot(spot: Decimal, currency: str = "JPY") -> Slot:
    return Slot(begin=AT, end=AT + timedelta(minutes=30), spot=spot, currency=currency)


def spot_of(factor: str = "1", plus: str = "0", floor: str = "0", cap: str = "100") -> FollowsSpot:
    return FollowsSpot(factor=Decimal(factor), plus=Decimal(plus), floor=Decimal(floor), cap=Decimal(cap))


def price_of(*more: Rate, currency: str = "JPY", tax: str = "0.1", included: bool = True) -> Price:
    energy = Rate(component=Component.ENERGY, price=OWN)
    return Price(currency=currency, tax_rate=Decimal(tax), tax_included=included, rates=(energy, *more))


@st.composite
def spot_links(draw: st.DrawFn) -> FollowsSpot:
    floor, cap = sorted((draw(AMOUNTS), draw(AMOUNTS)))
    factor, plus = draw(st.decimals("0.01", 10, places=2)), draw(st.decimals(-50, 50, places=2))
    return FollowsSpot(factor=factor, plus=plus, floor=floor, cap=cap)


@given(spot_links(), st.tuples(SPOT_PRICES, SPOT_PRICES), CURRENCIES, TAX_RATES, st.booleans())
def test_whatever_the_spot_price_a_kwh_stays_between_floor_and_cap_and_rises_with_it(
    following: FollowsSpot, spots: tuple[Decimal, Decimal], currency: str, tax: Decimal, included: bool
) -> None:
    price = replace(price_of(currency=currency, included=included), tax_rate=tax)

    low, high = (following.price_for(spot, price) for spot in sorted(spots))

    assert following.floor <= low <= high <= following.cap
    exactly = min(spots) * (1 + tax if included else 1) * following.factor + following.plus
    if following.floor < low < following.cap:
        assert 0 <= exactly - low < grain(currency)  # rounded down, in the driver's favour


@pytest.mark.parametrize(
    ("following", "included", "spot", "asked", "told"),
    [
        (spot_of(), True, "10", "11", "11"),  # the spot price is without tax
        (spot_of("1.2", "8", "15", "60"), True, "12.345", "24.29", "24.29"),  # 13.5795 × 1.2 + 8 = 24.2954
        (spot_of("1.2", "8", "15", "60"), False, "12.345", "22.81", "25.091"),  # all of it without tax: 22.814
        (spot_of("1", "5", "10", "60"), True, "-20", "10", "10"),
        (spot_of("1", "5", "10", "60"), True, "200", "60", "60"),
        (spot_of("1", "5", "10", "60"), False, "200", "60", "66"),
    ],
)
def test_a_spot_price_becomes_a_price_as_can_be_done_by_hand(
    following: FollowsSpot, included: bool, spot: str, asked: str, told: str
) -> None:
    price = fixed(price_of(included=included), following, at_spot(Decimal(spot)))

    assert price.rates[0].price == Decimal(asked)
    assert price.unit_price == Decimal(told)


def test_a_euro_price_has_hundredths_of_a_cent() -> None:
    following = spot_of("1", "0.05", "0", "1")

    price = fixed(price_of(currency="EUR", tax="0.19", included=False), following, at_spot(Decimal("0.08765"), "EUR"))

    assert price.rates[0].price == Decimal("0.1376")
    assert price.unit_price == Decimal("0.163744")


def test_without_a_spot_price_in_the_prices_currency_its_own_price_counts_and_that_is_said() -> None:
    for slot in (None, at_spot(Decimal(1), "EUR")):
        price = fixed(price_of(), spot_of(), slot)

        assert (price.unit_price, price.basis and price.basis.why) == (OWN, Why.UNKNOWN)


def test_in_a_window_energy_costs_less_and_outside_what_it_always_does() -> None:
    following = FollowsWindows(inside=Decimal(20))
    window = Slot(begin=AT, end=AT + timedelta(hours=3))

    inside, outside = fixed(price_of(), following, window), fixed(price_of(), following, None)

    assert (inside.unit_price, outside.unit_price) == (Decimal(20), OWN)
    assert inside.basis is not None
    assert (inside.basis.why, inside.basis.end) == (Why.WINDOW, window.end)
    assert outside.basis is not None
    assert outside.basis.why is Why.OUTSIDE


@given(st.lists(RATES.filter(lambda rate: rate.component is not Component.ENERGY), max_size=4), SPOT_PRICES)
def test_only_energy_follows_and_a_session_keeps_all_of_it(more: list[Rate], spot: Decimal) -> None:
    own = price_of(*more)

    price = fixed(own, spot_of("1", "0", "0", "50"), at_spot(spot))

    assert [rate for rate in price.rates if rate.component is not Component.ENERGY] == more
    assert Price.from_dict(price.to_dict()) == price
    assert (price.fingerprint == own.fingerprint) == (price.unit_price == OWN)


@given(st.builds(FollowsWindows, inside=AMOUNTS) | spot_links())
def test_what_is_followed_is_kept_as_it_was_said(following: Following) -> None:
    assert following_from(following.to_dict()) == following
    assert following_from(None) is None


NIGHT = Rate(component=Component.ENERGY, price=Decimal(20), band=Band(from_minute=1320, to_minute=360))
BY_TIME = Price(currency="JPY", tax_rate=Decimal(0), rates=(Rate(component=Component.TIME, price=Decimal(2)),))


@pytest.mark.parametrize(
    ("price", "following", "error"),
    [
        (price_of(NIGHT), spot_of(), BandsOfFollowing),
        (BY_TIME, FollowsWindows(inside=Decimal(1)), BandsOfFollowing),
        (price_of(), FollowsWindows(inside=OWN), WindowsNotCheaper),
        (price_of(), FollowsWindows(inside=Decimal(-1)), BadPrice),
        (price_of(), spot_of(factor="0"), BadFactor),
        (price_of(), spot_of(factor="101"), BadFactor),
        (price_of(), spot_of(plus="1000000"), BadPlus),
        (price_of(), spot_of(floor="-1"), BadPrice),
        (price_of(), spot_of(floor="31"), BadFloorAndCap),
        (price_of(), spot_of(cap="29"), BadFloorAndCap),
        (price_of(currency="EUR", tax="0.12345678", included=False), spot_of(), BadPrice),  # no room for its digits
    ],
)
def test_what_cannot_be_followed_is_refused(price: Price, following: Following, error: type[BadTariff]) -> None:
    check_price(price)

    with pytest.raises(error):
        check_following(price, following)


def test_what_can_be_followed_may_have_bands_of_everything_else() -> None:
    busy = Rate(component=Component.TIME, price=Decimal(2), band=Band(from_minute=540, to_minute=1080))

    check_following(price_of(busy), FollowsWindows(inside=Decimal(0)))
    check_following(price_of(busy), spot_of("1.5", "-3", "0", "60"))
