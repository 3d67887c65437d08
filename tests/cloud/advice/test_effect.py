"""What the operator reads about the effect of advice, computed by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from konsento.advice.effect import Energy, Group, RegionEffect, SameDrivers, Told, effect
from konsento.models import AdviceChannel, AdviceKind, AdviceState

from ..conftest import Core, whole_session
from ..effects import charged, driver, region, told, windows
from ..recommended import REGION

if TYPE_CHECKING:
    from uuid import UUID

OCTOBER = datetime(2026, 10, 20, 2, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 10, 2, tzinfo=UTC)
KWH = 1_000_000
"""mWh."""


@pytest.fixture
async def charging(core: Core) -> Core:
    """A server on which somebody has charged once, and a region."""
    session = await core.start()
    for report in whole_session(session):
        await core.send(report)
    await core.work()
    await region(core.services, REGION, "Tokyo", "Asia/Tokyo")
    return core


async def effects(core: Core) -> list[RegionEffect]:
    async with core.services.database.transaction() as session:
        return await effect(session, core.clock.now())


async def test_a_driver_who_is_told_of_a_day_in_several_ways_counts_once(charging: Core) -> None:
    services = charging.services
    days = [date(2026, 11, 10), date(2026, 11, 12), date(2026, 11, 13)]
    ann, ben, cem = [await driver(services, name, since=OCTOBER) for name in ("ann", "ben", "cem")]
    made = [await windows(services, day, (NOVEMBER, NOVEMBER + timedelta(hours=3))) for day in days]
    push, morning = AdviceChannel.PUSH, AdviceKind.MORNING
    # Of the first day: Ann by mail and notice, of which she opened one and followed it, and again in the morning.
    await told(services, made[0], days[0], ann, ben, acted=[ann])
    await told(services, made[0], days[0], ann, channel=push, opened=[ann], acted=[ann])
    await told(services, made[0], days[0], ann, kind=morning, acted=[ann])
    # Of the second: Ben opened it; Ann's was dropped, Cem's twice, and his farewell counts as none.
    await told(services, made[1], days[1], ben, opened=[ben])
    await told(services, made[1], days[1], ann, state=AdviceState.DROPPED, reason="charged")
    await told(services, made[1], days[1], cem, state=AdviceState.DROPPED, reason="off")
    await told(services, made[1], days[1], cem, state=AdviceState.DROPPED, reason="off", channel=push)
    await told(services, made[2], days[2], ben, state=AdviceState.QUEUED)
    await told(services, made[2], days[2], cem, farewell=True, opened=[cem])

    (one,) = await effects(charging)
    (november,) = one.months

    assert (november.month.name, november.energy, one.same) == ("2026-11", {}, SameDrivers())
    assert november.told == Told(
        window_days=3, days=3, corrected_days=1, advices=3, opened=2, acted=1,
        sent={AdviceChannel.MAIL: 4, push: 1}, waiting=1, dropped={"charged": 1, "off": 2},
    )  # fmt: skip


async def test_energy_inside_windows_is_compared_with_the_same_drivers_before(charging: Core) -> None:
    services = charging.services
    wanted_since = datetime(2026, 11, 1, tzinfo=UTC)
    ann, ben, new = [await driver(services, name, since=wanted_since) for name in ("ann", "ben", "new")]
    dan = await driver(services, "dan")
    await charged(services, ann, OCTOBER, 10, 2, times=6)
    await charged(services, ben, OCTOBER, 5, 2, times=4)
    await charged(services, ann, NOVEMBER, 10, 7, times=9)
    await charged(services, ben, NOVEMBER, 10, 5, times=1)
    # Has never charged before, so there is nothing to compare; is advised all the same.
    await charged(services, new, NOVEMBER, 30, 30)
    await charged(services, dan, NOVEMBER, 8, 1, times=2)
    # On a day without windows nobody can charge in one.
    await charged(services, ann, NOVEMBER, 99, 0, had_windows=False)

    (one,) = await effects(charging)
    october, november = one.months

    before = Energy(sessions=10, mwh=80 * KWH, inside_mwh=20 * KWH)
    assert (october.month.name, october.energy) == ("2026-10", {Group.BEFORE: before})
    assert november.energy == {
        Group.ADVISED: Energy(sessions=11, mwh=130 * KWH, inside_mwh=98 * KWH),
        Group.WITHOUT: Energy(sessions=2, mwh=16 * KWH, inside_mwh=2 * KWH),
    }
    assert november.all_drivers == Energy(sessions=13, mwh=146 * KWH, inside_mwh=100 * KWH)
    assert november.all_drivers.share == Decimal("0.685")  # 100 of 146
    advised = Energy(sessions=10, mwh=100 * KWH, inside_mwh=68 * KWH)
    assert one.same == SameDrivers(drivers=2, before=before, advised=advised)
    assert one.same.change == Decimal("0.430")  # 68 % after 25 %


async def test_of_few_sessions_no_change_is_claimed(charging: Core) -> None:
    services = charging.services
    ann = await driver(services, "ann", since=NOVEMBER)
    await charged(services, ann, OCTOBER, 10, 2, times=9)
    await charged(services, ann, NOVEMBER, 10, 7, times=10)

    (one,) = await effects(charging)

    assert (one.same.before.is_few, one.same.advised.is_few) == (True, False)
    assert (one.same.before.share, one.same.advised.share) == (Decimal("0.2"), Decimal("0.7"))
    assert one.same.change is None


async def test_who_was_advised_earlier_is_no_driver_of_before(charging: Core) -> None:
    services = charging.services
    decision = await windows(services, OCTOBER.date(), (OCTOBER, OCTOBER + timedelta(hours=3)))
    # Turned it off and on again later; turned it off for good.
    again, over = await driver(services, "again", since=NOVEMBER), await driver(services, "over")
    await told(services, decision, OCTOBER.date(), again, over, at=OCTOBER - timedelta(hours=14))
    for one in (again, over):
        await charged(services, one, OCTOBER - timedelta(days=1), 4, 1)
        await charged(services, one, OCTOBER, 4, 2)

    ((october, _),) = [one.months for one in await effects(charging)]

    assert october.energy == {
        Group.BEFORE: Energy(sessions=2, mwh=8 * KWH, inside_mwh=2 * KWH),
        Group.ADVISED: Energy(sessions=2, mwh=8 * KWH, inside_mwh=4 * KWH),
    }


async def test_months_are_those_of_the_regions_clock(charging: Core) -> None:
    services = charging.services
    await region(services, "GB", "Great Britain", "Europe/London")
    begins_in_tokyo = datetime(2026, 10, 31, 15, tzinfo=UTC)
    drivers: list[UUID] = [await driver(services, name) for name in ("ann", "ben")]
    for at in (begins_in_tokyo, begins_in_tokyo - timedelta(seconds=1)):
        await charged(services, drivers[0], at, 4, 1)
        await charged(services, drivers[1], at, 4, 1, code="GB")

    found = {
        one.region.code: {m.month.name: m.all_drivers.sessions for m in one.months} for one in await effects(charging)
    }

    assert found == {"GB": {"2026-10": 2, "2026-11": 0}, REGION: {"2026-10": 1, "2026-11": 1}}


async def test_a_year_can_be_compared_with_the_one_before_and_no_more(charging: Core) -> None:
    services = charging.services
    ann = await driver(services, "ann")
    await charged(services, ann, datetime(2025, 10, 31, 14, tzinfo=UTC), 4, 1)
    await charged(services, ann, datetime(2025, 10, 31, 15, tzinfo=UTC), 4, 2)

    (one,) = await effects(charging)

    assert [m.month.name for m in one.months] == ["2025-11", "2025-12", *(f"2026-{n:02}" for n in range(1, 12))]
    assert one.months[0].all_drivers == Energy(sessions=1, mwh=4 * KWH, inside_mwh=2 * KWH)
    assert all(m.is_empty for m in one.months[1:])


async def test_it_takes_few_queries_however_many_regions_there_are(charging: Core) -> None:
    for number in range(20):
        await region(charging.services, f"DE-{number}", "Region", "Europe/Berlin")
    engine, asked = charging.services.database.engine.sync_engine, list[str]()

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", keep)
    found = await effects(charging)
    event.remove(engine, "before_cursor_execute", keep)

    assert len(found) == 21
    assert len([one for one in asked if "SELECT" in one]) == 7
