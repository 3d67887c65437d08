"""Opening hours: read, written, and reckoned by the site's clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.sites.holidays import country_of, holidays_in
from konsento.sites.hours import DAY_MIN, BadHoursError, Opening, OpeningHours, Span, opening, parse

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")


def never(_: date) -> bool:
    return False


def at(zone: ZoneInfo, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


SPANS = st.builds(
    lambda opens, length: Span(opens, opens + length), st.integers(0, DAY_MIN - 1), st.integers(1, DAY_MIN)
)
DAYS = st.lists(SPANS, max_size=3).map(lambda spans: tuple(sorted(spans)))
HOURS = st.builds(OpeningHours, st.tuples(*[DAYS] * 7), st.none() | DAYS)
MOMENTS = st.integers(0, 2 * 365 * 24 * 3600).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
ZONES = st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(HOURS)
def test_what_is_written_is_read_as_the_same(week: OpeningHours) -> None:
    assert parse(str(week)) == week


@given(st.text(max_size=40) | st.from_regex(r"([MTWFSu][oehra](-[SF][aur])?) [0-9:, -]{0,24}", fullmatch=True))
def test_any_text_is_hours_or_refused(text: str) -> None:
    try:
        week = parse(text)
    except BadHoursError:
        return
    assert week is None or parse(str(week)) == week


@given(HOURS, MOMENTS, ZONES, st.booleans())
def test_what_is_said_of_the_next_change_is_so(week: OpeningHours, moment: datetime, zone: str, holiday: bool) -> None:
    place = ZoneInfo(zone)

    def ask(when: datetime) -> Opening:
        return opening(week, when, place, lambda _: holiday)

    now = ask(moment)
    if now.is_open:
        assert now.opens is None
        if now.closes is not None:
            assert ask(now.closes - timedelta(microseconds=1)).is_open
            assert not ask(now.closes).is_open
    else:
        assert now.closes is None
        if now.opens is not None:
            assert ask(now.opens).is_open
            assert not ask(now.opens - timedelta(microseconds=1)).is_open


@given(HOURS, MOMENTS)
def test_without_clock_changes_a_minute_is_open_when_a_span_covers_it(week: OpeningHours, moment: datetime) -> None:
    local = moment.astimezone(TOKYO)
    minute = local.hour * 60 + local.minute
    days = week.week
    today, yesterday = days[local.weekday()], days[(local.weekday() - 1) % 7]
    covered = any(span.opens <= minute < span.closes for span in today)
    covered |= any(span.opens <= minute + DAY_MIN < span.closes for span in yesterday)

    assert opening(week, moment, TOKYO, never).is_open == covered


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Mo-Fr 08:00-20:00; Sa 09:00-18:00; PH off", "Mo-Fr 08:00-20:00; Sa 09:00-18:00; PH off"),
        ("08:00-20:00", "Mo-Su 08:00-20:00"),
        ("24/7", "Mo-Su 00:00-24:00"),
        ("Mo-Su 08:00-20:00; We off", "Mo-Tu 08:00-20:00; Th-Su 08:00-20:00"),
        ("Fr-Mo 22:00-06:00", "Mo 22:00-06:00; Fr-Su 22:00-06:00"),
        ("Mo,We 8:00-12:00, 13:00-17:00", "Mo 08:00-12:00,13:00-17:00; We 08:00-12:00,13:00-17:00"),
        ("Su,PH 10:00-16:00", "Su 10:00-16:00; PH 10:00-16:00"),
        ("off", "Mo-Su off"),
    ],
)
def test_the_ways_to_write_hours(text: str, written: str) -> None:
    assert str(parse(text)) == written


@pytest.mark.parametrize(
    "text", ["Mo", "Xx 08:00-20:00", "Mo 08:00", "Mo 25:00-26:00", "Mo 08:60-09:00", "Mo 24:00-25:00", ";", "x" * 501]
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(BadHoursError):
        parse(text)


def test_no_hours_are_always_open() -> None:
    assert parse(" ") is None
    assert opening(None, at(TOKYO, "2026-11-22T03:00"), TOKYO, never).is_open


def test_whole_days_that_touch_never_close() -> None:
    now = opening(parse("24/7"), at(TOKYO, "2026-11-22T03:00"), TOKYO, never)
    assert (now.is_open, now.closes) == (True, None)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    week = parse("Fr 22:00-06:00")
    now = opening(week, at(TOKYO, "2026-11-28T02:00"), TOKYO, never)  # a Saturday
    assert now.closes == at(TOKYO, "2026-11-28T06:00")
    assert opening(week, at(TOKYO, "2026-11-28T06:00"), TOKYO, never).opens == at(TOKYO, "2026-12-04T22:00")


def test_a_day_that_is_an_hour_longer_or_shorter_keeps_to_the_clock() -> None:
    week = parse("Mo-Su 08:00-20:00")
    for day in ("2026-03-29", "2026-10-25"):
        morning = opening(week, at(BERLIN, f"{day}T07:59"), BERLIN, never)
        assert morning.opens == at(BERLIN, f"{day}T08:00")
        assert opening(week, at(BERLIN, f"{day}T19:59"), BERLIN, never).closes == at(BERLIN, f"{day}T20:00")


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    week = parse("Su 02:00-02:30")  # 25 October 2026, clocks go back at 03:00
    assert opening(week, at(BERLIN, "2026-10-25T01:59"), BERLIN, never).opens == at(BERLIN, "2026-10-25T02:00")
    assert opening(week, at(BERLIN, "2026-10-25T02:10"), BERLIN, never).closes == at(BERLIN, "2026-10-25T02:30", 1)


def test_a_span_that_the_clock_skips_comes_an_hour_later() -> None:
    week = parse("Su 02:15-02:45")  # 29 March 2026, clocks go from 02:00 to 03:00
    assert opening(week, at(BERLIN, "2026-03-29T01:00"), BERLIN, never).opens == at(BERLIN, "2026-03-29T03:15")


def test_public_holidays_are_those_of_the_country() -> None:
    week = parse("Mo-Su 08:00-20:00; PH off")
    labour_thanksgiving = at(TOKYO, "2026-11-23T12:00")
    now = opening(week, labour_thanksgiving, TOKYO, holidays_in("Asia/Tokyo"))
    assert now.opens == at(TOKYO, "2026-11-24T08:00")
    assert opening(week, labour_thanksgiving, TOKYO, never).is_open
    assert (country_of("Asia/Tokyo"), country_of("Europe/Berlin"), country_of("UTC")) == ("JP", "DE", None)
    assert not holidays_in("UTC")(date(2026, 12, 25))


def test_a_site_that_opens_no_more_says_so() -> None:
    now = opening(parse("off"), at(TOKYO, "2026-11-22T03:00"), TOKYO, never)
    assert (now.is_open, now.opens, now.closes) == (False, None, None)
