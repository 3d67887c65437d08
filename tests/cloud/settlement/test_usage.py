"""From the readings that count to what is billed."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from konsento.pricing import Price, Usage, bill
from konsento.settlement.measurement import measure
from konsento.settlement.usage import usage_of

from ..conftest import AT, rate
from .test_measurement import Event

MINUTE = 60


def used(*told: tuple[int | None, int, int | None]) -> Usage:
    """Return the usage of events by register in mWh, seconds of the clock, and seconds of supply."""
    events = [
        Event(seq_no, register, "Updated" if seq_no else "Started", AT + timedelta(seconds=clock_s), seconds)
        for seq_no, (register, clock_s, seconds) in enumerate(told)
    ]
    usage = usage_of(measure(events, 3000), events)
    assert usage is not None
    return usage


def test_energy_and_time_lie_between_the_readings_that_count() -> None:
    usage = used((0, 0, 0), (50_000, MINUTE, MINUTE), (1, 2 * MINUTE, 2 * MINUTE), (150_000, 3 * MINUTE, 3 * MINUTE))

    assert [(part.mwh, part.supply_s, part.idle) for part in usage.parts] == [
        (50_000, MINUTE, False),
        (100_000, 2 * MINUTE, False),
    ]
    assert (usage.begin, usage.end) == (AT, AT + timedelta(minutes=3))
    assert (usage.mwh, usage.supply_s, usage.idle_s) == (150_000, 180, 0)


def test_a_car_that_takes_less_than_a_charger_on_standby_stands_idle() -> None:
    usage = used((0, 0, 0), (50_000, 60, 60), (50_300, 120, 120), (50_600, 180, 180), (100_000, 240, 240))

    assert [part.idle for part in usage.parts] == [False, True, True, False]
    assert usage.idle_s == 120


def test_a_meter_of_whole_watt_hours_does_not_make_a_standby_a_draw_nor_a_slow_car_idle() -> None:
    standby = used(*((at // 120 * 1000, at, at) for at in range(0, 3601, 15)))
    slow = used(*((at // 36 * 1000, at, at) for at in range(0, 3601, 15)))
    price = Price(
        currency="JPY",
        tax_rate=Decimal("0.1"),
        rates=(rate("energy", "0"), rate("idle", "6", free_s=60)),
    )

    assert bill(price, standby).total_minor == 6 * 59
    assert bill(price, slow).total_minor == 0


def test_a_pause_of_the_outlet_is_no_supply_and_not_the_cars_doing() -> None:
    usage = used((0, 0, 0), (50_000, 60, 60), (50_000, 660, 60), (100_000, 720, 120))

    assert (usage.supply_s, usage.idle_s) == (120, 0)


def test_time_after_the_last_reading_is_supply_but_not_idle() -> None:
    usage = used((0, 0, 0), (50_000, 60, 60), (None, 300, 300))

    assert (usage.supply_s, usage.idle_s, usage.mwh) == (300, 0, 50_000)


def test_a_site_that_tells_no_energy_is_billed_its_time() -> None:
    usage = used((None, 0, 0), (None, 300, 300))

    assert (usage.supply_s, usage.mwh) == (300, 0)


def test_where_a_station_counts_no_seconds_those_between_its_readings_are_taken() -> None:
    assert used((0, 0, None), (50_000, 60, None), (90_000, 120, None)).supply_s == 120


def test_a_clock_that_was_set_meanwhile_moves_no_energy_into_the_past() -> None:
    usage = used((0, 0, 0), (50_000, -86_400, 60), (100_000, -86_340, 120))

    assert [part.end - part.begin for part in usage.parts] == [timedelta(0), timedelta(minutes=1)]
    assert (usage.mwh, usage.supply_s) == (100_000, 120)


def test_without_any_event_there_is_no_usage() -> None:
    assert usage_of(measure([], 3000), []) is None


TOLD = st.lists(
    st.tuples(st.none() | st.integers(0, 10**7), st.integers(0, 200), st.none() | st.integers(0, 10_000)), max_size=12
)


@given(told=TOLD)
def test_all_parts_together_are_what_is_measured_whatever_a_site_tells(
    told: list[tuple[int | None, int, int | None]],
) -> None:
    clock_s, events = 0, []
    for seq_no, (register, passed_s, seconds) in enumerate(told):
        clock_s += passed_s
        events.append(Event(seq_no, register, "Updated", AT + timedelta(seconds=clock_s), seconds))
    measured = measure(events, 3000)

    usage = usage_of(measured, list(reversed(events)))

    assert (usage.mwh if usage is not None else 0) == measured.mwh
    for part in usage.parts if usage is not None else ():
        assert part.begin <= part.end
        assert part.mwh >= 0
        assert part.supply_s >= 0
