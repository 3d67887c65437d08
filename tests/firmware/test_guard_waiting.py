"""What the session guard promises about sessions that wait: a lease of 0."""

import pytest

from .guard import AFTER_A_CUT, UJ_PER_WH, Bench, supplying


def waiting(energy_wh: int = 1000, time_s: int = 0, timer: str = "relay", **changes: int) -> Bench:
    """Return a bench whose session has begun waiting."""
    bench = Bench(**changes)
    assert bench.guard.start(0, "s", energy_wh, time_s, timer, lease_s=0) == ""
    return bench


def test_a_session_that_begins_waiting_closes_its_relay_only_when_it_is_let_go() -> None:
    bench = waiting(1)
    bench.run(60_000)
    assert (bench.view.state, bench.closings, bench.view.energy_uj) == ("suspended", 0, 0)
    assert bench.guard.renew(bench.now, "s", 1, 300) == ""
    view = bench.run_until("ended", 60_000)
    assert (view.end_reason, bench.closings) == ("EnergyLimitReached", 1)


def test_a_hold_opens_the_relay_at_once_and_a_renewal_closes_it_again() -> None:
    bench = supplying()
    bench.run(5_000)
    assert bench.guard.renew(bench.now, "s", 1, 0) == ""
    assert (bench.view.state, bench.view.relay_closed, bench.view.lease_left_ms) == ("suspended", False, 0)
    bench.run(10_000)
    assert bench.guard.renew(bench.now, "s", 2, 300) == ""
    bench.run(100)
    assert bench.view.state == "supplying"


@pytest.mark.parametrize("timer", ["relay", "current"])
def test_the_time_limit_is_not_used_up_by_waiting(timer: str) -> None:
    bench = waiting(0, 30, timer)
    bench.run(600_000)
    assert bench.view.supply_ms == 0
    bench.guard.renew(bench.now, "s", 1)
    bench.run(5_000)
    bench.guard.renew(bench.now, "s", 2, 0)
    bench.run(600_000)
    bench.guard.renew(bench.now, "s", 3)
    bench.run(24_000)
    assert bench.view.state == "supplying"
    assert bench.run_until("ended", 6_000).end_reason == "TimeLimitReached"


def test_a_car_that_cannot_charge_while_its_session_waits_is_not_given_up() -> None:
    bench = waiting(start_timeout_ms=60_000, idle_time_ms=60_000)
    for seq in range(100):
        bench.guard.renew(bench.now, "s", seq, 0)
        bench.run(3_000)
    bench.guard.renew(bench.now, "s", 1000)
    bench.run(30_000)
    assert bench.view.state == "supplying"


@pytest.mark.parametrize("patience_ms", [0, 60_000, 1_800_000])
def test_a_session_waits_for_as_long_as_it_is_told_to(patience_ms: int) -> None:
    bench = waiting(suspended_time_ms=patience_ms)
    for seq in range(40):
        bench.run(120_000)
        assert bench.guard.renew(bench.now, "s", seq, 0) == ""
    assert bench.view.state == "suspended"
    longest_ms = max(patience_ms, 300_000)
    bench.run(longest_ms - 1_000)
    assert bench.view.state == "suspended"
    assert bench.run_until("ended", 2_000).end_reason == "Other"


def test_one_that_was_let_go_is_given_up_as_any_other_when_nobody_renews_it() -> None:
    bench = waiting(suspended_time_ms=0)
    bench.guard.renew(bench.now, "s", 1, 5)
    assert bench.run_until("ended", 6_000).end_reason == "Other"


def test_a_hold_that_was_overtaken_is_stale() -> None:
    bench = supplying()
    assert bench.guard.renew(bench.now, "s", 7, 300) == ""
    assert bench.guard.renew(bench.now, "s", 6, 0) == "stale"
    assert bench.view.state == "supplying"
    assert bench.guard.renew(bench.now, "s", 8, 0) == ""
    assert bench.guard.renew(bench.now, "s", 7, 300) == "stale"
    assert bench.view.state == "suspended"


def test_a_hold_keeps_a_resting_relay_open() -> None:
    bench = supplying(min_off_time_ms=3_000)
    bench.run(5_000)
    bench.guard.suspend(bench.now)
    bench.guard.renew(bench.now, "s", 1, 60)
    assert bench.view.lease_left_ms == 60_000
    bench.run(1_000)
    assert bench.guard.renew(bench.now, "s", 2, 0) == ""
    bench.run(10_000)
    assert (bench.view.state, bench.closings) == ("suspended", 1)


def test_a_relay_that_has_to_rest_takes_a_session_that_waits_anyway() -> None:
    bench = Bench(min_off_time_ms=20_000)
    bench.guard.start(0, "before", 1000)
    bench.run(5_000)
    bench.guard.stop(bench.now, "before")
    assert bench.guard.start(bench.now, "s", 1000) == "busy"
    assert bench.guard.start(bench.now, "s", 1000, lease_s=0) == ""
    bench.guard.renew(bench.now, "s", 1, 60)
    bench.run(18_000)
    assert bench.view.state == "suspended"
    bench.run(4_000)
    assert bench.view.state == "supplying"


def test_the_same_start_asked_again_changes_nothing() -> None:
    bench = waiting()
    before = bench.view
    assert bench.guard.start(bench.now, "s", 1000, lease_s=300) == ""
    assert bench.guard.start(bench.now, "s", 1000, lease_s=0) == ""
    assert bench.view == before
    bench.guard.renew(bench.now, "s", 1)
    assert bench.guard.start(bench.now, "s", 1000, lease_s=0) == ""
    assert bench.view.relay_closed


def test_after_a_power_cut_it_waits_on_with_nothing_lost() -> None:
    bench = waiting(1, suspended_time_ms=60_000)
    bench.run(5_000)
    bench.power_cut()
    assert (bench.view.state, bench.view.session_id, bench.view.doubtful_uj) == ("suspended", "s", 0)
    assert bench.guard.renew(bench.now, "s", AFTER_A_CUT, 0) == ""
    bench.run(200_000)
    assert bench.guard.renew(bench.now, "s", AFTER_A_CUT + 1) == ""
    view = bench.run_until("ended", 60_000)
    assert view.end_reason == "EnergyLimitReached"
    assert view.energy_uj >= UJ_PER_WH


def test_a_session_that_waits_since_a_power_cut_and_is_then_forgotten_was_not_ended_by_it() -> None:
    bench = waiting(suspended_time_ms=60_000)
    bench.power_cut()
    bench.guard.renew(bench.now, "s", AFTER_A_CUT, 0)
    assert bench.run_until("ended", 400_000).end_reason == "Other"


def test_a_hold_is_refused_while_there_is_a_fault() -> None:
    bench = supplying()
    bench.run(2_000)
    bench.meter_works = False
    bench.run(10_000)
    assert bench.view.fault == "meter_silent"
    assert bench.guard.renew(bench.now, "s", 1, 0) == "fault"


def test_current_behind_the_open_relay_of_a_session_that_waits_is_a_welded_contact() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.guard.stop(bench.now, "s")
    bench.guard.start(bench.now, "t", 1000, lease_s=0)
    bench.meter_says = 3000.0
    bench.run(10_000)
    view = bench.view
    assert (view.fault, view.end_reason) == ("welded_contact", "Other")
    assert view.energy_uj == 0


def test_one_that_waits_can_be_stopped_by_hand() -> None:
    bench = waiting()
    bench.guard.stop_by_hand(bench.now)
    assert (bench.view.state, bench.view.end_reason) == ("ended", "Local")
