"""What a driver agrees to before the start."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from konsento import pricing
from konsento.charging.errors import (
    BadLimit,
    LimitAboveOutlets,
    LimitBelowFees,
    LimitTooLarge,
    LimitTooSmall,
    NothingToHold,
)
from konsento.charging.limits import MOST_WH, RequestedLimit
from konsento.charging.quote import Quote, Terms, quoted
from konsento.charging.sold import Sold
from konsento.kit.i18n import LANGUAGES
from konsento.models import LimitKind, Metering
from konsento.pricing import Band, Component, Part, Price, Rate, Usage

from ..conftest import rate
from ..pricing.prices import BEGINS, prices

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


ESTIMATED = replace(SOLD, metering=Metering.ESTIMATED)


@pytest.mark.parametrize(
    ("kind", "amount", "time_limit_s", "hold_minor"),
    [("energy", 3000, 3600, 121), ("money", 60, 1800, 60), ("time", 600, 600, 21), ("full", 0, 86_400, 2881)],
)
def test_where_energy_is_estimated_everything_ends_by_time_and_fits_what_is_held(
    kind: str, amount: int, time_limit_s: int, hold_minor: int
) -> None:
    price = Price(currency="JPY", tax_rate=Decimal("0.1"), rates=(Rate(component=Component.TIME, price=Decimal(2)),))
    terms = Terms(price=price, at=NOW, sold=ESTIMATED, rated_w=3000)

    quote = quoted(terms, RequestedLimit(kind=LimitKind(kind), amount=amount))

    assert (quote.energy_limit_wh, quote.time_limit_s) == (None, time_limit_s)
    assert quote.hold_minor <= hold_minor
    assert quote.energy_cap_wh >= quote.time_limit_s * 3000 // 3600 or kind == "full"


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


@given(price=prices(), kind=st.sampled_from(list(LimitKind)), amount=st.integers(1, 86_400), at=BEGINS, how=st.data())
def test_whatever_is_used_within_the_limits_and_until_the_cut_off_fits_the_hold(
    price: Price, kind: LimitKind, amount: int, at: datetime, how: st.DataObject
) -> None:
    terms = Terms(
        price=price,
        at=at,
        sold=SOLD,
        rated_w=how.draw(st.integers(100, 22_000)),
        outlet_s=how.draw(st.none() | st.integers(600, 86_400)),
        cut_off_s=how.draw(st.sampled_from([1, 30])),
    )
    funds = how.draw(st.none() | st.integers(0, 100_000))
    try:
        quote = quoted(terms, RequestedLimit(kind=kind, amount=amount), funds)
    except BadLimit:
        assume(False)
        raise
    # What a driver limits by money is theirs to the last yen; what flows beyond it is the operator's.
    slack_wh, slack_s = (0, 0) if kind is LimitKind.MONEY else (terms.slack_wh, terms.cut_off_s)
    most_s = (quote.time_limit_s or 86_400) + slack_s
    left_mwh, left_s, parts = (quote.energy_cap_wh + slack_wh) * 1000, most_s, []
    begin = at + timedelta(seconds=how.draw(st.integers(0, 1800)))
    for _ in range(how.draw(st.integers(1, 4))):
        supply_s, mwh = how.draw(st.integers(0, left_s)), how.draw(st.integers(0, left_mwh))
        paused_s = how.draw(st.integers(0, 1200))
        end = begin + timedelta(seconds=supply_s + paused_s)
        parts.append(Part(begin=begin, end=end, mwh=mwh, supply_s=supply_s, idle=mwh == 0))
        begin, left_s, left_mwh = end, left_s - supply_s, left_mwh - mwh
    usage = Usage(begin=parts[0].begin, parts=tuple(parts))

    assert pricing.bill(price, usage).total_minor <= quote.hold_minor
    assert quote.estimated_minor <= quote.hold_minor
    assert funds is None or kind is not LimitKind.FULL or quote.hold_minor <= funds
    assert 0 < quote.energy_cap_wh <= MOST_WH


def _fees(*rates: Rate, **others: object) -> Terms:
    price = Price(currency="JPY", tax_rate=Decimal("0.1"), rates=rates, **others)  # type: ignore[arg-type]
    return Terms(price=price, at=NOW, sold=SOLD, rated_w=3000)


def test_money_below_the_fees_is_refused_with_what_it_costs_at_least() -> None:
    terms = _fees(rate("energy", "30"), rate("session", "20"))

    with pytest.raises(LimitBelowFees) as refused:
        quoted(terms, RequestedLimit(kind=LimitKind.MONEY, amount=10))

    assert LANGUAGES.default.error(refused.value) == (
        "This is too little: with its fees, a charging here costs ¥21 at least. Choose a larger amount."
    )


def test_money_pays_the_fees_first_and_then_energy_and_the_time_it_takes() -> None:
    quote = quoted(
        _fees(rate("energy", "30"), rate("time", "1"), rate("session", "20")),
        RequestedLimit(kind=LimitKind.MONEY, amount=120),
    )

    # 2 kWh: 60 for the energy, 40 for the 40 minutes that they take at 3 kW, 20 for the charging.
    assert (quote.energy_limit_wh, quote.time_limit_s, quote.hold_minor) == (2000, 2400, 120)


def test_money_buys_by_the_dearest_rate_that_can_hold_before_the_charging_is_over() -> None:
    night, winter = Band(from_minute=22 * 60, to_minute=6 * 60), Band(from_day="12-01", to_day="02-28")
    terms = _fees(rate("energy", "30"), rate("energy", "20", night), rate("time", "0"), rate("time", "99", winter))

    # In June nothing is said about winter.
    assert quoted(terms, RequestedLimit(kind=LimitKind.MONEY, amount=30)).energy_limit_wh == 1000


def test_where_time_is_paid_for_energy_does_not_take_for_ever() -> None:
    quote = quoted(_fees(rate("energy", "30"), rate("time", "2")), RequestedLimit(kind=LimitKind.ENERGY, amount=6000))

    assert (quote.estimated_s, quote.time_limit_s) == (7200, 16_200)
    assert (quote.estimated_minor, quote.hold_minor) == (420, 180 + 540)


def test_the_most_of_a_charging_is_the_most_that_is_held() -> None:
    terms = _fees(rate("energy", "30"), rate("time", "2"), max_minor=500)

    assert quoted(terms, FULL).hold_minor == 500
    all_of_it = quoted(terms, RequestedLimit(kind=LimitKind.MONEY, amount=800))
    assert (all_of_it.hold_minor, all_of_it.energy_limit_wh) == (500, MOST_WH)


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
