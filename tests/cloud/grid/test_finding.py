"""Which windows a rule finds in a day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid.finding import Found, Reason, Verdict, day_bounds, find, percentile
from konsento.grid.records import BalanceSlot
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit

from ..forecasts import ZONE, slot, sunny

DAY = date(2026, 5, 1)
BEGIN, END = day_bounds(DAY, ZONE)
HALF_HOUR = timedelta(minutes=30)


def rule(reference: int | None = 5, threshold: int = 30, unit: str = "share", **more: int) -> Rule:
    wanted = Reference(mode=ReferenceMode.NONE) if reference is None else None
    return Rule(
        reference=wanted or Reference(mode=ReferenceMode.PERCENT, value=Decimal(reference or 0)),
        threshold=Threshold(unit=ThresholdUnit(unit), value=Decimal(threshold)),
        **more,
    )


def clock(found: Found, zone: str = ZONE) -> list[str]:
    """Return the windows as people read them."""
    return [
        "-".join(at.astimezone(ZoneInfo(zone)).strftime("%H:%M") for at in (window.begin, window.end))
        for window in found.windows
    ]


def day_of(spans: list[tuple[float, float, int, int]]) -> list[BalanceSlot]:
    """Return a day with surplus and share in some hours, and neither in the others."""
    slots = []
    for number in range(48):
        hour = number / 2
        told = next(((s, r) for begin, end, s, r in spans if begin <= hour < end), (-5, 10))
        slots.append(slot(BEGIN + number * HALF_HOUR, *told))
    return slots


def test_charging_is_recommended_while_there_is_surplus_and_much_of_the_first_type() -> None:
    found = find(sunny(DAY), rule(), DAY, ZONE)

    assert clock(found) == ["08:00-16:00"]
    (window,) = found.windows
    # 16 slots, in each 440 kWh of sun and 330 kWh for the threshold.
    assert (window.score, window.surplus_most, window.share_most) == (16 * 110, 10, Decimal("0.4"))
    assert (found.reason, found.reference_percent, found.missing) == (None, 5, 0)


def test_one_slot_that_does_not_fulfil_the_rule_does_not_end_a_window_and_two_do() -> None:
    one = day_of([(8, 10, 10, 40), (10.5, 13, 10, 40)])
    two = day_of([(8, 10, 10, 40), (11, 13, 10, 40)])

    assert clock(find(one, rule(), DAY, ZONE)) == ["08:00-13:00"]
    assert clock(find(two, rule(), DAY, ZONE)) == ["08:00-10:00", "11:00-13:00"]
    missing = [told for told in sunny(DAY) if told.begin != BEGIN + timedelta(hours=12)]
    assert clock(find(missing, rule(), DAY, ZONE)) == ["08:00-16:00"]
    assert find(missing, rule(), DAY, ZONE).missing == 1


def test_short_windows_are_dropped_and_at_most_two_are_kept_the_best_ones() -> None:
    slots = day_of([(0, 2, 10, 31), (4, 6, 10, 50), (9, 10.5, 10, 90), (13, 15, 10, 40)])

    assert clock(find(slots, rule(), DAY, ZONE)) == ["04:00-06:00", "13:00-15:00"]
    assert find(day_of([(9, 10.5, 10, 90)]), rule(), DAY, ZONE).reason is Reason.TOO_SHORT


def test_of_equal_windows_the_one_with_more_surplus_comes_first_then_the_earlier_one() -> None:
    # 30 kWh above the threshold in every slot of both; the second has the higher surplus.
    same = day_of([(1, 3, 10, 40), (6, 8, 10, 40), (11, 13, 10, 40)])
    assert clock(find(same, rule(most_a_day=1), DAY, ZONE)) == ["01:00-03:00"]
    zero = day_of([(1, 3, 10, 30), (6, 8, 20, 30)])
    assert clock(find(zero, rule(most_a_day=1), DAY, ZONE)) == ["06:00-08:00"]


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([], Reason.NEVER_SURPLUS),
        ([(8, 16, -5, 40)], Reason.NEVER_SURPLUS),
        ([(8, 16, 10, 20)], Reason.NEVER_FIRST_TYPE),
        ([(8, 12, 10, 20), (12, 16, -5, 40)], Reason.NEVER_BOTH),
    ],
)
def test_a_day_without_a_window_says_why(spans: list[tuple[float, float, int, int]], reason: Reason) -> None:
    found = find(day_of(spans), rule(), DAY, ZONE)

    assert (found.windows, found.reason) == ((), reason)


def test_nothing_is_found_in_nothing() -> None:
    assert find([], rule(), DAY, ZONE).reason is Reason.NO_DATA
    blank = [BalanceSlot(region="JP-A03", begin=BEGIN + n * HALF_HOUR, minutes=30, demand_kwh=9) for n in range(48)]
    assert find(blank, rule(), DAY, ZONE).reason is Reason.NOTHING_TOLD


def test_an_automatic_reference_is_a_percentile_of_the_regions_own_last_days() -> None:
    history = [one for back in range(1, 11) for one in day_of_surplus(DAY - timedelta(days=back))]
    auto = Rule(threshold=Threshold(value=Decimal(30)))

    with_history = find(sunny(DAY), auto, DAY, ZONE, history)
    alone = find(sunny(DAY), auto, DAY, ZONE, history[:48])

    # 0 to 47 % on each of ten days: 0.6 of the way from the first of the 480 to the last stands a 28.
    assert (with_history.reference_percent, with_history.history_days) == (28, 10)
    assert with_history.reason is Reason.NEVER_SURPLUS
    # Of one day before it nobody can tell what is usual: the day itself counts.
    assert (alone.reference_percent, alone.history_days) == (-5, 0)
    assert clock(alone) == ["08:00-16:00"]


def test_only_days_that_were_told_are_looked_back_on_and_only_the_last_thirty() -> None:
    auto = Rule(threshold=Threshold(value=Decimal(30)))
    long_ago = [one for back in range(31, 40) for one in day_of_surplus(DAY - timedelta(days=back))]
    halves = [one for back in range(1, 30) for one in day_of_surplus(DAY - timedelta(days=back))[:41]]
    whole = [one for back in (2, 9, 30) for one in day_of_surplus(DAY - timedelta(days=back))[:42]]

    assert find(sunny(DAY), auto, DAY, ZONE, [*long_ago, *halves]).history_days == 0
    found = find(sunny(DAY), auto, DAY, ZONE, [*whole, *long_ago])
    # 0 to 41 % on each of three days: 0.6 of the way from the first of the 126 to the last is the 76th, a 25.
    assert (found.history_days, found.reference_percent) == (3, 25)


def day_of_surplus(day: date) -> list[BalanceSlot]:
    begin, _ = day_bounds(day, ZONE)
    return [slot(begin + n * HALF_HOUR, n, 40) for n in range(48)]


def test_a_threshold_can_be_power_or_a_part_of_the_regions_own_peak() -> None:
    # 440 kWh in half an hour are 0.88 MW.
    assert clock(find(sunny(DAY), rule(threshold=0, unit="mw"), DAY, ZONE)) == ["08:00-16:00"]
    assert find(sunny(DAY), rule(threshold=1, unit="mw"), DAY, ZONE).reason is Reason.NEVER_FIRST_TYPE
    of_peak = find(sunny(DAY), rule(threshold=100, unit="peak"), DAY, ZONE)
    assert (clock(of_peak), of_peak.threshold_mw) == (["08:00-16:00"], Decimal("0.88"))


def test_a_part_of_a_peak_of_nothing_is_no_threshold() -> None:
    dark = [slot(one.begin, 10, 0) for one in sunny(DAY)]

    assert find(dark, rule(threshold=60, unit="peak"), DAY, ZONE).reason is Reason.NOTHING_TOLD


def test_a_day_of_which_more_than_an_eighth_is_untold_has_no_window() -> None:
    def without(count: int) -> list[BalanceSlot]:
        return [replace(one, first_kwh=None) if n < count else one for n, one in enumerate(sunny(DAY))]

    assert clock(find(sunny(DAY)[6:], rule(), DAY, ZONE)) == ["08:00-16:00"]
    assert find(sunny(DAY)[7:], rule(), DAY, ZONE).reason is Reason.TOO_MUCH_MISSING
    assert clock(find(without(6), rule(), DAY, ZONE)) == ["08:00-16:00"]
    found = find(without(7), rule(), DAY, ZONE)
    assert (found.windows, found.reason, found.told_enough) == ((), Reason.TOO_MUCH_MISSING, False)


def test_a_source_that_tells_only_shares_can_be_used_without_a_reference() -> None:
    shares = [
        BalanceSlot(region="GB", begin=BEGIN + n * HALF_HOUR, minutes=30, first_share=Decimal(n) / 100)
        for n in range(48)
    ]

    assert clock(find(shares, rule(None), DAY, ZONE)) == ["15:00-00:00"]
    assert find(shares, rule(5), DAY, ZONE).reason is Reason.NOTHING_TOLD
    assert clock(find(shares, rule(None, 100, "peak"), DAY, ZONE)) == []
    assert clock(find(shares, rule(None, 50, "peak"), DAY, ZONE)) == ["12:00-00:00"]


@pytest.mark.parametrize(
    ("day", "slots", "hours"), [(date(2026, 3, 29), 46, "09:00-17:00"), (date(2026, 10, 25), 50, "07:00-15:00")]
)
def test_days_on_which_clocks_are_set_are_whole_days(day: date, slots: int, hours: str) -> None:
    found = find(sunny(day, zone="Europe/Berlin"), rule(), day, "Europe/Berlin")

    assert (len(found.judged), found.missing) == (slots, 0)
    assert clock(found, "Europe/Berlin") == [hours]


def test_a_percentile_lies_between_two_values_in_proportion() -> None:
    assert percentile([Decimal(4), Decimal(1), Decimal(2)], Decimal(50)) == 2
    assert percentile([Decimal(0), Decimal(10)], Decimal(25)) == Decimal("2.5")
    assert percentile([Decimal(7)], Decimal(100)) == 7
    assert percentile([], Decimal(50)) is None


days = st.lists(st.tuples(st.integers(-20, 40), st.integers(0, 90)), min_size=48, max_size=48).flatmap(
    lambda day: st.sets(st.integers(0, 47), max_size=8).map(
        lambda missing: [None if n in missing else numbers for n, numbers in enumerate(day)]
    )
)


rules = st.builds(
    lambda reference, threshold, gap, most: rule(
        reference, threshold, gap_slots=gap, most_a_day=most, shortest_minutes=60
    ),
    st.integers(-20, 40),
    st.integers(0, 90),
    st.integers(0, 2),
    st.integers(1, 4),
)


@given(days, rules, st.randoms())
def test_windows_are_what_they_are_said_to_be(told: list[tuple[int, int] | None], wanted: Rule, random: Random) -> None:
    slots = [slot(BEGIN + n * HALF_HOUR, *numbers) for n, numbers in enumerate(told) if numbers is not None]
    found = find(slots, wanted, DAY, ZONE)
    shuffled = list(slots)
    random.shuffle(shuffled)

    assert find(shuffled, wanted, DAY, ZONE) == found
    assert len(found.windows) <= wanted.most_a_day
    assert all(one.end <= two.begin for one, two in pairwise(found.windows))
    for window in found.windows:
        inside = [one.verdict for one in found.judged if window.begin <= one.begin < window.end]
        assert BEGIN <= window.begin < window.end <= END
        assert window.end - window.begin >= timedelta(minutes=60)
        assert inside[0] is inside[-1] is Verdict.OK
        assert longest_gap(inside) <= wanted.gap_slots
    assert [one.begin for one in found.judged] == [BEGIN + n * HALF_HOUR for n in range(48)]
    assert bool(found.windows) is (found.reason is None)
    assert found.told_enough is (len(slots) >= 42)


def longest_gap(verdicts: list[Verdict]) -> int:
    longest = run = 0
    for verdict in verdicts:
        run = 0 if verdict is Verdict.OK else run + 1
        longest = max(longest, run)
    return longest


@given(days, st.integers(-20, 39), st.integers(0, 89), st.integers(0, 5), st.integers(0, 5))
def test_asking_for_less_never_loses_time_of_a_window(
    told: list[tuple[int, int] | None], reference: int, threshold: int, less: int, fewer: int
) -> None:
    slots = [slot(BEGIN + n * HALF_HOUR, *numbers) for n, numbers in enumerate(told) if numbers is not None]

    def covered(reference: int, threshold: int) -> set[datetime]:
        # As many windows as there are: which ones are the best is another question.
        found = find(slots, rule(reference, threshold, shortest_minutes=60, most_a_day=48), DAY, ZONE)
        return {one.begin for one in found.judged for window in found.windows if window.begin <= one.begin < window.end}

    assert covered(reference, threshold) <= covered(reference - less, threshold - min(fewer, threshold))


def test_begin_and_end_are_moments_of_the_world() -> None:
    (window,) = find(sunny(DAY), rule(), DAY, ZONE).windows

    assert window.begin == datetime(2026, 4, 30, 23, tzinfo=UTC)
