"""Energy by half hours: not a mWh comes or goes, and none leaves its time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.control.half_hours import HalfHours, added, begin_of, divided, half_hour_of, within

AT = datetime(2026, 11, 22, 1, 58, 3, tzinfo=UTC)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def by_begin(known: HalfHours) -> dict[str, int]:
    return {begin_of(number).strftime("%H:%M"): mwh for number, mwh in known}


def test_what_flows_over_a_half_hour_is_divided_by_time() -> None:
    known = added((), 4_800_000, AT, AT.replace(hour=4, minute=6, second=3))

    assert sum(mwh for _, mwh in known) == 4_800_000
    # 1 min 57 s, then four whole half hours, then 6 min 3 s: 128 min in all.
    assert by_begin(known) == {
        "01:30": 73_125,
        "02:00": 1_125_000,
        "02:30": 1_125_000,
        "03:00": 1_125_000,
        "03:30": 1_125_000,
        "04:00": 226_875,
    }


def test_two_readings_in_one_half_hour_add_to_it() -> None:
    known = added(added((), 5, AT, AT + seconds(3)), 7, AT + seconds(3), AT + seconds(6))

    assert by_begin(known) == {"01:30": 12}


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=20_000)])
def test_a_clock_that_is_set_loses_nothing_and_makes_no_endless_list(jump: timedelta) -> None:
    known = added(((1, 10),), 1000, AT, AT + jump)

    assert sum(mwh for _, mwh in known) == 1010
    assert len(known) <= 98


def test_a_session_in_too_many_half_hours_is_no_longer_split() -> None:
    known: HalfHours = ()
    for number in range(400):
        known = added(known, 100, AT + seconds(1800 * number), AT + seconds(1800 * number + 1))

    # What is left does not pass for the whole.
    assert sum(mwh for _, mwh in known) < 400 * 100


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_shares_add_up_and_follow_the_weights(total: int, weights: list[int]) -> None:
    shares = divided(total, weights)

    assert sum(shares) == total
    assert len(shares) == len(weights)
    if whole := sum(weights):
        assert all(abs(share * whole - total * weight) < whole for share, weight in zip(shares, weights, strict=True))


READINGS = st.lists(st.tuples(st.integers(0, 100_000), st.floats(0, 90_000)), max_size=6)


@given(READINGS, st.floats(0, 86_400))
def test_readings_add_up_and_lie_inside(readings: list[tuple[int, float]], begin_s: float) -> None:
    start = at = AT + seconds(begin_s)
    known: HalfHours = ()
    for mwh, pause in readings:
        known = added(known, mwh, at, at + seconds(pause))
        at += seconds(pause)

    whole = sum(mwh for mwh, _ in readings)
    assert sum(mwh for _, mwh in known) == whole
    assert [number for number, _ in known] == sorted({number for number, _ in known})
    assert all(mwh > 0 and half_hour_of(start) <= number <= half_hour_of(at) for number, mwh in known)


@given(
    st.dictionaries(st.integers(990_000, 990_200), st.integers(1, 10**6), max_size=50),
    st.integers(990_000 * 1800, 990_200 * 1800),
    st.integers(1, 200_000),
)
def test_what_lies_outside_is_moved_inside(energy: dict[int, int], start_s: int, long_s: int) -> None:
    start = datetime.fromtimestamp(start_s, UTC)
    end = start + seconds(long_s)

    known = within(tuple(sorted(energy.items())), start, end)

    assert sum(mwh for _, mwh in known) == sum(energy.values())
    assert all(begin_of(number + 1) > start and begin_of(number) < end for number, _ in known)
