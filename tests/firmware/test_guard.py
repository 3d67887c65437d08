"""What the session guard promises, one promise a test."""

import pytest

from .guard import MEAN, MOMENTARY, NOT_A_NUMBER, UJ_PER_WH, Bench, Guard, settings


def supplying(energy_wh: int = 1000, time_s: int = 0, timer: str = "relay", **changes: int) -> Bench:
    """Return a bench with a session `s` that has just started."""
    bench = Bench(**changes)
    bench.run(2_000)
    assert bench.guard.start(bench.now, "s", energy_wh, time_s, timer) == ""
    return bench


def test_relay_is_open_at_boot() -> None:
    assert not Bench().view.relay_closed
    assert Bench().view.state == "idle"


@pytest.mark.parametrize(("limit_wh", "watts"), [(1, 30.0), (1, 3000.0), (10, 500.0), (10, 3000.0), (250, 3900.0)])
def test_energy_limit_is_reached_and_not_passed_by_more_than_a_loop(limit_wh: int, watts: float) -> None:
    bench = supplying(limit_wh)
    bench.load_w = watts
    view = bench.run_until("ended", 40_000_000)
    assert view.end_reason == "EnergyLimitReached"
    one_loop_uj = watts * 1000 * bench.TICK_MS
    assert limit_wh * UJ_PER_WH <= view.energy_uj <= limit_wh * UJ_PER_WH + one_loop_uj
    assert abs(bench.taken_uj - view.energy_uj) <= 2 * one_loop_uj


@pytest.mark.parametrize("kind", [MEAN, MOMENTARY])
def test_a_changing_load_is_measured_within_half_a_watt_hour(kind: int) -> None:
    bench = supplying(reading_kind=kind)
    for watts in (500.0, 3000.0, 2500.0, 100.0, 1800.0) * 5:
        bench.load_w = watts
        bench.run(7_300)
    bench.guard.stop(bench.now, "s")
    assert bench.view.energy_wh == pytest.approx(bench.taken_uj / UJ_PER_WH, abs=0.5)


def test_momentary_readings_make_a_trapezoid() -> None:
    guard = Guard(settings(reading_kind=MOMENTARY))
    guard.start(1_000, "s", 1000)
    guard.reading(2_000, 1000.0)
    guard.reading(3_000, 2000.0)
    assert guard.view(3_000).energy_uj == 500_000 * 1_000 + 1_500_000 * 1_000


def test_mean_readings_count_from_the_reading_before_the_relay_closed() -> None:
    guard = Guard(settings())
    guard.reading(500, 0.0)
    guard.start(1_000, "s", 1000)
    guard.reading(1_500, 1500.0)  # 3 kW over half of its second
    assert guard.view(1_500).energy_uj == 1_500_000 * 1_000


def test_a_gap_between_readings_is_never_bridged_upwards() -> None:
    guard = Guard(settings())
    guard.start(0, "s", 1000)
    guard.reading(1_000, 100.0)
    counted = guard.view(1_000).energy_uj
    guard.reading(5_000, 3000.0)
    assert guard.view(5_000).energy_uj == counted + 100_000 * 4_000
    guard.reading(9_000, 50.0)
    assert guard.view(9_000).energy_uj == counted + 100_000 * 4_000 + 50_000 * 4_000


def test_a_reading_after_the_end_adds_nothing() -> None:
    bench = supplying()
    bench.run(5_500)
    bench.guard.stop(bench.now, "s")
    energy = bench.view.energy_uj
    bench.run(3_000)
    assert bench.view.energy_uj == energy


def test_energy_between_two_readings_is_not_counted_twice_over_a_suspension() -> None:
    bench = supplying()
    for seq in range(20):
        bench.run(2_150)
        bench.guard.suspend(bench.now)
        bench.run(130)
        bench.guard.renew(bench.now, "s", seq)
    bench.guard.stop(bench.now, "s")
    assert bench.view.energy_uj == pytest.approx(bench.taken_uj, rel=0.01)


def test_time_limit_ends_the_session() -> None:
    bench = supplying(0, 30)
    view = bench.run_until("ended")
    assert view.end_reason == "TimeLimitReached"
    assert 30_000 <= view.supply_ms <= 30_000 + bench.TICK_MS


def test_the_first_limit_that_is_reached_counts() -> None:
    assert supplying(1, 3600).run_until("ended").end_reason == "EnergyLimitReached"
    assert supplying(1000, 2).run_until("ended").end_reason == "TimeLimitReached"


def test_the_clock_can_wait_for_the_first_use_of_power() -> None:
    bench = supplying(0, 10, "current")
    bench.load_w = 2.0
    bench.run(20_000)
    assert bench.view.supply_ms == 0
    bench.load_w = 2000.0
    bench.run(1_500)
    bench.load_w = 2.0  # a pause does not stop a clock that runs
    assert bench.run_until("ended").end_reason == "TimeLimitReached"


def test_the_clock_stands_still_while_supply_is_suspended() -> None:
    bench = supplying(0, 30)
    bench.run(5_000)
    bench.guard.suspend(bench.now)
    supply = bench.view.supply_ms
    bench.run(60_000)
    assert bench.view.supply_ms == supply
    bench.guard.renew(bench.now, "s", 1)
    bench.run(1_000)
    assert bench.view.supply_ms == supply + 1_000


def test_without_renewal_the_relay_opens_and_the_session_is_kept() -> None:
    bench = Bench()
    bench.guard.start(0, "s", 1000, lease_s=5)
    bench.run(5_000 + bench.TICK_MS)
    assert (bench.view.state, bench.view.relay_closed, bench.view.end_reason) == ("suspended", False, "")
    assert bench.guard.renew(bench.now, "s", 1, 5) == ""
    assert bench.view.state == "supplying"


def test_a_renewal_prolongs_the_lease_from_now() -> None:
    bench = Bench()
    bench.guard.start(0, "s", 1000, lease_s=5)
    bench.run(3_000)
    bench.guard.renew(bench.now, "s", 1, 5)
    assert bench.view.lease_left_ms == 5_000
    bench.run(4_900)
    assert bench.view.state == "supplying"


def test_a_renewal_that_was_overtaken_is_stale() -> None:
    bench = supplying()
    assert bench.guard.renew(bench.now, "s", 7) == ""
    assert bench.guard.renew(bench.now, "s", 7) == "stale"
    assert bench.guard.renew(bench.now, "s", 6) == "stale"
    assert bench.guard.renew(bench.now, "s", 8) == ""


def test_a_car_that_is_full_or_gone_ends_the_session() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.load_w = 3.0
    view = bench.run_until("ended", 65_000)
    assert view.end_reason == "EVDisconnected"


def test_power_above_the_rating_is_allowed_for_a_moment_only() -> None:
    bench = supplying()
    bench.load_w = 4500.0
    bench.run(3_000)
    bench.load_w = 3900.0
    bench.run(10_000)
    assert bench.view.state == "supplying"
    bench.load_w = 4500.0
    view = bench.run_until("fault", 8_000)
    assert (view.end_reason, view.fault) == ("OvercurrentFault", "overcurrent")


def test_a_latched_fault_refuses_sessions_until_it_is_cleared_also_after_a_power_cut() -> None:
    bench = supplying()
    bench.load_w = 5000.0
    bench.run_until("fault", 8_000)
    bench.power_cut()
    assert bench.guard.start(bench.now, "t", 10) == "fault"
    assert bench.guard.clear(bench.now, "no-such-fault") == "bad_argument"
    assert bench.guard.clear(bench.now, "overcurrent") == ""
    assert bench.view.state == "ended"
    assert bench.guard.start(bench.now, "t", 10) == ""


@pytest.mark.parametrize("reading", [NOT_A_NUMBER, -500.0, 1e9, float("inf"), float("-inf")])
def test_a_meter_that_talks_nonsense_opens_the_relay_and_bills_nothing(reading: float) -> None:
    bench = supplying()
    bench.run(5_000)
    bench.meter_says = reading
    energy = bench.view.energy_uj
    view = bench.run_until("fault", 7_000)
    assert view.end_reason in {"Other", "OvercurrentFault"}
    # Up to the longest gap the last power is taken to have gone on, beyond it nothing is.
    assert view.energy_uj - energy <= 3000 * 1000 * bench.settings.longest_gap_ms


def test_a_silent_meter_ends_the_session_and_the_fault_goes_with_the_next_reading() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.meter_works = False
    view = bench.run_until("fault", 7_000)
    assert (view.end_reason, view.fault) == ("Other", "meter_silent")
    assert bench.guard.clear(bench.now, "meter_silent") == "fault"
    assert bench.guard.start(bench.now, "t", 10) == "fault"
    bench.meter_works = True
    bench.run(1_000)
    assert (bench.view.state, bench.view.fault) == ("ended", "")


def test_a_little_less_than_zero_is_zero() -> None:
    bench = Bench()
    bench.meter_says = -3.0
    bench.run(30_000)
    assert bench.view.fault == ""


def test_power_behind_an_open_relay_is_a_welded_contact() -> None:
    bench = Bench()
    bench.welded = True
    view = bench.run_until("fault", 8_000)
    assert view.fault == "welded_contact"
    assert bench.guard.start(bench.now, "s", 10) == "fault"
    assert view.lifetime_uj == 0


def test_a_contact_that_welds_during_a_session_is_found_after_its_end() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.welded = True
    bench.guard.stop(bench.now, "s")
    assert bench.run_until("fault", 8_000).end_reason == "Remote"


def test_a_session_suspended_over_a_welded_contact_ends() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.welded = True
    bench.guard.suspend(bench.now)
    assert bench.run_until("fault", 8_000).end_reason == "Other"


def test_the_readings_right_after_the_opening_are_no_welded_contact() -> None:
    bench = supplying()
    bench.run(5_400)
    bench.guard.stop(bench.now, "s")
    bench.run(30_000)
    assert bench.view.fault == ""


def test_a_power_cut_suspends_the_session_with_its_counters() -> None:
    bench = supplying(0, 3600)
    bench.run(20_000)
    before = bench.view
    bench.power_cut()
    after = bench.view
    assert (after.state, after.relay_closed) == ("suspended", False)
    assert (after.session_id, after.energy_uj, after.supply_ms) == ("s", before.energy_uj, before.supply_ms)
    assert after.lifetime_uj == before.lifetime_uj
    bench.run(120_000)
    assert not bench.view.relay_closed
    assert bench.guard.renew(bench.now, "s", 1) == ""
    assert bench.view.relay_closed


def test_the_last_values_stay_until_the_next_start_also_after_a_power_cut() -> None:
    bench = supplying(1)
    ended = bench.run_until("ended")
    bench.power_cut()
    assert bench.view.state == "ended"
    assert (bench.view.end_reason, bench.view.energy_uj) == (ended.end_reason, ended.energy_uj)
    bench.guard.start(bench.now, "t", 1)
    assert (bench.view.session_id, bench.view.end_reason, bench.view.energy_uj) == ("t", "", 0)


def test_the_last_eight_sessions_never_start_again() -> None:
    bench = Bench()
    for number in range(8):
        assert bench.guard.start(bench.now, f"s-{number}", 10) == ""
        assert bench.guard.stop(bench.now, f"s-{number}") == ""
    bench.power_cut()
    assert {bench.guard.start(bench.now, f"s-{number}", 10) for number in range(8)} == {"already_ended"}
    assert {bench.guard.renew(bench.now, f"s-{number}", 99) for number in range(8)} == {"already_ended"}
    assert {bench.guard.stop(bench.now, f"s-{number}") for number in range(8)} == {""}


def test_a_repeated_start_changes_nothing() -> None:
    bench = supplying(100, 50)
    bench.run(3_000)
    before = bench.view
    assert bench.guard.start(bench.now, "s", 100, 50) == ""
    assert bench.view == before
    assert bench.guard.start(bench.now, "s", 200, 50) == "busy"
    assert bench.guard.start(bench.now, "s", 100, 50, "current") == "busy"
    assert bench.guard.start(bench.now, "t", 100, 50) == "busy"
    assert bench.view == before


def test_disabling_ends_the_session_and_outlives_a_power_cut() -> None:
    bench = supplying()
    bench.guard.enable(bench.now, False)
    assert (bench.view.state, bench.view.end_reason) == ("ended", "Local")
    bench.power_cut()
    assert bench.guard.start(bench.now, "t", 10) == "disabled"
    bench.guard.enable(bench.now, True)
    assert bench.guard.start(bench.now, "t", 10) == ""


def test_a_relay_that_something_else_opened_ends_the_session() -> None:
    bench = supplying()
    bench.guard.relay_opened_by_others(bench.now)
    assert (bench.view.state, bench.view.end_reason) == ("ended", "Other")


@pytest.mark.parametrize("reason", ["Remote", "Local", "PowerLoss", "EVDisconnected", "Other"])
def test_a_stop_keeps_its_reason(reason: str) -> None:
    bench = supplying()
    assert bench.guard.stop(bench.now, "s", reason) == ""
    assert bench.view.end_reason == reason


@pytest.mark.parametrize("reason", ["", "remote", "EnergyLimitReached", "TimeLimitReached", "OvercurrentFault", "x"])
def test_a_stop_for_no_known_reason_is_refused(reason: str) -> None:
    bench = supplying()
    assert bench.guard.stop(bench.now, "s", reason) == "bad_argument"
    assert bench.view.state == "supplying"


@pytest.mark.parametrize(
    ("session_id", "energy_wh", "time_s", "timer", "lease_s"),
    [
        ("", 10, 0, "relay", 10),
        ("x" * 37, 10, 0, "relay", 10),
        ("a b", 10, 0, "relay", 10),
        ("a\0b", 10, 0, "relay", 10),
        ("あ", 10, 0, "relay", 10),
        ("a", 0, 0, "relay", 10),
        ("a", -1, 0, "relay", 10),
        ("a", 100_001, 0, "relay", 10),
        ("a", 10, -1, "relay", 10),
        ("a", 10, 86_401, "relay", 10),
        ("a", -(2**31), 2**31 - 1, "relay", 10),
        ("a", 10, 0, "", 10),
        ("a", 10, 0, "Relay", 10),
        ("a", 10, 0, "relay", 0),
        ("a", 10, 0, "relay", -5),
        ("a", 10, 0, "relay", 301),
    ],
)
def test_a_start_with_nonsense_is_refused(
    session_id: str, energy_wh: int, time_s: int, timer: str, lease_s: int
) -> None:
    guard = Guard(settings())
    before = guard.view(10)
    assert guard.start(10, session_id, energy_wh, time_s, timer, lease_s) == "bad_argument"
    assert guard.view(10) == before


def test_limits_and_ids_at_their_bounds_are_accepted() -> None:
    for arguments in (("x" * 36, 100_000, 86_400, "current", 300), ("a", 1, 0, "relay", 1), ("-", 0, 1, "relay", 1)):
        assert Guard(settings()).start(10, *arguments) == ""


def test_the_clock_never_steps_back() -> None:
    bench = supplying()
    bench.run(10_000)
    before = bench.view
    bench.guard.tick(0)
    bench.guard.reading(5, 3000.0)
    assert bench.view.supply_ms == before.supply_ms
    assert bench.view.energy_uj - before.energy_uj <= 3000 * 1000 * 1000


@pytest.mark.parametrize("record", [b"\0", b"\xff", b"KONS"])
def test_a_flash_of_something_else_starts_from_zero(record: bytes) -> None:
    guard = Guard(settings())
    assert not guard.restore(record * 300, 0)
    assert guard.view(0).state == "idle"
    assert guard.start(1, "s", 10) == ""
