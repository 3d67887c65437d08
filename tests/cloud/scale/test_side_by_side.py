"""Several processes on one database at the same moments: money and events come out as from one."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from konsento.accounts import throttle
from konsento.charging import service as charging
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.kit.db import Database
from konsento.ledger import service as ledger
from konsento.models import (
    AccountKind,
    Alarm,
    AlarmKind,
    ChargingSession,
    LedgerAccount,
    LimitKind,
    MeterEvent,
    Receipt,
    SessionState,
    Work,
)
from konsento.ocpp import CallTimeout
from konsento.ocpp.messages import RequestStartTransaction, TransactionEvent
from konsento.operations import alarms
from konsento.settlement import repository as settlement

from ..conftest import AT, CODES, ENDED, STARTED, STATION, Core, accepted, event_of, whole_session, wired
from ..databases import Template

PROCESSES = 3
ROUNDS = 12


@pytest.fixture
async def cores(furnished: Template, tmp_path: Path) -> AsyncIterator[list[Core]]:
    """The domains of several processes on one database."""
    async with furnished.copied(tmp_path) as url:
        made = [await wired(Database(url, connections=5)) for _ in range(PROCESSES)]
        yield made
        for core in made:
            await core.services.database.close()


async def test_sessions_at_several_processes_are_billed_once_and_nobody_waits_in_a_circle(cores: list[Core]) -> None:
    chance = random.Random(7)  # noqa: S311  # who does what, not a secret
    firsts: list[asyncio.Task[Any]] = []
    working = [asyncio.create_task(core.services.work.run()) for core in cores]

    def told(core: Core, event: TransactionEvent) -> asyncio.Task[Any]:
        return asyncio.create_task(core.handlers.answer(STATION, event))

    def start(request: RequestStartTransaction) -> Any:
        # The first event comes at another process while this one notes the answer.
        session = ChargingSession(remote_start_id=request.remote_start_id)
        first = event_of(session, 0, "1000", kind=STARTED)
        firsts.append(told(chance.choice(cores), first))
        return accepted(f"TX-{request.remote_start_id}")

    for core in cores:
        core.router.answers[RequestStartTransaction] = start

    async def charge(outlet: int) -> None:
        wish = RequestedLimit(kind=LimitKind.ENERGY, amount=100)
        driver = cores[0].driver_id if outlet else cores[0].other_driver_id
        for _ in range(ROUNDS):
            # Pressed twice, at two processes.
            both = await asyncio.gather(
                *(
                    charging.start(core.services, Wish(driver_id=driver, outlet_code=CODES[outlet], requested=wish))
                    for core in chance.sample(cores, 2)
                )
            )
            session = both[0]
            assert {one.id for one in both} == {session.id}
            later = [event_of(session, number, f"{1000 + number * 3}") for number in range(1, 5)]
            ended = event_of(session, 5, "1015", kind=ENDED, seconds=20)
            # Sent again to another process, while the first one still has it in hand.
            sent = [told(core, event) for event in later for core in chance.sample(cores, 2)]
            await asyncio.gather(*firsts, *sent, return_exceptions=True)
            for event in [*later, ended]:
                await chance.choice(cores).handlers.answer(STATION, event)
            await _settled(cores[0], session)

    await asyncio.wait_for(asyncio.gather(charge(0), charge(1)), 100)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)

    async with cores[0].services.database.transaction() as session:
        bills = list(await session.scalars(select(Receipt)))
        events = await session.scalar(select(func.count()).select_from(MeterEvent))
        accounts = list(await session.scalars(select(LedgerAccount)))
        gone = await session.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
        sales = next(one for one in accounts if one.kind is AccountKind.SALES)
    assert [bill.measured_mwh for bill in bills] == [15_000] * (2 * ROUNDS)
    assert sorted(bill.number for bill in bills) == list(range(1, 2 * ROUNDS + 1))
    assert events == 2 * ROUNDS * 6
    assert all(task.exception() is None for task in firsts)
    assert sum(a.debits_posted for a in accounts) == sum(a.credits_posted for a in accounts)
    assert (sales.debits_pending, sales.credits_pending) == (0, 0)
    assert gone == 0


async def _settled(core: Core, session: ChargingSession) -> None:
    async with asyncio.timeout(30):
        while True:
            async with core.services.database.transaction() as tx:
                if await tx.get(Receipt, session.id) is not None:
                    return
            await asyncio.sleep(0.02)


async def test_the_first_event_may_come_while_another_process_notes_the_answer_to_the_start(cores: list[Core]) -> None:
    here, there = cores[:2]
    here.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    session = await here.start()
    async with here.services.database.transaction() as tx:
        noted = await tx.get_one(ChargingSession, session.id, with_for_update=True)
        noted.transaction_id = f"TX-{session.remote_start_id}"
        await tx.flush()
        coming = asyncio.create_task(there.handlers.answer(STATION, event_of(session, 0, "1000", kind=STARTED)))
        # It has looked for the transaction, in vain, and waits for the session.
        waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with asyncio.timeout(10), cores[2].services.database.engine.connect() as watching:
            while not await watching.scalar(waits):  # noqa: ASYNC110  # it happens in the server
                await asyncio.sleep(0.02)
    await coming
    for event in whole_session(session)[1:]:
        await there.handlers.answer(STATION, event)
    await here.work()

    progress = await here.progress(session.id)
    assert (progress.state, progress.billed_wh) == (SessionState.SETTLED, 10)


async def test_an_event_that_no_session_was_known_for_is_billed_all_the_same(cores: list[Core]) -> None:
    here, there = cores[:2]
    here.router.answers[RequestStartTransaction] = lambda _: CallTimeout(STATION, "x", "no answer in time")
    session = await here.start()
    first = event_of(session, 0, "1000", kind=STARTED, remote_start_id=None)
    await there.handlers.answer(STATION, first)
    here.router.answers[RequestStartTransaction] = lambda r: accepted(f"TX-{r.remote_start_id}")
    here.clock.advance(timedelta(seconds=21))
    await here.work()
    async with here.services.database.transaction() as tx:
        # As where another process had looked for the transaction just before, and kept the event just after.
        await tx.execute(update(MeterEvent).values(session_id=None))
    for event in whole_session(session)[1:]:
        await there.handlers.answer(STATION, event)
    await here.work()

    progress = await here.progress(session.id)
    assert (progress.state, progress.billed_wh) == (SessionState.SETTLED, 10)


async def test_what_two_processes_make_first_at_the_same_moment_is_made_once(cores: list[Core]) -> None:
    async def alarm(core: Core) -> None:
        async with core.services.database.transaction() as session:
            await alarms.report(session, AT, AlarmKind.METER_DOUBTFUL, "the same")

    async def work(core: Core) -> None:
        async with core.services.database.transaction() as session:
            await core.services.work.add(session, "watch", "all")

    async def failure(core: Core) -> None:
        async with core.services.database.transaction() as session:
            await throttle.attempt(session, b"origin", AT)

    async def number(core: Core) -> int:
        async with core.services.database.transaction() as session:
            return await settlement.take_numbers(session, settlement.RECEIPTS, 1)

    async def account(core: Core) -> None:
        async with core.services.database.transaction() as session:
            await ledger.account(session, AccountKind.WAIVED, "EUR")

    for each in (alarm, work, account):
        await asyncio.gather(*(each(core) for core in cores for _ in range(2)))
    await asyncio.gather(*(failure(core) for core in cores))
    numbers = await asyncio.gather(*(number(core) for core in cores for _ in range(2)))

    async with cores[0].services.database.transaction() as session:
        assert [one.count for one in await session.scalars(select(Alarm))] == [6]
        assert [one.generation for one in await session.scalars(select(Work).where(Work.kind == "watch"))] == [5]
    assert sorted(numbers) == list(range(1, 7))


async def test_the_same_wish_of_a_driver_at_two_processes_is_one_session(cores: list[Core]) -> None:
    wish = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
    made = await asyncio.gather(
        *(
            charging.start(core.services, Wish(driver_id=core.driver_id, outlet_code=CODES[0], requested=wish))
            for core in cores
            for _ in range(2)
        )
    )

    assert len({session.id for session in made}) == 1
    assert sum(len(core.router.asked) for core in cores) == 1
    assert await cores[0].available() == 5000 - made[0].hold_minor
