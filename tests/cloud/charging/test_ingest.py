"""Meter events as sites really send them: twice, late, out of order, with nonsense in them, or not at all."""

import asyncio
import itertools
import json
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from konsento.charging.running import SEEN_EVERY
from konsento.models import ChargingSession, MeterEvent, Receipt, SessionState, Site, Transfer, TransferKind
from konsento.ocpp import CallTimeout, Version
from konsento.ocpp.codec import write_call
from konsento.ocpp.messages import (
    AuthorizationStatus,
    BootNotification,
    ChargingStation,
    GetTransactionStatus,
    GetTransactionStatusResponse,
    IdToken,
    MeterValue,
    MeterValues,
    MeterValuesResponse,
    RequestStartTransaction,
    RequestStopTransaction,
    SampledValue,
    TransactionEvent,
    UnitOfMeasure,
)
from konsento.ocpp.rpc import Connection

from ..conftest import AT, ENDED, STARTED, STATION, UPDATED, Core, event_of, opened, whole_session, wired
from ..databases import Template
from ..examples import up_to


async def test_an_event_sent_twice_counts_once(core: Core) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.send(event)
        await core.send(event)
    await core.work()
    await core.send(core.sent[-1])
    await core.work()

    async with core.services.database.transaction() as tx:
        assert await tx.scalar(select(func.count()).select_from(MeterEvent)) == 4
        assert await tx.scalar(select(func.count()).select_from(Receipt)) == 1
    assert await core.available() == 5000 - 38


async def test_events_after_the_end_never_bring_a_session_back(core: Core) -> None:
    session = await core.start()
    events = whole_session(session)
    for event in (events[0], events[3], events[1], events[2]):
        await core.send(event)
    assert (await core.progress(session.id)).state is SessionState.ENDED
    await core.work()
    await core.send(event_of(session, 9, "2000", seconds=5000))
    await core.work()

    progress = await core.progress(session.id)
    assert (progress.state, progress.billed_wh) == (SessionState.SETTLED, 10)


async def test_only_the_first_event_needs_to_say_which_request_it_answers(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 1, "1003"))
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 2, "1010.5", kind=ENDED, seconds=13))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_events_that_nobody_can_place_are_kept_and_placed_later(core: Core) -> None:
    core.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "link lost")
    session = await core.start()
    await core.send(event_of(session, 1, "1003"))
    assert (await core.progress(session.id)).delivered_mwh == 0

    await core.send(event_of(session, 0, "1000", kind=STARTED))

    assert (await core.progress(session.id)).delivered_mwh == 3000


async def test_an_event_of_an_unknown_transaction_is_acknowledged_and_bills_nobody(core: Core) -> None:
    session = await core.start()
    stranger = event_of(session, 0, "1000", kind=STARTED, remote_start_id=7)
    info = msgspec.structs.replace(stranger.transaction_info, transaction_id="elsewhere")
    stranger = msgspec.structs.replace(stranger, transaction_info=info)

    await core.send(stranger)

    assert (await core.progress(session.id)).last_update is None
    async with core.services.database.transaction() as tx:
        assert (await tx.scalars(select(MeterEvent))).one().session_id is None


async def test_a_placeholder_zero_at_the_start_is_not_billed(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "0", kind=STARTED))
    await core.send(event_of(session, 1, "910000"))
    await core.send(event_of(session, 2, "910005.5", kind=ENDED, seconds=12))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 5


async def test_the_first_session_of_a_new_outlet_may_begin_at_zero(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "0", kind=STARTED))
    await core.send(event_of(session, 1, "10.2", kind=ENDED, seconds=12))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_a_batch_without_energy_changes_nothing(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1006"))
    await core.send(event_of(session, 2, None))
    assert (await core.progress(session.id)).delivered_mwh == 6000
    await core.send(event_of(session, 3, None, kind=ENDED))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 6


async def test_a_falling_register_and_an_absurd_jump_bill_nothing(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    for seq_no, register in enumerate(("1003", "3", "99999999", "1006"), start=1):
        await core.send(event_of(session, seq_no, register))
    await core.send(event_of(session, 5, "1009.9", kind=ENDED))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 9


async def test_kilowatt_hours_multipliers_and_phases_are_understood(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    values = [
        SampledValue(value=Decimal("0.3345"), phase=phase, unit_of_measure=UnitOfMeasure(unit="kWh"))
        for phase in ("L1", "L2", "L3")
    ]
    end = event_of(session, 1, None, kind=ENDED)
    await core.send(_with_values(end, values))
    await core.work()

    assert (await core.progress(session.id)).delivered_mwh == 3500


async def test_a_total_counts_before_its_phases(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    values = [
        SampledValue(value=Decimal(1002), unit_of_measure=UnitOfMeasure(unit="Wh", multiplier=0)),
        SampledValue(value=Decimal(900), phase="L1"),
        SampledValue(value=Decimal(5), measurand="Energy.Reactive.Import.Register"),
        SampledValue(value=Decimal(7), unit_of_measure=UnitOfMeasure(unit="furlong")),
    ]
    await core.send(_with_values(event_of(session, 1, None), values))

    assert (await core.progress(session.id)).delivered_mwh == 2000


def _with_values(event: TransactionEvent, values: list[SampledValue]) -> TransactionEvent:
    return msgspec.structs.replace(event, meter_value=[MeterValue(timestamp=AT, sampled_value=values)])


async def test_a_gap_is_asked_about_before_the_bill_is_made(core: Core) -> None:
    session = await core.start()
    events = whole_session(session)
    waiting = True
    core.router.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(messages_in_queue=waiting)
    for event in (events[0], events[1], events[3]):
        await core.send(event)
    await core.work()
    assert (await core.progress(session.id)).state is SessionState.ENDED

    waiting = False
    core.clock.advance(timedelta(seconds=11))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_a_gap_at_a_site_that_is_away_delays_the_bill_and_does_not_prevent_it(core: Core) -> None:
    session = await core.start()
    events = whole_session(session)
    for event in (events[0], events[3]):
        await core.send(event)
    core.router.online = False
    await core.work()
    assert (await core.progress(session.id)).state is SessionState.ENDED

    core.clock.advance(timedelta(minutes=16))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_what_happened_offline_is_history_and_is_billed_all_the_same(core: Core) -> None:
    session = await core.start()
    core.router.asked.clear()
    for seq_no, (register, kind) in enumerate([("1000", STARTED), ("1005", None), ("1010.5", ENDED)]):
        more = {"kind": kind} if kind else {}
        await core.send(event_of(session, seq_no, register, seconds=seq_no * 7, offline=True, **more))
    await core.work()

    assert core.router.asked == []
    progress = await core.progress(session.id)
    assert (progress.billed_wh, progress.ended_at) == (10, AT + timedelta(seconds=14))


async def test_a_limit_rides_on_the_answer_to_the_first_event(core: Core) -> None:
    session = await core.start()
    first = event_of(session, 0, "1000", kind=STARTED, id_token=IdToken(id_token=session.id_token, type="Central"))

    answer = await core.tell(first)

    assert answer.transaction_limit is not None
    assert answer.transaction_limit.max_energy == 10
    assert answer.id_token_info is not None
    assert answer.id_token_info.status is AuthorizationStatus.ACCEPTED


async def test_more_than_the_hold_is_never_taken(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED, seconds=0))
    await core.send(event_of(session, 1, "1040", kind=ENDED, seconds=48))
    await core.work()

    progress = await core.progress(session.id)
    assert (progress.billed_wh, progress.billed_minor) == (40, session.hold_minor)
    assert await core.available() == 5000 - session.hold_minor


async def test_the_numbers_of_events_need_not_begin_at_zero_and_the_middle_ones_may_be_missing(core: Core) -> None:
    core.router.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(messages_in_queue=False)
    session = await core.start()
    await core.send(event_of(session, 17, "1000", kind=STARTED, seconds=0))
    await core.send(event_of(session, 21, "1006", seconds=8))
    await core.send(event_of(session, 25, "1010.2", kind=ENDED, seconds=13))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_an_event_need_not_say_at_which_outlet_it_was(core: Core) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.send(msgspec.structs.replace(event, evse=None))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 10


async def test_a_journal_that_is_delivered_after_the_end_changes_the_sum_and_not_the_state(core: Core) -> None:
    session = await core.start()
    first, second, third, last = whole_session(session)
    await core.send(first)
    await core.send(last)
    for late in (second, third):
        await core.send(msgspec.structs.replace(late, offline=True))
        assert (await core.progress(session.id)).state is SessionState.ENDED
    await core.work()

    progress = await core.progress(session.id)
    assert (progress.state, progress.billed_wh) == (SessionState.SETTLED, 10)


async def test_a_multiplier_moves_the_point(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    values = [SampledValue(value=Decimal("1.0035"), unit_of_measure=UnitOfMeasure(unit="Wh", multiplier=3))]
    await core.send(_with_values(event_of(session, 1, None), values))
    values = [SampledValue(value=Decimal(10062), unit_of_measure=UnitOfMeasure(unit="kWh", multiplier=-4))]
    await core.send(_with_values(event_of(session, 2, None), values))

    assert (await core.progress(session.id)).delivered_mwh == 6200


async def test_a_power_that_no_outlet_has_is_shown_within_reason_and_bills_nothing(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003"))
    power = [SampledValue(value=Decimal("9e17"), measurand="Power.Active.Import")]
    await core.send(_with_values(event_of(session, 2, None), power))
    await core.send(event_of(session, 3, "1006"))

    assert (await core.progress(session.id)).delivered_mwh == 6000


async def test_readings_outside_of_the_transactions_events_are_answered_and_bill_nothing(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003"))
    values = [MeterValue(timestamp=AT, sampled_value=[SampledValue(value=Decimal(5000))])]

    assert isinstance(
        await core.handlers.answer(STATION, MeterValues(evse_id=1, meter_value=values)), MeterValuesResponse
    )

    assert (await core.progress(session.id)).delivered_mwh == 3000


async def test_a_meter_that_begins_anew_after_a_restart_loses_nothing_of_what_was_measured(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1006"))
    about = ChargingStation(vendor_name="Somebody", model="X")
    await core.handlers.answer(STATION, BootNotification(reason="PowerUp", charging_station=about))
    for seq_no, register in enumerate(("0", "2", "4"), start=2):
        await core.send(event_of(session, seq_no, register))
    await core.send(event_of(session, 5, "5", kind=ENDED, reason="PowerLoss"))
    await core.work()

    assert (await core.progress(session.id)).billed_wh == 6


async def test_energy_that_is_told_with_few_events_is_followed_all_the_same(core: Core) -> None:
    session = await core.start("energy", 100)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003"))
    for seq_no in range(2, 42):
        told = f"{1003 + (seq_no - 1) * 3}" if seq_no % 20 == 1 else None
        await core.send(event_of(session, seq_no, told))

    assert (await core.progress(session.id)).delivered_mwh == 123_000
    await core.work()
    core.clock.advance(timedelta(seconds=6))
    await core.work()
    assert any(isinstance(request, RequestStopTransaction) for request in core.router.asked), "it is over its limit"


async def test_an_event_is_told_again_under_the_same_or_another_message_id_and_counts_once(core: Core) -> None:
    session = await core.start()
    sent: asyncio.Queue[str] = asyncio.Queue()
    line = Connection(STATION, Version.V21, core.handlers, _Line(sent))
    event = event_of(session, 0, "1000", kind=STARTED)
    for message_id in ("m1", "m1", "m2"):
        line.receive(write_call(message_id, event, Version.V21))
        assert json.loads(await sent.get())[:2] == [3, message_id]

    async with core.services.database.transaction() as tx:
        assert await tx.scalar(select(func.count()).select_from(MeterEvent)) == 1


class _Line:
    def __init__(self, sent: asyncio.Queue[str]) -> None:
        self._sent = sent

    async def send(self, text: str) -> None:
        self._sent.put_nowait(text)

    async def close(self, code: int, reason: str) -> None:
        raise AssertionError(f"hung up: {code} {reason}")


async def test_a_wish_that_another_process_has_noted_is_seen_at_the_next_event(core: Core) -> None:
    session = await core.start("energy", 100)
    for seq_no, register in enumerate(("1000", "1003", "1006")):
        await core.send(event_of(session, seq_no, register, kind=UPDATED if seq_no else STARTED))
    async with core.services.database.transaction() as tx:
        await tx.execute(update(ChargingSession).values(stop_requested_at=AT))
    core.router.asked.clear()

    await core.send(event_of(session, 3, "1009"))
    await core.work()

    assert [type(request) for request in core.router.asked] == [RequestStopTransaction]
    assert (await core.progress(session.id)).delivered_mwh == 9000


async def test_a_limit_that_another_process_has_put_in_force_ends_the_session(core: Core) -> None:
    session = await core.start("energy", 100)
    for seq_no, register in enumerate(("1000", "1003", "1006")):
        await core.send(event_of(session, seq_no, register, kind=UPDATED if seq_no else STARTED))
    async with core.services.database.transaction() as tx:
        await tx.execute(update(ChargingSession).values(energy_cap_wh=9))

    await core.send(event_of(session, 3, "1009"))

    async with core.services.database.transaction() as tx:
        assert (await tx.get_one(ChargingSession, session.id)).stop_reason == "EnergyLimitReached"


async def test_a_sum_that_another_process_has_mended_is_not_written_over(core: Core) -> None:
    session = await core.start("energy", 100)
    for seq_no, register in enumerate(("1003", "1006", "1009"), start=1):
        await core.send(event_of(session, seq_no, register))
    other = await wired(core.services.database)

    await other.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 4, "1012"))

    assert (await core.progress(session.id)).delivered_mwh == 12_000


async def test_who_watches_a_session_hears_of_every_event(core: Core) -> None:
    session = await core.start("energy", 100)
    for seq_no, register in enumerate(("1000", "1003", "1006", "1009")):
        async with core.services.live.listening(session.id) as news:
            await core.send(event_of(session, seq_no, register, kind=UPDATED if seq_no else STARTED))
            assert news.is_set()


async def test_a_site_whose_events_only_add_up_is_seen_all_the_same(core: Core) -> None:
    session = await core.start("energy", 100)
    for seq_no in range(6):
        core.clock.advance(timedelta(seconds=4))
        await core.send(event_of(session, seq_no, f"{1000 + seq_no * 3}", kind=UPDATED if seq_no else STARTED))

    async with core.services.database.transaction() as tx:
        seen = await tx.scalar(select(Site.last_seen).where(Site.station_id == STATION))
    assert seen is not None
    assert core.clock.now() - seen < SEEN_EVERY


@settings(max_examples=up_to(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lost_repeated_and_shuffled_events_bill_once_and_never_more_than_measured(
    furnished: Template, data: st.DataObject
) -> None:
    steps = data.draw(st.lists(st.integers(0, 3300), min_size=1, max_size=5), label="mWh per step")
    registers = list(itertools.accumulate(steps, initial=1_000_000))
    last = len(registers) - 1
    lost = data.draw(st.sets(st.integers(1, max(1, last - 1)), max_size=3), label="lost") - {last}
    kept = [number for number in range(last + 1) if number not in lost]
    repeated = data.draw(st.lists(st.sampled_from(kept), max_size=3), label="repeated")
    arriving = data.draw(st.permutations(kept + repeated), label="arriving")
    asyncio.run(_bills_once(furnished, registers, arriving))


async def _bills_once(furnished: Template, registers: list[int], arriving: list[int]) -> None:
    last = len(registers) - 1
    all_arrived = False
    with tempfile.TemporaryDirectory() as folder:
        async with opened(furnished, Path(folder)) as database:
            core = await wired(database)
            core.router.answers[GetTransactionStatus] = lambda _: GetTransactionStatusResponse(
                messages_in_queue=not all_arrived
            )
            session = await core.start("energy", 100)
            for number in arriving:
                kind = STARTED if number == 0 else ENDED if number == last else UPDATED
                await core.send(event_of(session, number, str(Decimal(registers[number]) / 1000), kind=kind))
                await core.work()
            all_arrived = True
            core.clock.advance(timedelta(minutes=20))
            await core.work()

            assert (await core.progress(session.id)).state is SessionState.SETTLED
            async with database.transaction() as tx:
                receipt = (await tx.scalars(select(Receipt))).one()
                query = select(Transfer).where(Transfer.kind.in_((TransferKind.POST, TransferKind.VOID)))
                resolved = (await tx.scalars(query)).all()
    # The site delivers all that it has before the bill is made, in whatever order; both ends are always there.
    assert receipt.measured_mwh == registers[-1] - registers[0]
    assert receipt.billed_wh == receipt.measured_mwh // 1000
    assert [transfer.amount_minor for transfer in resolved] == [receipt.amount_minor]
