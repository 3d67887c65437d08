"""What waits is sent until it is answered, never as two, and whatever the other side does."""

import logging
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientTimeout
from measured import Measured
from receiver import TOKEN, Mood, Receiver, answer, hang_up

from custom_components.konsento.measurements import route, sender
from custom_components.konsento.measurements.outbox import UNANSWERED
from custom_components.konsento.measurements.route import RouteError, Trouble
from custom_components.konsento.measurements.timetable import DAY_S, Schedule, own_offset, pause_after


async def tick_for(measured: Measured, **much: float) -> None:
    """Let time pass minute by minute."""
    for _ in range(round(timedelta(**much).total_seconds() / 60)):
        measured.pass_time(minutes=1)
        await measured.sender.tick()


async def test_what_waits_is_sent_once(measured: Measured, receiver: Receiver) -> None:
    await measured.charge(1_000_999)
    await measured.charge(500_000, outlet="another")

    outcome = await measured.sender.send()

    assert (outcome.sent, outcome.refused, outcome.waiting) == (2, 0, 0)
    assert receiver.wh == 1500
    assert (await measured.sender.send()).sent == 0
    assert measured.sender.sent_at == measured.clock.now()
    await measured.restart()
    assert measured.sender.sent_at == measured.clock.now()


@pytest.mark.parametrize("schedule", list(Schedule))
async def test_each_schedule_sends_at_the_sites_own_moment(
    measured: Measured, receiver: Receiver, schedule: Schedule
) -> None:
    plan = measured.plan
    assert plan
    await measured.choose(replace(plan, schedule=schedule))
    sent: list[datetime] = []
    for _ in range(25):
        await measured.charge(1_000, 1)
        before = len(receiver.deliveries)
        await tick_for(measured, hours=1)
        if len(receiver.deliveries) > before:
            sent.append(measured.clock.now())

    assert len(sent) in {25 * 3600 // schedule.period_s, 25 * 3600 // schedule.period_s + 1}
    offset = measured.sender._offset_s % schedule.period_s
    done = measured.sender._done_at
    assert done
    late = (int(done.timestamp()) - offset) % schedule.period_s
    assert 0 <= late <= 60


async def test_the_owner_is_told_when_they_go_next(measured: Measured, receiver: Receiver) -> None:
    await measured.charge(1_000_000)
    # The site's own moment may have been while the car charged.
    await measured.sender.tick()
    due = measured.sender.next_at()
    assert due
    assert measured.clock.now() < due <= measured.clock.now() + timedelta(seconds=Schedule.HOURLY.period_s)

    measured.pass_time(seconds=(due - measured.clock.now()).total_seconds() + 1)
    assert measured.sender.next_at() == measured.clock.now()
    await measured.sender.tick()

    assert receiver.wh == 1000
    assert measured.sender.next_at() == due + timedelta(seconds=Schedule.HOURLY.period_s)
    await measured.choose(None)
    assert measured.sender.next_at() is None


def test_sites_do_not_come_all_at_once() -> None:
    offsets = [own_offset() for _ in range(300)]

    assert all(0 <= offset < DAY_S for offset in offsets)
    assert len({offset % 3600 // 60 for offset in offsets}) > 40


def test_a_moment_of_its_own_is_due_once_in_a_period() -> None:
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    assert Schedule.HOURLY.last_due(now, 4000) == datetime(2026, 11, 22, 9, 6, 40, tzinfo=UTC)
    assert Schedule.TWELVE_HOURLY.last_due(now, 13 * 3600) == datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    assert Schedule.DAILY.last_due(now, 11 * 3600) == datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    assert Schedule.DAILY.last_due(now, 10 * 3600) == now


async def test_nothing_is_sent_at_the_end_of_a_session(measured: Measured, receiver: Receiver) -> None:
    await measured.choose(measured.plan_for("JP-13", schedule=Schedule.DAILY))
    measured.sender._offset_s = (int(measured.clock.now().timestamp()) - 60) % DAY_S
    await measured.charge(1_000_000, 1)
    await tick_for(measured, hours=23)

    assert receiver.deliveries == []
    await tick_for(measured, hours=1)
    assert len(receiver.deliveries) == 1


async def test_what_was_due_while_the_site_was_off_is_sent_when_it_is_back(
    measured: Measured, receiver: Receiver
) -> None:
    await measured.charge(1_000_000)
    await measured.kill()
    measured.pass_time(hours=2)
    await measured.start()
    await measured.sender.tick()

    assert receiver.wh == 1000


async def test_a_clock_that_was_ahead_keeps_nothing_back(measured: Measured, receiver: Receiver) -> None:
    measured.pass_time(days=3000)
    await measured.sender.send()
    measured.pass_time(days=-3000)
    await measured.restart()
    await measured.charge(1_000_000)
    await measured.sender.tick()

    assert receiver.wh == 1000


async def test_what_the_other_side_asks_for_is_sent_within_five_minutes(measured: Measured, receiver: Receiver) -> None:
    await measured.choose(measured.plan_for("JP-13", schedule=Schedule.DAILY))
    measured.sender._offset_s = (int(measured.clock.now().timestamp()) - 60) % DAY_S
    await measured.charge(1_000_000, 1)
    await tick_for(measured, minutes=6)
    assert (receiver.looks, receiver.wh) == (2, 0)

    receiver.wanted = True
    await tick_for(measured, minutes=5)
    assert (receiver.looks, receiver.wh, receiver.wanted) == (3, 1000, False)

    # When there is nothing, nothing is sent.
    receiver.wanted = True
    await tick_for(measured, minutes=5)
    assert (receiver.looks, len(receiver.deliveries)) == (4, 1)


async def test_a_lost_answer_is_asked_for_again_under_the_same_ids(measured: Measured, receiver: Receiver) -> None:
    for _ in range(5):
        await measured.charge(1_000_000)
    receiver.lose_answers = 1
    with pytest.raises(RouteError) as error:
        await measured.sender.send()
    assert error.value.arrived
    # It may be there: what comes to light now is another measurement.
    await measured.restart()
    outcome = await measured.sender.send()

    assert (outcome.sent, receiver.wh) == (5, 5000)
    assert receiver.deliveries[0] == receiver.deliveries[1]


async def test_more_that_comes_to_light_after_a_lost_answer_does_not_change_what_was_sent(
    measured: Measured, receiver: Receiver
) -> None:
    session = await measured.charge(1_000_000)
    receiver.lose_answers = 1
    with pytest.raises(RouteError):
        await measured.sender.send()
    measured.pass_time(minutes=5)
    await measured.correct(session, 1_050_000)
    await measured.choose(measured.plan_for("JP-14"))
    outcome = await measured.sender.send()

    assert (outcome.sent, outcome.refused) == (2, 0)
    assert sorted(item["wh"] for item in receiver.items.values()) == [50, 1000]


MOODS: dict[str, tuple[Mood, Trouble, bool]] = {
    "hangs up": (hang_up, Trouble.UNREACHABLE, True),
    "is broken": (answer(500, "<html>"), Trouble.BUSY, True),
    "is overloaded": (answer(503), Trouble.BUSY, True),
    "has had enough": (answer(429), Trouble.BUSY, False),
    "wants another token": (answer(401), Trouble.TOKEN, False),
    "forbids it": (answer(403), Trouble.TOKEN, False),
    "is elsewhere": (answer(404), Trouble.NOT_FOUND, False),
    "does not understand": (answer(422, "{}"), Trouble.GARBLED, False),
    "refers to another": (answer(307, Location="http://127.0.0.1:1/"), Trouble.REDIRECTED, False),
    "says nothing": (answer(200, ""), Trouble.GARBLED, True),
    "is a web page": (answer(200, "<html>hello"), Trouble.GARBLED, True),
    "says something else": (answer(200, "[]"), Trouble.GARBLED, True),
    "nests without end": (answer(200, "[" * 200_000), Trouble.GARBLED, True),
    "never ends": (answer(200, " " * 2_100_000), Trouble.GARBLED, True),
    "counts wrong": (answer(200, '{"accepted": 9999, "repeated": 0, "refused": []}'), Trouble.GARBLED, True),
    "counts below nothing": (answer(200, '{"accepted": 3, "repeated": -1, "refused": []}'), Trouble.GARBLED, True),
    "counts in words": (answer(200, '{"accepted": true, "repeated": 0, "refused": []}'), Trouble.GARBLED, True),
    "refuses a stranger": (
        answer(200, '{"accepted": 1, "repeated": 0, "refused": [{"index": 7, "id": null, "reason": "BadItem"}]}'),
        Trouble.GARBLED,
        True,
    ),
    "refuses another": (
        answer(200, '{"accepted": 1, "repeated": 0, "refused": [{"index": 0, "id": "x", "reason": "BadItem"}]}'),
        Trouble.GARBLED,
        True,
    ),
    "refuses without a reason": (
        answer(200, '{"accepted": 1, "repeated": 0, "refused": [{"index": 0, "reason": "<script>"}]}'),
        Trouble.GARBLED,
        True,
    ),
}


@pytest.mark.parametrize("mood", MOODS)
async def test_whatever_the_other_side_does_everything_arrives_once(
    measured: Measured, receiver: Receiver, mood: str
) -> None:
    await measured.charge(1_000_000)
    await measured.charge(2_000_000)
    misbehave, trouble, arrived = MOODS[mood]
    receiver.moods = [misbehave]

    with pytest.raises(RouteError) as error:
        await measured.sender.send()
    assert (error.value.trouble, error.value.arrived) == (trouble, arrived)
    assert (await measured.sender.outbox.counts()).waiting == 2

    await tick_for(measured, hours=1)
    assert receiver.wh == 3000
    assert (await measured.sender.outbox.counts()).waiting == 0
    assert measured.sender.trouble is None


async def test_an_answer_that_does_not_come_is_not_waited_for(
    measured: Measured, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "_TIMEOUT", ClientTimeout(total=0.2))
    await measured.charge(1_000_000)
    receiver.answering.clear()
    with pytest.raises(RouteError, match="no answer in time") as error:
        await measured.sender.send()
    assert error.value.arrived

    receiver.answering.set()
    monkeypatch.undo()
    assert (await measured.sender.send()).sent == 1
    assert receiver.wh == 1000


async def test_nobody_at_the_address_is_noticed(measured: Measured, receiver: Receiver) -> None:
    await measured.charge(1_000_000)
    await receiver.stop()
    with pytest.raises(RouteError, match="cannot be reached") as error:
        await measured.sender.send()

    assert (error.value.trouble, error.value.arrived) == (Trouble.UNREACHABLE, False)
    assert TOKEN not in str(error.value)


async def test_pauses_grow_and_are_told_in_the_log_once(
    measured: Measured, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    await measured.charge(1_000_000)
    receiver.moods = [answer(503)] * 1000
    await tick_for(measured, hours=24)

    attempts = 1000 - len(receiver.moods)
    # Seven in the first hour or so, then one an hour, or up to two with the random part.
    assert 24 <= attempts <= 60
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING and record.name != "asyncio"]
    assert [record.getMessage() for record in warnings] == ["Measurements wait: answered 503"]
    assert measured.sender.stuck_since is not None


def test_pauses_are_random_and_bounded() -> None:
    random.seed(0)
    first = {pause_after(1) for _ in range(100)}
    late = {pause_after(100) for _ in range(100)}

    assert len(first) > 90
    assert timedelta(seconds=30) <= min(first) <= max(first) <= timedelta(seconds=60)
    assert timedelta(minutes=30) <= min(late) <= max(late) <= timedelta(hours=1)
    assert pause_after(1, 1800) == timedelta(minutes=30)
    assert pause_after(1, 1e12) == timedelta(days=1)


@pytest.mark.parametrize("wish", ["1800", "Fri, 01 May 2026 00:56:40 GMT"])
async def test_a_wish_to_wait_is_kept(measured: Measured, receiver: Receiver, wish: str) -> None:
    await measured.charge(1_000_000)
    # The clock stands at 00:26:40 by now.
    receiver.moods = [answer(429, **{"Retry-After": wish})]
    with pytest.raises(RouteError):
        await measured.sender.send()
    await tick_for(measured, minutes=29)
    assert len(receiver.deliveries) == 1

    await tick_for(measured, minutes=2)
    assert receiver.wh == 1000


async def test_the_token_goes_nowhere_else(measured: Measured, receiver: Receiver, socket_enabled: None) -> None:
    thief = Receiver()
    await thief.start()
    await measured.charge(1_000_000)
    receiver.moods = [answer(308, Location=f"{thief.url}/v1/measurements")]
    with pytest.raises(RouteError, match="refers to another"):
        await measured.sender.send()

    assert thief.raw == []
    await thief.stop()


async def test_what_is_refused_is_put_aside_with_its_reason_and_costs_no_other(
    measured: Measured, receiver: Receiver
) -> None:
    receiver.refuse = {"JP-00000": "UnknownRegion"}
    await measured.charge(1_000_000)
    await measured.sender.send()
    await measured.choose(measured.plan_for("JP-00000"))
    await measured.charge(2_000_000)

    outcome = await measured.sender.send()

    assert (outcome.sent, outcome.refused, outcome.waiting) == (0, 1, 0)
    counts = await measured.sender.outbox.counts()
    assert (counts.waiting, counts.refused, counts.reasons) == (0, 1, ("UnknownRegion",))
    ((_, refusal),) = await measured.sender.outbox.refused(10)
    assert refusal.detail == "says the receiver"
    # Not again by itself; but when the owner has corrected it and says so.
    before = len(receiver.deliveries)
    await tick_for(measured, hours=3)
    assert len(receiver.deliveries) == before
    await measured.choose(measured.plan_for("JP-13"))
    outcome = await measured.sender.send(again=True)
    assert (outcome.sent, receiver.wh) == (1, 3000)


async def test_a_batch_has_a_thousand_at_most(
    measured: Measured, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "AT_MOST", 10)
    for number in range(25):
        await measured.charge(1_000_000, outlet=f"outlet-{number}")
    assert (await measured.sender.send()).sent == 25
    assert [len(ids) for ids in receiver.deliveries] == [10, 10, 5]


async def test_a_batch_that_is_too_large_is_halved(measured: Measured, receiver: Receiver) -> None:
    receiver.largest = 3
    for number in range(9):
        await measured.charge(1_000_000, outlet=f"outlet-{number}")
    assert (await measured.sender.send()).sent == 9

    receiver.largest = 0
    await measured.charge(1_000_000)
    outcome = await measured.sender.send()
    assert (outcome.sent, outcome.refused) == (0, 1)
    assert (await measured.sender.outbox.counts()).reasons == (sender.TOO_LARGE,)


async def test_with_another_address_what_may_have_arrived_is_put_aside(
    measured: Measured, receiver: Receiver, socket_enabled: None
) -> None:
    other = Receiver()
    await other.start()
    await measured.charge(1_000_000)
    receiver.lose_answers = 1
    with pytest.raises(RouteError):
        await measured.sender.send()
    await measured.charge(2_000_000)
    await measured.choose(measured.plan_for("JP-13", url=other.url))
    await measured.sender.send()

    assert (receiver.wh, other.wh) == (1000, 2000)
    assert (await measured.sender.outbox.counts()).reasons == (UNANSWERED,)
    await other.stop()


async def test_with_another_address_what_has_certainly_not_arrived_is_sent_there(
    measured: Measured, receiver: Receiver
) -> None:
    await measured.charge(1_000_000)
    good = measured.plan
    await measured.choose(measured.plan_for("JP-13", url="http://127.0.0.1:9"))
    with pytest.raises(RouteError):
        await measured.sender.send()
    await measured.choose(good)

    assert (await measured.sender.send()).sent == 1


async def test_any_mixture_of_losses_kills_and_refusals_tells_everything_once(
    measured: Measured, receiver: Receiver
) -> None:
    dice = random.Random(8)  # noqa: S311  # the same each time
    total = 0
    misbehaviour = [mood for mood, _, _ in MOODS.values()]
    for _ in range(60):
        energy = dice.randrange(1_000, 2_000_000)
        session = await measured.charge(energy, dice.randrange(1, 900), outlet=f"outlet-{dice.randrange(3)}")
        receiver.lose_answers = dice.random() < 0.3
        receiver.moods = [dice.choice(misbehaviour)] if dice.random() < 0.3 else []
        try:
            await measured.sender.send()
        except RouteError:
            if dice.random() < 0.5:
                await measured.restart()
        if dice.random() < 0.2:
            measured.pass_time(minutes=1)
            energy += dice.randrange(100_000)
            await measured.correct(session, energy)
        total += energy // 1000
    receiver.moods, receiver.lose_answers = [], 0
    await measured.sender.send()

    assert receiver.wh == total
    assert (await measured.sender.outbox.counts()).refused == 0


def test_the_token_is_not_told_to_the_log(measured: Measured) -> None:
    assert TOKEN not in repr(measured.plan)
