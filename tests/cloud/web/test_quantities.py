"""Numbers, money, energy and times as each language writes them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.charging.progress import CurvePoint
from konsento.kit.i18n import LANGUAGES, Language
from konsento.web.session_view import curve_path


def language(code: str) -> Language:
    found = LANGUAGES.get(code)
    assert found is not None
    return found


ENGLISH, JAPANESE = language("en"), language("ja")


@pytest.mark.parametrize(
    ("minor", "currency", "english", "japanese"),
    [
        (231, "JPY", "¥231", "231円"),
        (12345, "JPY", "¥12,345", "12,345円"),
        (0, "JPY", "¥0", "0円"),
        (-3, "JPY", "-¥3", "-3円"),
        (231, "EUR", "€2.31", "2.31ユーロ"),
        (1234, "KWD", "KWD\u00a01.234", "1.234クウェート ディナール"),
    ],
)
def test_money_has_the_digits_of_its_currency(minor: int, currency: str, english: str, japanese: str) -> None:
    assert ENGLISH.money(minor, currency) == english
    assert JAPANESE.money(minor, currency) == japanese


@pytest.mark.parametrize(
    ("price", "currency", "english"),
    [
        ("38.5", "JPY", "¥38.50"),
        ("3850", "JPY", "¥3,850"),
        ("40.00", "JPY", "¥40"),
        ("38.123", "JPY", "¥38.123"),
        ("0.3", "EUR", "€0.30"),
        ("0.38512", "EUR", "€0.38512"),
    ],
)
def test_a_unit_price_has_all_its_digits(price: str, currency: str, english: str) -> None:
    assert ENGLISH.unit_price(Decimal(price), currency) == english


@given(st.decimals(min_value=0, max_value=10**6, places=5))
def test_no_digit_of_a_unit_price_is_lost(price: Decimal) -> None:
    shown = ENGLISH.unit_price(price, "JPY").removeprefix("¥").replace(",", "")

    assert Decimal(shown) == price


@pytest.mark.parametrize(
    ("wh", "shown"),
    [("10", "10 Wh"), ("999", "999 Wh"), ("1000", "1.00 kWh"), ("1234", "1.234 kWh"), ("10.25", "10.25 Wh")],
)
def test_energy_below_a_kilowatt_hour_is_in_wh(wh: str, shown: str) -> None:
    assert ENGLISH.energy(Decimal(wh)) == JAPANESE.energy(Decimal(wh)) == shown.replace(" ", "\u00a0")


@given(st.integers(min_value=0, max_value=10**9))
def test_no_mwh_of_measured_energy_is_lost(mwh: int) -> None:
    number, unit = ENGLISH.energy(Decimal(mwh) / 1000).replace(",", "").split("\u00a0")

    assert Decimal(number) * (1000 if unit == "kWh" else 1) * 1000 == mwh


@given(st.integers(min_value=0, max_value=10**9))
def test_a_running_meter_never_shows_more_than_was_measured(mwh: int) -> None:
    number, unit = ENGLISH.energy_so_far(mwh)

    assert Decimal(number.replace(",", "")) * (10**6 if unit == "kWh" else 1000) <= mwh


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0, "0 s", "0秒"),
        (42, "42 s", "42秒"),
        (60, "1 min", "1分"),
        (65, "1 min 5 s", "1分5秒"),
        (3600, "1 h", "1時間"),
        (4620, "1 h 17 min", "1時間17分"),
        (90000, "25 h", "25時間"),
        (-5, "0 s", "0秒"),
    ],
)
def test_a_time_span_has_its_two_largest_units(seconds: int, english: str, japanese: str) -> None:
    assert ENGLISH.duration(seconds) == english
    assert JAPANESE.duration(seconds) == japanese


def test_moments_are_those_of_the_outlet() -> None:
    at = datetime(2026, 11, 22, 15, 58, tzinfo=UTC)

    assert ENGLISH.moment(at, ZoneInfo("Asia/Tokyo")) == "23 Nov, 00:58"
    assert JAPANESE.moment(at, ZoneInfo("Asia/Tokyo")) == "11月23日 0:58"
    assert ENGLISH.moment(at, ZoneInfo("Europe/Berlin")) == "22 Nov, 16:58"


def test_power_and_percent() -> None:
    assert ENGLISH.power(820) == "820\u00a0W"
    assert ENGLISH.power(2914) == "2.91\u00a0kW"
    assert ENGLISH.percent(Decimal("0.10")) == "10%"
    assert ENGLISH.percent(Decimal("0.105")) == "10.5%"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("fr,ja;q=0.5", "ja"),
        ("fr", "en"),
        ("ja;q=0,en", "en"),
        ("ja;q=x", "en"),
        (",;=;,ja", "ja"),
        ("*", "en"),
    ],
)
def test_the_language_that_the_browser_prefers(header: str, code: str) -> None:
    assert LANGUAGES.accepted(header).code == code


@given(st.text(max_size=200))
def test_any_language_header_gives_a_language(header: str) -> None:
    assert LANGUAGES.accepted(header).code in {"en", "ja"}


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=200))
def test_the_power_curve_stays_in_its_frame(points: list[tuple[int, int]]) -> None:
    path = curve_path(tuple(CurvePoint(seconds, watts) for seconds, watts in sorted(points)))

    for step in path.removeprefix("M").split(" L"):
        x, y = (float(number) for number in step.split())
        assert 0 <= x <= 300
        assert 0 <= y <= 54
