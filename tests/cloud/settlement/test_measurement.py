"""How much energy events prove."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from konsento.settlement.measurement import measure, missing

from ..conftest import AT


@dataclass
class Event:
    seq_no: int
    register_mwh: int | None
    event_type: str = "Updated"
    at: datetime = AT
    seconds: int | None = None
    begin_mwh: int | None = None


def _events(*registers: int | None) -> list[Event]:
    return [
        Event(i, register, "Updated" if i else "Started", AT + timedelta(seconds=10 * i), 10 * i)
        for i, register in enumerate(registers)
    ]


def test_energy_is_the_last_register_less_the_first() -> None:
    assert measure(_events(5_000, 9_000, 13_000), 3000).mwh == 8_000


def test_no_energy_at_all_is_nothing() -> None:
    assert measure([], 3000).mwh == 0
    assert measure(_events(None, None), 3000).begin_mwh is None


def test_a_begin_that_is_named_only_at_the_end_counts() -> None:
    events = [Event(0, None, "Started"), Event(1, 13_000, "Ended", AT + timedelta(seconds=10), 10, begin_mwh=5_000)]

    assert measure(events, 3000).mwh == 8_000


def test_a_clock_that_was_set_back_loses_no_energy() -> None:
    events = _events(0, 8_000, 16_000)
    events[2].at = AT - timedelta(days=1)

    assert measure(events, 3000).mwh == 16_000


def test_doubtful_readings_are_counted_for_the_operator() -> None:
    assert measure(_events(5_000, 9_000, 1, 10**12, 13_000), 3000).doubtful == 2


REGISTERS = st.lists(st.one_of(st.none(), st.integers(0, 10**7)), max_size=12)


@given(registers=REGISTERS, seed=st.integers())
def test_the_order_of_arrival_does_not_matter(registers: list[int | None], seed: int) -> None:
    events = _events(*registers)
    shuffled = random.Random(seed).sample(events, len(events))  # noqa: S311  # not a secret

    assert measure(shuffled, 3000) == measure(events, 3000)


@given(registers=REGISTERS)
def test_never_less_than_nothing_nor_more_than_between_any_two_readings(registers: list[int | None]) -> None:
    read = [register for register in registers if register is not None]

    mwh = measure(_events(*registers), 3000).mwh

    assert 0 <= mwh <= (max(read) - min(read) if read else 0)


@given(registers=REGISTERS)
def test_never_more_than_the_outlet_can_supply(registers: list[int | None]) -> None:
    events = _events(*registers)
    most = sum(int(3000 * 1.5 * 1000 * 11 / 3600) + 10_000 for _ in events)

    assert measure(events, 3000).mwh <= most


def test_what_is_missing_is_noticed() -> None:
    events = _events(0, 1, 2)
    assert not missing(events)
    assert missing([events[0], events[2]])
    assert missing(events[1:])
    assert missing([])
