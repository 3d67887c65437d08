"""Prices: rounded once, in the driver's favour, without a float."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento import pricing
from konsento.pricing import Price

CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])
PRICES = st.decimals(0, 10_000, places=6)
ENERGY = st.integers(0, 1_000_000)
RATES = st.decimals(0, Decimal("0.9"), places=4)


def _price(unit_price: str = "38.5", currency: str = "JPY", tax_rate: str = "0.1") -> Price:
    return Price(unit_price=Decimal(unit_price), currency=currency, tax_rate=Decimal(tax_rate))


@pytest.mark.parametrize(
    ("unit_price", "currency", "wh", "total", "tax"),
    [
        ("3850", "JPY", 10, 38, 3),
        ("38.5", "JPY", 6000, 231, 21),
        ("38.5", "JPY", 25, 0, 0),
        ("0.3636", "EUR", 10_000, 363, 33),
        ("0", "JPY", 10_000, 0, 0),
    ],
)
def test_known_bills(unit_price: str, currency: str, wh: int, total: int, tax: int) -> None:
    bill = pricing.bill(_price(unit_price, currency), wh)

    assert (bill.total_minor, bill.tax_minor) == (total, tax)


@given(unit_price=PRICES, currency=CURRENCIES, tax_rate=RATES, wh=ENERGY)
def test_a_bill_is_the_exact_price_rounded_down_once(
    unit_price: Decimal, currency: str, tax_rate: Decimal, wh: int
) -> None:
    price = Price(unit_price=unit_price, currency=currency, tax_rate=tax_rate)
    per_major = {"JPY": 1, "EUR": 100, "KWD": 1000}[currency]
    exact = Fraction(unit_price) * wh / 1000 * per_major

    bill = pricing.bill(price, wh)

    assert bill.total_minor == exact.numerator // exact.denominator
    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor
    assert 0 <= bill.tax_minor <= bill.total_minor


@given(unit_price=PRICES, currency=CURRENCIES, one=ENERGY, other=ENERGY)
def test_more_energy_never_costs_less(unit_price: Decimal, currency: str, one: int, other: int) -> None:
    price = _price(str(unit_price), currency)

    assert pricing.bill(price, min(one, other)).total_minor <= pricing.bill(price, max(one, other)).total_minor


@given(unit_price=PRICES.filter(lambda p: p > 0), currency=CURRENCIES, minor=st.integers(0, 10**7))
def test_money_buys_as_much_as_it_pays_for_and_not_a_watt_hour_more(
    unit_price: Decimal, currency: str, minor: int
) -> None:
    price = _price(str(unit_price), currency)

    wh = pricing.wh_for_money(price, minor)

    assert wh is not None
    assert pricing.bill(price, wh).total_minor <= minor
    assert pricing.bill(price, wh + 1).total_minor >= minor


@given(rated_w=st.integers(100, 50_000), wh=st.integers(0, 100_000))
def test_time_and_energy_at_the_rated_power_agree(rated_w: int, wh: int) -> None:
    seconds = pricing.time_for_energy(rated_w, wh)

    assert pricing.energy_for_time(rated_w, seconds) >= wh
    assert pricing.most_energy_for_time(rated_w, seconds) >= pricing.energy_for_time(rated_w, seconds)


def test_energy_below_zero_is_no_bill() -> None:
    with pytest.raises(ValueError, match="below zero"):
        pricing.bill(_price(), -1)
