"""A copied label does not start another outlet: the driver first shows that they stand before it."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import func, select

from konsento.charging import presence
from konsento.charging import service as charging
from konsento.charging.errors import (
    PresenceNeeded,
    PresenceOver,
    PresenceTaken,
    TooManyPresenceChecks,
    UnknownPresenceCheck,
)
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.models import (
    Alarm,
    AlarmKind,
    ChargingSession,
    LimitKind,
    OutletStatus,
    Presence,
    PresenceCheck,
    PresenceMethod,
    PresenceState,
    SessionState,
)
from konsento.ocpp import CallRefused, CallTimeout
from konsento.ocpp.messages import (
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    RequestStartTransaction,
    StatusInfo,
)
from konsento.payments.errors import BalanceTooLow
from konsento.sites.errors import OutletBusy, OutletOffline, UnknownOutlet

from ..conftest import AT, CODES, STATION

if TYPE_CHECKING:
    from ..conftest import Core

SECOND = timedelta(seconds=1)


async def ask(core: Core, driver_id: UUID | None = None, code: str = CODES[0]) -> Presence:
    return await presence.ask(core.services, driver_id or core.driver_id, code)


async def now(core: Core, check: Presence) -> Presence:
    async with core.services.database.transaction() as session:
        return await presence.look(session, core.services, check.driver_id, check.id)


async def says(core: Core, check: Presence, *, is_here: bool) -> Presence:
    async with core.services.database.transaction() as session:
        return await presence.answer(session, core.services, check.driver_id, check.id, is_here=is_here)


async def alarms(core: Core) -> list[tuple[AlarmKind, str]]:
    async with core.services.database.transaction() as session:
        return [(row.kind, row.subject) for row in await session.scalars(select(Alarm))]


@pytest.fixture
async def button(core: Core) -> Core:
    await core.sites_ask_for(PresenceCheck.BUTTON)
    return core


@pytest.fixture
async def lamp(core: Core) -> Core:
    await core.sites_ask_for(PresenceCheck.LAMP)
    return core


async def test_where_the_operator_wants_none_nobody_is_asked(core: Core) -> None:
    assert (await core.start()).state is SessionState.CHARGING


async def test_without_a_check_nothing_starts_and_nothing_is_held(button: Core) -> None:
    with pytest.raises(PresenceNeeded):
        await button.start()

    assert await button.available() == 5000
    assert button.router.asked == []
    async with button.services.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(ChargingSession)) == 0


async def test_a_press_of_the_button_lets_one_start_through(button: Core) -> None:
    check = await ask(button)
    with pytest.raises(PresenceNeeded):
        await button.start()

    assert await button.press() is DataTransferStatus.ACCEPTED
    started = await button.start()

    assert started.state is SessionState.CHARGING
    assert (await now(button, check)).state is PresenceState.USED


async def test_what_was_shown_is_good_once(button: Core) -> None:
    await ask(button)
    await button.press()
    button.router.answers[RequestStartTransaction] = lambda _: CallRefused(STATION, "RequestStartTransaction", "x")
    assert (await button.start()).state is SessionState.FAILED

    with pytest.raises(PresenceNeeded):
        await button.start()


async def test_a_start_that_is_refused_before_it_begins_does_not_use_it_up(button: Core) -> None:
    await ask(button)
    await button.press()
    with pytest.raises(BalanceTooLow):
        await button.start("energy", 50_000)

    assert (await button.start()).state is SessionState.CHARGING


async def test_the_same_start_asked_again_needs_no_second_press(button: Core) -> None:
    await ask(button)
    await button.press()
    first = await button.start()

    assert (await button.start()).id == first.id


async def test_a_press_before_the_check_counts_for_nothing(button: Core) -> None:
    await button.press()
    button.clock.advance(SECOND * 10)
    check = await ask(button)

    # Told again, as after a lost answer, and told late, as after an outage.
    assert await button.press(at=AT) is DataTransferStatus.ACCEPTED
    assert await button.press(at=AT + SECOND * 5) is DataTransferStatus.ACCEPTED
    assert (await now(button, check)).state is PresenceState.WAITING


async def test_the_press_of_a_check_that_was_used_up_does_not_count_for_the_next_one(button: Core) -> None:
    await ask(button)
    pressed_at = button.clock.now()
    await button.press(at=pressed_at)
    button.router.answers[RequestStartTransaction] = lambda _: CallRefused(STATION, "RequestStartTransaction", "x")
    await button.start()
    button.clock.advance(SECOND * 5)
    check = await ask(button)

    await button.press(at=pressed_at)

    assert (await now(button, check)).state is PresenceState.WAITING


async def test_a_press_of_another_outlet_counts_for_nothing(button: Core) -> None:
    check = await ask(button)

    assert await button.press(evse_id=2) is DataTransferStatus.ACCEPTED
    assert (await now(button, check)).state is PresenceState.WAITING


@pytest.mark.parametrize("evse_id", [9, 0, -1, True, None, "1", 1.0, 2**40])
async def test_a_press_of_an_outlet_that_is_not_there_is_rejected(button: Core, evse_id: object) -> None:
    assert await button.press(evse_id=evse_id) is DataTransferStatus.REJECTED


@pytest.mark.parametrize(
    "at",
    ["", "now", "2026-11-22T01:58:00", "0001-01-01T00:00:00+23:59", "2026-11-22T02:58:00Z", "9999-12-31T23:59:59Z"],
)
async def test_a_press_without_a_time_or_from_the_future_is_rejected(button: Core, at: str) -> None:
    check = await ask(button)

    assert await button.press(at=at) is DataTransferStatus.REJECTED
    assert (await now(button, check)).state is PresenceState.WAITING


@pytest.mark.parametrize("data", [None, "x", [], {}, {"evseId": 1}])
async def test_nonsense_is_no_press(button: Core, data: object) -> None:
    message = DataTransfer(vendor_id="org.konsento", message_id="ButtonPressed", data=data)
    answer = await button.handlers.answer(STATION, message)

    assert isinstance(answer, DataTransferResponse)
    assert answer.status is DataTransferStatus.REJECTED


@pytest.mark.parametrize(
    ("vendor", "message", "status"),
    [("org.konsento", "Dance", "UnknownMessageId"), ("somebody.else", "ButtonPressed", "UnknownVendorId")],
)
async def test_other_messages_are_not_ours(button: Core, vendor: str, message: str, status: str) -> None:
    answer = await button.handlers.answer(STATION, DataTransfer(vendor_id=vendor, message_id=message))

    assert isinstance(answer, DataTransferResponse)
    assert answer.status.value == status


async def test_a_check_waits_two_minutes(button: Core) -> None:
    check = await ask(button)
    button.clock.advance(presence.PATIENCE)

    await button.press()

    assert (await now(button, check)).state is PresenceState.OVER
    with pytest.raises(PresenceNeeded):
        await button.start()


async def test_what_was_shown_is_good_for_two_minutes(button: Core) -> None:
    await ask(button)
    await button.press()
    button.clock.advance(presence.PATIENCE)

    with pytest.raises(PresenceNeeded):
        await button.start()


async def test_of_two_who_wait_the_first_gets_the_press_and_the_second_is_told(button: Core) -> None:
    await ask(button)
    with pytest.raises(PresenceTaken):
        await ask(button, button.other_driver_id)

    await button.press()

    requested = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
    with pytest.raises(PresenceNeeded):
        await charging.start(
            button.services, Wish(driver_id=button.other_driver_id, outlet_code=CODES[0], requested=requested)
        )
    with pytest.raises(PresenceTaken):
        await ask(button, button.other_driver_id)
    assert (await button.start()).state is SessionState.CHARGING
    with pytest.raises(OutletBusy):
        await ask(button, button.other_driver_id)


async def test_two_who_ask_at_once_are_not_both_waited_for(button: Core) -> None:
    answers = await asyncio.gather(ask(button), ask(button, button.other_driver_id), return_exceptions=True)

    assert sorted(type(one).__name__ for one in answers) == ["Presence", "PresenceTaken"]


async def test_the_second_has_a_turn_when_the_first_does_not_come(button: Core) -> None:
    await ask(button)
    button.clock.advance(presence.PATIENCE)

    check = await ask(button, button.other_driver_id)
    await button.press()

    assert (await now(button, check)).state is PresenceState.SHOWN
    with pytest.raises(PresenceNeeded):
        await button.start()


async def test_the_second_has_a_turn_when_the_first_goes_to_another_outlet(button: Core) -> None:
    first = await ask(button)
    await ask(button, code=CODES[1])

    assert (await now(button, first)).state is PresenceState.OVER
    assert (await ask(button, button.other_driver_id)).state is PresenceState.WAITING


async def test_asking_again_is_the_same_check(button: Core) -> None:
    first, again = await ask(button), await ask(button)

    assert first.id == again.id
    assert len(button.router.asked) == 1


async def test_somebody_elses_check_does_not_exist(lamp: Core) -> None:
    check = await ask(lamp)
    async with lamp.services.database.transaction() as session:
        with pytest.raises(UnknownPresenceCheck):
            await presence.look(session, lamp.services, lamp.other_driver_id, check.id)
        with pytest.raises(UnknownPresenceCheck):
            await presence.answer(session, lamp.services, lamp.other_driver_id, check.id, is_here=True)


async def test_the_lamp_blinks_and_the_driver_says_so(lamp: Core) -> None:
    check = await ask(lamp)
    (asked,) = lamp.router.asked
    assert isinstance(asked, DataTransfer)
    assert (asked.message_id, asked.data) == ("Identify", {"evseId": 1, "seconds": 30})
    with pytest.raises(PresenceNeeded):
        await lamp.start()

    await says(lamp, check, is_here=True)

    assert (await lamp.start()).state is SessionState.CHARGING
    assert await alarms(lamp) == []


async def test_the_button_is_not_what_a_lamp_check_waits_for(lamp: Core) -> None:
    check = await ask(lamp)
    await lamp.press()

    assert (await now(lamp, check)).state is PresenceState.WAITING


async def test_a_word_does_not_stand_for_a_press(button: Core) -> None:
    check = await ask(button)
    await says(button, check, is_here=True)

    with pytest.raises(PresenceNeeded):
        await button.start()


async def test_a_driver_at_another_outlet_starts_nothing_and_the_operator_is_told(lamp: Core) -> None:
    check = await ask(lamp)

    await says(lamp, check, is_here=False)

    with pytest.raises(PresenceNeeded):
        await lamp.start()
    with pytest.raises(PresenceOver):
        await says(lamp, check, is_here=True)
    assert await alarms(lamp) == [(AlarmKind.LABEL_DOUBTFUL, CODES[0])]


async def test_a_late_word_counts_for_nothing(lamp: Core) -> None:
    check = await ask(lamp)
    lamp.clock.advance(presence.PATIENCE)

    with pytest.raises(PresenceOver):
        await says(lamp, check, is_here=True)


async def test_a_lamp_blinks_again_when_it_has_stopped_and_not_all_day(lamp: Core) -> None:
    for _ in range(presence.MOST_CHECKS):
        await ask(lamp)
        await ask(lamp)
        lamp.clock.advance(SECOND * presence.BLINKS_S)
    with pytest.raises(TooManyPresenceChecks):
        await ask(lamp)
    with pytest.raises(TooManyPresenceChecks):
        await ask(lamp, code=CODES[1])

    assert len(lamp.router.asked) == presence.MOST_CHECKS
    lamp.clock.advance(presence.KEPT)
    assert (await ask(lamp)).state is PresenceState.WAITING


@pytest.mark.parametrize("check", [PresenceCheck.BUTTON, PresenceCheck.LAMP])
@pytest.mark.parametrize(
    "answer",
    [
        DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID),
        DataTransferResponse(status=DataTransferStatus.REJECTED, status_info=StatusInfo(reason_code="DeviceRefused")),
        CallRefused(STATION, "DataTransfer", "NotImplemented"),
    ],
)
async def test_an_outlet_that_can_do_neither_is_known_by_its_label_and_the_operator_sees_it(
    core: Core, check: PresenceCheck, answer: DataTransferResponse | CallRefused
) -> None:
    await core.sites_ask_for(check)
    core.router.answers[DataTransfer] = lambda _: answer

    asked = await ask(core)

    assert (asked.method, asked.state) == (PresenceMethod.LABEL, PresenceState.WAITING)
    assert await alarms(core) == [(AlarmKind.PRESENCE_UNCHECKED, CODES[0])]
    await says(core, asked, is_here=True)
    assert (await core.start()).state is SessionState.CHARGING


@pytest.mark.parametrize(
    "answer",
    [
        CallTimeout(STATION, "DataTransfer", "no answer in time"),
        DataTransferResponse(status=DataTransferStatus.REJECTED, status_info=StatusInfo(reason_code="OutletOffline")),
    ],
)
async def test_an_outlet_that_does_not_answer_now_is_no_reason_to_check_less(
    lamp: Core, answer: DataTransferResponse | CallTimeout
) -> None:
    lamp.router.answers[DataTransfer] = lambda _: answer
    with pytest.raises(OutletOffline):
        await ask(lamp)

    # It keeps the outlet from nobody.
    lamp.router.answers[DataTransfer] = lambda _: DataTransferResponse(status=DataTransferStatus.ACCEPTED)
    assert (await ask(lamp, lamp.other_driver_id)).method is PresenceMethod.LAMP
    assert await alarms(lamp) == []


async def test_a_site_that_is_away_and_an_outlet_that_is_not_free_are_not_checked(button: Core) -> None:
    await button.outlet_status(OutletStatus.OCCUPIED)
    with pytest.raises(OutletBusy):
        await ask(button)
    await button.outlet_status(OutletStatus.UNAVAILABLE, "offline")
    with pytest.raises(OutletOffline):
        await ask(button)
    with pytest.raises(UnknownOutlet):
        await ask(button, code="ZZZZZZ")


async def test_the_site_learns_nothing_about_the_driver(button: Core) -> None:
    await ask(button)
    (asked,) = button.router.asked

    assert str(button.driver_id) not in repr(asked)
    assert button.driver_id.hex not in repr(asked)


async def test_checks_are_forgotten_after_an_hour(button: Core) -> None:
    await ask(button)
    await button.work()
    button.clock.advance(presence.KEPT)
    await button.work()

    async with button.services.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Presence)) == 0
