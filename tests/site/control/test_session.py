"""What a driver and a supplier rely on while a session runs."""

import pytest
from controlled import Controlled
from simulated import request

from custom_components.konsento.control.events import EventKind, Trigger
from custom_components.konsento.control.words import Connector, EndReason, OutletState, Refusal


async def test_accepted_means_that_the_relay_has_closed(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=10)

    assert answer.refusal is None
    assert controlled.outlet.relay
    assert controlled.outlet.session_id == answer.session_id


async def test_a_session_ends_at_its_energy_limit_and_tells_all_of_its_energy(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=10)
    await controlled.live(20)
    await controlled.deliver()

    assert answer.session_id
    last = controlled.told[-1]
    assert (last.kind, last.end_reason, last.trigger) == (
        EventKind.ENDED,
        EndReason.ENERGY_LIMIT,
        Trigger.ENERGY_LIMIT,
    )
    assert controlled.energy_told(answer.session_id) == controlled.outlet.measured[answer.session_id] == 10_000


async def test_the_first_register_is_the_outlets_before_any_energy_flowed(controlled: Controlled) -> None:
    before = controlled.outlet.lifetime_mwh
    await controlled.ask()
    await controlled.live(7)

    first, *others = await controlled.deliver()

    assert (first.kind, first.register_mwh) == (EventKind.STARTED, before)
    assert others[-1].register_mwh == before + 5 * 833


async def test_a_session_ends_at_its_time_limit(controlled: Controlled) -> None:
    await controlled.ask(time_s=20)
    await controlled.live(30)

    assert (await controlled.deliver())[-1].end_reason is EndReason.TIME_LIMIT
    assert not controlled.outlet.relay


async def test_the_token_of_a_request_is_not_on_disk(controlled: Controlled) -> None:
    await controlled.ask(7)
    await controlled.live(12)

    assert b"TOKEN" not in controlled.path.read_bytes() + controlled.path.with_name("journal.sqlite3-wal").read_bytes()


async def test_meter_values_come_at_their_interval(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.live(21)

    events = await controlled.deliver()

    assert [event.trigger for event in events[1:]] == [Trigger.PERIODIC] * 4
    assert [event.seq_no for event in events] == [0, 1, 2, 3, 4]


async def test_a_request_asked_twice_is_done_once_and_answered_the_same(controlled: Controlled) -> None:
    first = await controlled.ask(1)
    again = await controlled.ask(1)

    assert first == again
    assert len(controlled.outlet.starts) == 1


async def test_a_request_asked_again_after_its_session_ended_starts_nothing(controlled: Controlled) -> None:
    first = await controlled.ask(1, energy_wh=1)
    await controlled.live(5)

    assert await controlled.ask(1, energy_wh=1) == first
    assert not controlled.outlet.relay


async def test_a_refused_request_stays_refused(controlled: Controlled) -> None:
    controlled.outlet.set_online(False)
    first = await controlled.ask(1)
    controlled.outlet.set_online(True)

    assert first.refusal is Refusal.OFFLINE
    assert await controlled.ask(1) == first
    assert not controlled.outlet.relay


async def test_an_outlet_in_use_is_busy_for_every_server(controlled: Controlled) -> None:
    await controlled.ask(1)

    other = await controlled.site.start(request(1, controlled.clock, server="other"))

    assert other.refusal is Refusal.BUSY
    assert controlled.site.connector("other", 1) == (Connector.OCCUPIED, None)


async def test_a_request_is_not_begun_after_its_time(controlled: Controlled) -> None:
    answer = await controlled.site.start(request(1, controlled.clock, valid_s=-1))

    assert answer.refusal is Refusal.EXPIRED


async def test_an_unknown_outlet_is_refused(controlled: Controlled) -> None:
    assert (await controlled.site.start(request(1, controlled.clock, evse=9))).refusal is Refusal.UNKNOWN_OUTLET


async def test_faulted_and_disabled_outlets_are_refused_and_shown(controlled: Controlled) -> None:
    controlled.outlet.enabled = False
    assert (await controlled.ask(1)).refusal is Refusal.DISABLED
    assert controlled.site.connector("server", 1) == (Connector.UNAVAILABLE, "disabled")
    controlled.outlet.fault = "overcurrent"
    assert (await controlled.ask(2)).refusal is Refusal.FAULTED
    assert controlled.site.connector("server", 1) == (Connector.FAULTED, None)


async def test_an_outlet_at_which_every_start_is_refused_is_not_shown_as_available(controlled: Controlled) -> None:
    await controlled.outlet.session_start("stranger", request(1, controlled.clock).limits, 300)

    assert (await controlled.ask(1)).refusal is Refusal.BUSY
    assert controlled.site.connector("server", 1) == (Connector.OCCUPIED, None)


async def test_a_stop_ends_the_session_with_its_reason(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id
    await controlled.live(3)

    assert await controlled.site.stop("server", answer.session_id)
    await controlled.live(2)

    last = (await controlled.deliver())[-1]
    assert (last.end_reason, last.trigger) == (EndReason.REMOTE, Trigger.REMOTE_STOP)
    assert not controlled.outlet.relay


async def test_a_stop_of_another_server_or_of_nothing_is_refused(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id

    assert not await controlled.site.stop("other", answer.session_id)
    assert not await controlled.site.stop("server", "unknown")
    assert controlled.outlet.relay


async def test_a_stop_that_the_outlet_did_not_hear_is_sent_again(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id
    controlled.outlet.lose_commands = 2
    await controlled.site.stop("server", answer.session_id)
    await controlled.live(5)

    assert not controlled.outlet.relay
    assert (await controlled.deliver())[-1].end_reason is EndReason.REMOTE


async def test_a_stop_for_an_outlet_that_is_away_survives_a_restart(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id
    controlled.outlet.set_online(False)
    assert await controlled.site.stop("server", answer.session_id)
    await controlled.restart()
    controlled.outlet.set_online(True)
    await controlled.live(2)

    assert not controlled.outlet.relay
    assert (await controlled.deliver())[-1].end_reason is EndReason.REMOTE


async def test_over_current_ends_the_session_with_its_reason(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.live(2)
    controlled.outlet.trip()
    await controlled.live(1)

    last = (await controlled.deliver())[-1]
    assert (last.end_reason, last.trigger) == (EndReason.OVERCURRENT, Trigger.ABNORMAL)


async def test_a_car_that_never_takes_power_ends_the_session_with_its_reason(controlled: Controlled) -> None:
    controlled.outlet.load_w = 0
    await controlled.ask()
    await controlled.live(2)
    controlled.outlet.find_nobody()
    await controlled.live(1)

    last = (await controlled.deliver())[-1]
    assert (last.end_reason, last.trigger) == (EndReason.NEVER_USED, Trigger.EV_TIMEOUT)


async def test_a_fault_that_goes_away_suspends_and_the_session_goes_on(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.live(5)
    controlled.outlet.lose_meter(True)
    await controlled.live(20)
    assert not controlled.outlet.relay
    controlled.outlet.lose_meter(False)
    await controlled.live(5)

    assert controlled.outlet.relay
    states = [event.supplying for event in await controlled.deliver() if event.trigger is Trigger.CHARGING_STATE]
    assert states == [False, True]


async def test_an_outlet_without_news_from_control_suspends_and_resumes(controlled: Controlled) -> None:
    await controlled.ask()
    controlled.outlet.set_online(False)
    await controlled.live(12)
    assert not controlled.outlet.relay
    controlled.outlet.set_online(True)
    await controlled.live(2)

    assert controlled.outlet.relay
    states = [event.supplying for event in await controlled.deliver() if event.trigger is Trigger.CHARGING_STATE]
    assert states == [False, True]


async def test_a_session_whose_outlet_stays_away_ends_with_what_is_known(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id
    await controlled.live(6)
    controlled.outlet.set_online(False)
    await controlled.live(1000, step=10)

    events = await controlled.deliver()
    assert events[-1].end_reason is EndReason.POWER_LOSS
    assert controlled.energy_told(answer.session_id) <= controlled.outlet.measured[answer.session_id]
    controlled.outlet.set_online(True)
    await controlled.live(2)
    assert controlled.outlet.state is OutletState.ENDED
    # What it had taken meanwhile is told once, after the end.
    (correction,) = await controlled.deliver()
    assert (correction.kind, correction.trigger) == (EventKind.UPDATED, Trigger.ABNORMAL)
    assert controlled.energy_told(answer.session_id) == controlled.outlet.measured[answer.session_id]
    await controlled.restart()
    await controlled.live(2)
    assert await controlled.deliver() == []


async def test_an_outlet_that_lost_its_memory_ends_the_session_with_what_is_known(controlled: Controlled) -> None:
    answer = await controlled.ask()
    assert answer.session_id
    await controlled.live(6)
    known = controlled.session.energy_mwh
    controlled.outlet.wipe()
    await controlled.live(1)

    events = await controlled.deliver()
    assert events[-1].end_reason is EndReason.POWER_LOSS
    assert controlled.energy_told(answer.session_id) == known > 0


async def test_a_session_that_nobody_knows_is_stopped(controlled: Controlled) -> None:
    await controlled.outlet.session_start("stranger", request(1, controlled.clock).limits, 300)
    await controlled.live(1)

    assert not controlled.outlet.relay
    assert await controlled.deliver() == []


async def test_a_lost_answer_to_a_start_leaves_no_relay_closed_behind_a_refusal(controlled: Controlled) -> None:
    controlled.outlet.lose_commands = 1
    assert (await controlled.ask(1)).refusal is Refusal.OFFLINE
    await controlled.live(1)

    assert not controlled.outlet.relay
    assert await controlled.deliver() == []


async def test_a_lost_answer_is_no_refusal_when_the_outlet_shows_the_session(controlled: Controlled) -> None:
    controlled.outlet.lose_answers = 1

    assert (await controlled.ask(1)).session_id == controlled.outlet.session_id
    assert controlled.outlet.relay


async def test_an_outlet_that_keeps_silent_is_connected_to_anew(controlled: Controlled) -> None:
    await controlled.ask()
    controlled.outlet.lose_commands = 2
    await controlled.live(7)

    assert controlled.outlet.hung_up == 1
    assert controlled.outlet.relay


async def test_a_planned_restart_hands_over_with_one_long_lease(controlled: Controlled) -> None:
    await controlled.ask()
    await controlled.site.hand_over(300)
    await controlled.kill()
    controlled.outlet.pass_time(200)
    assert controlled.outlet.relay
    await controlled.start()
    await controlled.live(5)

    assert controlled.outlet.leases[-1] == 11
    assert not [event for event in await controlled.deliver() if event.trigger is Trigger.CHARGING_STATE]


async def test_an_outlet_out_of_service_for_one_server_is_free_for_another(controlled: Controlled) -> None:
    assert await controlled.site.set_service("server", 1, operative=False)
    await controlled.restart()

    assert controlled.site.connector("server", 1) == (Connector.UNAVAILABLE, "disabled")
    assert (await controlled.ask(1)).refusal is Refusal.DISABLED
    assert (await controlled.site.start(request(1, controlled.clock, server="other"))).session_id


async def test_taking_an_outlet_out_of_service_does_not_interrupt_a_session(controlled: Controlled) -> None:
    await controlled.ask(1)

    assert not await controlled.site.set_service("server", None, operative=False)
    assert controlled.outlet.relay


async def test_removing_an_outlet_ends_its_session(controlled: Controlled) -> None:
    await controlled.ask(1)
    await controlled.live(2)
    await controlled.site.remove_outlet(1)

    assert not controlled.outlet.relay
    assert (await controlled.deliver())[-1].kind is EventKind.ENDED


async def test_removing_a_server_ends_its_sessions_and_its_queue(controlled: Controlled) -> None:
    await controlled.ask(1)
    await controlled.site.forget_server("server")

    assert not controlled.outlet.relay
    assert await controlled.deliver() == []


@pytest.mark.parametrize("gone", [1, 2, 5])
async def test_a_restart_goes_on_with_the_session_and_counts_no_energy_twice(controlled: Controlled, gone: int) -> None:
    answer = await controlled.ask(energy_wh=50)
    assert answer.session_id
    for _ in range(gone):
        await controlled.live(4)
        await controlled.kill()
        controlled.outlet.pass_time(3)
        await controlled.start()
    await controlled.live(80)
    await controlled.deliver()

    assert controlled.kinds(answer.session_id).count(EventKind.STARTED) == 1
    assert controlled.kinds(answer.session_id).count(EventKind.ENDED) == 1
    assert controlled.energy_told(answer.session_id) == controlled.outlet.measured[answer.session_id] == 50_000
    assert [event.seq_no for event in controlled.told] == list(range(len(controlled.told)))
