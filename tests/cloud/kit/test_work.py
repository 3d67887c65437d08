"""Due work: it is done, once it is committed, however often a process dies."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import event

from konsento.kit.clock import ManualClock, SystemClock
from konsento.kit.db import Database
from konsento.kit.work import DEAD_AFTER, IDLE_LOOK_S, LEASE, Again, Job, WorkQueue
from konsento.kit.work_table import Work, WorkState

from ..conftest import AT


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
def queue(database: Database, clock: ManualClock) -> WorkQueue:
    return WorkQueue(database, clock)


async def _add(database: Database, queue: WorkQueue, key: str = "a", after_s: float = 0) -> None:
    async with database.transaction() as session:
        await queue.add(session, "test", key, payload={"n": 1}, after_s=after_s)


async def _row(database: Database, key: str = "a") -> Work:
    async with database.transaction() as session:
        return await session.get_one(Work, ("test", key))


async def test_work_runs_at_once_after_the_commit(database: Database, queue: WorkQueue) -> None:
    done: asyncio.Queue[Job] = asyncio.Queue()

    @queue.on("test")
    async def handler(job: Job) -> None:
        await done.put(job)

    runner = asyncio.create_task(queue.run())
    await asyncio.sleep(0)
    await _add(database, queue)

    job = await asyncio.wait_for(done.get(), 60)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert (job.key, job.payload) == ("a", {"n": 1})
    assert (await _row(database)).state is WorkState.DONE


async def test_work_of_a_transaction_that_was_rolled_back_never_runs(database: Database, queue: WorkQueue) -> None:
    ran: list[str] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        ran.append(job.key)

    async def fails() -> None:
        async with database.transaction() as session:
            await queue.add(session, "test", "a")
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    await queue.drain()

    assert ran == []


async def test_work_for_later_waits(database: Database, queue: WorkQueue, clock: ManualClock) -> None:
    ran: list[str] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        ran.append(job.key)

    await _add(database, queue, after_s=30)
    await queue.drain()
    assert ran == []
    clock.advance(timedelta(seconds=30))
    await queue.drain()
    assert ran == ["a"]


async def test_work_due_before_the_next_look_is_done_in_time_and_work_due_after_it_wakes_nobody(
    database: Database,
) -> None:
    queue = WorkQueue(database, SystemClock())
    done: asyncio.Queue[str] = asyncio.Queue()
    began: list[float] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        await done.put(job.key)

    event.listen(database.engine.sync_engine, "begin", lambda _: began.append(monotonic()))
    runner = asyncio.create_task(queue.run())
    # The runner sleeps now, for as long as it does without work.
    await _add(database, queue, "first")
    assert await asyncio.wait_for(done.get(), 60) == "first"
    await asyncio.sleep(0.2)
    began.clear()
    await _add(database, queue, "later", after_s=3600)
    await asyncio.sleep(0.2)
    looks = len(began) - 1
    await _add(database, queue, "soon", after_s=0.2)

    assert await asyncio.wait_for(done.get(), IDLE_LOOK_S / 2) == "soon"
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert looks == 0


async def test_asking_twice_is_asking_once_and_the_earlier_time_counts(database: Database, queue: WorkQueue) -> None:
    ran: list[str] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        ran.append(job.key)

    await _add(database, queue, after_s=60)
    await _add(database, queue)
    await _add(database, queue, after_s=60)
    await queue.drain()

    assert ran == ["a"]


async def test_a_request_during_the_work_is_not_lost(database: Database, queue: WorkQueue, clock: ManualClock) -> None:
    ran: list[str] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        ran.append(job.key)
        if len(ran) == 1:
            await _add(database, queue)

    await _add(database, queue)
    await queue.drain()
    await queue.drain()

    assert ran == ["a", "a"]


async def test_failing_work_is_tried_again_later_and_later_and_at_last_left_to_the_operator(
    database: Database, queue: WorkQueue, clock: ManualClock
) -> None:
    times: list[float] = []

    @queue.on("test")
    async def handler(job: Job) -> None:
        times.append((clock.now() - AT).total_seconds())
        raise ValueError("secret@example.com")

    await _add(database, queue)
    for _ in range(DEAD_AFTER + 5):
        await queue.drain()
        clock.advance(timedelta(seconds=901))

    row = await _row(database)
    assert len(times) == DEAD_AFTER
    assert row.state is WorkState.DEAD
    assert row.last_error == "ValueError"


async def test_the_work_of_a_dead_process_is_taken_over_when_its_lease_is_over(
    database: Database, queue: WorkQueue, clock: ManualClock
) -> None:
    stuck = asyncio.Event()

    @queue.on("test")
    async def dies(job: Job) -> None:
        stuck.set()
        await asyncio.Event().wait()

    await _add(database, queue)
    await queue.run_due()
    await stuck.wait()

    ran: list[str] = []
    other = WorkQueue(database, clock)

    @other.on("test")
    async def handler(job: Job) -> None:
        ran.append(job.key)

    await other.drain()
    assert ran == []
    clock.advance(LEASE)
    await other.drain()
    assert ran == ["a"]


async def test_work_that_is_not_finished_asks_for_another_time(
    database: Database, queue: WorkQueue, clock: ManualClock
) -> None:
    ran: list[int] = []

    @queue.on("test")
    async def handler(job: Job) -> Again | None:
        ran.append(job.attempts)
        return Again(10) if len(ran) < 3 else None

    await _add(database, queue)
    for _ in range(5):
        await queue.drain()
        clock.advance(timedelta(seconds=10))

    assert ran == [0, 0, 0]
    assert (await _row(database)).state is WorkState.DONE


async def test_a_kind_has_one_handler(queue: WorkQueue) -> None:
    async def handler(job: Job) -> None: ...

    queue.on("test")(handler)
    with pytest.raises(ValueError, match="handler already"):
        queue.on("test")(handler)


async def test_a_kind_with_places_of_its_own_keeps_no_other_work_waiting(database: Database, queue: WorkQueue) -> None:
    go_on, begun, done = asyncio.Event(), asyncio.Semaphore(0), asyncio.Event()
    most = 0

    @queue.on("slow", places=3)
    async def slow(_job: Job) -> None:
        nonlocal most
        most += 1
        begun.release()
        await go_on.wait()

    @queue.on("test")
    async def quick(_job: Job) -> None:
        done.set()

    async with database.transaction() as session:
        for number in range(20):
            await queue.add(session, "slow", str(number))
    runner = asyncio.create_task(queue.run())
    for _ in range(3):
        await begun.acquire()
    await _add(database, queue)
    await asyncio.wait_for(done.wait(), 60)
    slow_then = most
    go_on.set()
    for _ in range(17):
        await asyncio.wait_for(begun.acquire(), 60)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)

    assert (slow_then, most) == (3, 20)


async def test_a_kind_in_batches_comes_many_at_a_time_and_each_has_an_outcome_of_its_own(
    database: Database, queue: WorkQueue, clock: ManualClock
) -> None:
    calls: list[list[str]] = []

    @queue.in_batches("test", most=4)
    async def handler(jobs: Sequence[Job]) -> dict[str, Again]:
        calls.append(sorted(job.key for job in jobs))
        return {"b": Again(10)} if len(calls) == 1 else {}

    async with database.transaction() as session:
        await queue.add_all(session, "test", "abcdef")
    await queue.drain()
    first = [len(call) for call in calls]
    states = [(await _row(database, key)).state for key in "abcdef"]
    clock.advance(timedelta(seconds=10))
    await queue.drain()

    assert first == [4, 2]
    assert sorted(key for call in calls[:2] for key in call) == list("abcdef")
    assert states == [WorkState.DONE if key != "b" else WorkState.DUE for key in "abcdef"]
    assert calls[2:] == [["b"]]


async def test_one_that_cannot_be_done_takes_no_other_of_its_batch_down(
    database: Database, queue: WorkQueue, clock: ManualClock
) -> None:
    done: list[str] = []

    @queue.in_batches("test", most=10)
    async def handler(jobs: Sequence[Job]) -> dict[str, Again]:
        if any(job.key == "c" for job in jobs):
            raise ValueError
        done.extend(job.key for job in jobs)
        return {}

    async with database.transaction() as session:
        await queue.add_all(session, "test", "abcde")
    await queue.drain()

    assert sorted(done) == list("abde")
    poisoned = await _row(database, "c")
    assert (poisoned.state, poisoned.attempts, poisoned.last_error) == (WorkState.DUE, 1, "ValueError")
    assert {(await _row(database, key)).state for key in "abde"} == {WorkState.DONE}


async def test_two_processes_never_have_the_same_work_in_hand(database: Database, clock: ManualClock) -> None:
    both = [WorkQueue(database, clock) for _ in range(2)]
    taken: list[str] = []

    async def handler(jobs: Sequence[Job]) -> dict[str, Again]:
        taken.extend(job.key for job in jobs)
        return {}

    for queue in both:
        queue.in_batches("test", most=7)(handler)
    async with database.transaction() as session:
        await both[0].add_all(session, "test", [str(number) for number in range(100)])
    await asyncio.gather(*(queue.drain() for queue in both))

    assert sorted(taken) == sorted(str(number) for number in range(100))
