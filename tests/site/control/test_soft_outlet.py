"""A plain outlet keeps what a guarded one keeps, as far as it can."""

import pytest
from plug import METERS, watched

from custom_components.konsento.control.driver import OutletRefusedError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason, OutletState


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

    assert world.end_reason is EndReason.TIME_LIMIT
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
    assert world.end_reason is EndReason.IDLE

    await world.begin("session-2", energy_wh=1000)
    await world.live(605)
    assert world.end_reason is EndReason.NEVER_USED


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

    assert world.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(50_000 - 25 * 833, abs=1700)


async def test_a_silent_meter_suspends_until_it_speaks() -> None:
    world = await watched(counter=False)
    await world.begin("session-1", energy_wh=1000)
    world.plug.silent = True
    await world.live(31)
    assert (world.state, world.fault) == (OutletState.SUSPENDED, "meter_silent")
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

    assert (world.state, world.fault) == (OutletState.SUSPENDED, "meter_frozen")
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

    assert (world.fault, world.state) == ("welded_contact", OutletState.FAULT)
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

    assert world.end_reason is EndReason.LOCAL


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


async def test_no_relay_closes_before_its_reason_is_on_disk() -> None:
    world = await watched()
    world.disk_full = True
    with pytest.raises(OutletRefusedError):
        await world.begin("session-1", energy_wh=1000)

    assert True not in world.plug.commands
    assert world.fault == "storage"
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


@pytest.mark.parametrize("power", [True, False], ids=["both", "counter"])
async def test_what_the_counter_tells_first_after_the_network_was_away_is_the_sessions(power: bool) -> None:
    world = await watched(power=power)
    before = world.plug.true_mwh
    await world.begin("session-1", energy_wh=30)
    world.plug.link(False)
    await world.live(30)
    world.plug.link(True)
    await world.live(15)

    assert world.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=900)


async def test_a_session_that_ends_before_the_counters_first_step_is_told_what_it_took() -> None:
    world = await watched(power=False, period_s=3.0)
    before = world.plug.true_mwh
    await world.begin("session-1", time_s=2)
    await world.live(8)

    assert world.end_reason is EndReason.TIME_LIMIT
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=2)


async def test_limits_change_while_a_session_runs() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.live(60)
    await world.outlet.session_limit("session-1", Limits(energy_wh=20))
    await world.live(5)

    assert world.end_reason is EndReason.ENERGY_LIMIT


async def test_a_disabled_outlet_ends_its_session_and_stays_disabled_over_a_kill() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=1000)
    await world.outlet.enable(False)
    await world.live(5)
    assert (world.end_reason, world.plug.contact) == (EndReason.LOCAL, False)
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
        (world.outlet.session_renew("session-1", 5, -1), "bad_argument"),
        (world.outlet.session_renew("session-1", 5, 301), "bad_argument"),
        (world.outlet.session_renew("session-1", -1, 11), "stale"),
        (world.outlet.identify(5), "not_supported"),
    ]:
        with pytest.raises(OutletRefusedError) as refused:
            await work
        assert refused.value.code == code
