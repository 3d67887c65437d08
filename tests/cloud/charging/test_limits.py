"""What a driver may type as a limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.charging.errors import (
    BadLimit,
    LimitNotANumber,
    LimitNotPositive,
    LimitTooFine,
    LimitTooLarge,
    UnknownLimitKind,
    UnknownUnit,
)
from konsento.charging.limits import MOST_S, MOST_WH, RequestedLimit, parse_limit
from konsento.models import LimitKind


@pytest.mark.parametrize(
    ("kind", "amount", "unit", "currency", "expected"),
    [
        ("energy", "6", None, "JPY", 6000),
        ("energy", "0.005", "kWh", "JPY", 5),
        ("energy", "10", "Wh", "JPY", 10),
        ("energy", "1,5", "kWh", "JPY", 1500),
        ("energy", "１．５", "kWh", "JPY", 1500),  # full-width, as Japanese keyboards type
        ("energy", "100", "kWh", "JPY", 100_000),
        ("energy", "1.5 kWh", "kWh", "JPY", 1500),
        ("energy", "500wh", "kWh", "JPY", 500),  # the unit behind the number is the driver's own word
        ("energy", "６ｋＷｈ", "kWh", "JPY", 6000),
        ("time", "30", None, "JPY", 1800),
        ("time", "2 h", "min", "JPY", 7200),
        ("time", "30分", "min", "JPY", 1800),
        ("time", "1.5時間", "min", "JPY", 5400),
        ("money", "¥500", "major", "JPY", 500),
        ("money", "500円", "major", "JPY", 500),
        ("money", "1,500", "major", "JPY", 1500),  # no coin is smaller, so this can be no decimal sign
        ("money", "1,500.5", "major", "EUR", 150_050),
        ("money", "2,50 €", "major", "EUR", 250),
        ("time", "1.5", "h", "JPY", 5400),
        ("time", "5", "s", "JPY", 5),
        ("money", "200", None, "JPY", 200),
        ("money", "20", "minor", "JPY", 20),
        ("money", "2.50", "major", "EUR", 250),
        ("money", "2.50", "EUR", "EUR", 250),
    ],
)
def test_amounts_are_read_in_their_units(
    kind: str, amount: str, unit: str | None, currency: str, expected: int
) -> None:
    assert parse_limit(kind, amount, unit, currency) == RequestedLimit(kind=LimitKind(kind), amount=expected)


@pytest.mark.parametrize(
    ("kind", "amount", "unit", "error"),
    [
        ("favour", "1", "Wh", UnknownLimitKind),
        ("energy", "1", "min", UnknownUnit),
        ("money", "1", "USD", UnknownUnit),
        ("energy", "5 min", "kWh", UnknownUnit),
        ("energy", "5 barrels", "kWh", UnknownUnit),
        ("money", "5 USD", "major", UnknownUnit),
        ("energy", "🔌", "kWh", LimitNotANumber),
        ("energy", "6🔌", "kWh", LimitNotANumber),
        ("energy", "1 2", "kWh", LimitNotANumber),
        ("energy", "0", "Wh", LimitNotPositive),
        ("energy", "-5", "Wh", LimitNotPositive),
        ("energy", "-0", "Wh", LimitNotPositive),
        ("energy", "", "Wh", LimitNotANumber),
        ("energy", "much", "Wh", LimitNotANumber),
        ("energy", "nan", "Wh", LimitNotANumber),
        ("energy", "sNaN", "Wh", LimitNotANumber),
        ("energy", "inf", "Wh", LimitNotANumber),
        ("energy", "1_000", "Wh", LimitNotANumber),
        ("energy", "1.2.3", "Wh", LimitNotANumber),
        ("energy", "1" * 41, "Wh", LimitNotANumber),
        ("energy", "1e9", "kWh", LimitTooLarge),
        ("energy", "1e999999", "kWh", LimitTooLarge),
        ("energy", "100.001", "kWh", LimitTooLarge),
        ("energy", "0.5", "Wh", LimitTooFine),
        ("energy", "1e-999999", "kWh", LimitTooFine),
        ("energy", "0.0005", "kWh", LimitTooFine),
        ("time", "99999999", "min", LimitTooLarge),
        ("time", "0.5", "s", LimitTooFine),
        ("money", "0.5", None, LimitTooFine),
        ("money", "1000001", None, LimitTooLarge),
    ],
)
def test_nonsense_is_refused_with_its_own_reason(kind: str, amount: str, unit: str, error: type[BadLimit]) -> None:
    with pytest.raises(error):
        parse_limit(kind, amount, unit, "JPY")


@given(
    kind=st.sampled_from(["energy", "time", "money"]),
    amount=st.one_of(st.text(max_size=30), st.decimals().map(str), st.floats().map(str)),
    unit=st.sampled_from([None, "kWh", "Wh", "s", "min", "h", "minor", "major", "x"]),
)
def test_whatever_is_typed_gives_a_limit_within_bounds_or_a_reason(kind: str, amount: str, unit: str | None) -> None:
    try:
        limit = parse_limit(kind, amount, unit, "JPY")
    except BadLimit as error:
        assert str(error)  # noqa: PT017  # a reason is one of the two right outcomes
        return
    assert 0 < limit.amount <= {"energy": MOST_WH, "time": MOST_S, "money": 1_000_000}[kind]


@given(wh=st.integers(1, MOST_WH))
def test_kilowatt_hours_and_watt_hours_mean_the_same(wh: int) -> None:
    assert parse_limit("energy", str(Decimal(wh) / 1000), "kWh", "JPY") == parse_limit("energy", str(wh), "Wh", "JPY")
