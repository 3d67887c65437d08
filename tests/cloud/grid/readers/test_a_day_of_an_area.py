"""The day of an area as each of Japan's ten grid operators writes it, and what can be wrong with it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid import areas, errors
from konsento.grid.readers import read
from konsento.grid.reading import Reading
from konsento.grid.records import FirstType, Series, Supply

from ..files import CRLF, DIALECTS, SIZE, SLOTS, Dialect, area_file, area_lines, encoded, sunny_day, zipped

DAY = date(2026, 4, 5)
MIDNIGHT = datetime(2026, 4, 4, 15, tzinfo=UTC)
SHIKOKU = DIALECTS["shikoku"]
MEAN = SIZE["JP-A08"]


def shikoku(change: Callable[[list[str]], None] = lambda lines: None, end: str = CRLF) -> bytes:
    """Return a file of Shikoku's operator after a change to its lines; the first row of data is line 4."""
    lines = area_lines(SHIKOKU, DAY, sunny_day(MEAN))
    change(lines)
    return (CRLF.join(lines) + end).encode("cp932")


def refused(content: bytes, reason: type[errors.Unreadable], name: str = "yosoku_tomorrow.csv", **given: str) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(reason) as caught:
        read(content, name=name, **given)  # type: ignore[arg-type]
    assert type(caught.value) is reason
    return str(caught.value)


def cell(line: int, column: int, value: str) -> Callable[[list[str]], None]:
    """Return a change of one cell; lines count from 1, columns from 0."""

    def change(lines: list[str]) -> None:
        cells = lines[line - 1].split(",")
        cells[column] = value
        lines[line - 1] = ",".join(cells)

    return change


def balances(reading: Reading) -> list[tuple[int | None, int | None, int | None]]:
    return [(slot.demand_kwh, slot.supply_kwh, slot.first_kwh) for slot in reading.slots]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("series", ["forecast", "actual"])
def test_every_operators_file_is_read(dialect: Dialect, series: str) -> None:
    values = sunny_day(SIZE[dialect.region])
    sample = area_file(dialect, DAY, values, series)
    if "{series}" not in dialect.name and series == "actual":
        return  # this name is of forecasts alone

    reading = read(sample.content, name=sample.name)

    assert (reading.format, reading.region, reading.missing, reading.warnings) == ("jp_area", dialect.region, (), ())
    assert balances(reading) == values
    first, last = reading.slots[0], reading.slots[-1]
    assert (first.begin, last.end, first.minutes) == (MIDNIGHT, MIDNIGHT + timedelta(days=1), 30)
    assert (first.supply, first.first, first.series) == (Supply.GENERATION, FirstType.WIND_SOLAR, Series(series))
    assert all(slot.issued_at and slot.issued_at.date() == DAY for slot in reading.slots)


@given(
    st.sampled_from(list(DIALECTS.values())),
    st.dates(date(2022, 4, 1), date(2030, 12, 31)),
    st.lists(
        st.tuples(st.floats(0.4, 1.2), st.floats(0.6, 1.5), st.floats(0, 1)),
        min_size=SLOTS,
        max_size=SLOTS,
    ),
)
def test_what_is_written_is_read_on_any_day(
    dialect: Dialect, day: date, factors: list[tuple[float, float, float]]
) -> None:
    mean = SIZE[dialect.region]
    values = [(round(mean * d), round(mean * d * s), int(mean * d * s * f)) for d, s, f in factors]
    sample = area_file(dialect, day, values)

    reading = read(sample.content, name=sample.name)

    assert balances(reading) == values
    assert not reading.missing


@pytest.mark.parametrize("region", areas.JAPAN)
def test_a_file_under_any_name_is_read_when_its_region_is_told(region: str) -> None:
    reading = read(area_file(region, DAY).content, name="download", region=region)

    assert reading.region == region
    assert reading.warnings[0].startswith("nothing says whether") or region == "JP-A06"


def test_a_name_with_the_address_and_the_region_before_it_is_understood() -> None:
    content = area_file("tokyo", DAY).content

    for name in ("https://www4.tepco.co.jp/forecast/html/images/AREA_YOSOKU.csv?x=1", "JP-TK_AREA_YOSOKU.csv"):
        assert read(content, name=name).region == "JP-A03"
    assert read(area_file("kyushu", DAY).content, name="JP-KY_21110_TSO9_0_20260405.csv").region == "JP-A09"


@pytest.mark.parametrize(
    ("mangled", "warned"),
    [
        (shikoku().decode("cp932").encode(), False),
        (shikoku().decode("cp932").encode("utf-8-sig"), False),
        (encoded(line + ",,,," for line in area_lines(SHIKOKU, DAY, sunny_day(MEAN))), False),
        (encoded(line.replace("20260405,", "2026/4/5,") for line in area_lines(SHIKOKU, DAY, sunny_day(MEAN))), False),
        (
            encoded(line.replace("20260405,", "2026-04-05,") for line in area_lines(SHIKOKU, DAY, sunny_day(MEAN))),
            False,
        ),
        (shikoku().replace(b"\r\n", b"\n"), False),
        (shikoku().replace(b"\r\n", b"\r\n\r\n"), False),
        (shikoku(end=""), True),
        (shikoku(lambda lines: lines.append(lines[20])), True),
        (shikoku(lambda lines: lines.append("※速報値です")), False),
    ],
    ids=[
        "utf-8",
        "mark",
        "commas",
        "slashes",
        "dashes",
        "line ends",
        "empty lines",
        "open end",
        "a row twice",
        "a note",
    ],
)
def test_a_file_that_a_spreadsheet_saved_is_read_where_it_is_certain(mangled: bytes, warned: bool) -> None:
    reading = read(mangled, name="yosoku_tomorrow.csv")

    assert balances(reading) == sunny_day(MEAN)
    assert bool(reading.warnings) is warned


def test_times_that_a_spreadsheet_took_for_numbers_are_read() -> None:
    lines = area_lines(DIALECTS["tokyo"], DAY, sunny_day(SIZE["JP-A03"]))
    bare = [",".join(c.lstrip("0") or "0" if i in {2, 3} else c for i, c in enumerate(x.split(","))) for x in lines[3:]]

    assert len(read(encoded([*lines[:3], *bare]), name="AREA_YOSOKU.csv").slots) == SLOTS


def test_numbers_with_an_exponent_and_thousands_are_read() -> None:
    content = shikoku(lambda lines: (cell(4, 4, "1.13E+06")(lines), cell(5, 4, '"1,137,749"')(lines), None)[-1])

    slots = read(content, name="yosoku_tomorrow.csv").slots

    assert [slot.demand_kwh for slot in slots[:2]] == [1_130_000, 1_137_749]


def test_what_is_not_observed_yet_is_missing_and_no_zero() -> None:
    values = [*sunny_day(SIZE["JP-A03"])[:20], *[(0.0, 0.0, 0.0)] * 28]

    reading = read(area_file("tokyo", DAY, values, "actual").content, name="AREA_JISEKI_20260405.csv")

    assert len(reading.slots) == 20
    assert [begin for _, begin in reading.missing] == [MIDNIGHT + timedelta(minutes=30 * n) for n in range(20, SLOTS)]


def test_empty_cells_of_the_running_day_are_missing() -> None:
    sample = area_file("kansai since 2025", DAY, [*sunny_day(SIZE["JP-A06"])[:30], *[None] * 18], "actual")

    reading = read(sample.content, name=sample.name)

    assert (len(reading.slots), len(reading.missing)) == (30, 18)


def test_a_day_of_which_nothing_is_observed_yet_is_no_error_but_a_forecast_of_zeros_is() -> None:
    nothing = [(0.0, 0.0, 0.0)] * SLOTS

    assert len(read(area_file("tokyo", DAY, nothing, "actual").content, name="AREA_JISEKI.csv").missing) == SLOTS
    refused(area_file("tokyo", DAY, nothing).content, errors.NoData, "AREA_YOSOKU.csv")


def test_a_missing_slot_is_listed() -> None:
    for line in (4, 30, 51):
        reading = read(shikoku(lambda lines, line=line: lines.pop(line - 1)), name="yosoku_tomorrow.csv")  # type: ignore[misc]

        assert reading.missing == (("JP-A08", MIDNIGHT + timedelta(minutes=30 * (line - 4))),)
        assert len(reading.slots) == SLOTS - 1


def test_actual_values_may_lack_the_last_slots() -> None:
    """Hokkaido's file is finished before its last half hour is over."""
    sample = area_file("hokkaido", DAY, sunny_day(SIZE["JP-A01"])[:46], "actual")

    reading = read(sample.content, name=sample.name)

    assert (len(reading.slots), len(reading.missing)) == (46, 2)


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut() -> None:
    whole = shikoku()
    end_of_header = whole.index(b"1,0:00")

    for length in range(end_of_header, len(whole) - 120, 7):
        with pytest.raises(errors.Unreadable):
            read(whole[:length], name="yosoku_tomorrow.csv")


@given(st.integers(0, len(shikoku())))
def test_a_cut_file_is_refused_or_read_without_a_number_that_was_not_there(length: int) -> None:
    try:
        reading = read(shikoku()[:length], name="yosoku_tomorrow.csv")
    except errors.Unreadable:
        return
    values = sunny_day(MEAN)
    for slot in reading.slots:
        demand, supply, first = values[(slot.begin - MIDNIGHT) // timedelta(minutes=30)]
        assert (slot.demand_kwh, slot.supply_kwh) == (demand, supply)
        assert (slot.first_kwh or 0) <= first  # the last digits may be lost: then less is advised, never more


def test_a_slot_twice_with_other_values_is_refused() -> None:
    def twice(lines: list[str]) -> None:
        lines.append(lines[20])
        cell(len(lines), 4, "1234567")(lines)

    assert "JP-A08 is there already" in refused(shikoku(twice), errors.Contradiction)


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        (cell(3, 4, "エリア総発電量"), "エリア総需要量", "エリア総発電量"),
        (cell(3, 5, "エリア風力・太陽光発電量"), "エリア総発電量", "エリア風力・太陽光発電量"),
        (cell(3, 6, "エリア原子力発電量"), "エリア風力・太陽光発電量", "エリア原子力発電量"),
        (cell(3, 4, "エリア総需要量,予備"), "エリア総発電量", "予備"),
        (lambda lines: lines.pop(2), "エリア総需要量", ""),
    ],
    ids=["swapped", "swapped too", "renamed", "a column more", "no header"],
)
def test_a_changed_header_is_refused_with_both_names(
    change: Callable[[list[str]], None], expected: str, found: str
) -> None:
    sentence = refused(shikoku(change), errors.ChangedHeader)

    assert f"“{expected}”" in sentence
    assert f"“{found}”" in sentence


@pytest.mark.parametrize("unit", ["[MW]", "[万kWh]", "(MWh)", "［ＭＷ］"])
def test_another_unit_is_refused(unit: str) -> None:
    refused(shikoku(cell(3, 4, f"エリア総需要量{unit}")), errors.ChangedUnit)


def test_one_number_of_another_size_is_refused_and_all_of_them_are_remarked_upon() -> None:
    day = sunny_day(MEAN)
    megawatts = [(d / 500, s / 500, f / 500) for d, s, f in day]

    assert "another unit" in refused(area_file("shikoku", DAY, [megawatts[0], *day[1:]]).content, errors.OtherSize)
    whole, other = (read(area_file("shikoku", DAY, values).content, region="JP-A08") for values in (day, megawatts))
    assert [warning for warning in other.warnings if "another unit" in warning]
    # Surplus and shares are the same, up to what the smaller numbers are rounded by.
    shares = [abs((one.share or 0) - (two.share or 0)) for one, two in zip(whole.slots, other.slots, strict=True)]
    assert max(shares) < Decimal("0.01")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (cell(9, 5, "-1500000"), errors.Impossible),
        (cell(9, 4, "0"), errors.NoDemand),
        (cell(9, 5, "0"), errors.NoSupply),
        (cell(9, 6, "9999999"), errors.TooMuchOfFirstType),
        (cell(9, 4, "n/a"), errors.NotANumber),
        (cell(9, 4, "1.1.1"), errors.NotANumber),
        (cell(9, 4, "1E99"), errors.Impossible),
        (cell(9, 0, "20260406"), errors.WrongDay),
        (cell(2, 2, "20260406"), errors.WrongDay),
        (cell(9, 0, "4/5/2026"), errors.NotADay),
        (cell(9, 0, "46117"), errors.NotADay),
        (cell(9, 2, "2:00"), errors.ShiftedTime),
        (cell(9, 2, "noon"), errors.NotATime),
        (cell(9, 3, "2:30"), errors.NotATime),
        (lambda lines: lines.__setitem__(8, "20260405,6,2:30"), errors.CutOff),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    change: Callable[[list[str]], None], reason: type[errors.Unreadable]
) -> None:
    refused(shikoku(change), reason)


def test_days_of_which_day_and_month_cannot_be_told_apart_are_refused() -> None:
    content = encoded(line.replace("20260405,", "4/5/2026,") for line in area_lines(SHIKOKU, DAY, sunny_day(MEAN)))

    refused(content, errors.NotADay)


def test_a_file_of_another_day_than_its_name_is_refused() -> None:
    sentence = refused(area_file("chugoku", DAY).content, errors.WrongDay, "20260406_yosoku_chugoku.csv")

    assert "2026-04-06" in sentence
    assert "2026-04-05" in sentence


def test_a_file_of_another_area_is_refused_and_a_name_that_any_file_may_have_is_not() -> None:
    tohoku = area_file("tohoku", DAY)

    assert "JP-A02" in refused(tohoku.content, errors.OtherArea, tohoku.name, region="JP-A03")
    assert read(tohoku.content, name="yosoku_today.csv", region="JP-A02").region == "JP-A02"
    refused(tohoku.content, errors.UnknownArea, "today.csv")


def test_what_the_file_says_counts_more_than_its_name() -> None:
    said = shikoku(lambda lines: lines.insert(0, "四国エリア 実績値"))

    reading = read(said, name="tokyo_yosoku.csv")

    assert (reading.region, reading.slots[0].series) == ("JP-A08", Series.ACTUAL)
    assert len(reading.warnings) == 2
    refused(said, errors.OtherArea, "x.csv", region="JP-A03")


@pytest.mark.parametrize(("wrong", "right"), [("latin-1", "cp932"), ("cp932", "utf-8")])
def test_destroyed_signs_are_told(wrong: str, right: str) -> None:
    destroyed = shikoku().decode("cp932").encode(right).decode(wrong, "replace").encode()

    refused(destroyed, errors.Mojibake)


def test_signs_that_could_not_be_read_are_told() -> None:
    refused(shikoku().decode("ascii", "replace").encode(), errors.Mojibake)
    refused(shikoku().decode("cp932").encode("utf-16"), errors.NotText)
    refused(shikoku()[:100] + b"\xff\xff\xff" + shikoku()[100:], errors.NotText)


# --- months in a zip file


def month(days: int = 3) -> bytes:
    files = [
        area_file("tokyo", DAY + timedelta(days=n), series=series)
        for n in range(days)
        for series in ("forecast", "actual")
    ]
    return zipped(files, folder="AREA_202604/")


def test_a_month_in_a_zip_file_is_read() -> None:
    reading = read(month(), name="AREA_202604.zip")

    assert (reading.format, reading.region, len(reading.slots)) == ("jp_area", "JP-A03", 3 * 2 * SLOTS)
    assert {slot.series for slot in reading.slots} == {Series.FORECAST, Series.ACTUAL}
    assert reading.missing == reading.warnings == ()


def test_the_zip_file_of_chugoku_is_read() -> None:
    content = zipped(area_file("chugoku", DAY + timedelta(days=n)) for n in range(2))

    assert read(content, name="202604_jyukyu2_chugoku.zip").region == "JP-A07"


def test_a_bad_day_in_a_month_is_left_out_with_a_warning() -> None:
    good, bad = area_file("chugoku", DAY), area_file("chugoku", DAY + timedelta(days=1))
    broken = type(bad)(bad.name, bad.content[:900])

    reading = read(zipped([good, broken]), name="202604_jyukyu2_chugoku.zip")

    assert len(reading.slots) == SLOTS
    assert reading.warnings[0].startswith(f"{bad.name} was left out: The file is cut off")


def test_a_day_that_is_in_a_zip_file_twice_with_other_values_is_refused() -> None:
    day = area_file("chugoku", DAY)
    other = area_file("chugoku", DAY, sunny_day(SIZE["JP-A07"], surplus=0.3))

    refused(zipped([day, type(day)(f"old/{day.name}", other.content)]), errors.Overlap, "202604_jyukyu2_chugoku.zip")


def test_a_zip_file_that_is_cut_off_or_unpacks_to_too_much_is_refused() -> None:
    refused(month()[:-300], errors.BadArchive, "AREA_202604.zip")
    bomb = zipped([type(area_file("tokyo", DAY))("AREA_YOSOKU.csv", b"0" * 6_000_000)])
    refused(bomb, errors.BadArchive, "AREA_202604.zip")
    refused(zipped([]), errors.NoData, "AREA_202604.zip")
