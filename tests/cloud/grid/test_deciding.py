"""What is decided about a day, kept, put in force, and explained afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from konsento.grid import series, windows
from konsento.grid.decisions import decide, decisions_of, recompute
from konsento.grid.finding import day_bounds, find
from konsento.grid.records import BalanceSlot
from konsento.grid.region_errors import BadRegion, BadRule, RegionKnown
from konsento.grid.regions import WantedRegion, add_region, all_regions, find_region
from konsento.grid.replay import replay
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.models import GridRegion, WindowDecision
from konsento.services import Services

from ..conftest import Core
from ..forecasts import ZONE, keep_forecast, slot, sunny
from ..recommended import REGION

DAY = date(2026, 11, 23)
"""The day after that of the tests."""
BEGIN, END = day_bounds(DAY, ZONE)
BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], scope="session")
FIXED = Rule(reference=Reference(mode=ReferenceMode.PERCENT, value=Decimal(5)))


async def decided(core: Core, day: date = DAY) -> WindowDecision:
    async with core.services.database.transaction() as session:
        return await decide(session, await find_region(session, REGION), day, core.clock.now())


async def in_force(services: Services) -> list[tuple[datetime, datetime]]:
    async with services.database.transaction() as session:
        found = await windows.in_force(session, REGION, BEGIN, END)
    return [(window.begin, window.end) for window in found]


async def again(core: Core, source: UUID, slots: Sequence[BalanceSlot]) -> None:
    """Have a source tell other numbers."""
    async with core.services.database.transaction() as session:
        await series.keep(session, source, slots, core.clock.now())


def hours(first: int, last: int) -> tuple[datetime, datetime]:
    return BEGIN + timedelta(hours=first), BEGIN + timedelta(hours=last)


@BOTH
async def test_what_is_found_is_in_force_until_it_is_found_otherwise(core: Core) -> None:
    source = await keep_forecast(core.services, sunny(DAY), FIXED)
    assert (await decided(core)).outcome == "new"
    assert await in_force(core.services) == [hours(8, 16)]
    assert (await decided(core)).outcome == "same"

    await again(core, source, sunny(DAY, (9, 15)))
    assert (await decided(core)).outcome == "changed"
    assert await in_force(core.services) == [hours(9, 15)]

    await again(core, source, sunny(DAY, (9, 9)))
    gone = await decided(core)
    assert (gone.outcome, gone.reason) == ("withdrawn", "never_surplus")
    assert await in_force(core.services) == []
    assert (await decided(core)).outcome == "none"


async def test_what_drivers_have_plugged_in_for_is_not_taken_back(core: Core) -> None:
    source = await keep_forecast(core.services, sunny(DAY), FIXED)
    first = await decided(core)
    core.clock.advance(BEGIN + timedelta(hours=8) - core.clock.now())
    await again(core, source, sunny(DAY, (12, 16)))

    assert (await decided(core)).id == first.id
    assert await in_force(core.services) == [hours(8, 16)]


async def test_data_that_do_not_suffice_decide_nothing_and_take_nothing_back(core: Core) -> None:
    assert REGION == "JP-A03"
    source = await keep_forecast(core.services, sunny(DAY), FIXED)
    await decided(core)
    async with core.services.database.transaction() as session:
        await session.execute(text("DELETE FROM grid_slots"))
    lost = await decided(core)
    assert (lost.outcome, lost.reason, lost.windows) == ("undecided", "no_data", [])

    await again(core, source, sunny(DAY)[:41])
    part = await decided(core)
    assert (part.outcome, part.reason) == ("undecided", "too_much_missing")

    await again(core, source, sunny(DAY, (9, 15)))
    core.clock.advance(timedelta(hours=20))
    async with core.services.database.transaction() as session:
        await session.execute(text("UPDATE grid_sources SET stale_after_s = 3600"))
    old = await decided(core)
    assert (old.outcome, old.reason) == ("undecided", "stale")
    assert await in_force(core.services) == [hours(8, 16)]


@BOTH
async def test_every_decision_can_be_computed_again_from_what_was_stored_with_it(core: Core) -> None:
    history = [one for back in range(1, 8) for one in sunny(DAY - timedelta(days=back), (6, 18))]
    of_peak = Rule(threshold=Threshold(unit=ThresholdUnit.PEAK, value=Decimal(70)))
    await keep_forecast(core.services, [*history, *sunny(DAY)], of_peak)
    made = await decided(core)
    async with core.services.database.transaction() as session:
        await session.execute(text("DELETE FROM grid_slots"))
        (stored,) = await decisions_of(session, REGION, most=10)

    found = recompute(stored)

    assert found == find(sunny(DAY), of_peak, DAY, ZONE, history)
    assert [one["begin"] for one in made.windows] == [window.begin.isoformat() for window in found.windows]
    assert (found.history_days, found.reference_percent, found.threshold_mw) == (7, 10, Decimal("0.616"))


async def test_the_database_refuses_to_change_a_decision(core: Core) -> None:
    await keep_forecast(core.services, sunny(DAY), FIXED)
    await decided(core)

    for change in ("UPDATE window_decisions SET outcome = 'none'", "DELETE FROM window_decisions"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with core.services.database.transaction() as session:
                await session.execute(text(change))


@pytest.mark.parametrize(("told", "outcome"), [(42, "new"), (41, "undecided")])
async def test_of_a_day_an_eighth_may_be_missing(core: Core, told: int, outcome: str) -> None:
    await keep_forecast(core.services, sunny(DAY)[:told], FIXED)

    assert (await decided(core)).outcome == outcome


async def test_as_long_as_one_of_two_files_has_not_come_nothing_is_decided(core: Core) -> None:
    source = await keep_forecast(core.services, sunny(DAY), FIXED)
    await decided(core)
    await again(core, source, [replace(one, first_kwh=None, first=None) for one in sunny(DAY)])

    without_sun = await decided(core)

    assert (without_sun.outcome, without_sun.reason) == ("undecided", "nothing_told")
    assert await in_force(core.services) == [hours(8, 16)]


async def test_a_source_that_is_stale_is_left_out_and_a_fresh_one_counts(core: Core) -> None:
    issued = core.clock.now() - timedelta(days=2)
    old = [replace(one, issued_at=issued) for one in sunny(DAY, (7, 17))]
    source = await keep_forecast(core.services, old, FIXED)

    # However lately it was fetched again: what it says is two days old.
    left_out = await decided(core)
    assert (left_out.outcome, left_out.reason) == ("undecided", "stale")
    assert left_out.inputs["stale_sources"] == [str(source)]

    await keep_forecast(core.services, sunny(DAY, (9, 15)))
    assert (await decided(core)).outcome == "new"
    assert await in_force(core.services) == [hours(9, 15)]


async def test_nobody_is_told_of_a_window_that_is_over(core: Core) -> None:
    core.clock.advance(BEGIN + timedelta(hours=17) - core.clock.now())
    await keep_forecast(core.services, sunny(DAY), FIXED)

    late = await decided(core)

    assert (late.outcome, late.reason, late.windows) == ("none", "over", [])
    assert await in_force(core.services) == []


async def test_a_window_that_moves_by_one_slot_has_changed(core: Core) -> None:
    source = await keep_forecast(core.services, sunny(DAY), FIXED)
    await decided(core)
    later = slot(BEGIN + timedelta(hours=16), 10, 40)
    await again(core, source, [*(one for one in sunny(DAY) if one.begin != later.begin), later])

    assert (await decided(core)).outcome == "changed"
    assert await in_force(core.services) == [(BEGIN + timedelta(hours=8), BEGIN + timedelta(hours=16.5))]


async def test_a_rule_is_replayed_over_the_days_before(core: Core) -> None:
    days = [DAY - timedelta(days=back) for back in range(33)]
    await keep_forecast(core.services, [one for day in days for one in sunny(day)], FIXED)
    await decided(core)

    async with core.services.database.transaction() as session:
        region = await find_region(session, REGION)
        shown = await replay(session, region, FIXED, DAY)
        strict = await replay(session, region, Rule(threshold=Threshold(value=Decimal(90))), DAY, days=5)

    assert [one.day for one in shown] == days[:30]
    assert {len(one.found.windows) for one in shown} == {1}
    assert [len(one.was) for one in shown] == [1] + [0] * 29
    assert [one.found.windows for one in strict] == [()] * 5


async def test_a_replayed_day_is_what_was_decided_about_it(core: Core) -> None:
    auto = Rule(reference=Reference(value=Decimal(70)), threshold=Threshold(unit=ThresholdUnit.PEAK, value=Decimal(60)))
    days = [DAY - timedelta(days=back) for back in range(40)]
    changing = [one for n, day in enumerate(days) for one in sunny(day, (6 + n % 4, 14 + n % 3))]
    await keep_forecast(core.services, changing, auto)
    made = {day: recompute(await decided(core, day)) for day in days[:3]}

    async with core.services.database.transaction() as session:
        shown = await replay(session, await find_region(session, REGION), auto, DAY, days=3)

    assert {one.day: one.found for one in shown} == made
    assert {one.found.history_days for one in shown} == {30}


@pytest.mark.parametrize("code", ["JP", "JP-A03", "GB-12"])
async def test_a_region_is_added_once(core: Core, code: str) -> None:
    wanted = WantedRegion(code=code, name_en="Somewhere", name_ja="", time_zone="Asia/Tokyo")
    async with core.services.database.transaction() as session:
        await add_region(session, wanted, Rule(), advises=False)
        with pytest.raises(RegionKnown):
            await add_region(session, wanted, Rule(), advises=False)
        assert [region.code for region in await all_regions(session)] == [code]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "jp"},
        {"code": "JP-"},
        {"name_en": " "},
        {"name_en": "x" * 61},
        {"name_ja": "a\nb"},
        {"time_zone": "Tokyo"},
    ],
)
async def test_a_region_that_cannot_be_is_refused(core: Core, wrong: dict[str, str]) -> None:
    good = {"code": "JP", "name_en": "Japan", "name_ja": "日本", "time_zone": "Asia/Tokyo"}
    async with core.services.database.transaction() as session:
        with pytest.raises(BadRegion):
            await add_region(session, WantedRegion(**(good | wrong)), Rule(), advises=True)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(reference=Reference(mode=ReferenceMode.PERCENT, value=Decimal(-101))),
        Rule(reference=Reference(value=Decimal(101))),
        Rule(threshold=Threshold(value=Decimal(-1))),
        Rule(threshold=Threshold(unit=ThresholdUnit.PEAK, value=Decimal(101))),
        Rule(threshold=Threshold(value=Decimal("0.0001"))),
        Rule(threshold=Threshold(value=Decimal("NaN"))),
        Rule(shortest_minutes=1441),
        Rule(gap_slots=5),
        Rule(most_a_day=0),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(core: Core, rule: Rule) -> None:
    wanted = WantedRegion(code="JP", name_en="Japan", name_ja="", time_zone="Asia/Tokyo")
    async with core.services.database.transaction() as session:
        with pytest.raises(BadRule):
            await add_region(session, wanted, rule, advises=True)
        assert await session.get(GridRegion, "JP") is None
