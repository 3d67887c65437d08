"""What the session guard promises, one promise a test."""

import pytest

from .guard import AFTER_A_CUT, MEAN, MOMENTARY, NOT_A_NUMBER, UJ_PER_WH, Bench, Guard, settings, supplying

LONGEST_GAP_MS = 2_500


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


@pytest.mark.parametrize(("kind", "tolerance_wh"), [(MEAN, 0.5), (MOMENTARY, 2.5)])
def test_a_changing_load_is_measured(kind: int, tolerance_wh: float) -> None:
    bench = supplying(reading_kind=kind)
    for watts in (500.0, 3000.0, 2500.0, 100.0, 1800.0) * 5:
        bench.load_w = watts
        bench.run(7_300)
    bench.guard.stop(bench.now, "s")
    assert bench.view.energy_wh == pytest.approx(bench.taken_uj / UJ_PER_WH, abs=tolerance_wh)


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


def test_a_renewal_that_was_heard_before_a_power_cut_is_not_heard_again() -> None:
    bench = supplying()
    for seq in range(1, 50):
        assert bench.guard.renew(bench.now, "s", seq) == ""
        bench.run(1_000)
    bench.power_cut()
    assert {bench.guard.renew(bench.now, "s", seq) for seq in range(50)} == {"stale"}
    assert not bench.view.relay_closed
    assert bench.guard.renew(bench.now, "s", 1_000_000) == ""


def test_a_car_that_is_full_or_gone_ends_the_session() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.load_w = 3.0
    view = bench.run_until("ended", 65_000)
    assert view.end_reason == "EVDisconnected"


def test_a_car_that_never_takes_power_times_out() -> None:
    bench = supplying()
    bench.load_w = 3.0
    bench.run(100_000)
    assert bench.view.state == "supplying"
    assert bench.run_until("ended", 25_000).end_reason == "Timeout"


def test_what_used_power_before_a_suspension_is_not_waited_for_as_for_the_first_time() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.guard.suspend(bench.now)
    bench.power_cut()
    bench.load_w = 0.0
    bench.guard.renew(bench.now, "s", AFTER_A_CUT)
    assert bench.run_until("ended", 65_000).end_reason == "EVDisconnected"


def trip_time_s(times_rated: float, warm: bool = False) -> float:
    """Return how long so many times the rated power flows until the relay opens, at most an hour."""
    bench = supplying(100_000)
    bench.load_w = 4000.0
    for _ in range(10 if warm else 0):
        bench.run(60_000)
        bench.guard.renew(bench.now, "s", bench.now)
    bench.load_w = 4000.0 * times_rated
    begin = bench.now
    while bench.view.state == "supplying" and bench.now - begin < 3_600_000:
        bench.run(1_000)
        bench.guard.renew(bench.now, "s", bench.now)
    return (bench.now - begin) / 1000


def test_the_rated_power_may_flow_for_hours() -> None:
    assert trip_time_s(1.0) == 3600


@pytest.mark.parametrize(
    ("times_rated", "cold_s", "warm_s"),
    # thermal_time · ln((r² - h) / (r² - 1.05²)) with h = 0 cold and 1 warm, and up to two readings more
    [(1.1, 145, 40), (1.3, 64, 10), (1.5, 40, 5), (2.0, 19, 2), (3.5, 6, 1)],
)
def test_the_greater_an_overload_the_sooner_it_opens_the_relay_and_sooner_on_warm_wires(
    times_rated: float, cold_s: float, warm_s: float
) -> None:
    assert cold_s - 1 <= trip_time_s(times_rated) <= cold_s + 2.5
    assert warm_s - 1 <= trip_time_s(times_rated, warm=True) <= warm_s + 2.5


def test_a_short_inrush_passes() -> None:
    bench = supplying()
    for _ in range(5):
        bench.load_w = 14_000.0
        bench.run(2_000)
        bench.load_w = 1000.0
        bench.run(120_000)
        bench.guard.renew(bench.now, "s", bench.now)
    assert bench.view.state == "supplying"


def test_an_overload_is_a_latched_fault() -> None:
    bench = supplying()
    bench.load_w = 6000.0
    view = bench.run_until("fault", 60_000)
    assert (view.end_reason, view.fault) == ("OvercurrentFault", "overcurrent")


def test_a_current_above_its_rating_counts_although_the_power_is_low() -> None:
    bench = supplying(max_current_ma=15_000)
    bench.load_w = 500.0
    while bench.view.state == "supplying":
        assert bench.now < 60_000
        bench.guard.current(bench.now, 30.0)
        bench.run(500)
    assert bench.view.fault == "overcurrent"


def test_an_old_reading_of_the_current_means_nothing() -> None:
    bench = supplying(max_current_ma=15_000)
    bench.guard.current(bench.now, 40.0)
    bench.run(50_000)
    assert bench.view.state == "supplying"


def heated(celsius: float, bench: Bench, milliseconds: int) -> None:
    """Let time pass at that temperature."""
    for _ in range(milliseconds // 1000):
        bench.guard.temperature(bench.now, celsius)
        bench.run(1_000)


def test_a_hot_outlet_suspends_until_it_has_cooled_down() -> None:
    bench = supplying(max_temperature=75)
    heated(74.0, bench, 10_000)
    assert bench.view.state == "supplying"
    heated(75.0, bench, 1_000)
    assert (bench.view.state, bench.view.fault) == ("suspended", "overtemperature")
    heated(66.0, bench, 10_000)
    assert bench.guard.renew(bench.now, "s", 1) == "fault"
    assert bench.guard.clear(bench.now, "overtemperature") == "fault"
    heated(64.0, bench, 1_000)
    assert bench.guard.renew(bench.now, "s", 2) == ""
    assert bench.view.state == "supplying"


@pytest.mark.parametrize("nonsense", [NOT_A_NUMBER, -127.0, 85e9])
def test_a_temperature_sensor_that_stops_answering_suspends(nonsense: float) -> None:
    bench = supplying(max_temperature=75)
    heated(30.0, bench, 5_000)
    heated(nonsense, bench, 65_000)
    assert (bench.view.state, bench.view.fault) == ("suspended", "temperature_silent")
    heated(30.0, bench, 1_000)
    assert bench.guard.renew(bench.now, "s", 1) == ""


def test_a_latched_fault_refuses_sessions_until_it_is_cleared_also_after_a_power_cut() -> None:
    bench = supplying()
    bench.load_w = 8000.0
    bench.run_until("fault", 30_000)
    bench.power_cut()
    assert bench.guard.start(bench.now, "t", 10) == "fault"
    assert bench.guard.clear(bench.now, "no-such-fault") == "bad_argument"
    assert bench.guard.clear(bench.now, "overcurrent") == ""
    assert bench.view.state == "ended"
    assert bench.guard.start(bench.now, "t", 10) == ""


@pytest.mark.parametrize(
    ("reading", "fault"),
    [
        (NOT_A_NUMBER, "meter_silent"),
        (-500.0, "meter_implausible"),
        (1e9, "meter_implausible"),
        (float("inf"), "meter_implausible"),
        (float("-inf"), "meter_implausible"),
    ],
)
def test_a_meter_that_talks_nonsense_suspends_and_bills_nothing(reading: float, fault: str) -> None:
    bench = supplying()
    bench.run(5_000)
    bench.meter_says = reading
    energy = bench.view.energy_uj
    view = bench.run_until("suspended", 7_000)
    assert view.fault == fault
    # Up to the longest gap the last power is taken to have gone on, beyond it nothing is billed.
    assert view.energy_uj - energy <= 3001 * 1000 * LONGEST_GAP_MS
    # But what may have flowed is not supplied again.
    assert view.energy_uj + view.doubtful_uj >= bench.taken_uj - 3000 * 1000 * bench.TICK_MS


def test_a_silent_meter_suspends_and_the_fault_goes_with_the_next_reading() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.meter_works = False
    assert bench.run_until("suspended", 7_000).fault == "meter_silent"
    assert bench.guard.clear(bench.now, "meter_silent") == "fault"
    assert bench.guard.renew(bench.now, "s", 1) == "fault"
    bench.meter_works = True
    bench.run(1_000)
    assert bench.view.fault == ""
    assert bench.guard.renew(bench.now, "s", 2) == ""
    assert bench.view.state == "supplying"


def test_no_session_starts_on_a_silent_meter() -> None:
    bench = Bench()
    bench.meter_works = False
    assert bench.run_until("fault", 7_000).fault == "meter_silent"
    assert bench.guard.start(bench.now, "s", 10) == "fault"
    bench.meter_works = True
    bench.run(1_000)
    assert bench.guard.start(bench.now, "s", 10) == ""


def test_a_meter_that_repeats_itself_is_frozen() -> None:
    bench = supplying()
    bench.run(5_000)
    bench.meter_says = 700.0
    bench.run(100_000)
    assert bench.view.state == "supplying"
    assert bench.run_until("suspended", 30_000).fault == "meter_frozen"
    # It goes on repeating itself behind the open relay: no contact has welded.
    bench.run(20_000)
    assert bench.view.fault == "meter_frozen"
    bench.meter_says = None
    bench.run(1_000)
    assert bench.view.fault == ""
    assert bench.guard.renew(bench.now, "s", 1) == ""


def test_a_small_load_whose_few_pulses_stay_the_same_has_more_time() -> None:
    bench = supplying(frozen_time_ms=10_000)
    bench.meter_says = 20.0
    bench.run(95_000)
    assert bench.view.state == "supplying"
    assert bench.run_until("suspended", 10_000).fault == "meter_frozen"


def test_nothing_plugged_in_is_not_a_frozen_meter() -> None:
    bench = supplying(start_timeout_ms=600_000)
    bench.load_w = 0.0
    bench.run(300_000)
    assert (bench.view.state, bench.view.fault) == ("suspended", "")
    assert bench.guard.renew(bench.now, "s", 1) == ""


def test_a_counter_that_stands_still_while_power_flows_is_frozen_until_somebody_clears_it() -> None:
    bench = supplying(has_counter=True)
    bench.counter_step_wh = 0.001
    bench.run(10_000)
    bench.counter_works = False
    view = bench.run_until("suspended", 60_000)
    assert view.fault == "meter_frozen"
    assert bench.taken_uj - view.energy_uj <= 30 * UJ_PER_WH
    bench.run(200_000)
    assert bench.view.fault == "meter_frozen"
    assert bench.guard.clear(bench.now, "meter_frozen") == ""
    assert bench.view.fault == ""


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
    bench.run(120_000)
    before = bench.view
    bench.power_cut()
    after = bench.view
    assert (after.state, after.relay_closed, after.session_id) == ("suspended", False, "s")
    assert before.energy_uj - 50 * UJ_PER_WH <= after.energy_uj <= before.energy_uj
    assert after.lifetime_uj >= before.lifetime_uj
    bench.run(120_000)
    assert not bench.view.relay_closed
    assert bench.guard.renew(bench.now, "s", AFTER_A_CUT) == ""
    assert bench.view.relay_closed


@pytest.mark.parametrize("limit_wh", [5, 60, 1000])
def test_no_number_of_power_cuts_gives_more_than_was_authorised(limit_wh: int) -> None:
    bench = supplying(limit_wh)
    cuts, seq, lost_uj = 0, 0, 0
    while bench.view.state != "ended":
        bench.run(997 + 1_709 * (cuts % 23))
        before = bench.view
        bench.power_cut()
        cuts += 1
        lost_uj = max(lost_uj, before.energy_uj - bench.view.energy_uj)
        for _ in range(2):
            seq += AFTER_A_CUT
            bench.guard.renew(bench.now, "s", seq)
            bench.run(300)
        assert cuts < 2_000
    view = bench.view
    assert view.end_reason == "EnergyLimitReached"
    assert cuts > 1
    assert bench.taken_uj <= limit_wh * UJ_PER_WH + 3000 * 1000 * 1000
    assert view.energy_uj <= bench.taken_uj
    assert lost_uj <= 50 * UJ_PER_WH
    assert view.lifetime_uj >= view.energy_uj


def test_no_number_of_power_cuts_gives_more_time_than_was_authorised() -> None:
    bench = supplying(0, 600)
    supplied_ms = 0
    for seq in range(1, 1_000):
        closed_at = bench.now
        bench.run(1_000 + 977 * (seq % 31))
        supplied_ms += bench.now - closed_at
        bench.power_cut()
        if bench.view.state == "ended":
            break
        bench.guard.renew(bench.now, "s", seq * AFTER_A_CUT)
        if bench.view.state == "ended":
            break
    assert bench.view.end_reason == "TimeLimitReached"
    assert supplied_ms <= 600_000 + bench.TICK_MS


def test_flash_is_written_as_seldom_as_is_stated() -> None:
    bench = supplying(20_000)
    bench.run(1_000)
    writes = bench.writes
    bench.load_w = 4000.0
    for seq in range(60):
        bench.run(120_000)
        bench.guard.renew(bench.now, "s", seq)
    by_energy = bench.taken_uj / UJ_PER_WH / 50
    assert bench.writes - writes == pytest.approx(by_energy, rel=0.05)


def test_nothing_flows_when_flash_cannot_be_written_and_supply_goes_on_when_it_can() -> None:
    bench = Bench()
    bench.run(2_000)
    bench.flash_works = False
    bench.guard.start(bench.now, "s", 1000)
    bench.run(1_000)
    assert (bench.view.state, bench.view.fault, bench.closings) == ("suspended", "storage", 0)
    assert bench.guard.renew(bench.now, "s", 1) == "fault"
    bench.flash_works = True
    bench.run(1_000)
    assert bench.guard.renew(bench.now, "s", 2) == ""
    bench.run(5_000)
    bench.flash_works = False
    assert bench.run_until("suspended", 120_000).fault == "storage"
    assert bench.view.energy_uj <= 60 * UJ_PER_WH


def test_a_suspended_session_that_nobody_renews_ends() -> None:
    bench = Bench(suspended_time_ms=60_000)
    bench.guard.start(0, "s", 1000, lease_s=5)
    bench.run(50_000)
    assert bench.guard.renew(bench.now, "s", 1, 5) == ""
    bench.run(50_000)
    assert bench.view.state == "suspended"
    assert bench.run_until("ended", 20_000).end_reason == "Other"


def test_a_session_that_nobody_renews_after_a_power_cut_ends_as_power_loss() -> None:
    bench = supplying(suspended_time_ms=60_000)
    bench.run(5_000)
    bench.power_cut()
    bench.run(50_000)
    assert bench.view.state == "suspended"
    assert bench.run_until("ended", 20_000).end_reason == "PowerLoss"


def test_an_outlet_may_end_a_session_as_soon_as_its_lease_is_lost() -> None:
    bench = Bench(suspended_time_ms=0)
    bench.guard.start(0, "s", 1000, lease_s=5)
    assert bench.run_until("ended", 6_000).end_reason == "Other"


def test_the_relay_rests_after_every_opening_and_then_closes_by_itself() -> None:
    bench = supplying(min_off_time_ms=3_000)
    bench.run(5_000)
    bench.guard.suspend(bench.now)
    bench.run(1_000)
    assert bench.guard.renew(bench.now, "s", 1, 60) == ""
    assert bench.view.state == "suspended"
    bench.run(1_900)
    assert bench.view.state == "suspended"
    bench.run(200)
    assert bench.view.state == "supplying"
    bench.guard.stop(bench.now, "s")
    assert bench.guard.start(bench.now, "t", 10) == ""
    assert not bench.view.relay_closed
    bench.run(3_100)
    assert bench.view.relay_closed


def test_a_relay_that_rests_does_not_close_for_a_lease_that_has_run_out() -> None:
    bench = supplying(min_off_time_ms=5_000)
    bench.run(1_000)
    bench.guard.suspend(bench.now)
    bench.guard.renew(bench.now, "s", 1, 2)
    bench.run(10_000)
    assert bench.view.state == "suspended"
    assert bench.closings == 1


def test_a_relay_closes_only_so_often_in_an_hour() -> None:
    bench = supplying(max_cycles_per_hour=60, suspended_time_ms=3_600_000)
    bench.follow()
    for seq in range(3_600):
        bench.guard.suspend(bench.now)
        bench.follow()
        bench.guard.renew(bench.now, "s", seq, 300)
        bench.run(1_000)
    assert 50 <= bench.closings <= 60
    assert bench.view.relay_cycles == bench.closings
    bench.guard.stop(bench.now, "s")
    assert bench.guard.start(bench.now, "t", 10) == "busy"


def test_relay_cycles_are_counted_over_power_cuts() -> None:
    bench = supplying()
    bench.run(1_000)
    bench.power_cut()
    bench.guard.renew(bench.now, "s", AFTER_A_CUT)
    assert bench.view.relay_cycles == 2


def test_sessions_without_any_power_in_a_row_are_told() -> None:
    bench = supplying()
    bench.load_w = 0.0
    for number in range(3):
        assert not bench.view.without_power
        bench.run(15_000)
        bench.guard.stop(bench.now, f"s-{number}" if number else "s")
        bench.guard.start(bench.now, f"s-{number + 1}", 1000)
    assert bench.view.without_power
    bench.load_w = 2000.0
    bench.run(3_000)
    assert not bench.view.without_power


def test_the_button_ends_the_session() -> None:
    bench = supplying()
    bench.guard.stop_by_hand(bench.now)
    assert (bench.view.state, bench.view.end_reason) == ("ended", "Local")
    bench.guard.stop_by_hand(bench.now)
    assert bench.view.durable_changes == 2


def test_a_slow_relay_is_learned_and_told_to_open_the_sooner() -> None:
    def overshoot_uj(bench: Bench, session_id: str) -> float:
        taken_uj = bench.taken_uj
        bench.guard.start(bench.now, session_id, 10)
        bench.run_until("ended")
        bench.run(3_000)
        return bench.taken_uj - taken_uj - 10 * UJ_PER_WH

    bench = Bench()
    bench.relay_delay_ms = 40
    bench.run(2_000)
    first = overshoot_uj(bench, "first")
    assert first > 3000 * 1000 * 30
    for number in range(30):
        last = overshoot_uj(bench, f"s-{number}")
    assert abs(last) <= 3000 * 1000 * bench.TICK_MS
    assert bench.view.relay_delay_us == pytest.approx(40_000, abs=10_000)
    bench.power_cut()
    assert bench.view.relay_delay_us > 0


def test_what_flows_in_moments_that_no_reading_sees_counts_against_the_limit() -> None:
    bench = supplying(10)
    seq = 0
    while bench.view.state != "ended":
        seq += 1
        bench.run(400)
        bench.guard.suspend(bench.now)
        bench.run(1_200)
        bench.guard.renew(bench.now, "s", seq)
        assert seq < 200
    assert bench.taken_uj <= 10 * UJ_PER_WH + 3000 * 1000 * 1_000


@pytest.mark.parametrize(("step_wh", "tolerance_wh"), [(0.0005, 0.02), (0.1, 0.15), (1.0, 1.05), (10.0, 10.5)])
def test_the_meters_own_counter_is_what_is_billed(step_wh: float, tolerance_wh: float) -> None:
    bench = Bench(has_counter=True)
    bench.counter_step_wh = step_wh
    bench.run(2_000)
    bench.guard.start(bench.now, "warm-up", 20)
    bench.run_until("ended")
    billed_uj, begin_uj = 0, bench.taken_uj
    for number in range(12):
        bench.load_w = 500.0 + 300 * number
        bench.run(3_333)
        bench.guard.start(bench.now, f"s-{number}", 20 + number)
        view = bench.run_until("ended")
        assert view.end_reason == "EnergyLimitReached"
        assert view.energy_wh == pytest.approx(20 + number, abs=tolerance_wh)
        billed_uj += view.energy_uj
    # The steps even out over the sessions: nothing is counted twice.
    assert (bench.taken_uj - begin_uj) / UJ_PER_WH == pytest.approx(billed_uj / UJ_PER_WH, abs=1.5 * tolerance_wh)


@pytest.mark.parametrize("counter_first", [False, True])
@pytest.mark.parametrize("kind", [MEAN, MOMENTARY])
def test_it_does_not_matter_whether_the_counter_or_the_power_is_heard_first(kind: int, counter_first: bool) -> None:
    bench = Bench(has_counter=True, reading_kind=kind)
    bench.counter_step_wh, bench.counter_first = 0.0005, counter_first
    for number in range(20):
        bench.run(2_000 + 97 * number)
        begin_uj = bench.taken_uj
        bench.guard.start(bench.now, f"s-{number}", 5)
        view = bench.run_until("ended")
        assert view.energy_uj == pytest.approx(bench.taken_uj - begin_uj, abs=3 * 3000 * 1000 * bench.TICK_MS)
        assert view.energy_wh == pytest.approx(5, abs=0.02)


def test_the_same_power_again_and_again_is_a_steady_load_as_long_as_the_counter_moves() -> None:
    bench = supplying(100_000, has_counter=True)
    bench.counter_step_wh = 0.001
    bench.meter_says = 2900.0
    for seq in range(10):
        bench.run(60_000)
        bench.guard.renew(bench.now, "s", seq)
    assert bench.view.state == "supplying"
    bench.counter_works = False
    assert bench.run_until("suspended", 30_000).fault == "meter_frozen"


def test_a_counter_is_right_where_the_power_is_wrong() -> None:
    bench = supplying(1000, has_counter=True)
    bench.counter_step_wh = 0.001
    bench.meter_says = 2900.0
    bench.run(60_000)
    assert bench.view.energy_uj == pytest.approx(bench.taken_uj, abs=3100 * 1000 * 1000)


@pytest.mark.parametrize("nonsense", [0.0, 1e8, -5.0, NOT_A_NUMBER, float("inf")])
def test_a_counter_that_wraps_or_leaps_is_followed_and_the_power_counts_meanwhile(nonsense: float) -> None:
    bench = supplying(1000, has_counter=True)
    bench.counter_step_wh = 0.001
    bench.run(30_000)
    bench.guard.counter(bench.now, nonsense)
    bench.run(30_000)
    assert bench.view.energy_uj == pytest.approx(bench.taken_uj, rel=0.03)


def test_the_first_step_of_a_counter_after_a_power_cut_is_not_billed_twice() -> None:
    bench = supplying(1000, has_counter=True, save_energy_mwh=10_000)
    bench.counter_step_wh = 10.0
    bench.run(31_000)
    bench.guard.suspend(bench.now)
    billed = bench.view.energy_uj
    bench.power_cut()
    bench.guard.renew(bench.now, "s", AFTER_A_CUT)
    begin_uj = bench.taken_uj
    bench.run(30_000)
    bench.guard.suspend(bench.now)
    assert bench.view.energy_uj - billed <= bench.taken_uj - begin_uj + 3000 * 1000 * 1000


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
        ("a", 10, 0, "relay", -1),
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
    for arguments in (("x" * 36, 100_000, 86_400, "current", 300), ("a", 1, 0, "relay", 1), ("-", 0, 1, "relay", 0)):
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
