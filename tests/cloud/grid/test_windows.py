"""How much of a charging flowed while it was recommended."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from konsento.grid.windows import Window, energy_inside
from konsento.pricing import Part, Usage

AT = datetime(2026, 5, 1, 8, tzinfo=UTC)


def window(begin: float, end: float) -> Window:
    return Window(begin=AT + timedelta(minutes=begin), end=AT + timedelta(minutes=end))


def usage(*parts: tuple[float, float, int]) -> Usage:
    return Usage(
        begin=AT,
        parts=tuple(
            Part(begin=AT + timedelta(minutes=begin), end=AT + timedelta(minutes=end), mwh=mwh)
            for begin, end, mwh in parts
        ),
    )


def test_what_flowed_across_the_edge_of_a_window_counts_for_its_share_of_the_time() -> None:
    used = usage((0, 30, 900), (30, 60, 600), (60, 60, 5))

    assert energy_inside(used, [window(20, 45)]) == 300 + 300
    assert energy_inside(used, [window(0, 10), window(50, 90)]) == 300 + 200 + 5
    assert energy_inside(used, []) == 0


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50), st.integers(0, 10_000)), max_size=6),
    st.integers(0, 150),
)
def test_windows_that_follow_each_other_share_all_energy_out(parts: list[tuple[int, int, int]], cut: int) -> None:
    used = usage(*((begin, begin + length, mwh) for begin, length, mwh in parts))

    both = energy_inside(used, [window(0, cut)]) + energy_inside(used, [window(cut, 151)])

    assert both == Fraction(used.mwh)
