"""Prices: rounded once, in the driver's favour, without a float; bands by the clock where the outlet is."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from konsento import pricing
from konsento.pricing import Adjustment, Band, Component, Part, Price, Rate, Tally, Usage
from konsento.pricing.bill import PER

from .prices import AMOUNTS, BEGINS, CURRENCIES, TAX_RATES, prices, usages

ENERGY = st.integers(0, 1_000_000)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DIGITS = {"JPY": 0, "EUR": 2, "USD": 2, "KWD": 3}
NIGHT = Band(from_minute=22 * 60, to_minute=6 * 60)


def price_of(*rates: Rate, currency: str = "JPY", zone: str = "Asia/Tokyo", **others: object) -> Price:
    return Price(currency=currency, tax_rate=Decimal("0.1"), rates=rates, time_zone=zone, **others)  # type: ignore[arg-type]


def rate(component: str, price: str, band: Band | None = None, free_s: int = 0) -> Rate:
    return Rate(component=Component(component), price=Decimal(price), band=band, free_s=free_s)


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Tokyo"))


def used(wh: int, seconds: int = 0, idle_s: int = 0, begin: datetime = NOON) -> Usage:
    return Usage.steady(begin=begin, mwh=wh * 1000, supply_s=seconds, idle_s=idle_s)


def amounts(bill: pricing.Bill) -> dict[str, int]:
    return {str(line.component): line.amount_minor for line in bill.lines}


@pytest.mark.parametrize(
    ("unit_price", "currency", "wh", "total", "tax"),
    [
        ("3850", "JPY", 10, 38, 3),
        ("38.5", "JPY", 6000, 231, 21),
        ("38.5", "JPY", 25, 0, 0),
        ("0.3636", "EUR", 10_000, 363, 33),
        ("0.3636", "USD", 10_000, 363, 33),
        ("0.0455", "KWD", 10_000, 455, 41),
        ("0", "JPY", 10_000, 0, 0),
    ],
)
def test_known_bills_for_energy_alone(unit_price: str, currency: str, wh: int, total: int, tax: int) -> None:
    bill = pricing.bill(Price.per_kwh(Decimal(unit_price), currency, Decimal("0.1")), used(wh))

    assert (bill.total_minor, bill.tax_minor) == (total, tax)


@given(unit_price=st.decimals(0, 10_000, places=6), currency=CURRENCIES, tax_rate=TAX_RATES, wh=ENERGY)
def test_a_price_for_energy_alone_is_the_exact_price_rounded_down_once(
    unit_price: Decimal, currency: str, tax_rate: Decimal, wh: int
) -> None:
    price = Price.per_kwh(unit_price, currency, tax_rate)
    exact = Fraction(unit_price) * wh / 1000 * 10 ** DIGITS[currency]

    bill = pricing.bill(price, used(wh))

    assert price.flat
    assert bill.total_minor == int(exact) == pricing.amount_minor(price, wh)


@given(price=prices(), usage=usages())
def test_lines_add_up_to_the_total_which_is_never_negative_and_never_above_the_most(price: Price, usage: Usage) -> None:
    bill = pricing.bill(price, usage)

    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor
    assert 0 <= bill.tax_minor <= bill.total_minor
    assert price.max_minor is None or bill.total_minor <= price.max_minor
    assert price.min_minor is None or usage.mwh < 1000 or bill.total_minor >= price.min_minor
    for line in bill.lines:
        if isinstance(line.component, Component):
            per = {"energy": 1000, "time": 60, "session": 1, "idle": 60}[line.component]
            exact = Fraction(line.unit_price) * line.quantity / per * 10 ** DIGITS[price.currency]
            assert abs(exact - line.amount_minor) < 1


@given(price=prices(), usage=usages())
def test_the_total_without_minimum_and_maximum_is_its_lines_worked_out_exactly_and_rounded_down_once(
    price: Price, usage: Usage
) -> None:
    bill = pricing.bill(replace(price, min_minor=None, max_minor=None), usage)

    exact = sum(Fraction(line.unit_price) * line.quantity / PER[line.component] for line in bill.lines)
    assert bill.total_minor == int(exact * 10 ** DIGITS[price.currency])


@given(price=prices(), usage=usages(), more=st.integers(0, 5_000_000), later=st.integers(0, 30_000), which=st.data())
def test_more_energy_or_more_time_never_costs_less(
    price: Price, usage: Usage, more: int, later: int, which: st.DataObject
) -> None:
    assume(usage.parts)
    before = pricing.bill(price, usage).total_minor
    place = which.draw(st.integers(0, len(usage.parts) - 1))
    fuller = list(usage.parts)
    fuller[place] = replace(fuller[place], mwh=fuller[place].mwh + more)
    end = usage.end
    longer = Part(begin=end, end=end + timedelta(seconds=later), mwh=more, supply_s=later, idle=more == 0)

    assert pricing.bill(price, replace(usage, parts=tuple(fuller))).total_minor >= before
    assert pricing.bill(price, replace(usage, parts=(*usage.parts, longer))).total_minor >= before


@given(price=prices(), usage=usages(), pieces=st.integers(2, 7))
def test_in_how_many_parts_it_was_measured_makes_no_difference(price: Price, usage: Usage, pieces: int) -> None:
    whole, split = [], []
    for part in usage.parts:
        step = part.end - part.begin
        whole.append(
            replace(part, end=part.begin + step * pieces, mwh=part.mwh * pieces, supply_s=part.supply_s * pieces)
        )
        split += [replace(part, begin=part.begin + step * at, end=part.begin + step * (at + 1)) for at in range(pieces)]

    assert pricing.bill(price, replace(usage, parts=tuple(split))) == pricing.bill(
        price, replace(usage, parts=tuple(whole))
    )


@given(price=prices(), usage=usages(), at=st.integers(0, 6))
def test_a_running_session_goes_on_from_what_was_kept(price: Price, usage: Usage, at: int) -> None:
    tally = Tally(price, usage.begin)
    for part in usage.parts[:at]:
        tally.add(part)
    kept = json.loads(json.dumps(tally.to_dict()))
    again = Tally.from_dict(price, kept)
    for part in usage.parts[at:]:
        again.add(part)

    assert pricing.bill_of(again) == pricing.bill(price, usage)


@given(price=prices())
def test_a_price_survives_being_kept_and_has_one_fingerprint(price: Price) -> None:
    again = Price.from_dict(json.loads(json.dumps(price.to_dict())))

    assert again == price
    assert again.fingerprint == price.fingerprint
    assert replace(price, tax_included=not price.tax_included).fingerprint != price.fingerprint


def test_zeros_that_say_nothing_do_not_make_another_price() -> None:
    one, other = (Price.per_kwh(Decimal(text), "JPY", Decimal("0.10")) for text in ("38.5", "38.50"))

    assert one.fingerprint == other.fingerprint


def test_every_component_has_its_line_in_the_order_in_which_drivers_are_told() -> None:
    price = price_of(rate("idle", "10", free_s=900), rate("session", "50"), rate("time", "2"), rate("energy", "30"))

    bill = pricing.bill(price, used(6000, 3 * 3600, idle_s=3600))

    assert amounts(bill) == {"energy": 180, "time": 360, "session": 50, "idle": 450}
    assert list(amounts(bill)) == ["energy", "time", "session", "idle"]
    assert (bill.total_minor, bill.tax_minor) == (1040, 94)


def test_what_is_lost_by_rounding_lines_goes_to_those_that_lost_most() -> None:
    price = price_of(rate("energy", "0.6"), rate("time", "0.5"))

    bill = pricing.bill(price, used(1000, 60))

    assert amounts(bill) == {"energy": 1, "time": 0}


def test_nights_are_cheaper_by_the_clock_of_the_outlet_also_past_midnight() -> None:
    price = price_of(rate("energy", "40"), rate("energy", "20", NIGHT))

    bill = pricing.bill(price, used(6000, 3 * 3600, begin=tokyo("2026-06-01 20:00")))

    assert [(line.quantity, line.amount_minor) for line in bill.lines] == [(4000, 160), (2000, 40)]
    assert pricing.bill(price, used(1000, 3600, begin=tokyo("2026-06-02 05:00"))).total_minor == 20
    assert pricing.bill(price, used(1000, 3600, begin=tokyo("2026-06-02 06:00"))).total_minor == 40


def test_the_example_of_the_docs() -> None:
    price = price_of(
        rate("energy", "30"),
        rate("energy", "20", NIGHT),
        rate("time", "2"),
        rate("session", "50"),
        rate("idle", "10", free_s=900),
    )

    bill = pricing.bill(price, used(6000, 7200, idle_s=1800, begin=tokyo("2026-06-01 21:00")))

    assert [(line.quantity, line.amount_minor) for line in bill.lines] == [
        (4000, 120),
        (2000, 40),
        (7200, 240),
        (1, 50),
        (900, 150),
    ]
    assert bill.total_minor == 600


def test_hours_past_midnight_belong_to_the_day_on_which_they_began() -> None:
    friday_night = Band(from_minute=22 * 60, to_minute=6 * 60, weekdays=frozenset({4}))
    price = price_of(rate("energy", "40"), rate("energy", "20", friday_night))

    totals = [
        pricing.bill(price, used(1000, 1800, begin=tokyo(at))).total_minor
        for at in ("2026-06-05 03:00", "2026-06-05 23:00", "2026-06-06 03:00", "2026-06-06 23:00")
    ]

    assert totals == [40, 20, 20, 40]


def test_a_season_may_go_past_new_year() -> None:
    winter = Band(from_day="12-01", to_day="02-29")
    price = price_of(rate("energy", "40"), rate("energy", "50", winter))

    totals = [
        pricing.bill(price, used(1000, 1800, begin=tokyo(f"{day} 12:00"))).total_minor
        for day in ("2025-11-30", "2025-12-01", "2026-01-15", "2026-02-28", "2026-03-01")
    ]

    assert totals == [40, 50, 50, 50, 40]
    over = pricing.bill(price, used(2000, 7200, begin=tokyo("2026-02-28 23:00")))
    assert [line.amount_minor for line in over.lines] == [40, 50]


@pytest.mark.parametrize(
    ("begin", "in_band"),
    [
        # After 1:59 comes 3:00: half an hour of the band is left, from 3:00 on.
        ("2026-03-29T00:00+00:00", 500),
        # 2:00 to 3:00 comes twice, and so does the half hour from 2:30 on.
        ("2026-10-25T00:00+00:00", 1000),
    ],
)
def test_bands_follow_the_clock_on_the_wall_when_clocks_are_set(begin: str, in_band: int) -> None:
    band = Band(from_minute=150, to_minute=210)
    price = price_of(rate("energy", "10"), rate("energy", "20", band), zone="Europe/Berlin")

    bill = pricing.bill(price, used(2000, 7200, begin=datetime.fromisoformat(begin)))

    assert [line.quantity for line in bill.lines] == [2000 - in_band, in_band]


@given(begin=BEGINS, seconds=st.integers(1, 90_000), zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe"]))
def test_a_minute_of_a_band_is_what_the_clock_shows_at_every_second(begin: datetime, seconds: int, zone: str) -> None:
    begin = begin.replace(second=0, microsecond=0)
    band = Band(from_minute=100, to_minute=165)
    price = price_of(rate("time", "1"), rate("time", "60", band), zone=zone)

    bill = pricing.bill(price, Usage.steady(begin=begin, mwh=0, supply_s=seconds))

    walls = (((begin + timedelta(seconds=s)).astimezone(ZoneInfo(zone))) for s in range(0, seconds, 60))
    in_band = sum(100 <= wall.hour * 60 + wall.minute < 165 for wall in walls) * 60
    told = sum(line.quantity for line in bill.lines if line.band is not None)
    assert -60 < told - in_band <= 0 or told == in_band


def test_a_fraction_of_a_watt_hour_on_each_side_of_an_edge_counts_at_the_cheaper_rate() -> None:
    price = price_of(rate("energy", "1000"), rate("energy", "500", NIGHT))
    begin = tokyo("2026-06-01 21:30")

    bill = pricing.bill(price, Usage.steady(begin=begin, mwh=3_000, supply_s=3600))

    assert [line.quantity for line in bill.lines] == [1, 2]
    assert bill.total_minor == 2


def test_each_stretch_of_standing_idle_has_its_own_time_that_costs_nothing() -> None:
    price = price_of(rate("energy", "0"), rate("idle", "6", free_s=600))
    hour = timedelta(hours=1)

    def stretch(at: int, seconds: int, mwh: int = 0) -> Part:
        begin = NOON + at * hour
        return Part(begin=begin, end=begin + timedelta(seconds=seconds), mwh=mwh, supply_s=seconds, idle=mwh == 0)

    twice = Usage(begin=NOON, parts=(stretch(0, 600), stretch(1, 60, 1000), stretch(2, 300), stretch(3, 360)))

    assert amounts(pricing.bill(price, twice)) == {"energy": 0, "idle": 6}


def test_a_charging_in_which_nothing_flowed_pays_no_fee_for_itself_and_no_minimum() -> None:
    price = price_of(rate("energy", "30"), rate("session", "50"), min_minor=100)

    assert pricing.bill(price, used(0, 600)).total_minor == 0
    assert pricing.bill(price, used(1, 600)).total_minor == 100


def test_where_no_energy_is_sold_the_fee_is_due_once_there_was_supply() -> None:
    price = price_of(rate("session", "50"), rate("time", "2"))

    assert pricing.bill(price, used(0, 0)).total_minor == 0
    assert pricing.bill(price, used(0, 600)).total_minor == 70


def test_the_fee_is_the_one_of_when_supply_began() -> None:
    price = price_of(rate("energy", "0"), rate("session", "50"), rate("session", "20", NIGHT))

    assert pricing.bill(price, used(1000, 7200, begin=tokyo("2026-06-01 21:00"))).total_minor == 50
    assert pricing.bill(price, used(1000, 7200, begin=tokyo("2026-06-01 22:00"))).total_minor == 20


def test_minimum_and_maximum_are_lines_of_their_own() -> None:
    price = price_of(rate("energy", "30"), min_minor=100, max_minor=500)

    low, high = pricing.bill(price, used(1000)), pricing.bill(price, used(20_000))

    assert amounts(low) == {"energy": 30, "minimum": 70}
    assert amounts(high) == {"energy": 600, "maximum": -100}
    assert high.lines[-1].component is Adjustment.MAXIMUM


def test_tax_that_is_not_in_a_price_is_added_and_drivers_are_told_the_sum() -> None:
    price = price_of(rate("energy", "35"), rate("session", "10"), tax_included=False)

    bill = pricing.bill(price, used(6000))

    assert price.unit_price == Decimal("38.5")
    assert [line.unit_price for line in bill.lines] == [Decimal("38.5"), Decimal(11)]
    assert (bill.total_minor, bill.tax_minor) == (242, 22)


@given(total=st.integers(0, 10**9), tax_rate=TAX_RATES)
def test_the_tax_in_an_amount_is_rounded_down_exactly(total: int, tax_rate: Decimal) -> None:
    tax = pricing.tax_in(Price.per_kwh(Decimal(1), "JPY", tax_rate), total)

    assert tax == (Decimal(total) - Decimal(total) / (1 + tax_rate)).to_integral_value(ROUND_FLOOR) or (
        Fraction(total) * Fraction(tax_rate) / (1 + Fraction(tax_rate)) == tax
    )


@given(unit_price=AMOUNTS.filter(lambda p: p > 0), currency=CURRENCIES, minor=st.integers(0, 10**5))
def test_money_buys_as_much_as_it_pays_for_and_not_a_watt_hour_more(
    unit_price: Decimal, currency: str, minor: int
) -> None:
    price = Price.per_kwh(unit_price, currency, Decimal("0.1"))

    bought = pricing.affordable(pricing.worst(price, NOON), minor, 3000, (10**12, 86_400))

    wh = bought[0] if bought is not None else 0
    assert pricing.amount_minor(price, wh) <= minor
    assert pricing.amount_minor(price, wh + 1) >= minor


@given(price=prices(), usage=usages())
def test_no_usage_costs_more_than_the_dearest_rates_say(price: Price, usage: Usage) -> None:
    assume(usage.end - usage.begin <= timedelta(hours=26))
    worst = pricing.worst(price, usage.begin)

    assert pricing.bill(price, usage).total_minor <= worst.most_minor(usage.mwh // 1000, usage.supply_s)


@given(price=prices(), begin=BEGINS, minor=st.integers(1, 50_000), rated_w=st.integers(100, 22_000))
def test_what_an_amount_pays_for_costs_no_more_than_the_amount(
    price: Price, begin: datetime, minor: int, rated_w: int
) -> None:
    worst = pricing.worst(price, begin)

    paid = pricing.affordable(worst, minor, rated_w, (100_000, 86_400))

    if paid is None:
        assert worst.cost(1, pricing.time_for_energy(rated_w, 1)) > minor
    else:
        assert worst.cost(*paid) <= minor


@given(rated_w=st.integers(100, 50_000), wh=st.integers(0, 100_000))
def test_time_and_energy_at_the_rated_power_agree(rated_w: int, wh: int) -> None:
    seconds = pricing.time_for_energy(rated_w, wh)

    assert pricing.energy_for_time(rated_w, seconds) >= wh
    assert pricing.most_energy_for_time(rated_w, seconds) >= pricing.energy_for_time(rated_w, seconds)


@pytest.mark.parametrize(("mwh", "seconds"), [(-1, 0), (0, -1)])
def test_less_than_nothing_is_no_bill(mwh: int, seconds: int) -> None:
    part = Part(begin=NOON, end=NOON, mwh=mwh, supply_s=seconds)

    with pytest.raises(ValueError, match="below zero"):
        pricing.bill(Price.per_kwh(Decimal(1), "JPY", Decimal(0)), Usage(begin=NOON, parts=(part,)))
