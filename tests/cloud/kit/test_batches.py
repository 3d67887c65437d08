"""Group commit: who waits gets an own answer, whatever becomes of the others."""

import asyncio
from collections.abc import Sequence

import pytest

from konsento.kit.batches import Batches, TooManyWaitingError


class Store:
    """Keeps numbers; some of them it cannot keep."""

    def __init__(self, *, at_once: int = 100) -> None:
        self.kept: list[int] = []
        self.batches: list[int] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()
        self._at_once = at_once

    async def keep(self, numbers: Sequence[int]) -> list[str]:
        self.batches.append(len(numbers))
        await self.open.wait()
        if self.away:
            raise ConnectionRefusedError
        if any(number < 0 for number in numbers):
            raise ValueError("below zero")
        self.kept += numbers[: self._at_once]
        return [f"kept {number}" for number in numbers[: self._at_once]]


def batches(store: Store, *, most: int = 100, most_waiting: int = 1000) -> Batches[int, str]:
    return Batches(store.keep, most=most, most_waiting=most_waiting, pause_s=0)


async def test_what_comes_during_a_commit_shares_the_next_one_and_each_gets_its_own_answer() -> None:
    store = Store()
    store.open.clear()
    queue = batches(store)
    first = queue.put(0)
    await asyncio.sleep(0.01)
    others = [queue.put(number) for number in range(1, 51)]
    store.open.set()

    assert await first == "kept 0"
    assert await asyncio.gather(*others) == [f"kept {number}" for number in range(1, 51)]
    assert store.batches == [1, 50]


async def test_one_that_cannot_be_kept_fails_alone() -> None:
    store = Store()
    queue = batches(store)

    answers = await asyncio.gather(*(queue.put(number) for number in (1, 2, -3, 4, 5)), return_exceptions=True)

    assert [str(answer) for answer in answers] == ["kept 1", "kept 2", "below zero", "kept 4", "kept 5"]
    assert store.kept == [1, 2, 4, 5]


async def test_a_database_that_is_away_fails_all_at_once_and_is_asked_again_by_the_next() -> None:
    store = Store()
    store.away = True
    queue = batches(store)

    answers = await asyncio.gather(*(queue.put(number) for number in range(50)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionRefusedError) for answer in answers)
    assert store.batches == [50]

    store.away = False
    assert await queue.put(7) == "kept 7"


async def test_batches_are_bounded_and_what_is_left_over_comes_next_in_its_order() -> None:
    store = Store(at_once=3)
    queue = batches(store, most=5)

    await asyncio.gather(*(queue.put(number) for number in range(11)))

    assert store.kept == list(range(11))
    assert max(store.batches) == 5


async def test_the_queue_is_bounded() -> None:
    store = Store()
    queue = batches(store, most_waiting=3)
    waiting = [queue.put(number) for number in range(3)]

    with pytest.raises(TooManyWaitingError):
        queue.put(3)

    await asyncio.gather(*waiting)
    assert queue.waiting == 0
    assert await queue.put(4) == "kept 4"


async def test_who_does_not_wait_any_more_keeps_nobody_waiting() -> None:
    store = Store()
    store.open.clear()
    queue = batches(store)
    gone, there = queue.put(1), queue.put(2)
    gone.cancel()
    store.open.set()

    assert await there == "kept 2"
    assert store.kept == [1, 2]
