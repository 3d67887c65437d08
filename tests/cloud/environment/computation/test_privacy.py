"""What is published shows no outlet: not by itself, and not by subtracting."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from konsento.environment.computation.privacy import THRESHOLDS, Preset, Tally, Threshold, publish

PARENTS = {
    "JP": None,
    "JP-A03": "JP",
    "JP-A06": "JP",
    "JP-13": "JP-A03",
    "JP-14": "JP-A03",
    "JP-27": "JP-A06",
    "JP-13112": "JP-13",
    "JP-13113": "JP-13",
    "JP-14100": "JP-14",
    "JP-27100": "JP-27",
}

energies = st.lists(st.integers(0, 30_000), min_size=1, max_size=30)
exact_cells = st.dictionaries(
    st.tuples(st.sampled_from(sorted(PARENTS)), st.sampled_from(["solar A", "gas B"])), energies, max_size=16
)
thresholds = st.sampled_from([*THRESHOLDS.values(), Threshold(outlets=2, largest=Decimal(1))])


def tally_of(outlets: list[int]) -> Tally:
    return Tally(wh=sum(outlets), outlets=len(outlets), largest_wh=max(outlets))


def within(region: str) -> set[str]:
    found = {region}
    while True:
        more = {one for one, parent in PARENTS.items() if parent in found} - found
        if not more:
            return found
        found |= more


@given(exact_cells, thresholds)
def test_every_published_cell_has_enough_outlets_of_which_none_dominates(
    exact: dict[tuple[str, str], list[int]], threshold: Threshold
) -> None:
    rows = [(region, key, tally_of(wh), sum(wh)) for (region, key), wh in exact.items()]
    for cell in publish(rows, PARENTS.__getitem__, int.__add__, threshold).cells:
        assert cell.tally.outlets >= threshold.outlets
        assert cell.tally.largest_wh <= cell.tally.wh * threshold.largest
        assert cell.values == cell.tally.wh


@given(exact_cells, thresholds)
def test_published_cells_are_a_partition_so_that_no_difference_of_totals_tells_a_merged_one(
    exact: dict[tuple[str, str], list[int]], threshold: Threshold
) -> None:
    rows = [(region, key, tally_of(wh), frozenset({(region, key)})) for (region, key), wh in sorted(exact.items())]
    published = publish(rows, PARENTS.__getitem__, frozenset.union, threshold)
    covered = [part for cell in published.cells for part in cell.values]
    assert len(covered) == len(set(covered)), "an exact cell stands in two published ones"
    assert len(exact) - len(covered) == published.left_out
    for cell in published.cells:
        assert {key for _, key in cell.values} == {cell.key}
        assert {region for region, _ in cell.values} <= within(cell.region)
        assert cell.rest is (cell.merged > 0)
        assert cell.merged in {0, len(cell.values)}
        if cell.rest:
            # Whoever subtracts cells that are shown from others finds whole published cells, never one of these.
            assert len(cell.values) > 1
            assert all(not tally_of(exact[part]).enough(threshold) for part in cell.values)
    by_key: dict[str, list[int]] = defaultdict(list)
    for cell in published.cells:
        by_key[cell.key].append(cell.tally.wh)
    left = set(exact) - set(covered)
    for key, shown in by_key.items():
        gone = sum(sum(exact[part]) for part in left if part[1] == key)
        assert sum(shown) + gone == sum(sum(wh) for (_, k), wh in exact.items() if k == key)


@given(exact_cells, thresholds)
def test_what_is_left_out_is_too_small_even_together(
    exact: dict[tuple[str, str], list[int]], threshold: Threshold
) -> None:
    rows = [(region, key, tally_of(wh), frozenset({(region, key)})) for (region, key), wh in sorted(exact.items())]
    published = publish(rows, PARENTS.__getitem__, frozenset.union, threshold)
    left = set(exact) - {part for cell in published.cells for part in cell.values}
    for key in {key for _, key in left}:
        parts = [exact[part] for part in left if part[1] == key]
        together = tally_of([wh for part in parts for wh in part])
        assert not together.enough(threshold)


def test_a_small_town_goes_into_the_rest_of_its_prefecture_with_another_one() -> None:
    towns = [("JP-13112", "k", tally_of([100] * 12), 1), ("JP-13113", "k", tally_of([100] * 6), 2)]
    parent = PARENTS.__getitem__
    alone = publish(towns, parent, int.__add__, THRESHOLDS[Preset.DEFAULT])
    assert [(cell.region, cell.rest) for cell in alone.cells] == [("JP-13112", False)]
    assert alone.left_out == 1
    two = publish([*towns, ("JP-13", "k", tally_of([100] * 5), 4)], parent, int.__add__, THRESHOLDS[Preset.DEFAULT])
    assert [(c.region, c.rest, c.merged, c.values) for c in two.cells][1:] == [("JP-13", True, 2, 6)]
    assert two.left_out == 0


def test_one_large_outlet_among_many_is_not_shown() -> None:
    dominated = tally_of([3_000, *[100] * 20])
    assert not dominated.enough(THRESHOLDS[Preset.DEFAULT])
    assert dominated.enough(Threshold(outlets=10, largest=Decimal("0.75")))


@given(energies, energies)
def test_tallies_of_outlets_that_may_be_the_same_never_promise_too_much(first: list[int], second: list[int]) -> None:
    both = tally_of(first).maybe_same(tally_of(second))
    assert both.wh == sum(first) + sum(second)
    assert both.outlets == max(len(first), len(second))
    assert both.largest_wh >= max(*first, *second)
