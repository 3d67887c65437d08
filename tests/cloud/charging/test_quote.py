"""What a driver agrees to before the start."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from konsento import pricing
from konsento.charging.errors import LimitTooLarge, LimitTooSmall
from konsento.charging.limits import MOST_WH, RequestedLimit
from konsento.charging.quote import Quote, quoted
from konsento.models import LimitKind, Tariff
from konsento.pricing import Price

from ..conftest import AT

PRICES = st.decimals(Decimal("0.0001"), Decimal(5000), places=4)


def _tariff(unit_price: Decimal, currency: str = "JPY") -> Tariff:
    return Tariff(
        name="t",
        unit_price=unit_price,
        currency=currency,
        tax_rate=Decimal("0.1"),
        power_type="solar",
        supplier="s",
        valid_from=AT,
    )


def _quote(kind: str, amount: int, unit_price: str = "38.5", rated_w: int = 3000, currency: str = "JPY") -> Quote:
    requested = RequestedLimit(kind=LimitKind(kind), amount=amount)
    return quoted(_tariff(Decimal(unit_price), currency), rated_w, requested)


def test_energy_is_quoted_with_time_and_price_at_the_rated_power() -> None:
    quote = _quote("energy", 6000)

    assert (quote.energy_limit_wh, quote.time_limit_s) == (6000, None)
    assert (quote.estimated_wh, quote.estimated_s, quote.estimated_minor) == (6000, 7200, 231)
    assert quote.hold_minor == 231


def test_time_is_quoted_with_energy_and_price_at_the_rated_power() -> None:
    quote = _quote("time", 3600)

    assert (quote.energy_limit_wh, quote.time_limit_s, quote.energy_cap_wh) == (None, 3600, 3750)
    assert (quote.estimated_wh, quote.estimated_minor, quote.hold_minor) == (3000, 115, 144)


def test_money_buys_whole_watt_hours_and_is_the_most_that_is_held() -> None:
    quote = _quote("money", 200)

    assert (quote.energy_limit_wh, quote.estimated_minor, quote.hold_minor) == (5194, 199, 200)


def test_money_counts_in_the_currencys_own_coins() -> None:
    assert _quote("money", 250, unit_price="0.25", currency="EUR").energy_limit_wh == 10_000


def test_money_that_buys_nothing_or_more_than_a_session_may_be_is_refused() -> None:
    with pytest.raises(LimitTooSmall):
        _quote("money", 1, unit_price="3850")
    with pytest.raises(LimitTooLarge):
        _quote("money", 1_000_000)
    with pytest.raises(LimitTooLarge):
        _quote("money", 1, unit_price="0")


@given(
    kind=st.sampled_from(list(LimitKind)),
    amount=st.integers(1, 86_400),
    unit_price=PRICES,
    rated_w=st.integers(100, 20_000),
)
def test_the_bill_of_all_that_can_flow_fits_the_hold(
    kind: LimitKind, amount: int, unit_price: Decimal, rated_w: int
) -> None:
    try:
        quote = _quote(kind, amount, str(unit_price), rated_w)
    except LimitTooSmall, LimitTooLarge:
        assume(False)
        raise
    price = Price(unit_price=unit_price, currency="JPY", tax_rate=Decimal("0.1"))
    slack = 0 if kind is LimitKind.MONEY else pricing.cut_off_slack_wh(rated_w)
    assert pricing.bill(price, quote.energy_cap_wh + slack).total_minor <= quote.hold_minor
    assert 0 < quote.energy_cap_wh <= MOST_WH
    assert quote.estimated_minor <= quote.hold_minor
    assert quote.estimated_wh <= quote.energy_cap_wh or quote.energy_cap_wh == MOST_WH
