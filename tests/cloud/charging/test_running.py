"""The step from one event to the next says the same as all events together."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from konsento.charging.cost import priced_anew
from konsento.charging.meter import read
from konsento.charging.running import Running, following
from konsento.kit.ids import new_id
from konsento.models import MeterEvent
from konsento.ocpp.messages import (
    MeterValue,
    SampledValue,
    TransactionEvent,
    TransactionEventType,
    TransactionInfo,
)
from konsento.pricing import Price
from konsento.settlement.measurement import Point, measure

from ..conftest import AT
from ..pricing.prices import prices

BEGIN = 1_000_000
# Register in mWh, seconds of the clock and of supply since the event before; nonsense among them.
STEP = st.tuples(
    st.one_of(st.none(), st.integers(BEGIN, BEGIN + 60_000), st.integers(0, 10**9)),
    st.integers(-100, 100),
    st.one_of(st.none(), st.integers(-5, 400)),
)


def told(seq_no: int, register: int | None, clock_s: int, seconds: int | None) -> TransactionEvent:
    at = AT + timedelta(seconds=clock_s)
    return TransactionEvent(
        event_type=TransactionEventType.UPDATED,
        timestamp=at,
        trigger_reason="MeterValuePeriodic",
        seq_no=seq_no,
        transaction_info=TransactionInfo(transaction_id="T", charging_state="Charging", time_spent_charging=seconds),
        meter_value=[MeterValue(timestamp=at, sampled_value=[SampledValue(value=Decimal(register) / 1000)])]
        if register is not None
        else None,
    )


def kept(event: TransactionEvent) -> MeterEvent:
    said = read(event.meter_value or ())
    spent = event.transaction_info.time_spent_charging
    return MeterEvent(
        seq_no=event.seq_no,
        event_type="Updated" if event.seq_no else "Started",
        at=event.timestamp,
        seconds=spent if spent is None or spent >= 0 else None,
        begin_mwh=said.begin_mwh,
        register_mwh=said.register_mwh,
    )


def record(**changes: object) -> Running:
    values = {
        "session_id": new_id(),
        "site_id": new_id(),
        "rated_w": 3000,
        "most_mwh": 10**12,
        "most_s": None,
        "suspended": False,
        "last_seq_no": 1,
        "begin_mwh": BEGIN,
        "last": Point(BEGIN + 1000, AT, 4),
        "price": Price.per_kwh(Decimal(38), "JPY", Decimal("0.1")),
        "priced": None,
        "seconds": 4,
        "power_w": 3000,
        "drawn_mwh": 0,
        "drawn_at": AT,
        "seen_at": AT,
    }
    return Running(**{**values, **changes})  # type: ignore[arg-type]  # the names are those of the fields


@given(steps=st.lists(STEP, max_size=15))
def test_event_after_event_adds_up_to_what_all_of_them_measure(
    steps: Sequence[tuple[int | None, int, int | None]],
) -> None:
    events = [told(0, BEGIN, 0, 0), told(1, BEGIN + 1000, 0, 4)]
    running = record()
    clock_s = 0
    for seq_no, (register, passed, seconds) in enumerate(steps, start=2):
        clock_s += passed
        event = told(seq_no, register, clock_s, seconds)
        events.append(event)
        after = following(running, event, read(event.meter_value or ()), AT, None)
        assert after is not None
        running = after

    measured = measure([kept(event) for event in events], 3000)

    assert (running.begin_mwh, running.delivered_mwh) == (measured.begin_mwh, measured.mwh)
    assert running.last == measured.last
    assert running.last_seq_no == len(events) - 1


@given(steps=st.lists(STEP, max_size=15), price=prices())
def test_event_after_event_is_priced_as_all_of_them(
    steps: Sequence[tuple[int | None, int, int | None]], price: Price
) -> None:
    assume(not price.flat)
    events = [told(0, BEGIN, 0, 0), told(1, BEGIN + 1000, 0, 4)]
    running = record(price=price, priced=priced_anew(price, measure([kept(event) for event in events], 3000)))
    clock_s = 0
    for seq_no, (register, passed, seconds) in enumerate(steps, start=2):
        clock_s += passed
        events.append(told(seq_no, register, clock_s, seconds))
        after = following(running, events[-1], read(events[-1].meter_value or ()), AT, None)
        assert after is not None
        running = after

    assert running.priced == priced_anew(price, measure([kept(event) for event in events], 3000))


def _follows(running: Running, event: TransactionEvent, idle: timedelta | None = None) -> bool:
    later = AT + timedelta(minutes=5)
    return following(running, event, read(event.meter_value or ()), later, idle) is not None


def test_whatever_is_more_than_the_next_reading_is_left_to_who_looks_at_everything() -> None:
    plain = told(2, BEGIN + 2000, 4, 8)
    assert _follows(record(), plain)

    assert not _follows(record(), told(1, BEGIN + 2000, 4, 8)), "again"
    assert not _follows(record(), told(3, BEGIN + 2000, 4, 8)), "a gap"
    assert not _follows(record(suspended=True), plain), "it goes on"
    assert not _follows(record(most_mwh=2000), plain), "the limit of energy is reached"
    assert not _follows(record(most_s=8), plain), "the limit of time is reached"
    assert not _follows(record(), plain, timedelta(minutes=5)), "the car draws nothing"
