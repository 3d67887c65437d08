"""A power budget at work on outlets that obey it: turns, cuts, pauses, what is kept for whom."""

import asyncio

import pytest
from charging import LEASE_S, Car, ChargingOutlet, ChargingSite, steady
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.konsento.control.budget import SITE, Circuit, Priority, Reason, Rules
from custom_components.konsento.control.draw import KNOWN_S, LATELY_S
from custom_components.konsento.control.holds import Hold
from custom_components.konsento.control.power import PAUSE_S
from custom_components.konsento.control.words import Refusal

MIN_ON = 900.0


def site_of(limit: float | None, **circuits: float) -> ChargingSite:
    root = Circuit(id=SITE, parent=None, capacity_w=limit, limit_w=limit)
    parts = [Circuit(id=name, capacity_w=watts, limit_w=watts) for name, watts in circuits.items()]
    return ChargingSite([root, *parts])


def car(draw_w: float = 1400, energy_wh: float = 100_000) -> Car:
    return Car(energy_wh, steady(draw_w))


async def test_a_session_that_fits_begins_at_once_and_one_that_does_not_begins_waiting() -> None:
    site = site_of(1500)
    first, second = site.add(1), site.add(2)
    assert site.ask(1, car()) == frozenset()
    assert site.ask(2, car()) == {Hold.BUDGET}
    await site.pass_time(60)

    assert (first.power_w, second.power_w) == (1400, 0)
    assert site.budget.waiting == [2]
    assert site.budget.decision.held[2] is Reason.SITE_LIMIT
    assert site.budget.free_w() == 100


async def test_two_that_are_asked_for_at_the_same_time_do_not_get_the_same_place() -> None:
    site = site_of(1500)
    site.add(1)
    site.add(2)
    assert [site.admission(1), site.admission(2)] == [frozenset(), {Hold.BUDGET}]
    # The first never began, for instance because its outlet was away: the place is free again.
    await site.pass_time(40)
    assert site.admission(2) == frozenset()


async def test_two_share_one_place_by_turns_of_the_minimum_time() -> None:
    site = site_of(1500)
    outlets = [site.add(1), site.add(2)]
    for evse in site.outlets:
        site.ask(evse, car())
    await site.pass_time(4 * 3600)

    times = [outlet.car.supplied_s for outlet in outlets if outlet.car]
    assert sum(times) >= 0.98 * 4 * 3600
    assert abs(times[0] - times[1]) <= MIN_ON + 30
    assert all(outlet.cycles <= 9 for outlet in outlets)
    assert site.measured.over_s == 0


async def test_somebody_who_comes_to_a_full_site_has_his_turn_when_the_minimum_time_of_another_is_over() -> None:
    site = site_of(3000)
    for evse in (1, 2, 3):
        site.add(evse)
    site.ask(1, car())
    await site.pass_time(60)
    site.ask(2, car())
    await site.pass_time(MIN_ON - 120)
    site.ask(3, car())
    await site.pass_time(55)
    assert site.budget.waiting == [3]
    await site.pass_time(30)
    assert site.budget.waiting == [1]


async def test_cars_that_draw_little_leave_room_and_are_cut_at_the_next_reading_when_they_draw_more() -> None:
    site = site_of(3000)
    cars = [car(600) for _ in range(3)]
    outlets = [site.add(evse, rating_w=1400) for evse in (1, 2, 3)]
    for evse in (1, 2):
        site.ask(evse, cars[evse - 1])
    await site.pass_time(KNOWN_S + 10)
    assert site.ask(3, cars[2]) == frozenset()
    await site.pass_time(KNOWN_S + 10)

    for each in cars:
        each.draw_w = steady(1400)
    await site.pass_time(60)

    assert [outlet.power_w for outlet in outlets] == [1400, 1400, 0]
    assert (site.measured.longest_over_s, site.measured.most_over_w) == (5, 1200)
    # It comes back by turns, not by guesses: what was drawn once is remembered.
    await site.pass_time(MIN_ON - 330)
    assert outlets[2].cycles == 1


async def test_a_car_that_pauses_and_goes_on_does_not_switch_others_back_and_forth() -> None:
    site = site_of(3000)
    outlets = [site.add(evse) for evse in (1, 2, 3)]

    def pulsing(each: Car) -> float:
        return 1400.0 if site.clock.seconds % 240 < 120 else 0.0

    site.ask(1, Car(100_000, pulsing))
    site.ask(2, car(1400))
    site.ask(3, car(1400))
    await site.pass_time(8 * 3600)

    # Eight hours by quarters of an hour: three cars on two places, two changes of each in three quarters.
    assert all(outlet.cycles <= 8 * 4 for outlet in outlets)
    assert LATELY_S > 120
    assert site.measured.over_s == 0


async def test_an_opened_relay_stays_open_for_a_while() -> None:
    site = site_of(1500)
    outlet = site.add(1)
    site.ask(1, car())
    await site.pass_time(60)
    site.budget.circuits = {SITE: Circuit(id=SITE, parent=None, capacity_w=1500, limit_w=0)}
    await site.pass_time(10)
    assert outlet.power_w == 0
    site.budget.circuits = {SITE: Circuit(id=SITE, parent=None, capacity_w=1500, limit_w=1500)}
    await site.pass_time(PAUSE_S - 15)
    assert outlet.power_w == 0
    await site.pass_time(30)
    assert outlet.power_w == 1400


async def test_high_before_normal_before_low() -> None:
    site = site_of(1500)
    outlets = {
        priority: site.add(int(priority) + 1, priority=priority)
        for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)
    }
    for outlet in outlets.values():
        site.ask(outlet.evse, car())
    await site.pass_time(3 * MIN_ON)
    assert [outlet.cycles for outlet in outlets.values()] == [1, 0, 1]
    assert outlets[Priority.HIGH].power_w == 1400

    outlets[Priority.HIGH].end()
    await site.pass_time(15)
    assert outlets[Priority.NORMAL].power_w == 1400


async def test_whom_the_owner_pauses_comes_back_when_there_is_power_for_him() -> None:
    site = site_of(1500)
    first, second = site.add(1), site.add(2)
    site.ask(1, car())
    site.ask(2, car())
    await site.pass_time(60)
    await first.hold(Hold.OWNER)
    await site.pass_time(30)
    assert (first.power_w, second.power_w, site.budget.waiting) == (0, 1400, [])

    await first.release(Hold.OWNER)
    await site.pass_time(30)
    assert (first.power_w, second.power_w, site.budget.waiting) == (0, 1400, [1])
    assert site.measured.over_s == 0


async def test_without_a_limit_the_owners_pause_is_his_alone() -> None:
    site = site_of(None)
    outlet = site.add(1)
    site.ask(1, car())
    await outlet.hold(Hold.OWNER)
    await site.pass_time(30)
    assert outlet.session
    assert outlet.session.holds == {Hold.OWNER}


async def test_a_session_that_would_wait_for_ever_is_refused() -> None:
    site = site_of(9000, hall=2000)
    site.add(1, "hall", rating_w=3000)
    assert site.ask(1, car()) is Refusal.POWER_LIMIT


async def test_an_outlet_that_does_not_say_what_it_can_draw_counts_as_all_that_its_circuit_carries() -> None:
    site = site_of(9000, hall=2000)
    site.add(1, "hall", rating_w=None)
    site.add(2, "hall")
    site.add(3, rating_w=None)
    assert [site.budget.rating_w(evse) for evse in (1, 2, 3)] == [2000, 1500, 3680]
    assert site.ask(1, car()) == frozenset()
    assert site.ask(2, car()) == {Hold.BUDGET}
    await site.pass_time(KNOWN_S + 10)
    # It turned out to draw 1400: there is room neither for 1500 on 2000, nor would there be on less.
    assert site.budget.waiting == [2]


async def test_firmware_that_cannot_wait_is_refused_where_it_would_have_to_and_cut_by_its_lease() -> None:
    site = site_of(1500)
    old, new = site.add(1, can_wait=False), site.add(2)
    assert site.ask(1, car()) == frozenset()
    await site.pass_time(2 * MIN_ON)
    assert site.ask(2, car()) == {Hold.BUDGET}
    await site.pass_time(60)
    assert (old.power_w, new.power_w) == (1400, 0)

    site.budget.circuits = {SITE: Circuit(id=SITE, parent=None, capacity_w=1500, limit_w=1000)}
    await site.pass_time(30)
    assert old.power_w == 0
    assert site.measured.longest_over_s <= LEASE_S + 10

    other = site_of(1500)
    other.add(1)
    other.add(2, can_wait=False)
    other.ask(1, car())
    await other.pass_time(10)
    # Which its control refuses.
    assert other.admission(2) == {Hold.BUDGET}


async def test_limits_that_are_taken_away_let_everybody_in() -> None:
    site = site_of(1500)
    outlets = [site.add(evse) for evse in (1, 2, 3)]
    for evse in site.outlets:
        site.ask(evse, car())
    await site.pass_time(60)
    site.budget.circuits = {SITE: Circuit(id=SITE, parent=None)}
    await site.pass_time(15)
    assert [outlet.power_w for outlet in outlets] == [1400] * 3
    assert site.budget.free_w() is None


async def test_an_order_that_fails_is_given_again(caplog: pytest.LogCaptureFixture) -> None:
    site = site_of(1500)
    outlet = site.add(1)
    site.ask(1, car())
    await site.pass_time(30)
    failing = 2
    real = ChargingOutlet.hold

    async def hold(why: Hold) -> bool:
        nonlocal failing
        failing -= 1
        if failing >= 0:
            raise OSError("disk full")
        return await real(outlet, why)

    outlet.hold = hold  # type: ignore[method-assign]
    site.budget.circuits = {SITE: Circuit(id=SITE, parent=None, capacity_w=1500, limit_w=0)}
    await site.pass_time(30)
    assert outlet.power_w == 0
    assert caplog.text.count("could not be told to wait") == 2


async def test_a_budget_that_is_closed_decides_no_more() -> None:
    site = site_of(0)
    site.add(1)
    await site.budget.close()
    assert site.admission(1) == frozenset()


SHORT = 120.0


@settings(max_examples=15, deadline=None)
@given(
    ratings=st.lists(st.sampled_from([800.0, 1500.0, 2000.0, 3000.0]), min_size=2, max_size=6),
    shares=st.lists(st.sampled_from([0.2, 0.6, 1.0]), min_size=6, max_size=6),
    hall=st.sampled_from([3000.0, 4500.0]),
    limit=st.sampled_from([3000.0, 4000.0, 6000.0]),
    inside=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_everybody_of_the_same_priority_has_his_turn_in_any_mix(
    ratings: list[float], shares: list[float], hall: float, limit: float, inside: list[bool]
) -> None:
    site = site_of(limit, hall=hall)
    site.budget.rules = Rules(min_on_s=SHORT)
    for evse, rating in enumerate(ratings, 1):
        site.add(evse, "hall" if inside[evse - 1] else SITE, rating_w=rating)
        site.ask(evse, car(rating * shares[evse - 1]))
    turns = len(ratings)

    async def run() -> None:
        # Each waits at most until it is first, is kept a place for, and those before it have had their time; twice,
        # because who fits goes past who does not for as long as that.
        await site.pass_time(turns * (4 * SHORT + PAUSE_S), step=10)
        served = [outlet.car.supplied_s if outlet.car else 0.0 for outlet in site.outlets.values()]
        assert all(seconds >= SHORT for seconds in served), served
        again = turns * (4 * SHORT + PAUSE_S)
        await site.pass_time(again, step=10)
        later = [outlet.car.supplied_s if outlet.car else 0.0 for outlet in site.outlets.values()]
        assert all(after > before for after, before in zip(later, served, strict=True)), (served, later)
        assert site.measured.over_s == 0
        # Nobody is switched more often than the minimum time lets.
        assert all(outlet.cycles <= site.clock.seconds / SHORT + 1 for outlet in site.outlets.values())

    asyncio.run(run())


class Noise:
    """Cars that draw what they like within their outlet's rating, by a list of numbers."""

    def __init__(self, levels: list[float]) -> None:
        self._levels = levels

    def of(self, site: ChargingSite, evse: int, rating: float) -> Car:
        return Car(10**6, lambda _: rating * self._levels[(evse + int(site.clock.seconds // 45)) % len(self._levels)])


@settings(max_examples=15, deadline=None)
@given(
    levels=st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=3, max_size=11),
    count=st.integers(3, 9),
    rest=st.lists(st.sampled_from([0.0, 500.0, 2500.0]), min_size=1, max_size=5),
)
def test_whatever_cars_draw_a_limit_is_exceeded_for_one_reading_at_most(
    levels: list[float], count: int, rest: list[float]
) -> None:
    site = site_of(5000, hall=3000)
    noise = Noise(levels)
    for evse in range(1, count + 1):
        site.add(evse, "hall" if evse % 2 else SITE)
        site.ask(evse, noise.of(site, evse, 1500))

    async def run() -> None:
        for watts in rest:
            for _ in range(60):
                root = site.budget.circuits[SITE]
                site.budget.circuits[SITE] = Circuit(
                    id=SITE, parent=None, capacity_w=root.capacity_w, limit_w=root.limit_w, rest_w=watts
                )
                await site.pass_time(5)
        assert site.measured.longest_over_s <= 5
        assert all(outlet.cycles <= 2 + len(rest) * 300 / PAUSE_S for outlet in site.outlets.values())

    asyncio.run(run())
