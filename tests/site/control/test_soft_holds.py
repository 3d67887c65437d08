"""What a plain outlet does with a session that has to wait."""

import pytest
from plug import METERS, watched

from custom_components.konsento.control.driver import OutletRefusedError
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason, OutletState


@METERS
async def test_a_session_begins_waiting_and_closes_the_relay_when_it_is_let_go(meter: dict[str, object]) -> None:
    world = await watched(**meter)
    world.holding = True
    await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)
    await world.live(30)
    assert (world.state, world.energy_mwh, world.plug.commands) == (OutletState.SUSPENDED, 0, [])
    before = world.plug.true_mwh

    world.holding = False
    await world.live(60)
    assert world.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=2 * 900 + world.plug.step_mwh)


async def test_a_plain_outlet_says_that_its_sessions_can_wait() -> None:
    assert (await watched()).outlet.facts.can_wait


async def test_a_hold_opens_the_relay_at_once_and_lets_it_close_again() -> None:
    world = await watched()
    await world.begin("session-1", energy_wh=100)
    await world.live(10)
    world.holding = True
    await world.live(4)
    assert not world.plug.contact
    assert world.state is OutletState.SUSPENDED

    world.holding = False
    await world.live(8)
    assert world.state is OutletState.SUPPLYING


async def test_a_session_may_wait_for_hours_while_somebody_says_so_and_ends_without() -> None:
    world = await watched()
    world.holding = True
    await world.outlet.session_start("session-1", Limits(time_s=100), 0)
    await world.live(6000)
    assert world.state is OutletState.SUSPENDED

    world.renewing = False
    await world.live(1790)
    assert world.state is OutletState.SUSPENDED
    await world.live(20)
    assert world.end_reason is EndReason.OTHER


async def test_the_time_limit_is_not_used_up_by_waiting() -> None:
    world = await watched()
    world.holding = True
    await world.outlet.session_start("session-1", Limits(time_s=20), 0)
    await world.live(300)
    world.holding = False
    await world.live(15)
    assert world.state is OutletState.SUPPLYING
    await world.live(15)
    assert world.end_reason is EndReason.TIME_LIMIT


@METERS
async def test_what_the_meter_tells_late_of_the_session_before_is_not_billed_to_one_that_waits(
    meter: dict[str, object],
) -> None:
    world = await watched(**meter)
    await world.begin("session-1", time_s=10)
    await world.live(30)
    world.plug.true_mwh += 9_000
    world.holding = True
    await world.outlet.session_start("session-2", Limits(energy_wh=30), 0)
    await world.live(30)

    assert (world.state, world.energy_mwh) == (OutletState.SUSPENDED, 0)


async def test_what_somebody_else_switches_on_is_not_billed_to_a_session_that_waits() -> None:
    world = await watched()
    world.holding = True
    await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)
    world.plug.by_hand(True)
    await world.live(5)

    assert not world.plug.contact
    assert world.energy_mwh == 0


@METERS
async def test_a_session_that_waits_is_known_after_a_kill_and_starts_from_nothing(meter: dict[str, object]) -> None:
    world = await watched(**meter)
    world.holding = True
    await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)
    await world.live(5)
    await world.kill()
    world.plug.advance(60)
    await world.start()
    await world.live(5)
    assert (world.state, world.energy_mwh, world.plug.contact) == (OutletState.SUSPENDED, 0, False)

    before = world.plug.true_mwh
    world.holding = False
    await world.live(60)
    assert world.end_reason is EndReason.ENERGY_LIMIT
    assert world.energy_mwh == pytest.approx(world.plug.true_mwh - before, abs=2 * 900 + world.plug.step_mwh)


async def test_a_session_that_cannot_be_written_down_does_not_begin_waiting() -> None:
    world = await watched()
    world.disk_full = True
    with pytest.raises(OutletRefusedError, match="relay"):
        await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)

    assert world.outlet.report
    assert (world.outlet.report.session_id, world.fault) == ("", "storage")


async def test_a_session_that_waits_can_be_stopped() -> None:
    world = await watched()
    world.holding = True
    await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)
    await world.outlet.session_stop("session-1", EndReason.REMOTE)
    await world.live(2)

    assert (world.end_reason, world.energy_mwh, world.plug.commands) == (EndReason.REMOTE, 0, [])


async def test_a_relay_that_is_not_open_takes_no_session_that_waits() -> None:
    world = await watched()
    world.plug.stuck = True
    world.plug.by_hand(True)
    with pytest.raises(OutletRefusedError, match="relay"):
        await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)


async def test_current_behind_the_open_relay_of_a_session_that_waits_ends_it() -> None:
    world = await watched()
    world.holding = True
    await world.outlet.session_start("session-1", Limits(energy_wh=30), 0)
    world.plug.welded = True
    await world.live(20)

    assert (world.fault, world.end_reason, world.energy_mwh) == ("welded_contact", EndReason.OTHER, 0)
