"""The inbox of alarms, and the health of the server."""

import csv
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.app import wire
from konsento.backoffice import alarms as page_of_alarms
from konsento.backoffice.words import ADVICE, ALARMS, WORK
from konsento.kit.work import DEAD_AFTER, Job
from konsento.models import Alarm, AlarmKind, Direction, Role, Work, WorkState
from konsento.ocpp import Journal
from konsento.operations import alarms, repository
from konsento.operations.replicas import Facts, Heart

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office


async def watch(office: Office) -> None:
    services = office.bench.services
    async with services.database.transaction() as session:
        await alarms.watch(session, services.clock.now())


async def open_alarms(office: Office) -> list[Alarm]:
    async with office.bench.services.database.transaction() as session:
        return list(await session.scalars(select(Alarm).where(Alarm.closed_at.is_(None))))


async def test_work_that_was_given_up_is_tried_again_from_its_alarm(office: Office) -> None:
    services, done = office.bench.services, []

    @services.work.on("example")
    async def example(job: Job) -> None:
        done.append(job.key)

    async with services.database.transaction() as session:
        at = services.clock.now()
        session.add(
            Work(
                kind="example",
                key="k 1",
                payload={},
                state=WorkState.DEAD,
                attempts=DEAD_AFTER,
                due_at=at,
                created_at=at,
                last_error="KeyError",
                generation=7,
            )
        )
    await watch(office)
    (alarm,) = await open_alarms(office)
    async with office.member(Role.OPERATOR) as browser:
        page = await browser.get("/office/alarms")
        retried = await browser.post(f"/office/alarms/{alarm.id}/retry")
        again = await browser.post(f"/office/alarms/{alarm.id}/retry")
    await services.work.drain()

    assert "example k 1" in office.bench.words(page)
    assert "KeyError" in page.text
    assert (retried.status_code, again.status_code) == (303, 404)
    assert done == ["k 1"]
    assert [entry.subject for entry in await office.log("work.retry")] == ["example k 1"]
    assert await open_alarms(office) == []


async def test_an_alarm_is_acknowledged_by_name_and_logged(office: Office) -> None:
    services = office.bench.services
    async with services.database.transaction() as session:
        await alarms.report(session, services.clock.now(), AlarmKind.METER_DOUBTFUL, "a session", {"readings": 3})
    (alarm,) = await open_alarms(office)
    async with office.member(Role.OPERATOR) as browser:
        await browser.post(f"/office/alarms/{alarm.id}/acknowledge", data={"note": "meter is being changed"})
        page = office.bench.words(await browser.get("/office/alarms"))

    assert await open_alarms(office) == []  # it happened once, and somebody has seen it
    assert "meter is being changed" in page
    assert "operator@staff.example.com" in page
    (entry,) = await office.log("alarm.acknowledge")
    assert entry.details["note"] == "meter is being changed"


async def test_health_shows_processes_queues_and_journal(office: Office) -> None:
    services = office.bench.services
    heart = Heart(services.database, services.clock, lambda: Facts(stations=3, journal_waiting=5))
    await heart.beat()
    async with services.database.transaction() as session:
        await services.work.add(session, "settle", "some session", after_s=60)
    async with office.member(Role.VIEWER) as browser:
        page = office.bench.words(await browser.get("/office/health"))

    assert "Stations connected 3" in page
    assert "Not written yet 5" in page
    assert "Bill a session due 1" in page


async def test_every_kind_of_due_work_has_a_name(office: Office) -> None:
    settings = office.bench.services.settings.model_copy()
    services = wire(settings).services
    await services.database.close()

    assert set(services.work._handlers) == set(WORK)


def test_every_alarm_has_its_words() -> None:
    assert set(ALARMS) == set(ADVICE) == set(alarms.SEVERITY) == set(AlarmKind)


async def test_alarms_are_filtered_and_given_out_as_a_file(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_alarms, "EXPORTED_AT_ONCE", 2)
    services = office.bench.services
    async with services.database.transaction() as session:
        for number in range(5):
            await alarms.report(session, services.clock.now(), AlarmKind.METER_DOUBTFUL, f"={number}", {"readings": 3})
    async with office.member(Role.VIEWER) as browser:
        pages = [
            office.bench.words(await browser.get("/office/alarms", params=params))
            for params in ({}, {"kind": "site-offline"}, {"severity": "critical"}, {"text": "=4"}, {"kind": "x"})
        ]
        file = await browser.get("/office/alarms.csv", params={"kind": "meter-doubtful"})

    assert [page.count("Some readings of this session") for page in pages] == [5, 0, 0, 1, 5]
    rows = list(csv.DictReader(file.text.lstrip("\ufeff").splitlines()))
    assert [row["About"] for row in rows] == [f"'={number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
async def test_the_journal_is_estimated_without_counting(office: Office) -> None:
    services = office.bench.services
    journal = Journal(services.database, services.clock)
    for _ in range(5):
        journal.note("sakura-mall", Direction.IN, '[2,"m","Heartbeat",{}]')
    await journal.flush()
    async with services.database.transaction() as session:
        number, oldest, newest = await repository.journal_facts(session)

    assert (number, oldest, newest) == (5, services.clock.now(), services.clock.now())
