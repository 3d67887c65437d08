"""Days are decided when something new is known and twice a day, once however many processes there are."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import sources
from konsento.feeds import work as feeds_work
from konsento.kit.work_table import Work
from konsento.models import AlarmKind, GridRegion, WindowDecision
from konsento.operations import alarms, repository

from ..conftest import AT, wired
from ..grid.files import SIZE, area_file, sunny_day
from .conftest import REGION, TODAY, TOMORROW, Feeds, Publisher

PAGE = b"<!DOCTYPE html><html></html>"


async def advises(feeds: Feeds, *, on: bool) -> None:
    async with feeds.core.services.database.transaction() as session:
        await session.execute(update(GridRegion).values(advises=on))


async def open_alarms(feeds: Feeds) -> list[tuple[str, str]]:
    """Look for what is wrong; returns the open alarms about sources, with their reasons."""
    async with feeds.core.services.database.transaction() as session:
        await alarms.watch(session, feeds.core.clock.now())
    async with feeds.core.services.database.transaction() as session:
        found = await repository.open_alarms(session, [AlarmKind.SOURCE_STALE])
    return [(alarm.details["source"], alarm.details["reason"]) for alarm in found]


async def test_both_days_are_decided_in_the_morning_and_in_the_evening_by_the_regions_clock(feeds: Feeds) -> None:
    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()
    begun_with = len(await feeds.decisions())

    at: list[datetime] = []
    for _ in range(36):
        feeds.core.clock.advance(timedelta(hours=1))
        await feeds.core.work()
        due = await feeds.due_in("decide-daily", REGION)
        assert due is not None
        at.append(feeds.core.clock.now() + due)

    # 19:50 and 06:30 in Tokyo.
    assert sorted({moment.time().isoformat("minutes") for moment in at}) == ["10:50", "21:30"]
    decisions = await feeds.decisions()
    assert begun_with == 2
    assert len(decisions) == 2 + 2 * 3
    assert {one.day for one in decisions} == {TODAY, TOMORROW, TOMORROW + timedelta(days=1)}
    assert {one.outcome for one in decisions} == {"undecided"}


async def test_the_clock_goes_on_over_days_of_23_and_25_hours(feeds: Feeds) -> None:
    async with feeds.core.services.database.transaction() as session:
        await session.execute(update(GridRegion).values(time_zone="Europe/Berlin"))
    # 2027-03-28, 01:00 UTC: the clock goes forward.
    feeds.core.clock.advance(datetime(2027, 3, 27, 19, 0, tzinfo=UTC) - AT)
    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()

    assert await feeds.due_in("decide-daily", REGION) == timedelta(hours=9, minutes=30)


async def test_a_region_that_does_not_advise_is_not_decided_until_it_does(feeds: Feeds, forecast: bytes) -> None:
    await advises(feeds, on=False)
    feeds.publisher.body = forecast
    await feeds.fetch(await feeds.add())
    await feeds_work.begin(feeds.core.services)
    await feeds.core.work()
    assert await feeds.decisions() == []

    await advises(feeds, on=True)
    feeds.core.clock.advance(timedelta(seconds=feeds_work.LOOK_S))
    await feeds.core.work()

    assert len(await feeds.windows()) == 1


async def test_two_processes_decide_once(feeds: Feeds, publisher: Publisher) -> None:
    other = await _other(feeds, publisher)
    for one in (feeds, other):
        await feeds_work.begin(one.core.services)
    for one in (feeds, other, feeds, other):
        await one.core.work()

    assert sorted(one.day for one in await feeds.decisions()) == [TODAY, TOMORROW]
    async with feeds.core.services.database.transaction() as session:
        keys = list(await session.scalars(select(Work.key).where(Work.kind == "decide-daily")))
    assert keys == [REGION]


async def _other(feeds: Feeds, publisher: Publisher) -> Feeds:
    other = Feeds(await wired(feeds.core.services.database, feeds.core.services.settings), publisher)
    feeds_work.install(other.core.services)
    return other


async def test_those_who_listen_are_told_in_the_transaction_that_decides(feeds: Feeds, forecast: bytes) -> None:
    told: list[tuple[str, str, int]] = []

    async def listener(session: AsyncSession, region: GridRegion, decision: WindowDecision) -> None:
        told.append((region.code, decision.outcome, len(decision.windows)))
        if len(told) == 1:
            raise RuntimeError
        await feeds.core.services.work.add(session, "something", region.code)

    feeds.listeners.append(listener)
    feeds.publisher.body = forecast
    await feeds.fetch(await feeds.add())
    assert await feeds.decisions() == []  # it failed, and nothing of it stays

    feeds.core.clock.advance(timedelta(seconds=5))
    await feeds.core.work()

    assert told == [(REGION, "new", 1)] * 2
    assert await feeds.due_in("something", REGION) is not None


async def test_a_decision_that_stands_is_told_to_nobody_again(feeds: Feeds) -> None:
    told: list[str] = []

    async def listener(_: AsyncSession, __: GridRegion, decision: WindowDecision) -> None:
        told.append(decision.outcome)

    feeds.listeners.append(listener)
    source_id = await feeds.add(url=f"{feeds.publisher.origin}/today.csv")
    feeds.publisher.body = area_file(REGION, TODAY).content
    await feeds.fetch(source_id)
    assert told == ["new"]
    (window,) = await feeds.windows()
    assert window.begin < AT  # drivers charge in it

    feeds.core.clock.advance(timedelta(minutes=1))
    feeds.publisher.body = area_file(REGION, TODAY, sunny_day(SIZE[REGION], sun=0.1)).content
    await feeds.fetch(source_id)

    assert told == ["new"]
    assert await feeds.windows() == [window]


async def test_a_source_that_gets_too_old_is_an_alarm_that_ends_by_itself(feeds: Feeds, forecast: bytes) -> None:
    feeds.publisher.body = forecast
    source_id = await feeds.add(stale_after_s=86_400, url=f"{feeds.publisher.origin}/f.csv")
    await feeds.fetch(source_id)
    assert await open_alarms(feeds) == []

    # The server answers, and always with the file of that day, until a day after its end.
    feeds.core.clock.advance(timedelta(hours=61))
    await feeds.fetch(source_id)
    assert await open_alarms(feeds) == []
    feeds.core.clock.advance(timedelta(hours=1, minutes=5))
    await feeds.fetch(source_id)
    assert await open_alarms(feeds) == [("Tokyo", "")]

    feeds.publisher.body = area_file(REGION, TOMORROW + timedelta(days=2)).content
    await feeds.fetch(source_id)
    assert await open_alarms(feeds) == []


async def test_a_source_that_is_bad_for_hours_is_an_alarm_and_an_off_one_is_none(feeds: Feeds) -> None:
    feeds.publisher.body = PAGE
    source_id = await feeds.add()
    await feeds.fetch(source_id)
    feeds.core.clock.advance(timedelta(hours=5))
    await feeds.fetch(source_id)
    assert await open_alarms(feeds) == []

    feeds.core.clock.advance(timedelta(hours=1, minutes=1))
    ((name, reason),) = await open_alarms(feeds)
    assert (name, reason.split(" (")[0]) == ("Tokyo", "This is a web page")

    async with feeds.core.services.database.transaction() as session:
        sources.switch(await sources.find_source(session, source_id), on=False)
    assert await open_alarms(feeds) == []


async def test_a_source_that_is_only_uploaded_to_is_no_alarm_before_it_has_data(feeds: Feeds) -> None:
    await feeds.add(url="")
    feeds.core.clock.advance(timedelta(days=30))

    assert await open_alarms(feeds) == []
