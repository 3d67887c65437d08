"""Who may draw power: limits hold, turns are taken, priorities are obeyed, nobody waits for what never comes."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.control.budget import (
    NOISE_W,
    SITE,
    Circuit,
    Decision,
    Load,
    Priority,
    Reason,
    Rules,
    decide,
    path_of,
)

NOW = 10_000.0
RULES = Rules()
MIN_ON = RULES.min_on_s


def site(limit: float | None, *circuits: Circuit, rest_w: float = 0.0) -> dict[str, Circuit]:
    root = Circuit(id=SITE, parent=None, capacity_w=limit, limit_w=limit, rest_w=rest_w)
    return {each.id: each for each in (root, *circuits)}


def circuit(name: str, limit: float, parent: str = SITE) -> Circuit:
    return Circuit(id=name, parent=parent, capacity_w=limit, limit_w=limit)


def waits(outlet: int, rating: float = 1500, ago: float = 0, **more: object) -> Load:
    return replace(Load(outlet=outlet, rating_w=rating, wants=True, held=True, since=NOW - ago, power_w=0.0), **more)


def draws(outlet: int, power: float | None = None, rating: float = 1500, ago: float = 100, **more: object) -> Load:
    """Return one that is let in; with `power`, its draw is known."""
    load = Load(
        outlet=outlet,
        rating_w=rating,
        wants=True,
        since=NOW - ago,
        closed=True,
        power_w=rating if power is None else power,
        peak_w=power,
    )
    return replace(load, **more)


def held(circuits: dict[str, Circuit], *loads: Load) -> dict[int, Reason]:
    return dict(decide(circuits, loads, NOW, RULES).held)


def test_without_limits_nobody_waits() -> None:
    assert held(site(None), waits(1, 50_000), draws(2, 3000)) == {}


def test_who_fits_by_rating_is_let_in_and_the_next_waits_for_the_site() -> None:
    assert held(site(3000), waits(1, ago=3), waits(2, ago=2), waits(3, ago=1)) == {3: Reason.SITE_LIMIT}


def test_a_circuit_that_is_full_is_named_and_others_go_past_it() -> None:
    circuits = site(6000, circuit("hall", 2000))
    loads = [draws(1, circuit="hall"), waits(2, ago=9, circuit="hall"), waits(3, ago=1)]
    assert held(circuits, *loads) == {2: Reason.CIRCUIT_LIMIT}


def test_circuits_within_circuits_all_hold() -> None:
    circuits = site(9000, circuit("floor", 4000), circuit("row", 2000, "floor"))
    loads = [draws(1, rating=3000, circuit="floor"), waits(2, circuit="row")]
    assert held(circuits, *loads) == {2: Reason.CIRCUIT_LIMIT}
    assert held(circuits, *(replace(load, circuit="row") for load in loads[1:])) == {}


def test_a_known_draw_makes_room_for_more_than_ratings_would() -> None:
    assert held(site(3000), draws(1), draws(2), waits(3)) == {3: Reason.SITE_LIMIT}
    # 2 × (700 + 100) leave 1400; a third of 1400 fits, and the ratings of all stay within 1.45 × 3000.
    assert held(site(3000), draws(1, 700), draws(2, 700), waits(3, 1350)) == {}
    assert held(site(3000), draws(1, 700), draws(2, 700), waits(3, 1450)) == {3: Reason.SITE_LIMIT}


def test_however_little_is_drawn_all_that_are_let_in_could_begin_at_once() -> None:
    idle = [draws(number, 0) for number in range(1, 3)]
    assert held(site(3000), *idle, waits(3, 1350), waits(4, 1350)) == {4: Reason.SITE_LIMIT}


def test_what_is_drawn_too_much_is_cut_from_the_newest_of_the_lowest_priority() -> None:
    loads = [
        draws(1, 1400, ago=5000),
        draws(2, 1400, ago=4000, priority=Priority.LOW),
        draws(3, 1400, ago=10),
        draws(4, 1400, ago=5, priority=Priority.HIGH),
    ]
    assert held(site(4300), *loads) == {2: Reason.SITE_LIMIT}
    assert held(site(2900), *loads) == {2: Reason.SITE_LIMIT, 3: Reason.SITE_LIMIT}


def test_no_more_are_cut_than_is_needed() -> None:
    # The newest draws little: without the next one it may stay.
    loads = [draws(1, 1400, ago=5000), draws(2, 1400, ago=4000), draws(3, 50, ago=10)]
    assert held(site(2700), *loads) == {2: Reason.SITE_LIMIT}


def test_only_the_circuit_that_carries_too_much_is_cut() -> None:
    circuits = site(9000, circuit("hall", 2000), circuit("yard", 2000))
    loads = [draws(1, 1500, ago=50, circuit="hall"), draws(2, 600, circuit="hall", ago=90), draws(3, 1500, ago=10)]
    assert held(circuits, *loads) == {1: Reason.CIRCUIT_LIMIT}


def test_those_who_are_about_to_open_are_not_cut_for_again() -> None:
    leaving = draws(1, 1400, ago=1, held=True, not_before=NOW + 59, waits_for=Reason.SITE_LIMIT)
    assert held(site(2900), leaving, draws(2, 1400), draws(3, 1400)) == {1: Reason.SITE_LIMIT}


def test_one_that_goes_on_drawing_although_it_was_told_to_pause_counts() -> None:
    stuck = draws(1, 1400, ago=RULES.leave_s, held=True, waits_for=Reason.SITE_LIMIT)
    assert 2 in held(site(2700), stuck, draws(2, 1400))


def test_power_that_nobody_asked_for_counts() -> None:
    thief = Load(outlet=1, rating_w=1500, wants=False, since=-math.inf, power_w=1000.0)
    assert held(site(3000), thief, draws(2, 1400), draws(3, 1400, ago=1)) == {3: Reason.SITE_LIMIT}


def test_nobody_comes_in_before_the_one_who_gives_way_is_seen_to_have_left() -> None:
    waiting = waits(2, ago=100)
    assert held(site(1500), draws(1, ago=MIN_ON), waiting) == {1: Reason.SITE_LIMIT, 2: Reason.SITE_LIMIT}

    leaving = draws(1, ago=1, held=True, not_before=NOW + 59, waits_for=Reason.SITE_LIMIT)
    assert held(site(1500), leaving, waiting) == {1: Reason.SITE_LIMIT, 2: Reason.SITE_LIMIT}
    assert held(site(1500), replace(leaving, closed=False, power_w=0.0), waiting) == {1: Reason.SITE_LIMIT}


def test_who_has_had_the_minimum_time_gives_way_to_who_has_waited_longest() -> None:
    loads = [draws(1, ago=MIN_ON), draws(2, ago=MIN_ON + 1), waits(3, ago=5), waits(4, ago=9)]
    # Two wait, so two give way; for one it is the one that has drawn for longer.
    assert held(site(3000), *loads).keys() == {1, 2, 3, 4}
    assert held(site(3000), *loads[:3]).keys() == {2, 3}
    assert held(site(3000), draws(1, ago=MIN_ON - 1), draws(2, ago=MIN_ON - 1), waits(3, ago=9000)).keys() == {3}


def test_nobody_gives_way_to_a_lower_priority_and_a_lower_one_gives_way_first() -> None:
    high = draws(1, ago=9000, priority=Priority.HIGH)
    assert held(site(1500), high, waits(2, ago=9000)) == {2: Reason.SITE_LIMIT}
    low = draws(3, ago=MIN_ON, priority=Priority.LOW)
    assert held(site(3000), draws(1, ago=9000), low, waits(2)).keys() == {2, 3}


def test_one_that_needs_more_is_not_passed_for_ever() -> None:
    loads = [draws(1, 900, 1000, ago=100), draws(2, 900, 1000, ago=50), waits(4, 1000, ago=5)]
    large = waits(3, 3000, ago=MIN_ON - 1)
    assert held(site(3000), *loads, large) == {3: Reason.SITE_LIMIT}
    # From now on what becomes free is kept for it.
    assert held(site(3000), *loads, replace(large, since=NOW - MIN_ON)).keys() == {3, 4}


def test_one_that_cannot_get_in_by_waiting_for_turns_keeps_nobody_from_his() -> None:
    high = draws(1, rating=1500, ago=9000, priority=Priority.HIGH)
    large = waits(2, 3000, ago=9000)
    assert held(site(3000), high, large, waits(3, 1000)) == {2: Reason.SITE_LIMIT}


def test_a_low_priority_does_not_take_what_a_high_one_waits_for() -> None:
    loads = [draws(1, ago=10), waits(2, 2000, priority=Priority.HIGH), waits(3, 1000, priority=Priority.LOW, ago=500)]
    assert held(site(3000), *loads).keys() == {2, 3}
    # Its circuit lets only 500 W of the site's through to it: the rest is for others.
    loads[0] = replace(loads[0], circuit="hall")
    loads[1] = replace(loads[1], circuit="hall")
    assert held(site(3000, circuit("hall", 2000)), *loads).keys() == {2}


def test_who_was_let_in_and_does_not_draw_gives_his_place_to_who_waits() -> None:
    hot = draws(1, ago=300, closed=False, opened_at=NOW - RULES.idle_s, power_w=0.0, peak_w=None)
    assert held(site(1500), hot, waits(2)).keys() == {1, 2}
    assert held(site(1500), hot) == {}
    assert held(site(1500), replace(hot, opened_at=NOW - 1), waits(2)).keys() == {2}


def test_an_outlet_that_cannot_be_told_to_wait_is_only_cut_when_a_limit_is_exceeded() -> None:
    old = draws(1, 700, ago=9000, can_wait=False)
    assert held(site(1500), old, waits(2)).keys() == {2}
    assert held(site(1500), old, draws(2, 1400, priority=Priority.HIGH)).keys() == {1}


def test_an_outlet_out_of_reach_counts_with_all_it_could_draw_until_its_lease_has_run_out() -> None:
    away = draws(1, ago=500, power_w=None)
    assert held(site(2900), away, waits(2)).keys() == {2}
    assert held(
        site(2900), replace(away, closed=False, opened_at=NOW, held=True, not_before=NOW), waits(2, ago=600)
    ) == {1: Reason.SITE_LIMIT}


def test_the_rest_of_the_building_takes_from_the_site() -> None:
    assert held(site(6000, rest_w=4000), waits(1)) == {}
    assert held(site(6000, rest_w=5000), waits(1)) == {1: Reason.SITE_LIMIT}
    decision = decide(site(6000, rest_w=5000), [draws(1, 1400)], NOW)
    assert (decision.held, decision.over, decision.load_w[SITE]) == ({1: Reason.SITE_LIMIT}, {SITE}, 6400)


def test_what_can_never_fit_is_told_and_is_in_nobodys_way() -> None:
    circuits = site(9000, circuit("hall", 2000))
    decision = decide(circuits, [waits(1, 3000, ago=9000, circuit="hall"), waits(2, circuit="hall")], NOW)
    assert (decision.never, decision.held) == ({1: Reason.CIRCUIT_LIMIT}, {1: Reason.CIRCUIT_LIMIT})
    # What the owner has lowered for a while is no reason for never.
    lowered = {SITE: replace(circuits[SITE], limit_w=0)}
    assert decide(lowered, [waits(1, 3000)], NOW) == Decision(
        held={1: Reason.SITE_LIMIT}, never={}, load_w={SITE: 0.0}, over=frozenset()
    )


def test_a_limit_of_nothing_stops_everybody() -> None:
    assert held(site(0), draws(1, 0), draws(2, 1400)).keys() == {1, 2}


def test_an_opened_relay_rests_and_its_place_is_not_taken_by_a_lower_priority_meanwhile() -> None:
    rests = waits(1, ago=10, not_before=NOW + 50, waits_for=Reason.CIRCUIT_LIMIT)
    assert held(site(1500), rests) == {1: Reason.CIRCUIT_LIMIT}
    assert held(site(1500), rests, waits(2)) == {1: Reason.CIRCUIT_LIMIT}
    assert held(site(1500), rests, waits(2, priority=Priority.LOW)).keys() == {1, 2}


@pytest.mark.parametrize(
    ("start", "path"),
    [("row", ("row", "floor", SITE)), ("a", ("a", "b", SITE)), ("lost", ("lost", SITE)), ("gone", (SITE,))],
)
def test_wiring_that_leads_nowhere_is_the_sites(start: str, path: tuple[str, ...]) -> None:
    circuits = site(
        1,
        circuit("floor", 1),
        circuit("row", 1, "floor"),
        circuit("a", 1, "b"),
        circuit("b", 1, "a"),
        circuit("lost", 1, "gone"),
    )
    assert path_of(circuits, start) == path


# --- whatever the situation

WATTS = st.integers(0, 4000).map(float)
SECONDS = st.sampled_from([0.0, 1.0, 19.0, 21.0, 59.0, 61.0, 300.0, MIN_ON - 1, MIN_ON, 5000.0])


@st.composite
def wirings(draw: st.DrawFn) -> dict[str, Circuit]:
    circuits = site(
        draw(st.none() | st.integers(0, 12_000).map(float)), rest_w=draw(st.sampled_from([0.0, 0.0, 2500.0]))
    )
    for name in ("a", "b", "c")[: draw(st.integers(0, 3))]:
        circuits[name] = circuit(name, draw(st.integers(0, 6000)), draw(st.sampled_from([SITE, *circuits])))
    return circuits


@st.composite
def situations(draw: st.DrawFn, *, known: bool = True) -> tuple[dict[str, Circuit], list[Load]]:
    circuits = draw(wirings())
    loads = []
    for outlet in range(1, draw(st.integers(1, 9)) + 1):
        rating = float(draw(st.sampled_from([1000, 1500, 3000, 3680])))
        wants, is_held, closed = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
        power = draw(WATTS.filter(lambda watts: watts <= 4000)) if closed and known else rating if closed else 0.0
        loads.append(
            Load(
                outlet=outlet,
                circuit=draw(st.sampled_from(list(circuits))),
                priority=draw(st.sampled_from(Priority)),
                rating_w=rating,
                wants=wants,
                held=is_held,
                since=NOW - draw(SECONDS),
                not_before=draw(st.sampled_from([0.0, NOW, NOW + 5])),
                closed=closed,
                opened_at=NOW - draw(SECONDS),
                power_w=power,
                peak_w=power if known and draw(st.booleans()) else None,
                can_wait=draw(st.booleans()),
            )
        )
    return circuits, loads


def carried(circuits: dict[str, Circuit], loads: list[Load], of: str) -> list[Load]:
    return [load for load in loads if of in path_of(circuits, load.circuit)]


def let_in(loads: list[Load], decision: Decision) -> list[Load]:
    return [load for load in loads if load.wants and load.outlet not in decision.held]


def newly(load: Load) -> bool:
    return load.wants and load.held


def exceeds(limit: float | None, watts: float) -> bool:
    return limit is not None and watts > limit + NOISE_W


@given(situations(known=False))
def test_as_long_as_draws_are_unknown_nobody_is_let_in_whose_rating_does_not_fit(
    situation: tuple[dict[str, Circuit], list[Load]],
) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    for key, wire in circuits.items():
        inside = let_in(carried(circuits, loads, key), decision)
        if any(newly(load) for load in inside):
            assert not exceeds(wire.limit_w, wire.rest_w + sum(load.rating_w for load in inside))


@given(situations())
def test_what_is_let_in_fits_with_all_that_is_drawn_and_could_be(
    situation: tuple[dict[str, Circuit], list[Load]],
) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    for key, wire in circuits.items():
        here = carried(circuits, loads, key)
        new = [load for load in let_in(here, decision) if newly(load)]
        if new:
            drawn = wire.rest_w + sum(load.draws_w for load in here)
            assert not exceeds(wire.limit_w, drawn + sum(load.rating_w for load in new))
            ratings = wire.rest_w + sum(load.rating_w for load in let_in(here, decision))
            assert not exceeds(wire.limit_w and wire.limit_w * RULES.overbooking, ratings)


@given(situations())
def test_what_is_measured_too_much_is_cut_at_once(situation: tuple[dict[str, Circuit], list[Load]]) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    for key, wire in circuits.items():
        here = carried(circuits, loads, key)
        staying = [load for load in let_in(here, decision) if not newly(load)]
        gone = [load for load in here if not (load.wants and not load.held) and NOW - load.since >= RULES.leave_s]
        assert not staying or not exceeds(wire.limit_w, wire.rest_w + sum(load.draws_w for load in [*staying, *gone]))


@given(situations())
def test_the_minimum_time_is_kept_unless_a_limit_is_exceeded(
    situation: tuple[dict[str, Circuit], list[Load]],
) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    for load in loads:
        if load.wants and not load.held and load.outlet in decision.held:
            idle = not load.closed and NOW - max(load.opened_at, load.since) >= RULES.idle_s
            exceeded = decision.over & set(path_of(circuits, load.circuit))
            assert exceeded or ((idle or NOW - load.since >= MIN_ON) and load.can_wait)


@given(situations())
def test_a_lower_priority_never_has_the_place_of_a_higher_one(
    situation: tuple[dict[str, Circuit], list[Load]],
) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    for high in loads:
        if not newly(high) or high.outlet not in decision.held or high.outlet in decision.never:
            continue
        others = [load for load in loads if not (newly(load) and load.priority < high.priority)]
        # Whether the lower ones had asked or not: nobody that waits above them comes in later for it.
        assert (high.outlet in decide(circuits, others, NOW, RULES).held) or high.not_before > NOW


@given(situations(), st.randoms())
def test_the_order_in_which_outlets_are_named_does_not_matter(
    situation: tuple[dict[str, Circuit], list[Load]], random: st.DataObject
) -> None:
    circuits, loads = situation
    shuffled = loads.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(circuits, shuffled, NOW, RULES).held == decide(circuits, loads, NOW, RULES).held


@given(situations())
def test_a_decision_that_was_carried_out_is_not_taken_back(
    situation: tuple[dict[str, Circuit], list[Load]],
) -> None:
    circuits, loads = situation
    decision = decide(circuits, loads, NOW, RULES)
    after = [
        replace(
            load,
            held=load.outlet in decision.held,
            since=load.since if load.held == (load.outlet in decision.held) else NOW,
            not_before=NOW + 60 if load.closed and load.outlet in decision.held and not load.held else load.not_before,
            peak_w=load.peak_w if load.held == (load.outlet in decision.held) else None,
            waits_for=decision.held.get(load.outlet),
        )
        for load in loads
    ]
    again = decide(circuits, after, NOW, RULES)
    assert {load.outlet for load in let_in(loads, decision)} <= {load.outlet for load in let_in(after, again)}
