"""What an owner, and those who share the site's power, rely on when a session has to wait."""

import pytest
from controlled import Controlled
from simulated import SUSPENDED_S

from custom_components.konsento.control.driver import OutletFacts
from custom_components.konsento.control.events import EventKind, Trigger
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.holds import Hold, Suspension, suspension
from custom_components.konsento.control.words import Connector, EndReason, OutletState, Refusal

OLDER = OutletFacts(firmware="1.2.0")


async def began_waiting(controlled: Controlled, *holds: Hold, **limits: int) -> str:
    controlled.admission = frozenset(holds or {Hold.BUDGET})
    answer = await controlled.ask(**limits)
    assert answer.session_id
    return answer.session_id


def reasons(controlled: Controlled) -> list[tuple[Happening, str | None]]:
    return [
        (happening, data.get("reason"))
        for happening, data in controlled.happened
        if happening in {Happening.STARTED, Happening.SUSPENDED, Happening.RESUMED}
    ]


async def test_a_session_that_is_held_opens_its_relay_at_once_and_waits(controlled: Controlled) -> None:
    await controlled.ask(energy_wh=50)
    await controlled.live(5)

    assert await controlled.control.hold(Hold.OWNER)
    await controlled.control.step()
    assert not controlled.outlet.relay

    await controlled.control.step()
    assert suspension(controlled.control) is Suspension.OWNER


async def test_a_session_goes_on_when_nobody_holds_it_any_more(controlled: Controlled) -> None:
    await controlled.ask(energy_wh=50)
    await controlled.control.hold(Hold.OWNER)
    await controlled.control.hold(Hold.BUDGET)
    await controlled.live(5)

    assert await controlled.control.release(Hold.OWNER)
    await controlled.live(5)
    assert not controlled.outlet.relay
    assert suspension(controlled.control) is Suspension.BUDGET

    assert await controlled.control.release(Hold.BUDGET)
    await controlled.live(2)
    assert controlled.outlet.relay
    assert suspension(controlled.control) is None


async def test_a_session_may_wait_for_hours_and_takes_nothing_meanwhile(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=50)
    await controlled.live(6)
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(2)
    taken = controlled.outlet.energy_mwh

    await controlled.live(3 * SUSPENDED_S, step=3)
    assert controlled.outlet.energy_mwh == taken
    await controlled.control.release(Hold.OWNER)
    await controlled.live(90)
    await controlled.deliver()

    assert answer.session_id
    assert controlled.told[-1].end_reason is EndReason.ENERGY_LIMIT
    assert controlled.energy_told(answer.session_id) == controlled.outlet.measured[answer.session_id] == 50_000


async def test_a_session_that_is_not_admitted_begins_waiting(controlled: Controlled) -> None:
    session_id = await began_waiting(controlled)
    await controlled.live(20)

    assert controlled.outlet.session_id == session_id
    assert not controlled.outlet.relay
    assert controlled.outlet.closed_for == set()
    assert controlled.site.connector("server", 1) == (Connector.OCCUPIED, None)
    assert suspension(controlled.control) is Suspension.BUDGET


async def test_a_server_hears_that_a_session_begins_waiting_and_when_it_is_supplied(controlled: Controlled) -> None:
    await began_waiting(controlled)
    await controlled.live(4)
    await controlled.control.release(Hold.BUDGET)
    await controlled.live(4)

    first, *others = await controlled.deliver()

    assert (first.kind, first.trigger, first.supplying) == (EventKind.STARTED, Trigger.REMOTE_START, False)
    assert [event.supplying for event in others if event.trigger is Trigger.CHARGING_STATE] == [True]


async def test_the_time_limit_is_not_used_up_by_waiting(controlled: Controlled) -> None:
    await began_waiting(controlled, time_s=20)
    await controlled.live(600, step=3)
    await controlled.control.release(Hold.BUDGET)
    await controlled.live(10)
    assert controlled.outlet.relay
    await controlled.live(15)

    last = (await controlled.deliver())[-1]
    assert (last.end_reason, last.supply_s) == (EndReason.TIME_LIMIT, 20)


async def test_a_session_that_waits_survives_a_restart_and_goes_on_waiting(controlled: Controlled) -> None:
    await began_waiting(controlled, Hold.OWNER, Hold.BUDGET)
    await controlled.live(5)
    await controlled.restart()
    await controlled.live(10)
    assert controlled.session.holds == {Hold.OWNER, Hold.BUDGET}
    assert controlled.outlet.closed_for == set()
    assert suspension(controlled.control) is Suspension.OWNER

    await controlled.control.release(Hold.OWNER)
    await controlled.restart()
    await controlled.control.release(Hold.BUDGET)
    await controlled.live(2)
    assert controlled.outlet.relay


async def test_a_planned_restart_does_not_supply_a_session_that_is_held(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(2)
    taken = controlled.outlet.energy_mwh
    await controlled.site.hand_over(300)
    await controlled.kill()
    controlled.outlet.pass_time(SUSPENDED_S - 10)
    assert controlled.outlet.state is OutletState.SUSPENDED
    await controlled.start()
    await controlled.live(3)

    assert (controlled.outlet.state, controlled.outlet.energy_mwh) == (OutletState.SUSPENDED, taken)


async def test_a_hold_that_the_outlet_did_not_hear_is_sent_again(controlled: Controlled) -> None:
    await controlled.ask()
    controlled.outlet.lose_commands = 1
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(5)

    assert not controlled.outlet.relay


async def test_a_hold_for_an_outlet_that_is_away_is_kept_and_carried_out(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.live(2)
    controlled.outlet.set_online(False)
    assert await controlled.control.hold(Hold.OWNER)
    await controlled.live(4)
    assert controlled.outlet.relay
    controlled.outlet.set_online(True)
    await controlled.live(1)

    assert not controlled.outlet.relay


async def test_an_older_renewal_that_comes_late_does_not_close_the_relay_of_a_held_session(
    controlled: Controlled,
) -> None:
    await controlled.ask()
    controlled.outlet.delay_commands = 1
    await controlled.live(4)
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(2)
    await controlled.outlet.late_commands_arrive()

    assert not controlled.outlet.relay


async def test_a_held_session_can_be_stopped(controlled: Controlled) -> None:
    session_id = await began_waiting(controlled)
    assert await controlled.site.stop("server", session_id)
    await controlled.live(2)

    last = (await controlled.deliver())[-1]
    assert (last.kind, last.end_reason) == (EventKind.ENDED, EndReason.REMOTE)
    assert controlled.energy_told(session_id) == 0


async def test_without_a_session_there_is_nothing_to_hold(controlled: Controlled) -> None:
    assert not await controlled.control.hold(Hold.OWNER)
    assert not await controlled.control.release(Hold.OWNER)
    answer = await controlled.ask()
    assert answer.session_id
    await controlled.site.stop("server", answer.session_id)
    assert not await controlled.control.hold(Hold.OWNER)


async def test_the_owner_hears_why_a_session_waits_and_what_it_has_waited_for(controlled: Controlled) -> None:
    await began_waiting(controlled)
    await controlled.control.release(Hold.BUDGET)
    await controlled.live(3)
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(3)
    await controlled.restart()
    await controlled.control.release(Hold.OWNER)
    await controlled.live(3)
    controlled.outlet.lose_meter(True)
    await controlled.live(3)
    assert suspension(controlled.control) is Suspension.DEVICE
    controlled.outlet.lose_meter(False)
    await controlled.live(3)
    controlled.outlet.set_online(False)
    await controlled.live(20)
    assert suspension(controlled.control) is Suspension.LEASE
    controlled.outlet.set_online(True)
    await controlled.live(3)

    assert reasons(controlled) == [
        (Happening.STARTED, "budget"),
        (Happening.RESUMED, "budget"),
        (Happening.SUSPENDED, "owner"),
        (Happening.RESUMED, "owner"),
        (Happening.SUSPENDED, "device"),
        (Happening.RESUMED, "device"),
        (Happening.SUSPENDED, "lease"),
        (Happening.RESUMED, "lease"),
    ]


async def test_a_change_of_holds_is_news_to_whoever_shows_the_outlet(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.control.hold(Hold.BUDGET)
    await controlled.live(2)
    before = controlled.control.essence
    await controlled.control.hold(Hold.OWNER)

    assert controlled.control.essence != before


async def test_an_outlet_with_older_firmware_is_held_by_letting_its_lease_run_out(controlled: Controlled) -> None:
    controlled.outlet.facts = OLDER
    await controlled.ask()
    await controlled.live(3)
    await controlled.control.hold(Hold.OWNER)
    await controlled.live(12)
    assert not controlled.outlet.relay
    await controlled.live(60)
    assert not controlled.outlet.relay
    await controlled.site.hand_over(300)
    assert not controlled.outlet.relay

    await controlled.control.release(Hold.OWNER)
    await controlled.live(1)
    assert controlled.outlet.relay
    assert 0 not in controlled.outlet.leases


async def test_an_outlet_with_older_firmware_refuses_a_start_that_would_have_to_wait(controlled: Controlled) -> None:
    controlled.outlet.facts = OLDER
    controlled.admission = frozenset({Hold.BUDGET})

    assert (await controlled.ask(1)).refusal is Refusal.POWER_LIMIT
    assert controlled.outlet.starts == []
    controlled.admission = frozenset()
    assert (await controlled.ask(2)).session_id


@pytest.mark.parametrize("lost", ["lose_answers", "lose_commands"])
async def test_a_waiting_start_whose_answer_is_lost_closes_no_relay(controlled: Controlled, lost: str) -> None:
    setattr(controlled.outlet, lost, 1)
    controlled.admission = frozenset({Hold.BUDGET})
    await controlled.ask(1)
    await controlled.live(5)

    assert controlled.outlet.closed_for == set()
