"""What a driver relies on who changes the limit of a running session."""

from controlled import Controlled

from custom_components.konsento.control.events import EventKind, Trigger
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.words import EndReason


async def test_a_raised_limit_lets_the_same_session_go_on(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=5)
    assert answer.session_id
    await controlled.live(3)
    assert await controlled.site.limit("server", answer.session_id, Limits(energy_wh=20))
    await controlled.live(6)
    assert controlled.outlet.relay
    await controlled.live(40)

    events = await controlled.deliver()
    (changed,) = [event for event in events if event.trigger is Trigger.LIMIT_SET]
    assert changed.limits == Limits(energy_wh=20)
    assert events[0].limits == Limits(energy_wh=5)
    assert (events[-1].end_reason, controlled.energy_told(answer.session_id)) == (EndReason.ENERGY_LIMIT, 20_000)


async def test_a_limit_below_what_was_taken_ends_the_session_at_once(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=100)
    assert answer.session_id
    await controlled.live(10)
    await controlled.site.limit("server", answer.session_id, Limits(energy_wh=1))
    await controlled.live(2)

    assert not controlled.outlet.relay
    assert (await controlled.deliver())[-1].end_reason is EndReason.ENERGY_LIMIT


async def test_a_limit_asked_for_while_the_outlet_is_away_reaches_it_also_after_a_restart(
    controlled: Controlled,
) -> None:
    answer = await controlled.ask(energy_wh=5)
    assert answer.session_id
    controlled.outlet.set_online(False)
    assert await controlled.site.limit("server", answer.session_id, Limits(energy_wh=50))
    await controlled.restart()
    controlled.outlet.set_online(True)
    await controlled.live(2)

    assert controlled.outlet.limits == Limits(energy_wh=50)
    assert controlled.session.limits == Limits(energy_wh=50)


async def test_a_limit_is_changed_by_the_server_of_the_session_only(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=5)
    assert answer.session_id

    assert not await controlled.site.limit("another", answer.session_id, Limits(energy_wh=50))
    assert not await controlled.site.limit("server", "no-such-session", Limits(energy_wh=50))
    assert controlled.session.wanted_limits is None


async def test_a_lost_answer_to_a_new_limit_is_asked_again_and_told_once(controlled: Controlled) -> None:
    answer = await controlled.ask(energy_wh=5)
    assert answer.session_id
    controlled.outlet.lose_answers = 1
    await controlled.site.limit("server", answer.session_id, Limits(energy_wh=8))
    await controlled.live(30)

    events = await controlled.deliver()
    assert [event.trigger for event in events].count(Trigger.LIMIT_SET) == 1
    assert events[-1].kind is EventKind.ENDED
    assert controlled.energy_told(answer.session_id) == 8_000
