"""Meter events as sites really send them: twice, late, out of order, with nonsense in them, or not at all."""

import asyncio
import itertools
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from konsento.models import MeterEvent, Receipt, SessionState, Transfer, TransferKind
from konsento.ocpp import CallTimeout
from konsento.ocpp.messages import (
    AuthorizationStatus,
    GetTransactionStatus,
    GetTransactionStatusResponse,
    IdToken,
    MeterValue,
    RequestStartTransaction,
    SampledValue,
    TransactionEvent,
    UnitOfMeasure,
)

from ..conftest import AT, ENDED, STARTED, STATION, UPDATED, Core, event_of, opened, whole_session, wired
from ..databases import Template


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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
