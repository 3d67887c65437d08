"""Our own layout, for sources that no other reader knows: CSV and JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid import errors
from konsento.grid.readers import read
from konsento.grid.records import BalanceSlot, FirstType, Series, SpotSlot, Supply

from ..files import own_csv, sunny_day

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 4, 1, tzinfo=UTC)


def table(*lines: str, header: str = "region,begin,minutes,demand,supply,solar") -> bytes:
    return ("\n".join([header, *lines]) + "\n").encode()


def refused(content: bytes, reason: type[errors.Unreadable], **given: str) -> str:
    with pytest.raises(reason) as caught:
        read(content, **given)  # type: ignore[arg-type]
    assert type(caught.value) is reason
    return str(caught.value)


def test_a_day_of_our_own_layout_is_read() -> None:
    reading = read(own_csv(date(2026, 4, 5)).content)

    assert (reading.format, reading.region, reading.missing, reading.warnings) == ("csv", "JP-A03", (), ())
    assert [(s.demand_kwh, s.supply_kwh, s.first_kwh) for s in reading.slots] == sunny_day()
    assert reading.slots[0].begin == datetime(2026, 4, 4, 15, tzinfo=UTC)


def test_every_column_is_taken() -> None:
    header = "region,begin,end,unit,demand,supply,supply_is,renewable,series,issued_at,price,currency"
    line = "AU-NSW,2026-04-01T12:00Z,2026-04-01T12:05Z,MW,1200,2400,capacity,600,plan,2026-04-01T00:00Z,-0.0125,aud"

    reading = read(table(line, header=header))

    assert reading.slots == (
        BalanceSlot(
            region="AU-NSW",
            begin=BEGIN + timedelta(hours=12),
            minutes=5,
            demand_kwh=100_000,
            supply_kwh=200_000,
            supply=Supply.CAPACITY,
            first_kwh=50_000,
            first=FirstType.RENEWABLE,
            series=Series.PLAN,
            issued_at=BEGIN,
        ),
    )
    assert reading.prices == (
        SpotSlot(
            region="AU-NSW", begin=BEGIN + timedelta(hours=12), minutes=5, price=Decimal("-0.0125"), currency="AUD"
        ),
    )


@given(
    st.lists(st.tuples(st.integers(1, 10**8), st.integers(1, 10**8), st.integers(0, 100)), min_size=1, max_size=60),
    st.sampled_from([5, 15, 30, 60]),
    st.sampled_from(["csv", "json"]),
)
def test_what_is_written_is_read(values: Sequence[tuple[int, int, int]], minutes: int, layout: str) -> None:
    slots = [
        {
            "begin": (BEGIN + timedelta(minutes=minutes * n)).isoformat(),
            "minutes": minutes,
            "demand": demand,
            "supply": supply,
            "renewable_percent": percent,
        }
        for n, (demand, supply, percent) in enumerate(values)
    ]
    content = (
        json.dumps({"region": "DE", "slots": slots}).encode()
        if layout == "json"
        else table(*(",".join(map(str, one.values())) for one in slots), header=",".join(slots[0]))
    )

    reading = read(content, region="DE")

    assert [(s.demand_kwh, s.supply_kwh, s.first_share) for s in reading.slots] == [
        (demand, supply, Decimal(percent) / 100) for demand, supply, percent in values
    ]
    assert (reading.format, reading.missing) == (layout, ())


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 4, 1), 24)])
@pytest.mark.parametrize("minutes", [15, 60])
def test_local_times_are_read_on_days_of_23_and_25_hours(day: date, hours: int, minutes: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    begins = [midnight + timedelta(minutes=minutes * n) for n in range(hours * 60 // minutes)]
    lines = [
        f"DE,{a.astimezone(BERLIN):%Y-%m-%d %H:%M},{b.astimezone(BERLIN):%Y-%m-%d %H:%M},1000"
        for a, b in zip(begins, [*begins[1:], midnight + timedelta(hours=hours)], strict=True)
    ]

    reading = read(table(*lines, header="region,begin,end,demand"))

    assert [slot.begin for slot in reading.slots] == begins
    assert reading.missing == ()


def test_a_time_that_the_clock_skips_is_refused() -> None:
    assert "Europe/Berlin" in refused(table("DE,2026-03-29 02:30,30,1,1,1"), errors.NoSuchTime)


def test_times_without_an_offset_need_a_clock() -> None:
    line = table("X1,2026/4/1 0:30,30,1000,1000,100")

    refused(line, errors.UnknownTimeZone)
    refused(line, errors.UnknownTimeZone, time_zone="Moon/Sea")
    assert read(line, time_zone="Asia/Tokyo").slots[0].begin == datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
    assert read(json.dumps({"time_zone": "Asia/Tokyo", "region": "X1", "slots": [
        {"begin": "2026-04-01T00:30", "minutes": 30, "demand": 1}]}).encode()).slots[0].begin.hour == 15  # fmt: skip


def test_gaps_are_missing_and_a_long_one_is_told_in_a_sentence() -> None:
    times = ("2026-04-01T00:00Z", "2026-04-01T02:00Z", "2026-08-01T00:00Z")

    reading = read(table(*(f"DE,{time},60,1000,1000,1" for time in times)))

    assert reading.missing == (("DE", BEGIN + timedelta(hours=1)),)
    assert "there is nothing from" in reading.warnings[0]


def test_empty_rows_and_zeros_of_what_is_to_come_are_missing() -> None:
    lines = ["DE,2026-04-01T00:00Z,60,1000,1000,0", "DE,2026-04-01T01:00Z,60,,,", "DE,2026-04-01T02:00Z,60,0,0,0"]

    reading = read(table(*lines))

    assert len(reading.slots) == 1
    assert len(reading.missing) == 2


def test_the_last_line_without_an_end_is_left_out() -> None:
    whole = table("DE,2026-04-01T00:00Z,60,1000,1000,10", "DE,2026-04-01T01:00Z,60,1000,1000,999")

    reading = read(whole[:-2])

    assert (len(reading.slots), len(reading.warnings)) == (1, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("DE,2026-04-01T00:00Z,60,1000,1000,1001", errors.TooMuchOfFirstType),
        ("DE,2026-04-01T00:00Z,60,-1,1000,1", errors.Impossible),
        ("DE,2026-04-01T00:00Z,60,0,1000,1", errors.NoDemand),
        ("DE,2026-04-01T00:00Z,61,1,1000,1", errors.OddLength),
        ("DE,2026-04-01T00:00Z,½,1,1000,1", errors.OddLength),
        ("DE,2026-04-01T00:00Z,,1,1000,1", errors.NotATime),
        ("DE,noon,60,1,1000,1", errors.NotATime),
        ("DE,0001-01-01T00:00,60,1,1000,1", errors.NotATime),
        ("DE,9999-12-31T23:59,60,1,1000,1", errors.NotATime),
        ("DE,2026-04-01T00:00Z,60,one,1000,1", errors.NotANumber),
        ('DE,2026-04-01T00:00Z,60,"1,234",1000,1', errors.NotANumber),
        (",2026-04-01T00:00Z,60,1,1000,1", errors.UnknownArea),
        ("A region that is too long,2026-04-01T00:00Z,60,1,1000,1", errors.UnknownArea),
        ("DE,2026-04-01T00:00Z,60,1,1000,1\nDE,2026-04-01T00:00Z,60,2,1000,1", errors.Contradiction),
        ("DE,2026-04-01T00:00Z,60,1,1000,1\nDE,2026-04-01T00:30Z,60,1,1000,1", errors.Overlap),
        ("DE,2026-04-01T00:00Z,60,,,", errors.NoData),
    ],
)
def test_a_row_that_is_not_as_it_should_be_is_refused(line: str, reason: type[errors.Unreadable]) -> None:
    refused(table(line), reason)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("region,begin,minutes,demand,supply,sun", errors.UnknownColumn),
        ("region,begin,demand,supply,solar", errors.ChangedHeader),
        ("region,begin,minutes,unit,series", errors.ChangedHeader),
        ("region,from,minutes,demand,supply,solar", errors.UnknownFormat),
    ],
)
def test_a_header_that_is_not_of_the_layout_is_refused(header: str, reason: type[errors.Unreadable]) -> None:
    refused(table("DE,2026-04-01T00:00Z,60,1,1000,1", header=header), reason)


@pytest.mark.parametrize(
    ("column", "word"),
    [("unit", "GWh"), ("series", "guess"), ("supply_is", "import"), ("currency", "Euro"), ("currency", "")],
)
def test_unknown_words_are_refused(column: str, word: str) -> None:
    header = f"region,begin,minutes,demand,supply,price,{column}"

    refused(table(f"DE,2026-04-01T00:00Z,60,1,1,0.1,{word}", header=header), errors.NotAWord)


def test_two_first_types_in_a_row_are_refused() -> None:
    header = "region,begin,minutes,demand,supply,solar,wind_solar"

    refused(table("DE,2026-04-01T00:00Z,60,9,9,1,2", header=header), errors.NotAWord)


def test_another_region_than_the_sources_is_refused() -> None:
    refused(own_csv(date(2026, 4, 5)).content, errors.OtherArea, region="JP-A04")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"slots": [], "region": "DE"}', errors.NoData),
        ('{"slots": [{"begin": ["2026"], "minutes": 60, "demand": 1}], "region": "DE"}', errors.NotAWord),
        ('{"slots": [{"begin": "2026-04-01T00:00Z", "minutes": 60, "demand": true}]}', errors.NotAWord),
        ('{"slots": [{"begin": "2026-04-01T00:00Z", "minutes": 60, "demnad": 1}]}', errors.UnknownColumn),
        ('{"slots": [{"begin": "2026-04-01T00:00Z", "begin": "2026-04-02T00:00Z"}]}', errors.BrokenDocument),
        ('{"slots": [{"begin": "2026-04-01T00:00Z", "minutes": 60, ', errors.BrokenDocument),
        ("[" * 100_000, errors.UnknownFormat),
        ('{"a": ' * 100_000, errors.BrokenDocument),
    ],
)
def test_a_document_that_is_not_as_it_should_be_is_refused(document: str, reason: type[errors.Unreadable]) -> None:
    refused(document.encode(), reason)
