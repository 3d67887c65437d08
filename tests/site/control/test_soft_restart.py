"""What a plain outlet knows after the program was killed, or stopped, and started again."""

import pytest
from plug import METERS, watched

from custom_components.konsento.control.driver import OutletSilentError
from custom_components.konsento.control.words import EndReason, OutletState


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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
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
    assert world.end_reason is EndReason.ENERGY_LIMIT
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

    assert world.end_reason is EndReason.ENERGY_LIMIT
    # The memory is from the first reading, 5 s before the kill.
    assert world.energy_mwh == pytest.approx(30_000 - 17 * 833, abs=2_000)


@pytest.mark.parametrize("killed_s", [None, 0, 5], ids=["not-killed-again", "killed-again", "killed-for-5-s"])
@pytest.mark.parametrize("power", [True, False], ids=["both", "counter"])
async def test_what_a_meter_says_again_after_a_kill_does_not_close_the_books_of_the_session_before(
    power: bool, killed_s: int | None
) -> None:
    world = await watched(power=power)
    await world.begin("session-1", time_s=8)
    await world.live(4)
    world.plug.silent = True
    await world.kill()
    world.plug.advance(5)
    await world.start()
    await world.live(8)
    assert world.end_reason is EndReason.TIME_LIMIT
    before = world.plug.true_mwh
    await world.begin("session-2", energy_wh=30)
    if killed_s is not None:
        await world.kill()
        world.plug.advance(killed_s)
        await world.start()
    world.plug.silent = False
    await world.live(3)

    assert world.energy_mwh <= world.plug.true_mwh - before + 900
