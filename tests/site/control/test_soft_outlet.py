"""A plain outlet keeps what a guarded one keeps, as far as it can."""

import pytest
from plug import SimulatedPlug, Watched
from simulated import ManualClock

from custom_components.konsento.control.driver import OutletRefusedError, OutletSilentError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason, OutletState


async def watched(**plug: object) -> Watched:
    """Return a plug that has just been found."""
    world = Watched(SimulatedPlug(ManualClock(), **plug))  # type: ignore[arg-type]  # its own keywords
    world.plug.measure()
    await world.start()
    return world


METERS = pytest.mark.parametrize(
    "meter",
    [
        {"power": True, "counter": True},
        {"power": True, "counter": False},
        {"power": False, "counter": True},
        {"power": True, "counter": True, "step_mwh": 10_000, "period_s": 3.0},
    ],
    ids=["both", "power", "counter", "coarse-counter"],
)


@METERS
async def test_a_session_ends_at_its_energy_limit_and_bills_what_flowed(meter: dict[str, object]) -> None:
    world = await watched(**meter)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=100)
    await world.live(300)

    report = world.outlet.report
    assert report
    assert (report.state, report.end_reason, report.relay) == (OutletState.ENDED, EndReason.ENERGY_LIMIT, False)
    taken = world.plug.true_mwh - before
    step = max(world.plug.step_mwh, 3000 / 3.6)
    assert taken <= 100_000 + step + 1
    assert taken - step - 1 <= report.energy_mwh <= taken + step


async def test_the_limit_is_kept_between_two_readings() -> None:
    world = await watched(period_s=5.0)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=50)
    await world.live(120)

    assert world.plug.true_mwh - before == pytest.approx(50_000, abs=10)
    assert world.energy_mwh == pytest.approx(50_000, abs=10)


async def test_the_time_limit_is_kept_to_the_moment() -> None:
    world = await watched(period_s=7.0)
    before = world.plug.true_mwh
    await world.begin("session-1", time_s=30)
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.TIME_LIMIT
    assert (world.plug.true_mwh - before) * 3.6 / 3000 == pytest.approx(30, abs=0.1)


async def test_nobody_who_renews_means_no_supply() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    world.renewing = False
    await world.live(12)

    assert world.state is OutletState.SUSPENDED
    assert world.plug.contact is False
    world.renewing = True
    await world.live(8)
    assert world.state is OutletState.SUPPLYING


async def test_a_car_that_takes_nothing_any_more_ends_its_session_and_one_that_never_did_too() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(20)
    world.plug.load_w = 3
    await world.live(605)
    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.IDLE

    await world.begin("session-2", energy_wh=1000)
    await world.live(605)
    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.NEVER_USED


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 0.0, 4_000_000, 9e12])
async def test_a_number_that_cannot_be_is_never_billed(number: float) -> None:
    world = await watched()
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=1000)
    await world.live(20)
    world.plug.tell(counter=number)
    await world.live(20)

    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=900)


async def test_a_counter_that_starts_again_is_followed_and_subtracts_nothing() -> None:
    world = await watched()
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=1000)
    await world.live(20)
    energy = world.energy_mwh
    world.plug.offset_mwh = world.plug.true_mwh
    await world.live(20)

    taken = world.plug.true_mwh - before
    assert energy <= world.energy_mwh <= taken
    # Two readings agree before the new count is believed.
    assert world.energy_mwh == pytest.approx(taken, abs=3 * 900)


async def test_a_counter_that_starts_again_at_nothing_before_a_session_is_followed_too() -> None:
    world = await watched(power=False)
    world.plug.offset_mwh = world.plug.true_mwh
    await world.live(5)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=30)
    await world.kill()
    world.plug.advance(60)
    await world.start()
    await world.live(5)

    assert world.state is OutletState.ENDED
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=900)


async def test_without_a_counter_a_silence_is_not_billed_but_counts_against_the_limit() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=50)
    await world.live(10)
    billed = world.energy_mwh
    world.plug.silent = True
    await world.live(25)
    world.plug.silent = False
    await world.live(2)
    assert world.state is OutletState.SUPPLYING
    assert world.energy_mwh == pytest.approx(billed + 2 * 833, abs=1000)
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(50_000 - 25 * 833, abs=1700)


async def test_a_silent_meter_suspends_until_it_speaks() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=1000)
    world.plug.silent = True
    await world.live(31)
    assert world.outlet.report
    assert (world.state, world.outlet.report.fault) == (OutletState.SUSPENDED, "meter_silent")
    assert not world.plug.contact

    world.plug.silent = False
    await world.live(10)
    assert world.state is OutletState.SUPPLYING


async def test_a_meter_that_is_unavailable_suspends_soon() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    world.plug.silent = True
    world.plug.no_numbers()
    await world.live(10.5)

    assert world.state is OutletState.SUSPENDED
    assert not world.plug.contact


async def test_a_counter_that_stands_still_while_power_flows_is_a_fault() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=10_000)
    await world.live(5)
    world.plug.has_counter = False
    await world.live(300)

    assert world.outlet.report
    assert (world.state, world.outlet.report.fault) == (OutletState.SUSPENDED, "meter_frozen")
    await world.outlet.clear_fault("meter_frozen")
    await world.live(5)
    assert world.state is OutletState.SUPPLYING


async def test_a_relay_that_does_not_close_refuses_the_start_and_stays_told_to_open() -> None:
    world = await watched()
    world.plug.stuck = True

    with pytest.raises(OutletRefusedError):
        await world.begin("session-1", energy_wh=1000)
    await world.live(1)

    assert world.plug.commands[-1] is False
    assert world.state is OutletState.IDLE
    world.plug.stuck = False
    await world.live(5)
    with pytest.raises(OutletRefusedError, match="already_ended"):
        await world.begin("session-1", energy_wh=1000)


async def test_power_behind_an_open_relay_is_a_welded_contact_until_somebody_has_looked() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=20)
    world.plug.welded = True
    await world.live(60)

    assert world.outlet.report
    assert (world.outlet.report.fault, world.state) == ("welded_contact", OutletState.FAULT)
    assert world.energy_mwh < 30_000
    await world.kill()
    await world.start()
    with pytest.raises(OutletRefusedError, match="fault"):
        await world.begin("session-2", energy_wh=20)
    world.plug.welded = False
    await world.outlet.clear_fault("welded_contact")
    await world.begin("session-2", energy_wh=20)


async def test_what_somebody_else_switches_on_is_switched_off_and_not_billed() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=10)
    await world.live(30)
    energy = world.energy_mwh
    world.plug.by_hand(True)
    await world.outlet.step()

    assert world.plug.contact is False
    await world.live(10)
    assert world.energy_mwh == energy


async def test_what_somebody_else_switches_off_is_the_end() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(10)
    world.plug.by_hand(False)
    await world.live(5)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.LOCAL


async def test_a_device_that_loses_power_is_resumed() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(10)
    world.plug.contact = False
    world.plug.link(False)
    await world.live(5)
    assert world.outlet.report is None
    world.plug.link(True)
    await world.live(5)

    assert world.state is OutletState.SUPPLYING


async def test_after_a_kill_a_counter_has_counted_on_and_the_session_goes_on() -> None:
    world = await watched()
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=1000)
    await world.live(20)
    await world.kill()
    world.plug.advance(60)
    await world.start()
    await world.live(5)

    assert world.state is OutletState.SUPPLYING
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=900)
    assert world.plug.commands == [True]


async def test_after_a_kill_without_a_counter_what_flowed_unseen_counts_against_the_limit_alone() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=100)
    await world.live(20)
    await world.kill()
    world.plug.advance(60)
    await world.start()
    await world.live(90)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(100_000 - 60 * 833, abs=10 * 900)


async def test_after_a_kill_before_the_first_reading_the_next_one_judges_what_flowed_unseen() -> None:
    world = await watched(counter=False, period_s=5.0)
    await world.begin("session-1", energy_wh=30)
    world.plug.silent = True
    await world.live(1)
    await world.kill()
    world.plug.advance(60)
    world.plug.silent = False
    await world.start()
    await world.live(12)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh < 10_000


@METERS
async def test_after_a_kill_a_relay_over_its_limit_opens_at_once(meter: dict[str, object]) -> None:
    world = await watched(**meter)
    await world.begin("session-1", energy_wh=100)
    await world.live(60)
    await world.kill()
    world.plug.advance(300)
    world.plug.measure()
    await world.start()
    await world.live(4)

    assert not world.plug.contact
    assert world.state is OutletState.ENDED


async def test_after_a_kill_a_relay_that_nobody_renews_opens() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.kill()
    world.renewing = False
    await world.start()
    await world.live(11)

    assert not world.plug.contact
    assert world.state is OutletState.SUSPENDED


async def test_a_stop_by_intent_opens_the_relay_and_the_next_run_resumes() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(10)
    energy = world.energy_mwh
    await world.outlet.stop()
    assert not world.plug.contact
    with pytest.raises(OutletSilentError):
        await world.outlet.session_renew("session-1", 1000, 10)

    world.plug.advance(600)
    await world.start()
    assert world.state is OutletState.SUSPENDED
    assert world.energy_mwh == pytest.approx(energy, abs=900)
    await world.live(5)
    assert world.state is OutletState.SUPPLYING


@pytest.mark.parametrize("read", [True, False], ids=["load-known", "load-unknown"])
async def test_a_relay_that_could_not_be_opened_at_the_stop_leaves_the_limit_in_force(read: bool) -> None:
    world = await watched(counter=False)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=30)
    if read:
        await world.live(5)
    world.plug.link(False)
    await world.outlet.stop()
    world.plug.advance(10)
    unseen = world.plug.true_mwh - before
    await world.start()
    world.plug.link(True)
    world.plug.advance(0.1)
    await world.outlet.step()
    assert not world.plug.contact
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    # What flowed unseen counts against the limit, as far as a reading had told of the load.
    assert world.plug.true_mwh - before <= 30_000 + 900 + (0 if read else unseen)


async def test_what_flowed_before_the_relay_was_seen_open_is_counted_once_and_not_again_after_a_kill() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=30)
    await world.live(5)
    world.renewing = False
    await world.live(30)
    assert world.state is OutletState.SUSPENDED
    taken = world.plug.true_mwh
    await world.kill()
    world.plug.advance(600)
    world.renewing = True
    await world.start()
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(30_000, abs=900)
    assert world.plug.true_mwh > taken


async def test_a_relay_that_a_kill_left_closed_and_that_is_found_open_leaves_the_rest_of_the_session() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=100)
    await world.live(20)
    await world.kill()
    world.plug.advance(6)
    world.plug.by_hand(False)
    await world.start()
    await world.live(300)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(100_000 - 6 * 833, abs=10 * 900)


async def test_what_somebody_switches_on_while_the_program_is_away_is_not_the_suspended_sessions() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=30)
    await world.live(5)
    await world.outlet.stop()
    world.plug.by_hand(True)
    world.plug.advance(60)
    await world.start()
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(30_000, abs=2_000)


@METERS
async def test_a_kill_right_after_a_session_was_resumed_forgets_nothing(meter: dict[str, object]) -> None:
    world = await watched(**meter)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=20)
    await world.live(10)
    await world.outlet.stop()
    await world.start()
    while not world.plug.contact:
        await world.live(0.5)
    await world.kill()
    world.plug.advance(60)
    await world.start()
    await world.live(5)

    assert world.state is OutletState.ENDED
    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    if world.plug.has_counter:
        assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=10_000)


async def test_what_a_counter_has_counted_while_the_program_was_away_is_in_the_lifetime_energy() -> None:
    world = await watched(power=False)
    await world.begin("session-1", energy_wh=1000)
    await world.live(10)
    await world.outlet.stop()
    world.plug.by_hand(True)
    world.plug.advance(600)
    await world.start()
    await world.live(1)

    assert world.outlet.report
    assert world.outlet.report.lifetime_mwh == pytest.approx(world.plug.true_mwh - 5_000_000, abs=900)
    assert world.energy_mwh == pytest.approx(10 * 833, abs=900)


@pytest.mark.parametrize("power", [True, False], ids=["both", "counter"])
async def test_what_the_meter_did_not_tell_before_a_restart_is_not_the_next_sessions(power: bool) -> None:
    world = await watched(power=power)
    world.plug.silent = True
    await world.begin("session-1", time_s=8)
    await world.live(20)
    assert world.state is OutletState.ENDED
    await world.outlet.stop()
    await world.start()
    world.plug.tell(power=float("nan"), counter=world.plug.true_mwh - 9_000)
    before = world.plug.true_mwh
    await world.begin("session-2", energy_wh=30)
    await world.outlet.stop()
    await world.start()
    world.plug.silent = False
    await world.live(20)

    assert world.outlet.report
    assert world.outlet.report.session_id == "session-2"
    assert world.energy_mwh <= world.plug.true_mwh - before + 900


async def test_a_relay_that_a_kill_left_closed_and_that_a_stop_could_not_reach_opens_when_it_is_back() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=30)
    await world.live(5)
    world.plug.link(False)
    await world.kill()
    world.plug.advance(2)
    await world.start()
    await world.outlet.stop()
    world.plug.advance(10)
    await world.start()
    world.plug.link(True)
    await world.live(0.1)
    assert not world.plug.contact
    await world.live(60)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT
    # The memory is from the first reading, 5 s before the kill.
    assert world.energy_mwh == pytest.approx(30_000 - 17 * 833, abs=2_000)


async def test_no_relay_closes_before_its_reason_is_on_disk() -> None:
    world = await watched()
    world.disk_full = True
    with pytest.raises(OutletRefusedError):
        await world.begin("session-1", energy_wh=1000)

    assert True not in world.plug.commands
    assert world.outlet.report
    assert world.outlet.report.fault == "storage"
    world.disk_full = False
    await world.live(15)
    await world.begin("session-2", energy_wh=1000)


async def test_energy_that_the_counter_tells_late_belongs_to_the_session_that_took_it() -> None:
    world = await watched(period_s=30.0)
    before = world.plug.true_mwh
    await world.begin("session-1", time_s=45)
    await world.live(100)
    taken = world.plug.true_mwh - before
    assert world.energy_mwh == pytest.approx(taken, abs=2)

    await world.begin("session-2", time_s=10)
    await world.live(2)
    await world.outlet.session_stop("session-2", EndReason.REMOTE)
    await world.live(6)
    begun = world.energy_mwh
    await world.begin("session-3", time_s=60)
    await world.live(100)
    assert begun <= 12 * 834
    assert world.energy_mwh <= 60 * 834


async def test_limits_change_while_a_session_runs() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(60)
    await world.outlet.session_limit("session-1", Limits(energy_wh=20))
    await world.live(5)

    assert world.outlet.report
    assert world.outlet.report.end_reason is EndReason.ENERGY_LIMIT


async def test_a_disabled_outlet_ends_its_session_and_stays_disabled_over_a_kill() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.outlet.enable(False)
    await world.live(5)
    assert world.outlet.report
    assert (world.outlet.report.end_reason, world.plug.contact) == (EndReason.LOCAL, False)
    await world.kill()
    await world.start()
    with pytest.raises(OutletRefusedError, match="disabled"):
        await world.begin("session-2", energy_wh=1000)


async def test_repeated_starts_other_sessions_and_old_renewals_are_answered_as_by_the_firmware() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.outlet.session_start("session-1", Limits(energy_wh=1000), 11)
    for work, code in [
        (world.outlet.session_start("session-1", Limits(energy_wh=1), 11), "busy"),
        (world.outlet.session_start("session-2", Limits(energy_wh=1000), 11), "busy"),
        (world.outlet.session_start("bad id", Limits(energy_wh=1000), 11), "bad_argument"),
        (world.outlet.session_start("session-3", Limits(), 11), "bad_argument"),
        (world.outlet.session_renew("session-9", 5, 11), "unknown_session"),
        (world.outlet.session_renew("session-1", 5, 0), "bad_argument"),
        (world.outlet.session_renew("session-1", -1, 11), "stale"),
        (world.outlet.identify(5), "not_supported"),
    ]:
        with pytest.raises(OutletRefusedError) as refused:
            await work
        assert refused.value.code == code
