"""What a driver agrees to before the start."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from konsento import pricing
from konsento.charging.errors import LimitAboveOutlets, LimitTooLarge, LimitTooSmall, NothingToHold
from konsento.charging.limits import MOST_WH, RequestedLimit
from konsento.charging.quote import Quote, Terms, quoted
from konsento.charging.sold import Sold
from konsento.models import LimitKind, Metering
from konsento.pricing import Price

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PRICES = st.decimals(Decimal("0.0001"), Decimal(5000), places=4)


SOLD = Sold(
    offer="day",
    power_type="solar",
    power_name={},
    supplier="s",
    supplier_code="",
    carbon_g_per_kwh=None,
    supplier_share=Decimal(0),
    owner_share=Decimal(0),
    metering=Metering.VERIFIED,
)


def _terms(
    unit_price: str = "38.5", rated_w: int = 3000, currency: str = "JPY", wh: int | None = None, s: int | None = None
) -> Terms:
    price = Price.per_kwh(Decimal(unit_price), currency, Decimal("0.1"))
    return Terms(price=price, at=NOW, sold=SOLD, rated_w=rated_w, outlet_wh=wh, outlet_s=s)


def _quote(kind: str, amount: int, unit_price: str = "38.5", rated_w: int = 3000, currency: str = "JPY") -> Quote:
    requested = RequestedLimit(kind=LimitKind(kind), amount=amount)
    return quoted(_terms(unit_price, rated_w, currency), requested)


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
    price = Price.per_kwh(unit_price, "JPY", Decimal("0.1"))
    slack = 0 if kind is LimitKind.MONEY else pricing.cut_off_slack_wh(rated_w)
    assert pricing.amount_minor(price, quote.energy_cap_wh + slack) <= quote.hold_minor
    assert 0 < quote.energy_cap_wh <= MOST_WH
    assert quote.estimated_minor <= quote.hold_minor
    assert quote.estimated_wh <= quote.energy_cap_wh or quote.energy_cap_wh == MOST_WH


FULL = RequestedLimit(kind=LimitKind.FULL, amount=0)


def test_until_full_is_at_most_a_day_at_the_rated_power() -> None:
    quote = quoted(_terms(), FULL)

    assert (quote.energy_limit_wh, quote.time_limit_s) == (72_000, 86_400)
    assert (quote.estimated_wh, quote.estimated_s, quote.estimated_minor) == (72_000, 86_400, 2772)


def test_until_full_ends_at_the_outlets_most() -> None:
    quote = quoted(_terms(wh=10_000, s=7200), FULL)

    assert (quote.energy_limit_wh, quote.time_limit_s, quote.hold_minor) == (6000, 7200, 231)


@given(unit_price=PRICES, rated_w=st.integers(100, 20_000), funds=st.integers(0, 100_000))
def test_until_full_never_holds_more_than_there_is_and_never_nothing_for_power_that_costs(
    unit_price: Decimal, rated_w: int, funds: int
) -> None:
    terms = _terms(str(unit_price), rated_w)
    try:
        quote = quoted(terms, FULL, funds)
    except NothingToHold:
        slack = pricing.cut_off_slack_wh(rated_w)
        assert pricing.amount_minor(terms.price, slack + 1) + 1 > funds
        return
    assert quote.hold_minor <= funds
    assert 0 < quote.energy_cap_wh <= MOST_WH
    assert pricing.amount_minor(terms.price, quote.energy_cap_wh + pricing.cut_off_slack_wh(rated_w)) <= funds


@pytest.mark.parametrize(("kind", "amount"), [("energy", 3001), ("time", 1801), ("money", 116)])
def test_more_than_the_outlets_most_is_refused(kind: str, amount: int) -> None:
    terms = _terms(wh=3000, s=1800)

    with pytest.raises(LimitAboveOutlets):
        quoted(terms, RequestedLimit(kind=LimitKind(kind), amount=amount))


def test_the_outlets_longest_time_ends_a_session_by_energy_too() -> None:
    assert quoted(_terms(s=1800), RequestedLimit(kind=LimitKind.ENERGY, amount=3000)).time_limit_s == 1800
