"""What the session guard promises when the limits of a running session change."""

import pytest

from .guard import AFTER_A_CUT, UJ_PER_WH, Bench, View, supplying


def limits(view: View) -> tuple[int, int]:
    """Return what the session may take, in Wh and s."""
    return view.energy_limit_wh, view.time_limit_s


def test_a_raised_limit_is_supplied_up_to_and_counts_from_the_start_of_the_session() -> None:
    bench = supplying(2)
    bench.run(1_500)
    assert bench.guard.limit(bench.now, "s", 5) == ""
    view = bench.run_until("ended")
    assert view.end_reason == "EnergyLimitReached"
    assert view.energy_wh == pytest.approx(5, abs=0.02)
    assert bench.closings == 1


def test_a_lowered_limit_is_kept() -> None:
    bench = supplying(1000)
    bench.run(1_500)
    assert bench.guard.limit(bench.now, "s", 3) == ""
    assert bench.run_until("ended").energy_wh == pytest.approx(3, abs=0.02)


def test_an_energy_limit_can_become_a_time_limit_and_the_other_way_round() -> None:
    bench = supplying(2)
    assert bench.guard.limit(bench.now, "s", 0, 60) == ""
    bench.run(50_000)
    assert bench.view.energy_wh > 40
    assert bench.guard.limit(bench.now, "s", 45) == ""
    view = bench.run_until("ended")
    assert (view.end_reason, limits(view)) == ("EnergyLimitReached", (45, 0))


@pytest.mark.parametrize(
    ("energy_wh", "time_s", "reason"),
    [(10, 0, "EnergyLimitReached"), (1, 1, "EnergyLimitReached"), (0, 20, "TimeLimitReached")],
)
@pytest.mark.parametrize("suspended", [False, True])
def test_a_limit_that_is_used_up_already_ends_the_session_at_once(
    energy_wh: int, time_s: int, reason: str, suspended: bool
) -> None:
    bench = supplying(1000)
    bench.run(20_000)
    if suspended:
        bench.guard.suspend(bench.now)
        bench.run(5_000)
    assert bench.guard.limit(bench.now, "s", energy_wh, time_s) == ""
    view = bench.view
    assert (view.state, view.end_reason, view.relay_closed) == ("ended", reason, False)
    assert view.energy_wh == pytest.approx(bench.taken_uj / UJ_PER_WH, abs=0.02)
    assert limits(view) == (energy_wh, time_s)


def test_what_a_power_cut_made_doubtful_counts_against_a_new_limit() -> None:
    bench = supplying(1000)
    bench.run(20_000)
    bench.power_cut()
    measured, doubtful = bench.view.energy_wh, bench.view.doubtful_uj / UJ_PER_WH
    assert doubtful > 20
    assert bench.guard.limit(bench.now, "s", int(measured + doubtful) - 1) == ""
    assert (bench.view.state, bench.view.end_reason) == ("ended", "EnergyLimitReached")


def test_limits_of_a_suspended_session_hold_when_it_goes_on() -> None:
    bench = supplying(2)
    bench.run(1_000)
    bench.guard.suspend(bench.now)
    assert bench.guard.limit(bench.now, "s", 4) == ""
    assert not bench.view.relay_closed
    assert bench.guard.renew(bench.now, "s", 1) == ""
    assert bench.run_until("ended").energy_wh == pytest.approx(4, abs=0.02)


def test_a_change_of_limits_is_no_renewal() -> None:
    bench = supplying(1000)
    bench.run(5_000)
    before = bench.view
    assert bench.guard.limit(bench.now, "s", 2000) == ""
    assert bench.view.lease_left_ms == before.lease_left_ms
    assert bench.guard.renew(bench.now, "s", 0) == ""


def test_the_clock_goes_on_waiting_for_the_first_use_of_power() -> None:
    bench = supplying(0, 20, "current")
    bench.load_w = 0.0
    bench.run(15_000)
    assert bench.guard.limit(bench.now, "s", 0, 10) == ""
    bench.run(15_000)
    assert (bench.view.state, bench.view.supply_ms) == ("supplying", 0)
    bench.load_w = 3000.0
    assert bench.run_until("ended", 12_000).end_reason == "TimeLimitReached"


def test_the_same_limits_again_change_nothing() -> None:
    bench = supplying(100, 50)
    bench.run(3_000)
    assert bench.guard.limit(bench.now, "s", 200, 60) == ""
    bench.follow()
    before, writes = bench.view, bench.writes
    assert bench.guard.limit(bench.now, "s", 200, 60) == ""
    bench.follow()
    assert (bench.view, bench.writes) == (before, writes)


def test_a_repeated_start_is_one_under_the_limits_that_hold_now() -> None:
    bench = supplying(100, 50)
    bench.guard.limit(bench.now, "s", 200, 60)
    before = bench.view
    assert bench.guard.start(bench.now, "s", 200, 60) == ""
    assert bench.guard.start(bench.now, "s", 100, 50) == "busy"
    assert bench.view == before


@pytest.mark.parametrize(
    ("session_id", "energy_wh", "time_s", "code"),
    [
        ("", 10, 0, "bad_argument"),
        ("a b", 10, 0, "bad_argument"),
        ("s", 0, 0, "bad_argument"),
        ("s", -1, 0, "bad_argument"),
        ("s", 100_001, 0, "bad_argument"),
        ("s", 10, -1, "bad_argument"),
        ("s", 10, 86_401, "bad_argument"),
        ("t", 10, 0, "unknown_session"),
        ("before", 10, 0, "already_ended"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(session_id: str, energy_wh: int, time_s: int, code: str) -> None:
    bench = Bench()
    bench.run(2_000)
    bench.guard.start(bench.now, "before", 1)
    bench.guard.stop(bench.now, "before")
    bench.guard.start(bench.now, "s", 1000)
    bench.run(3_000)
    before = bench.view
    assert bench.guard.limit(bench.now, session_id, energy_wh, time_s) == code
    assert bench.view == before


def test_there_is_nothing_to_change_without_a_running_session() -> None:
    bench = Bench()
    assert bench.guard.limit(bench.now, "s", 10) == "unknown_session"
    bench.run(2_000)
    bench.guard.start(bench.now, "s", 1)
    bench.run_until("ended")
    assert bench.guard.limit(bench.now, "s", 10) == "already_ended"


@pytest.mark.parametrize("new", [(900, 0), (100, 0), (0, 600)])
def test_new_limits_are_to_be_written_before_anything_else_and_outlive_a_power_cut(new: tuple[int, int]) -> None:
    bench = supplying(500)
    bench.run(5_000)
    assert not bench.guard.save_due(bench.now)
    assert bench.guard.limit(bench.now, "s", *new) == ""
    assert bench.guard.save_due(bench.now)
    bench.power_cut()
    assert limits(bench.view) == new


@pytest.mark.parametrize("new", [(900, 0), (100, 0)])
def test_limits_that_cannot_be_written_have_not_changed(new: tuple[int, int]) -> None:
    bench = supplying(500)
    bench.run(5_000)
    bench.flash_works = False
    bench.guard.limit(bench.now, "s", *new)
    bench.follow()
    assert (bench.view.state, bench.view.fault, limits(bench.view)) == ("suspended", "storage", (500, 0))
    assert bench.guard.limit(bench.now, "s", *new) == "fault"
    assert bench.guard.limit(bench.now, "s", 500) == ""
    bench.flash_works = True
    bench.run(100)
    assert bench.guard.limit(bench.now, "s", *new) == ""
    bench.power_cut()
    assert limits(bench.view) == new


@pytest.mark.parametrize(("energy_wh", "raised_wh"), [(5, 9), (60, 61), (60, 300)])
def test_no_number_of_power_cuts_gives_more_than_the_newest_limit(energy_wh: int, raised_wh: int) -> None:
    bench = supplying(energy_wh)
    for seq in range(1, 2_000):
        bench.run(997 + 1_709 * (seq % 23))
        if bench.view.state == "ended":
            break
        bench.guard.limit(bench.now, "s", raised_wh if seq % 2 else raised_wh - 1)
        bench.power_cut()
        bench.guard.renew(bench.now, "s", seq * AFTER_A_CUT)
    assert bench.view.end_reason == "EnergyLimitReached"
    assert bench.taken_uj <= raised_wh * UJ_PER_WH + 3000 * 1000 * 1000
    assert bench.view.energy_uj <= bench.taken_uj
