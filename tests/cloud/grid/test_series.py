"""What several sources tell of a region, kept and put together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid import series
from konsento.grid.records import BalanceSlot, FirstType, Series, Supply
from konsento.grid.series import Told, combined

from ..conftest import Core
from ..forecasts import keep_forecast, slot
from ..recommended import REGION

AT = datetime(2026, 5, 1, tzinfo=UTC)
ONE, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], scope="session")


def part(minute: int, minutes: int, **values: object) -> BalanceSlot:
    """Return a slot that begins so many minutes after `AT`."""
    told = {"supply": Supply.GENERATION} if "supply_kwh" in values else {}
    told |= {"first": FirstType.WIND_SOLAR} if "first_kwh" in values or "first_share" in values else {}
    return BalanceSlot(region=REGION, begin=AT + timedelta(minutes=minute), minutes=minutes, **(told | values))


def told(source: UUID, *slots: BalanceSlot, hour: int = 0) -> list[Told]:
    """Return what a source told; `hour` is when it came."""
    return [Told(source_id=source, slot=one, received_at=AT + timedelta(hours=hour)) for one in slots]


def values(slots: Sequence[BalanceSlot]) -> list[tuple[int, int, int | None, int | None, int | None]]:
    """Return minute, length and energies of slots."""
    return [
        (int((one.begin - AT) / timedelta(minutes=1)), one.minutes, one.demand_kwh, one.supply_kwh, one.first_kwh)
        for one in slots
    ]


def test_demand_and_capacity_of_one_source_and_sun_of_another_are_one_slot() -> None:
    capacity = told(ONE, part(0, 30, demand_kwh=1000, supply_kwh=1300, supply=Supply.CAPACITY))
    area = told(OTHER, part(0, 30, demand_kwh=990, supply_kwh=900, first_kwh=300))

    assert values(combined([*capacity, *area], Supply.CAPACITY)) == [(0, 30, 1000, 1300, 300)]
    assert values(combined([*capacity, *area], Supply.GENERATION)) == [(0, 30, 990, 900, 300)]


def test_demand_and_supply_that_two_documents_tell_are_put_together() -> None:
    load = told(ONE, *(part(minute, 15, demand_kwh=100) for minute in (0, 15, 30, 45)))
    generation = told(OTHER, part(0, 60, supply_kwh=440))
    sun = told(THIRD, *(part(minute, 15, first_kwh=50) for minute in (0, 15, 30, 45)))

    assert values(combined([*load, *generation, *sun], Supply.GENERATION)) == [(0, 60, 400, 440, 200)]
    # Where one source tells both, no other demand is mixed with its supply.
    both = told(THIRD, part(0, 60, demand_kwh=410, supply_kwh=450))
    assert values(combined([*load, *generation, *both], Supply.GENERATION)) == [(0, 60, 410, 450, None)]


def test_shorter_slots_are_summed_if_they_fill_a_longer_one_and_nothing_is_made_up() -> None:
    hours = told(ONE, *(part(minute, 60, demand_kwh=1000, supply_kwh=1100) for minute in (0, 60, 120)))
    sun = told(OTHER, *(part(5 * n, 5, first_kwh=n) for n in range(26)))
    # The third hour has two of its twelve parts.
    assert values(combined([*hours, *sun], Supply.GENERATION)) == [
        (0, 60, 1000, 1100, 66),
        (60, 60, 1000, 1100, 210),
        (120, 60, 1000, 1100, None),
    ]
    halves = told(ONE, *(part(minute, 30, demand_kwh=500, supply_kwh=600) for minute in (0, 30, 60)))
    hourly = told(OTHER, *(part(minute, 60, first_kwh=70) for minute in (0, 60)))
    assert values(combined([*halves, *hourly], Supply.GENERATION)) == [
        (0, 60, 1000, 1200, 70),
        (60, 60, None, None, 70),
    ]
    shares = told(OTHER, *(part(minute, 30, first_share=1) for minute in (0, 30)))
    (slot_of_hours, *_) = combined([*hours, *shares], Supply.GENERATION)
    assert slot_of_hours.first_share is None


def test_what_was_issued_last_counts_then_what_came_last() -> None:
    early = told(ONE, part(0, 30, demand_kwh=1, supply_kwh=1, issued_at=AT), hour=9)
    late = told(OTHER, part(0, 30, demand_kwh=2, supply_kwh=2, issued_at=AT + timedelta(hours=1)), hour=2)
    unknown = told(THIRD, part(0, 30, demand_kwh=3, supply_kwh=3), hour=10)

    assert values(combined([*early, *late, *unknown], Supply.GENERATION)) == [(0, 30, 2, 2, None)]
    assert values(
        combined([*unknown, *told(ONE, part(0, 30, demand_kwh=4, supply_kwh=4), hour=11)], Supply.GENERATION)
    ) == [(0, 30, 4, 4, None)]


def test_what_is_said_to_be_issued_in_the_future_is_no_newer_than_when_it_came() -> None:
    said = [AT - timedelta(hours=1), None, AT + timedelta(days=3)]

    ages = [one.age_from - AT for at in said for one in told(ONE, part(0, 30, demand_kwh=1, issued_at=at))]

    assert ages == [-timedelta(hours=1), timedelta(), timedelta()]


def test_solar_of_one_source_and_all_renewables_of_another_are_never_mixed_in_a_row() -> None:
    wind = told(ONE, *(part(60 * n, 60, first_kwh=10) for n in range(24)))
    later = timedelta(hours=1)
    all_kinds = [part(60 * n, 60, first_kwh=90, first=FirstType.RENEWABLE, issued_at=AT + later) for n in range(12, 20)]

    kept = combined([*wind, *told(OTHER, *all_kinds)], Supply.GENERATION)

    assert [(one.first, one.first_kwh) for one in kept] == [(FirstType.WIND_SOLAR, 10)] * 24


def test_a_region_of_which_only_the_first_type_is_told_has_its_slots() -> None:
    sun = told(ONE, part(0, 30, first_kwh=5), part(30, 30, first_kwh=6))
    balance = told(OTHER, part(30, 30, demand_kwh=10, supply_kwh=20))

    assert values(combined([*sun, *balance], Supply.GENERATION)) == [(0, 30, None, None, 5), (30, 30, 10, 20, 6)]
    assert combined([], Supply.GENERATION) == []


parts = st.builds(
    lambda place, minutes, demand, supply, first, issue: part(
        place * 15,
        minutes,
        **({"demand_kwh": demand} if demand else {}),
        **({"supply_kwh": supply} if supply else {}),
        **({"first_kwh": first} if first else {}),
        issued_at=AT + timedelta(hours=issue) if issue else None,
    ),
    st.integers(0, 12),
    st.sampled_from([15, 30, 60]),
    *[st.integers(0, 50)] * 3,
    st.integers(0, 3),
)


@given(st.lists(st.tuples(st.sampled_from([ONE, OTHER, THIRD]), parts), max_size=30), st.randoms())
def test_what_is_put_together_is_one_row_whatever_the_order(
    heard: list[tuple[UUID, BalanceSlot]], random: Random
) -> None:
    once = {(source, one.begin): one for source, one in heard}
    rows = [Told(source_id=source, slot=one, received_at=AT) for (source, _), one in once.items()]
    shuffled = list(rows)
    random.shuffle(shuffled)

    kept = combined(rows, Supply.GENERATION)

    assert combined(shuffled, Supply.GENERATION) == kept
    assert all(one.end <= two.begin for one, two in pairwise(kept))
    first = sum(row.slot.first_kwh or 0 for row in rows)
    assert sum(one.first_kwh or 0 for one in kept) <= first


@BOTH
async def test_an_older_issue_does_not_take_the_place_of_a_newer_one(core: Core) -> None:
    begin = core.clock.now()
    issue = replace(slot(begin, 20, 50), issued_at=AT)
    source = await keep_forecast(core.services, [issue])

    async def after(*slots: BalanceSlot) -> list[int | None]:
        async with core.services.database.transaction() as session:
            await series.keep(session, source, slots, core.clock.now())
            kept = await series.between(session, REGION, begin, begin + timedelta(hours=1))
        return [one.supply_kwh for one in kept]

    newer = replace(slot(begin, 7, 7), issued_at=AT + timedelta(days=2))
    older = replace(slot(begin, 1, 1), issued_at=AT + timedelta(days=1))
    assert await after(newer) == [1070]
    assert await after(older) == [1070]
    # The same in one file, and a source that does not say when.
    assert await after(replace(newer, supply_kwh=5, issued_at=AT + timedelta(days=3)), older) == [5]
    assert await after(replace(older, issued_at=None)) == [1010]


@BOTH
async def test_series_regions_and_sources_are_kept_apart_however_many_slots_there_are(core: Core) -> None:
    begin = core.clock.now()
    until = begin + timedelta(days=30)
    month = [slot(begin + n * timedelta(minutes=30), n % 50, 40) for n in range(48 * 30)]
    measured = [replace(one, series=Series.ACTUAL, supply_kwh=1) for one in month[:10]]
    elsewhere = [replace(one, region="JP-A04") for one in month[:10]]
    source = await keep_forecast(core.services, [*month, *measured, *elsewhere])

    async with core.services.database.transaction() as session:
        assert await series.between(session, REGION, begin, until) == month
        actual = await series.between(session, REGION, begin, until, series=Series.ACTUAL)
        assert [one.supply_kwh for one in actual] == [1] * 10
        assert len(await series.between(session, "JP-A04", begin, until)) == 10
        rows = await series.told(session, REGION, begin, until)
        assert {(row.source_id, row.received_at) for row in rows} == {(source, core.clock.now())}
        await series.forget(session, begin + timedelta(days=29, minutes=1))
        assert len(await series.between(session, REGION, begin, until)) == 48
