"""Recommended windows of all servers of a site, by time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.control.windows import KNOWN_FOR, RecommendedWindows, Window

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def window(start_h: float, end_h: float) -> Window:
    return Window(start=NOW + timedelta(hours=start_h), end=NOW + timedelta(hours=end_h))


def test_nothing_is_known_before_a_server_has_told_anything() -> None:
    windows = RecommendedWindows()

    assert not windows.known(NOW)
    assert windows.coming(NOW) == []
    assert windows.next_change(NOW) is None


def test_a_server_that_recommends_nothing_has_told_that() -> None:
    windows = RecommendedWindows()
    windows.take("a", [], NOW)

    assert windows.known(NOW)
    assert not windows.known(NOW + KNOWN_FOR)
    assert windows.next_change(NOW) == NOW + KNOWN_FOR


def test_what_a_server_tells_takes_the_place_of_what_it_told_before() -> None:
    windows = RecommendedWindows()
    windows.take("a", [window(1, 2)], NOW)
    windows.take("a", [window(3, 4)], NOW)

    assert windows.coming(NOW) == [window(3, 4)]


def test_windows_of_several_servers_that_touch_are_one_and_those_of_a_removed_one_are_gone() -> None:
    windows = RecommendedWindows()
    heard: list[int] = []
    windows.listen(lambda: heard.append(1))
    windows.take("a", [window(-1, 2), window(5, 6)], NOW)
    windows.take("b", [window(2, 3)], NOW)

    assert windows.coming(NOW) == [window(-1, 3), window(5, 6)]
    windows.forget("b")
    assert windows.coming(NOW) == [window(-1, 2), window(5, 6)]
    assert len(heard) == 3


def test_a_window_that_has_ended_is_not_coming() -> None:
    windows = RecommendedWindows()
    windows.take("a", [window(0, 1), window(2, 3)], NOW)

    assert windows.coming(NOW + timedelta(hours=1)) == [window(2, 3)]
    assert windows.next_change(NOW) == NOW + timedelta(hours=1)


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.lists(st.tuples(st.integers(-30, 60), st.integers(1, 20)), max_size=5), max_size=3
    ),
    st.integers(-40, 90),
)
def test_a_moment_is_recommended_exactly_when_any_server_recommends_it(
    told: dict[str, list[tuple[int, int]]], hours: int
) -> None:
    windows = RecommendedWindows()
    for server, spans in told.items():
        windows.take(server, [window(start, start + length) for start, length in spans], NOW)
    at = NOW + timedelta(hours=hours)
    coming = windows.coming(at)

    believed = hours < KNOWN_FOR.total_seconds() / 3600
    expected = believed and any(start <= hours < start + length for spans in told.values() for start, length in spans)
    assert any(one.start <= at < one.end for one in coming) is expected
    assert all(one.end < two.start for one, two in pairwise(coming))
