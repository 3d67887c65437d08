"""The life of a session, from the driver's request to the receipt."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from konsento import provisioning
from konsento.catalogue.errors import NoTariff
from konsento.charging import live
from konsento.charging import service as charging
from konsento.charging.errors import AlreadyChargingHere, PriceChanged, UnknownSession
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.kit.errors import KonsentoError
from konsento.models import ChargingSession, LimitKind, OutletStatus, Receipt, SessionState
from konsento.ocpp import CallRefused, CallTimeout
from konsento.ocpp.messages import (
    GetTransactionStatus,
    GetTransactionStatusResponse,
    RequestStartTransaction,
    RequestStopTransaction,
)
from konsento.payments.errors import BalanceTooLow
from konsento.pricing import Price
from konsento.settlement import service as settlement
from konsento.settlement.errors import NoReceipt
from konsento.sites.errors import OutletBusy, OutletDisabled, OutletFaulty, OutletOffline, UnknownOutlet

from ..conftest import (
    AT,
    CODES,
    ENDED,
    PROVISIONING,
    STARTED,
    STATION,
    Core,
    accepted,
    event_of,
    rejected,
    whole_session,
)

TEN_WH = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
HOLD_FOR_TEN = 46  # 10 Wh, and 2 Wh that may flow during the cut-off, at 3,850 yen a kWh


async def test_a_session_is_held_started_measured_billed_and_receipted(core: Core) -> None:
    session = await core.start()
    assert session.state is SessionState.CHARGING
    assert await core.available() == 5000 - HOLD_FOR_TEN
    for event in whole_session(session):
        await core.send(event)
    await core.work()

    progress = await core.progress(session.id)
    assert progress.state is SessionState.SETTLED
    assert progress.delivered_mwh == 10_200
    assert progress.billed_wh == 10
    assert progress.billed_minor == 38
    assert progress.end_reason == "EnergyLimitReached"
    assert progress.share == 1
    assert [point.watts for point in progress.curve] == [3000, 3000, 3000, 3000]
    assert await core.available() == 5000 - 38
    async with core.services.database.transaction() as tx:
        receipt = await settlement.receipt(tx, core.driver_id, session.id)
    assert (receipt.number, receipt.billed_wh, receipt.amount_minor, receipt.tax_minor) == (1, 10, 38, 3)
    assert (receipt.hold_minor, receipt.released_minor) == (HOLD_FOR_TEN, HOLD_FOR_TEN - 38)
    assert (receipt.begin_mwh, receipt.end_mwh) == (1_000_000, 1_010_200)
    assert receipt.supplier == "Sakura Energy"


async def test_the_site_is_told_limits_power_and_supplier_and_nothing_about_the_driver(core: Core) -> None:
    session = await core.start("time", 60)

    request = core.router.asked[0]
    assert isinstance(request, RequestStartTransaction)
    assert request.evse_id == 1
    assert len(request.id_token.id_token) == 20
    assert request.custom_data == {
        "vendorId": "org.konsento",
        "energyLimitWh": 63,  # 125 % of the rating for a minute: the hold covers it
        "timeLimitS": 60,
        "timerStart": "relay",
        "expiresAt": "2026-11-22T01:58:30.000Z",
        "powerType": "solar",
        "supplierCode": "A0269",
        "supplier": "Sakura Energy",
    }
    for word in ("first", "example.com", str(core.driver_id), core.driver_id.hex, str(session.id)):
        assert word not in repr(request) + request.id_token.id_token


async def test_a_time_limit_is_not_shown_as_an_energy_limit(core: Core) -> None:
    session = await core.start("time", 60)

    progress = await core.progress(session.id)

    assert progress.energy_limit_wh is None
    assert progress.time_limit_s == 60


async def test_an_amount_of_money_is_the_most_that_is_held_and_billed(core: Core) -> None:
    session = await core.start("money", 20)

    assert session.energy_limit_wh == 5
    assert session.hold_minor == 20
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1009.9", kind=ENDED, seconds=12))
    await core.work()
    assert (await core.progress(session.id)).billed_minor == 20


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (OutletStatus.OCCUPIED, "", OutletBusy),
        (OutletStatus.FAULTED, "", OutletFaulty),
        (OutletStatus.UNAVAILABLE, "offline", OutletOffline),
        (OutletStatus.UNAVAILABLE, "disabled", OutletDisabled),
        (OutletStatus.UNKNOWN, "", OutletOffline),
    ],
)
async def test_an_outlet_that_cannot_be_used_says_why_and_nothing_changes(
    core: Core, status: OutletStatus, reason: str, error: type[KonsentoError]
) -> None:
    await core.outlet_status(status, reason)

    with pytest.raises(error):
        await core.start()

    assert core.router.asked == []
    assert await core.available() == 5000


async def test_a_site_that_is_not_connected_makes_its_outlets_offline(core: Core) -> None:
    for callback in core.router.leaving:
        await callback(STATION)

    with pytest.raises(OutletOffline):
        await core.start()


async def test_an_unknown_code_is_refused(core: Core) -> None:
    with pytest.raises(UnknownOutlet):
        await core.start(code="ZZZZZZ")


async def test_a_balance_too_low_is_refused_before_the_site_is_asked(core: Core) -> None:
    with pytest.raises(BalanceTooLow):
        await core.start("energy", 20_000)

    assert core.router.asked == []
    async with core.services.database.transaction() as tx:
        assert (await tx.scalars(select(ChargingSession))).all() == []


async def test_money_is_not_taken_for_that_of_a_tariff_from_before_the_currency_was_changed(core: Core) -> None:
    euros = replace(core.services, settings=core.services.settings.model_copy(update={"currency": "EUR"}))

    with pytest.raises(NoTariff):
        await charging.start(
            euros,
            Wish(
                driver_id=core.driver_id,
                outlet_code=CODES[0],
                requested=RequestedLimit(kind=LimitKind.MONEY, amount=50),
            ),
        )
    assert core.router.asked == []


async def test_an_outlet_taken_by_another_driver_is_in_use(core: Core) -> None:
    await core.start()

    with pytest.raises(OutletBusy, match="in use"):
        await charging.start(
            core.services, Wish(driver_id=core.other_driver_id, outlet_code=CODES[0], requested=TEN_WH)
        )


async def test_two_drivers_at_the_same_moment_get_one_session(core: Core) -> None:
    results = await asyncio.gather(
        *(
            charging.start(core.services, Wish(driver_id=driver, outlet_code=CODES[0], requested=TEN_WH))
            for driver in (core.driver_id, core.other_driver_id)
        ),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["ChargingSession", "OutletBusy"]
    assert len(core.router.asked) == 1


async def test_a_button_pressed_twice_starts_once(core: Core) -> None:
    first, second = await asyncio.gather(core.start(), core.start())

    assert first.id == second.id
    assert len(core.router.asked) == 1
    assert await core.available() == 5000 - HOLD_FOR_TEN


async def test_another_amount_at_the_same_outlet_is_refused_while_charging(core: Core) -> None:
    await core.start()

    with pytest.raises(AlreadyChargingHere):
        await core.start("energy", 11)


@pytest.mark.parametrize("code", ["OutletBusy", "OutletFaulted", "NoSuchReason"])
async def test_a_rejected_start_fails_with_the_reason_and_the_hold_is_released(core: Core, code: str) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: rejected(code)

    session = await core.start()

    assert session.state is SessionState.FAILED
    assert session.failure == code
    assert await core.available() == 5000
    core.router.answers[RequestStartTransaction] = lambda r: accepted(f"TX-{r.remote_start_id}")
    assert (await core.start()).state is SessionState.CHARGING


async def test_a_site_that_is_gone_at_the_moment_of_asking_fails_the_session_at_once(core: Core) -> None:
    core.router.online = False

    session = await core.start()

    assert session.state is SessionState.FAILED
    assert session.failure == "OutletOffline"
    assert await core.available() == 5000


async def test_an_error_from_the_site_fails_the_session(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallRefused(STATION, "x", "InternalError")

    assert (await core.start()).state is SessionState.FAILED
    assert await core.available() == 5000


async def test_an_unknown_outcome_stays_open_and_is_asked_again_with_the_same_number(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "link lost")
    session = await core.start()
    assert session.state is SessionState.STARTING
    assert await core.available() == 5000 - HOLD_FOR_TEN

    core.clock.advance(timedelta(seconds=21))
    await core.work()
    assert (await core.progress(session.id)).state is SessionState.STARTING
    core.router.online = False
    core.clock.advance(timedelta(seconds=11))
    await core.work()
    assert (await core.progress(session.id)).state is SessionState.STARTING

    core.router.answers[RequestStartTransaction] = lambda r: accepted(f"TX-{r.remote_start_id}")
    await core.router.connect()
    core.clock.advance(timedelta(seconds=2))
    await core.work()

    assert (await core.progress(session.id)).state is SessionState.CHARGING
    numbers = {request.remote_start_id for request in core.router.asked if isinstance(request, RequestStartTransaction)}
    assert numbers == {session.remote_start_id}


async def test_an_unknown_outcome_that_turns_out_expired_releases_the_hold(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    session = await core.start()

    core.router.answers[RequestStartTransaction] = lambda _: rejected("RequestExpired")
    core.clock.advance(timedelta(seconds=40))
    await core.work()

    assert (await core.progress(session.id)).failure == "RequestExpired"
    assert await core.available() == 5000


async def test_an_event_tells_that_a_silent_start_was_executed(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "link lost")
    session = await core.start()

    await core.send(event_of(session, 0, "1000", kind=STARTED))
    core.router.asked.clear()
    core.clock.advance(timedelta(seconds=40))
    await core.work()

    assert (await core.progress(session.id)).state is SessionState.CHARGING
    assert core.router.asked == []


async def test_events_quicker_than_the_answer_are_not_undone_by_it(core: Core) -> None:
    async def whole_session_first() -> None:
        core.router.before_answer = None
        async with core.services.database.transaction() as tx:
            session = (await tx.scalars(select(ChargingSession))).one()
        for event in whole_session(session):
            await core.send(event)

    core.router.before_answer = whole_session_first

    session = await core.start()

    assert session.state is SessionState.ENDED


async def test_a_charger_that_accepts_and_never_starts_releases_the_hold(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: accepted(None)
    session = await core.start()
    assert session.state is SessionState.STARTING

    for _ in range(20):
        core.clock.advance(timedelta(seconds=10))
        await core.work()

    assert (await core.progress(session.id)).failure == "NeverStarted"
    assert await core.available() == 5000
    assert len(core.router.asked) == 1


async def test_a_start_whose_process_died_is_taken_over(core: Core) -> None:
    async def die() -> None:
        raise asyncio.CancelledError

    core.router.before_answer = die
    with pytest.raises(asyncio.CancelledError):
        await core.start()
    core.router.before_answer = None

    core.clock.advance(timedelta(seconds=21))
    await core.work()

    async with core.services.database.transaction() as tx:
        assert (await tx.scalars(select(ChargingSession))).one().state is SessionState.CHARGING


async def test_the_driver_stops_and_pays_for_what_was_measured(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003.333"))

    await charging.stop(core.services, core.driver_id, session.id)

    assert isinstance(core.router.asked[-1], RequestStopTransaction)
    assert (await core.progress(session.id)).stopping
    await core.send(event_of(session, 2, "1003.9", kind=ENDED, reason="Remote"))
    await core.work()
    progress = await core.progress(session.id)
    assert (progress.billed_wh, progress.end_reason) == (3, "Remote")
    assert not progress.stopping


async def test_a_stop_that_did_not_reach_the_site_is_repeated(core: Core) -> None:
    session = await core.start("energy", 500)
    core.router.online = False

    await charging.stop(core.services, core.driver_id, session.id)
    core.router.asked.clear()
    await core.router.connect()
    core.clock.advance(timedelta(seconds=2))
    await core.work()

    assert [type(request) for request in core.router.asked] == [RequestStopTransaction]


async def test_a_stop_before_the_start_is_known_follows_it(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "link lost")
    session = await core.start("energy", 500)

    await charging.stop(core.services, core.driver_id, session.id)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.work()

    assert isinstance(core.router.asked[-1], RequestStopTransaction)


async def test_nobody_sees_or_stops_another_drivers_session(core: Core) -> None:
    session = await core.start()
    async with core.services.database.transaction() as tx:
        with pytest.raises(UnknownSession):
            await charging.progress(tx, core.other_driver_id, session.id)
        with pytest.raises(NoReceipt):
            await settlement.receipt(tx, core.other_driver_id, session.id)
        assert await charging.history(tx, core.other_driver_id) == []
        assert [seen.session_id for seen in await charging.history(tx, core.driver_id)] == [session.id]

    with pytest.raises(UnknownSession):
        await charging.stop(core.services, core.other_driver_id, session.id)


async def test_the_agreed_price_is_billed_although_the_tariff_has_changed(core: Core) -> None:
    session = await core.start()
    core.clock.advance(timedelta(seconds=1))
    async with core.services.database.transaction() as tx:
        dearer = provisioning.parse(PROVISIONING.replace('"3850"', '"9999"'))
        await provisioning.apply(tx, dearer, core.services.settings, core.clock.now())
    for event in whole_session(session):
        await core.send(event)
    await core.work()

    assert (await core.progress(session.id)).billed_minor == 38
    assert (await core.start()).unit_price == 9999


async def test_a_charger_that_ignores_its_limit_is_told_to_stop(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1010.5", seconds=12))

    core.clock.advance(timedelta(seconds=6))
    await core.work()

    assert isinstance(core.router.asked[-1], RequestStopTransaction)


async def test_a_live_view_is_woken_by_events_and_by_the_bill(core: Core) -> None:
    session = await core.start()
    updates = live.updates(core.services, session.id)
    states = []
    await anext(updates)
    for event in whole_session(session):
        await core.send(event)
        await asyncio.wait_for(anext(updates), 60)
        states.append((await core.progress(session.id)).state)
    await core.work()
    await asyncio.wait_for(anext(updates), 60)
    states.append((await core.progress(session.id)).state)
    await updates.aclose()  # type: ignore[attr-defined]  # it is a generator

    assert states == [SessionState.CHARGING] * 3 + [SessionState.ENDED, SessionState.SETTLED]


async def test_a_session_that_its_site_has_forgotten_ends_with_what_was_measured(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003.4"))
    core.router.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(
        messages_in_queue=False, ongoing_indicator=False
    )

    await core.router.connect()
    for _ in range(12):
        core.clock.advance(timedelta(seconds=10))
        await core.work()

    progress = await core.progress(session.id)
    assert (progress.state, progress.billed_wh) == (SessionState.SETTLED, 3)


async def test_a_session_that_its_site_still_runs_goes_on(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    core.router.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(
        messages_in_queue=False, ongoing_indicator=True
    )

    await core.router.connect()
    for _ in range(12):
        core.clock.advance(timedelta(seconds=10))
        await core.work()

    assert (await core.progress(session.id)).state is SessionState.CHARGING


async def test_receipts_are_numbered_without_gaps(core: Core) -> None:
    for round_ in range(3):
        session = await core.start()
        core.router.answers[RequestStartTransaction] = lambda _: rejected("OutletBusy")
        failed = await core.start(code=CODES[1])
        assert failed.state is SessionState.FAILED
        core.router.answers[RequestStartTransaction] = lambda r: accepted(f"TX-{r.remote_start_id}")
        for event in whole_session(session):
            await core.send(event)
        await core.work()
        async with core.services.database.transaction() as tx:
            numbers = (await tx.scalars(select(Receipt.number).order_by(Receipt.number))).all()
        assert numbers == list(range(1, round_ + 2))


async def test_suspension_is_shown_and_the_end_is_foreseen(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003", charging_state="SuspendedEVSE"))
    assert (await core.progress(session.id)).state is SessionState.SUSPENDED

    core.clock.advance(timedelta(seconds=8))
    await core.send(event_of(session, 2, "1006"))

    progress = await core.progress(session.id)
    assert progress.state is SessionState.CHARGING
    assert progress.expected_end == AT + timedelta(seconds=8 + 494 * 3600 // 3000)


async def test_the_end_is_foreseen_by_the_servers_clock_whatever_the_sites_says(core: Core) -> None:
    session = await core.start("energy", 500)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    core.clock.advance(timedelta(hours=3))

    await core.send(event_of(session, 1, "1006", seconds=8))

    progress = await core.progress(session.id)
    assert progress.expected_end == core.clock.now() + timedelta(seconds=494 * 3600 // 3000)


def fingerprint(unit_price: str) -> str:
    """Return what a page carries that has shown this price at the sites of these tests."""
    price = Price.per_kwh(Decimal(unit_price), "JPY", Decimal("0.1"))
    return replace(price, time_zone="Asia/Tokyo").fingerprint


async def test_a_price_that_has_changed_since_it_was_shown_starts_nothing(core: Core) -> None:
    requested = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
    with pytest.raises(PriceChanged):
        await charging.start(
            core.services,
            Wish(driver_id=core.driver_id, outlet_code=CODES[0], requested=requested, agreed=fingerprint("3800")),
        )
    assert (core.router.asked, await core.available()) == ([], 5000)

    started = await charging.start(
        core.services,
        Wish(driver_id=core.driver_id, outlet_code=CODES[0], requested=requested, agreed=fingerprint("3850.00")),
    )
    assert started.state is SessionState.CHARGING
