"""When drivers are told: quiet hours on every night of a year, caps, and what counts as changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.advice import policy
from konsento.advice.policy import Earlier
from konsento.grid.windows import Window

ZONES = [ZoneInfo(name) for name in ("Asia/Tokyo", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe")]
NIGHT, MORNING = 21 * 60, 7 * 60
DAY = datetime(2026, 11, 23, tzinfo=UTC)

minutes = st.integers(0, 24 * 60 - 1)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def window(first: float, last: float) -> Window:
    return Window(begin=DAY + timedelta(hours=first), end=DAY + timedelta(hours=last))


def is_quiet(at: datetime, quiet_from: int, quiet_until: int, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    # Minute by minute from the begin of the quiet hours, around the clock.
    since = (local.hour * 60 + local.minute - quiet_from) % (24 * 60)
    return since < (quiet_until - quiet_from) % (24 * 60)


@given(moments, minutes, minutes, st.sampled_from(ZONES))
def test_nothing_is_sent_in_quiet_hours_nor_later_than_their_end(
    at: datetime, quiet_from: int, quiet_until: int, zone: ZoneInfo
) -> None:
    due = policy.due(at, quiet_from, quiet_until, zone)

    assert due >= at
    assert due - at <= timedelta(hours=25)
    if due == at:
        return
    assert is_quiet(at, quiet_from, quiet_until, zone)
    local = due.astimezone(zone)
    # The clock that is put forward may skip the end: then it is what the clock shows next.
    assert (local.hour * 60 + local.minute - quiet_until) % (24 * 60) <= 60


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-22T20:00", "2026-11-22T20:00"),
        ("2026-11-22T20:59", "2026-11-22T20:59"),
        ("2026-11-22T21:00", "2026-11-23T07:00"),
        ("2026-11-23T06:45", "2026-11-23T07:00"),
        ("2026-11-23T07:00", "2026-11-23T07:00"),
        ("2026-03-28T22:00", "2026-03-29T07:00"),
        ("2026-10-24T22:00", "2026-10-25T07:00"),
    ],
)
def test_quiet_hours_end_by_the_regions_clock_also_in_nights_of_23_and_25_hours(at: str, due: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    found = policy.due(datetime.fromisoformat(at).replace(tzinfo=berlin).astimezone(UTC), NIGHT, MORNING, berlin)

    assert found.astimezone(berlin).isoformat()[:16] == due


def test_the_evening_is_at_eight_by_the_clock_on_both_sides_of_a_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before, after = (
        policy.moment(day, policy.EVENING, berlin).astimezone(UTC).hour
        for day in (date(2026, 10, 24), date(2026, 10, 25))
    )

    assert (before, after) == (18, 19)


@pytest.mark.parametrize(
    ("told", "now", "changed"),
    [
        ([(8, 16)], [(8, 16)], False),
        ([(8, 16)], [(8.5, 16)], False),
        ([(8, 16)], [(8.5, 16.5)], False),
        ([(8, 16)], [(9, 16)], True),
        ([(8, 16)], [(9, 17)], True),
        ([(8, 16)], [(8, 17)], True),
        ([(8, 16)], [], True),
        ([(8, 8.5)], [], True),
        ([(8, 11), (11.5, 16)], [(8, 16)], False),
        ([(8, 11), (13, 16)], [(8, 11)], True),
        ([], [(8, 16)], True),
    ],
)
def test_an_hour_lost_or_gained_is_a_change(
    told: list[tuple[float, float]], now: list[tuple[float, float]], *, changed: bool
) -> None:
    assert policy.has_changed([window(*one) for one in told], [window(*one) for one in now]) is changed


def test_telling_helps_until_an_hour_before_the_last_window_ends() -> None:
    assert policy.of_use_until([window(8, 11), window(13, 16)]) == window(15, 16).begin
    assert policy.of_use_until([window(8, 8.5)]) == window(8, 9).begin
    assert policy.of_use_until([]) is None


@given(st.lists(st.integers(0, 40), unique=True))
def test_no_seven_days_have_more_than_three_advices_and_no_day_two(days: list[int]) -> None:
    zone = ZONES[0]
    told: list[Earlier] = []
    for number in sorted(days):
        at = DAY + timedelta(days=number, hours=11)
        if not policy.has_had_enough(told[-policy.PATIENCE :], at, zone):
            told.append(Earlier(at=at, followed=False))
            assert policy.has_had_enough(told, at + timedelta(hours=1), zone)

    for one in told:
        assert sum(one.at <= other.at < one.at + policy.WEEK for other in told) <= policy.A_WEEK


@pytest.mark.parametrize(
    ("followed", "none"),
    [("-----", True), ("----", False), ("----+", False), ("+-----", True), ("-+---", False), ("", False)],
)
def test_five_in_a_row_that_were_not_followed_are_enough(followed: str, *, none: bool) -> None:
    earlier = [Earlier(at=DAY + timedelta(days=n), followed=one == "+") for n, one in enumerate(followed)]

    assert policy.follows_none(earlier, DAY) is none
    assert not policy.follows_none(earlier, DAY + timedelta(days=len(followed)))
