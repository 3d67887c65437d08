"""The table of a session's life, and sessions whose site is away, forgets, or never ends."""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konsento.charging import service as charging
from konsento.charging.life import TRANSITIONS, Happening, step
from konsento.charging.limits import RequestedLimit
from konsento.charging.service import LONGEST_S
from konsento.charging.wish import Wish
from konsento.kit.db import Database
from konsento.models import ACTIVE, ChargingSession, LimitKind, SessionState
from konsento.ocpp import CallRefused, CallTimeout
from konsento.ocpp.messages import (
    BootNotification,
    ChargingStation,
    GetTransactionStatus,
    GetTransactionStatusResponse,
    RequestStartTransaction,
    RequestStopTransaction,
)
from konsento.payments import balance
from konsento.sites.errors import OutletBusy

from ..conftest import CODES, ENDED, STARTED, STATION, Core, accepted, event_of, opened, wired
from ..databases import Template
from ..examples import up_to

FINAL = {SessionState.SETTLED, SessionState.FAILED}


def status(*, ongoing: bool, queued: bool = False) -> GetTransactionStatusResponse:
    return GetTransactionStatusResponse(messages_in_queue=queued, ongoing_indicator=ongoing)


def test_nothing_leads_out_of_a_final_state() -> None:
    assert {state for state, _ in TRANSITIONS} & FINAL == set()


def test_every_state_can_be_reached_and_left_for_a_final_one() -> None:
    reached = {SessionState.STARTING} | set(TRANSITIONS.values())
    assert reached == set(SessionState)
    leads = {state: {after for (before, _), after in TRANSITIONS.items() if before is state} for state in SessionState}
    for state in SessionState:
        seen, ahead = {state}, [state]
        while ahead:
            ahead = [after for one in ahead for after in leads[one] if after not in seen]
            seen |= set(ahead)
        assert seen & FINAL


@given(st.lists(st.sampled_from(list(Happening)), max_size=30))
def test_a_session_that_has_ended_never_holds_its_outlet_again(happenings: list[Happening]) -> None:
    session = ChargingSession(state=SessionState.STARTING)
    over = False
    for happening in happenings:
        step(session, happening)
        assert not (over and session.state in ACTIVE)
        over = over or session.state not in ACTIVE


async def pass_time(core: Core, minutes: int, *, step_s: int = 30) -> None:
    for _ in range(minutes * 60 // step_s):
        core.clock.advance(timedelta(seconds=step_s))
        await core.work()


async def test_a_power_cut_of_the_site_for_a_day_ends_with_what_was_measured_when_it_is_back(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003.4"))
    core.router.online = False
    for callback in core.router.leaving:
        await callback(STATION)

    await pass_time(core, 24 * 60, step_s=600)
    assert (await core.progress(session.id)).state is SessionState.CHARGING
    async with core.services.database.transaction() as tx:
        silent = await charging.silent(tx, core.clock.now() - timedelta(minutes=10))
    assert [one.id for one in silent] == [session.id]

    await core.router.connect()
    await core.send(event_of(session, 2, "1003.4", kind=ENDED, reason="PowerLoss", offline=True))
    await core.work()
    progress = await core.progress(session.id)
    assert (progress.state, progress.billed_wh, progress.end_reason) == (SessionState.SETTLED, 3, "PowerLoss")


async def test_a_session_goes_on_over_a_restart_of_the_server(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))

    restarted = await wired(core.services.database)
    await restarted.send(event_of(session, 1, "1003.4"))
    await restarted.send(event_of(session, 2, "1010.2", kind=ENDED))
    await restarted.work()

    assert (await restarted.progress(session.id)).billed_wh == 10


async def test_a_session_that_its_connected_site_does_not_mention_is_asked_about_and_ends_on_its_word(
    core: Core,
) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.router.connect()
    core.router.answers[GetTransactionStatus] = lambda _: status(ongoing=True)
    await pass_time(core, 20)
    assert (await core.progress(session.id)).state is SessionState.CHARGING

    core.router.answers[GetTransactionStatus] = lambda _: status(ongoing=False)
    await pass_time(core, 10)

    assert (await core.progress(session.id)).state is SessionState.SETTLED


async def test_nothing_is_closed_while_the_site_still_has_something_to_say(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.router.connect()
    core.router.answers[GetTransactionStatus] = lambda _: status(ongoing=False, queued=True)

    await pass_time(core, 30)

    assert (await core.progress(session.id)).state is SessionState.CHARGING


async def test_a_car_that_takes_nothing_is_ended_after_the_settings_minutes(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    for minute in range(1, 32):
        core.clock.advance(timedelta(minutes=1))
        await core.send(event_of(session, minute, "1000", seconds=minute * 60))
    await core.work()

    assert isinstance(core.router.asked[-1], RequestStopTransaction)
    await core.send(event_of(session, 32, "1000", kind=ENDED, seconds=1900, reason="Remote"))
    await core.work()
    progress = await core.progress(session.id)
    assert (progress.state, progress.end_reason, progress.billed_minor) == (SessionState.SETTLED, "Timeout", 0)


async def test_a_car_that_takes_no_more_is_full(core: Core) -> None:
    session = await core.start("full", 0)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1200", seconds=400))
    for minute in range(2, 33):
        core.clock.advance(timedelta(minutes=1))
        await core.send(event_of(session, minute, "1200.01", seconds=400 + minute * 60))
    await core.work()
    await core.send(event_of(session, 33, "1200.01", kind=ENDED, seconds=2500, reason="Remote"))
    await core.work()

    progress = await core.progress(session.id)
    assert (progress.end_reason, progress.billed_wh) == ("EVDisconnected", 200)


async def test_a_pause_of_the_outlet_is_not_the_cars_doing(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    for minute in range(1, 60):
        core.clock.advance(timedelta(minutes=1))
        await core.send(event_of(session, minute, "1000", seconds=minute * 60, charging_state="SuspendedEVSE"))
    await core.work()

    assert not any(isinstance(request, RequestStopTransaction) for request in core.router.asked)


async def test_the_driver_who_stopped_is_told_so_whatever_the_server_would_have_done_later(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await charging.stop(core.services, core.driver_id, session.id)
    core.clock.advance(timedelta(minutes=40))
    await core.send(event_of(session, 1, "1000.5", seconds=2400))
    await core.send(event_of(session, 2, "1000.5", kind=ENDED, seconds=2401, reason="Remote"))

    assert (await core.progress(session.id)).end_reason == "Remote"


async def test_no_session_is_on_for_longer_than_a_day_and_an_hour(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    core.router.asked.clear()

    core.clock.advance(timedelta(seconds=LONGEST_S + 1))
    await core.work()

    assert isinstance(core.router.asked[0], RequestStopTransaction)


async def test_a_transaction_that_nobody_pays_for_is_stopped(core: Core) -> None:
    session = await core.start("energy", 500)
    stray = event_of(session, 5, "1000", remote_start_id=None)
    unknown = event_of(ChargingSession(remote_start_id=4711), 5, "1000", remote_start_id=None)
    await core.send(stray)
    await core.send(unknown)
    core.router.asked.clear()

    core.clock.advance(timedelta(seconds=31))
    await core.work()

    stopped = [request.transaction_id for request in core.router.asked if isinstance(request, RequestStopTransaction)]
    assert stopped == ["TX-4711"]


async def test_a_database_from_before_the_session_stops_what_it_does_not_know(
    core: Core, furnished: Template, tmp_path: Path
) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    backup = tmp_path / "backup"
    backup.mkdir()
    async with opened(furnished, backup) as database:
        restored = await wired(database)

        await restored.send(event_of(session, 1, "1003"))
        restored.clock.advance(timedelta(seconds=31))
        await restored.work()

        assert [type(request) for request in restored.router.asked] == [RequestStopTransaction]
        assert await restored.available() == 5000


async def test_a_database_from_before_the_start_was_answered_finds_out_by_asking_again(
    core: Core, tmp_path: Path
) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "link lost")
    session = await core.start()
    before = core.services.database
    await before.close()
    backup = tmp_path / "backup"
    backup.mkdir()
    async with opened(Template(before.engine.url.render_as_string(hide_password=False)), backup) as database:
        restored = await wired(database)
        restored.router.answers[RequestStartTransaction] = lambda r: accepted(f"TX-{r.remote_start_id}")

        restored.clock.advance(timedelta(seconds=21))
        await restored.work()

        assert (await restored.progress(session.id)).state is SessionState.CHARGING


@settings(max_examples=up_to(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=6))
def test_of_all_who_start_at_the_same_moment_in_two_servers_one_wins_and_nothing_is_held_for_the_others(
    order: list[tuple[int, int]], furnished: Template
) -> None:
    async def race() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with furnished.copied(Path(folder)) as url:
                databases = [Database(url) for _ in range(2)]
                servers = [await wired(database) for database in databases]
                wish = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
                drivers = (servers[0].driver_id, servers[0].other_driver_id)
                results = await asyncio.gather(
                    *(
                        charging.start(
                            servers[at].services, Wish(driver_id=drivers[who], outlet_code=CODES[0], requested=wish)
                        )
                        for at, who in order
                    ),
                    return_exceptions=True,
                )
                won = {result.id: result for result in results if isinstance(result, ChargingSession)}
                assert len(won) == 1
                assert {type(result) for result in results} <= {ChargingSession, OutletBusy}
                assert sum(len(server.router.asked) for server in servers) == 1
                (winner,) = won.values()
                async with databases[1].transaction() as tx:
                    left = {driver: await balance.available(tx, driver) for driver in drivers}
                assert left == {driver: 5000 - (46 if driver == winner.driver_id else 0) for driver in drivers}
                for database in databases:
                    await database.close()

    asyncio.run(race())


async def not_ours(core: Core) -> None:
    boot = BootNotification(charging_station=ChargingStation(vendor_name="Somebody", model="Wallbox"), reason="PowerUp")
    await core.handlers.answer(STATION, boot)


async def starts_sent(core: Core) -> int:
    return len([asked for asked in core.router.asked if isinstance(asked, RequestStartTransaction)])


async def test_a_charger_that_is_not_ours_is_never_asked_to_start_long_after_the_driver_wished_it(core: Core) -> None:
    """It knows no expiry, and would take the repeated question for a new wish."""
    await not_ours(core)
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    session = await core.start()
    core.router.online = False
    for callback in core.router.leaving:
        await callback(STATION)
    await pass_time(core, 120)
    assert (await core.progress(session.id)).state is SessionState.STARTING

    await core.router.connect()
    await pass_time(core, 2)
    assert (await core.progress(session.id)).state is SessionState.STARTING
    await pass_time(core, 2)

    assert await starts_sent(core) == 1
    assert (await core.progress(session.id)).failure == "NeverStarted"
    assert await core.available() == 5000


async def test_a_charger_that_accepted_and_went_away_is_heard_before_its_start_is_given_up(core: Core) -> None:
    await not_ours(core)
    core.router.answers[RequestStartTransaction] = lambda _: accepted(None)
    session = await core.start()
    core.router.online = False
    for callback in core.router.leaving:
        await callback(STATION)
    await pass_time(core, 10)
    await core.router.connect()
    await pass_time(core, 1)

    await core.send(event_of(session, 0, "1000", kind=STARTED, offline=True))

    assert (await core.progress(session.id)).state is SessionState.CHARGING


async def test_an_error_as_answer_to_a_repeated_question_says_nothing_of_the_first(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    session = await core.start()
    core.router.answers[RequestStartTransaction] = lambda _: CallRefused(STATION, "x", "InternalError")
    await pass_time(core, 2)
    assert (await core.progress(session.id)).state is SessionState.STARTING

    await core.send(event_of(session, 0, "1000", kind=STARTED))

    assert (await core.progress(session.id)).state is SessionState.CHARGING


async def test_a_site_that_never_comes_back_does_not_keep_the_money(core: Core) -> None:
    charging_one = await core.start("energy", 500)
    await core.send(event_of(charging_one, 0, "1000", kind=STARTED))
    await core.send(event_of(charging_one, 1, "1003.4"))
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    unknown = await core.start(code=CODES[1])
    core.router.online = False
    for callback in core.router.leaving:
        await callback(STATION)

    await pass_time(core, 6 * 24 * 60, step_s=3600)
    assert {(await core.progress(one.id)).state for one in (charging_one, unknown)} <= set(ACTIVE)
    await pass_time(core, 3 * 24 * 60, step_s=3600)

    ended, failed = await core.progress(charging_one.id), await core.progress(unknown.id)
    assert (ended.state, ended.billed_wh) == (SessionState.SETTLED, 3)
    assert (failed.state, failed.billed_minor) == (SessionState.FAILED, None)
    assert await core.available() == 5000 - ended.amount_minor
