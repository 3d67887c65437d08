"""Japan's other files: all areas (OCCTO), spot prices (JEPX), today (juyo-j), and what was generated (eria_jukyu)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from konsento.grid import areas, errors
from konsento.grid.readers import read
from konsento.grid.records import FirstType, Series, Supply

from ..files import CRLF, SLOTS, Sample, encoded, jepx_file, juyo_file, mix_file, mix_values, occto_file

DAY = date(2026, 4, 5)
MIDNIGHT = datetime(2026, 4, 4, 15, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def changed(sample: Sample, line: int, change: Callable[[str], str], encoding: str = "cp932") -> bytes:
    """Return a file in which one line, counted from 1, was changed."""
    lines = sample.content.decode(encoding).splitlines()
    lines[line - 1] = change(lines[line - 1])
    return encoded(lines, encoding)


# --- OCCTO


@pytest.mark.parametrize("kinds", [False, True])
def test_all_areas_are_read_with_their_half_hours_named_by_their_end(kinds: bool) -> None:
    reading = read(occto_file([DAY, DAY + timedelta(days=1)], kinds=kinds).content)

    assert (reading.format, reading.region, reading.missing, reading.warnings) == ("occto", None, (), ())
    assert len(reading.slots) == 10 * 2 * SLOTS
    tokyo = [slot for slot in reading.slots if slot.region == "JP-A03"]
    assert (tokyo[0].begin, tokyo[-1].end) == (MIDNIGHT, MIDNIGHT + timedelta(days=2))
    assert (tokyo[0].demand_kwh, tokyo[0].supply_kwh) == (3_000_030 // 2, 1_800_000)
    assert (tokyo[0].supply, tokyo[0].series, tokyo[0].first) == (Supply.CAPACITY, Series.FORECAST, None)
    assert tokyo[0].issued_at == datetime(2026, 4, 5, 8, 45, tzinfo=UTC)


def test_of_all_areas_only_the_one_that_was_asked_for_is_taken() -> None:
    reading = read(occto_file([DAY]).content, region="JP-A10")

    assert {slot.region for slot in reading.slots} == {"JP-A10"}
    assert len(reading.slots) == SLOTS


def test_a_blackout_is_missing_and_an_area_without_rows_is_told() -> None:
    reading = read(occto_file([DAY], blackout=["関西"]).content)
    assert len(reading.missing) == SLOTS
    assert {region for region, _ in reading.missing} == {"JP-A06"}

    lines = [line for line in occto_file([DAY]).content.decode("utf-8-sig").splitlines() if "沖縄" not in line]
    without = read(encoded(lines, "utf-8-sig"))
    assert without.warnings == ("there is no row of JP-A10",)
    assert len(without.missing) == SLOTS


@pytest.mark.parametrize(
    ("line", "change", "reason"),
    [
        (2, lambda text: text.replace("エリア需要(MW)", "エリア需要(万kW)"), errors.ChangedHeader),
        (2, lambda text: text.replace("時刻", "時間"), errors.UnknownFormat),
        (9, lambda text: text.replace("中国", "中国地方"), errors.UnknownZone),
        (9, lambda text: text.replace("00:30", "00:00"), errors.ShiftedTime),
        (9, lambda text: text.replace("00:30", "00:35"), errors.ShiftedTime),
        (9, lambda text: text.replace("7000", "7O00"), errors.NotANumber),
        (9, lambda text: text.replace("7000", "70"), errors.OtherSize),
        (482, lambda text: text[:30], errors.CutOff),
    ],
)
def test_a_changed_table_of_all_areas_is_refused(
    line: int, change: Callable[[str], str], reason: type[errors.Unreadable]
) -> None:
    with pytest.raises(reason):
        read(changed(occto_file([DAY]), line, change, "utf-8-sig"))


def test_a_table_of_all_areas_is_never_read_with_a_cut_number() -> None:
    content = occto_file([DAY]).content.decode("utf-8-sig").replace('"', "").encode()
    slots = set(read(content).slots)
    last_row = content.rindex(b"2026/04/05")

    for length in [*range(200, last_row, 2999), *range(last_row - 9, len(content))]:
        try:
            reading = read(content[:length])
        except errors.Unreadable:
            continue
        assert length > last_row - 800  # the last half hour of the day
        assert set(reading.slots) <= slots
        assert len(reading.slots) + len(reading.missing) == len(slots)


def test_a_table_of_all_areas_that_ends_before_its_day_is_refused() -> None:
    lines = occto_file([DAY]).content.decode("utf-8-sig").splitlines()

    with pytest.raises(errors.CutOff):
        read(encoded(lines[:400], "utf-8-sig"))


# --- JEPX


def test_spot_prices_of_nine_areas_are_read() -> None:
    reading = read(jepx_file([DAY, DAY + timedelta(days=1)]).content)

    assert (reading.format, reading.region, reading.slots, reading.missing) == ("jepx", None, (), ())
    assert len(reading.prices) == 9 * 2 * SLOTS
    assert {price.region for price in reading.prices} == set(areas.JAPAN[:9])
    kyushu = [price for price in reading.prices if price.region == "JP-A09"]
    assert (kyushu[0].begin, kyushu[-1].end) == (MIDNIGHT, MIDNIGHT + timedelta(days=2))
    assert (kyushu[0].price, kyushu[0].currency, kyushu[0].minutes) == (Decimal("1.09"), "JPY", 30)


def test_an_empty_price_is_missing_and_one_of_nothing_is_a_price() -> None:
    def price(slot: int, area: int) -> str:
        return "" if slot == 5 else "0.01" if slot == 24 else "12.34"

    reading = read(jepx_file([DAY], price).content, region="JP-A03")

    assert reading.missing == (("JP-A03", MIDNIGHT + 4 * HALF_HOUR),)
    assert reading.prices[22].price == Decimal("0.01")


@pytest.mark.parametrize(
    ("line", "change", "reason"),
    [
        (1, lambda text: text.replace("エリアプライス四国", "エリアプライス淡路"), errors.ChangedHeader),
        (
            1,
            lambda text: text.replace("エリアプライス東京(円/kWh)", "エリアプライス東京(円/MWh)"),
            errors.ChangedHeader,
        ),
        (7, lambda text: text.replace(",6,", ",66,"), errors.NotATime),
        (7, lambda text: text.replace("2026/04/05", "04/05/2026"), errors.NotADay),
        (7, lambda text: text.replace("6.09", "9999.09"), errors.ImpossiblePrice),
        (7, lambda text: text.replace(",6,", ",5,"), errors.Contradiction),
        (49, lambda text: text.replace(",48,", ",47,").replace("48.", "47."), errors.CutOff),
    ],
)
def test_a_changed_table_of_prices_is_refused(
    line: int, change: Callable[[str], str], reason: type[errors.Unreadable]
) -> None:
    with pytest.raises(reason):
        read(changed(jepx_file([DAY]), line, change))


def test_prices_are_refused_wherever_the_file_is_cut_before_its_last_price() -> None:
    content = jepx_file([DAY]).content
    last_price = content.rindex(b"48.09") + 5

    for length in range(200, last_price + 1, 11):
        with pytest.raises(errors.Unreadable):
            read(content[:length], name="spot_2026.csv")


def test_okinawa_has_no_spot_price() -> None:
    with pytest.raises(errors.NoData):
        read(jepx_file([DAY]).content, region="JP-A10")


# --- today


def today(**given: str) -> Sample:
    hours = [(900 if hour < 13 else 0, 950 + hour, 1300) for hour in range(24)]
    fives = [(900 + number % 12, 300) if number < 156 else (0, 0) if number < 200 else None for number in range(288)]
    return juyo_file(DAY, hours, fives, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"forecast": "予想値", "capacity": "供給力"},
        {"commas": ",,,,"},
    ],
    ids=["", "Kansai's words", "saved by a spreadsheet"],
)
def test_todays_forecast_and_what_was_are_read(given: dict[str, str]) -> None:
    reading = read(today(**given).content, name="juyo-j.csv", region="JP-A09")

    assert (reading.format, reading.region, reading.missing) == ("jp_forecast_today", "JP-A09", ())
    forecast = [slot for slot in reading.slots if slot.series is Series.FORECAST]
    actual = [slot for slot in reading.slots if slot.series is Series.ACTUAL]
    assert [slot.demand_kwh for slot in forecast] == [(950 + hour) * 10_000 for hour in range(24)]
    assert {(slot.supply_kwh, slot.supply, slot.minutes) for slot in forecast} == {(13_000_000, Supply.CAPACITY, 60)}
    assert (len(actual), actual[-1].end) == (156, MIDNIGHT + timedelta(hours=13))
    assert (actual[0].demand_kwh, actual[0].first_kwh, actual[0].first) == (750_000, 250_000, FirstType.SOLAR)
    assert reading.slots[0].issued_at == datetime(2026, 4, 5, 13, 56, tzinfo=UTC)


def test_a_corrected_row_takes_the_place_of_the_one_above() -> None:
    reading = read(today(corrected="修正後,0:00,900,777,60,8,1400").content, region="JP-A09")

    assert (reading.slots[156].demand_kwh, reading.slots[156].supply_kwh) == (7_770_000, 14_000_000)
    assert "corrects the line above" in reading.warnings[0]


def test_five_minutes_that_were_not_measured_are_missing() -> None:
    sample = today()
    line = sample.content.decode("cp932").splitlines().index("2026/4/5,1:00,900,300,33") + 1

    reading = read(changed(sample, line, lambda text: "2026/4/5,1:00,,,"), region="JP-A09")

    assert reading.missing == (("JP-A09", MIDNIGHT + timedelta(hours=1)),)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("予測値(万kW)", "予測値(kW)", errors.ChangedUnit),
        ("予測値(万kW)", "見込み(万kW)", errors.ChangedHeader),
        ("2026/4/5,3:00", "2026/4/6,3:00", errors.WrongDay),
        ("2026/4/5,3:00", "2026/4/5,3:07", errors.ShiftedTime),
        ("2026/4/5,23:00,0,973,75,8,1300\r\n", "", errors.CutOff),
        ("2026/4/5,3:00,900,953", "2026/4/5,3:00,900,95E", errors.NotANumber),
    ],
)
def test_a_changed_file_of_today_is_refused(old: str, new: str, reason: type[errors.Unreadable]) -> None:
    text = today().content.decode("cp932")
    assert old in text

    with pytest.raises(reason):
        read(text.replace(old, new, 1).encode("cp932"), region="JP-A09")


def test_todays_file_is_refused_wherever_its_hours_are_cut() -> None:
    content = today().content
    for length in range(100, content.index(b"2026/4/5,23:00") + 20):
        with pytest.raises(errors.Unreadable):
            read(content[:length], region="JP-A09")


def test_the_area_of_todays_file_is_told_by_its_name() -> None:
    assert read(today().content, name="juyo_09_20260405.csv").region == "JP-A09"
    with pytest.raises(errors.UnknownArea):
        read(today().content, name="juyo-j.csv")
    with pytest.raises(errors.WrongDay):
        read(today().content, name="juyo_09_20260406.csv")


# --- what was generated

GENERATORS = [name for name in mix_values(0) if name not in {"エリア需要", "合計", "揚水", "蓄電池", "連系線"}]


@pytest.mark.parametrize(
    ("sample", "region"),
    [
        (mix_file(DAY, encoding="utf-8-sig"), "JP-A03"),
        (mix_file(DAY, operator="04"), "JP-A04"),
        (mix_file(DAY, operator="02", more_columns=True), "JP-A02"),
        (mix_file(DAY, operator="09", kyushu=True), "JP-A09"),
    ],
    ids=["Tokyo", "Chubu", "22 columns", "Kyushu"],
)
def test_generation_of_every_operator_is_read(sample: Sample, region: str) -> None:
    reading = read(sample.content, name=sample.name)

    assert (reading.format, reading.region, reading.missing, len(reading.slots)) == ("jp_mix", region, (), SLOTS)
    noon, values = reading.slots[24], mix_values(24)
    assert noon.begin == MIDNIGHT + timedelta(hours=12)
    generated = sum(values[name] for name in GENERATORS if "制御量" not in name)
    assert (noon.demand_kwh, noon.supply_kwh) == (values["エリア需要"] * 500, generated * 500)
    assert (noon.first_kwh, noon.first, noon.supply) == (5350 * 500, FirstType.WIND_SOLAR, Supply.GENERATION)
    assert noon.series is Series.ACTUAL
    assert bool(reading.warnings) is (region == "JP-A09")


def test_half_hours_without_values_are_missing() -> None:
    reading = read(mix_file(DAY, 20, waiting=28).content, name="eria_jukyu_202604_03.csv")

    assert (len(reading.slots), len(reading.missing)) == (20, 28)


def test_the_last_row_of_generation_without_an_end_is_left_out() -> None:
    reading = read(mix_file(DAY).content[:-4], name="eria_jukyu_202604_03.csv")

    assert (len(reading.slots), len(reading.missing), len(reading.warnings)) == (SLOTS - 1, 1, 1)


def test_a_row_that_does_not_add_up_is_left_out_and_many_refuse_the_file() -> None:
    def wrong(slot: int, values: dict[str, int]) -> None:
        if slot == 7:
            values["火力(LNG)"] += 500

    reading = read(mix_file(DAY, change=wrong).content, name="eria_jukyu_202604_03.csv")
    assert reading.missing == (("JP-A03", MIDNIGHT + 7 * HALF_HOUR),)
    assert "do not add up" in reading.warnings[0]

    def shifted(slot: int, values: dict[str, int]) -> None:
        values["原子力"] += 300

    with pytest.raises(errors.SumsDiffer):
        read(mix_file(DAY, change=shifted).content, name="eria_jukyu_202604_03.csv")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("単位[MW平均]", "単位[万kWh]", errors.ChangedUnit),
        ("単位[MW平均]" + ",,,供給力" + CRLF, "", errors.ChangedUnit),
        ("風力発電実績", "風力", errors.ChangedHeader),
        ("蓄電池", "蓄電池,水素", errors.ChangedHeader),
        ("2026/4/5,3:00", "2026/4/5,3:10", errors.ShiftedTime),
        ("2026/4/5,0:30", "2026/4/5,24:00", errors.ShiftedTime),
        ("2026/4/5,3:00", "2026/4/5,3:30", errors.Contradiction),
    ],
)
def test_a_changed_file_of_generation_is_refused(old: str, new: str, reason: type[errors.Unreadable]) -> None:
    text = mix_file(DAY).content.decode("cp932")
    assert old in text

    with pytest.raises(reason):
        read(text.replace(old, new, 1).encode("cp932"), name="eria_jukyu_202604_03.csv")
