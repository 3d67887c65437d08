"""Mails about alarms: for who asked, once, again while nobody cares, and quiet about what comes and goes."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.backoffice import alarm_mails
from konsento.models import Alarm, AlarmKind, OutgoingMail, OutletStatus, Role, StaffMember
from konsento.operations import alarms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.cloud.backoffice.conftest import Office


async def mails(office: Office, after: timedelta = timedelta()) -> list[tuple[str, str]]:
    """Look for alarms after some time; returns recipient and subject of what is mailed then."""
    services = office.bench.services
    office.bench.clock.advance(after)
    async with services.database.transaction() as session:
        await alarms.watch(session, services.clock.now())
        await alarm_mails.tell(session, services)
    async with services.database.transaction() as session:
        found = list(await session.scalars(select(OutgoingMail).order_by(OutgoingMail.recipient)))
        for mail in found:
            await session.delete(mail)
    return [(mail.recipient, mail.subject) for mail in found]


@pytest.fixture
async def operator(office: Office, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    office.bench.services.settings.mail_folder = tmp_path / "mails"
    async with office.member(Role.OPERATOR) as browser:
        yield browser


async def wants(browser: httpx.AsyncClient, about: str, language: str = "en") -> None:
    answer = await browser.post("/office/alarms/mails", data={"about": about}, headers={"Accept-Language": language})
    assert answer.status_code == 303


ME = "operator@staff.example.com"


async def test_nobody_is_mailed_who_did_not_ask(office: Office, operator: httpx.AsyncClient) -> None:
    await office.bench.outlet_is(OutletStatus.AVAILABLE, connected=False)
    assert await mails(office, timedelta(minutes=6)) == []
    await wants(operator, "critical")
    # What is still true then is told at once.
    assert await mails(office) == [(ME, "Alarm: Site offline (Sakura Mall car park)")]
    await wants(operator, "none")
    await office.bench.outlet_is(OutletStatus.AVAILABLE)
    assert await mails(office) == []


async def test_severity_and_language_are_those_that_somebody_chose(office: Office, operator: httpx.AsyncClient) -> None:
    await wants(operator, "critical")
    async with office.member(Role.VIEWER) as viewer:
        await wants(viewer, "all", "ja")
    await office.bench.outlet_is(OutletStatus.FAULTED)
    found = await mails(office)

    assert [recipient for recipient, _ in found] == ["viewer@staff.example.com"]
    assert found[0][1].startswith("アラーム")
    assert [entry.details for entry in await office.log("staff.alarm-mails")] == [
        {"about": "critical"},
        {"about": "all"},
    ]


async def test_what_nobody_acknowledges_is_told_again_ever_more_rarely(
    office: Office, operator: httpx.AsyncClient
) -> None:
    await wants(operator, "all")
    await office.bench.outlet_is(OutletStatus.AVAILABLE, connected=False)
    steps = [(minute, timedelta(minutes=30 if minute > 6 else 6)) for minute in range(6, 60 * 31, 30)]
    told = [minute for minute, step in steps if await mails(office, step)]
    assert told == [6, 66, 306, 1746]
    async with office.bench.services.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm).where(Alarm.closed_at.is_(None)))
        await alarms.acknowledge(
            session, alarm.id, (await session.scalars(select(StaffMember.id))).one(), "", alarm.opened_at
        )
    assert await mails(office, timedelta(days=3)) == []


async def test_the_end_is_told_once(office: Office, operator: httpx.AsyncClient) -> None:
    await wants(operator, "all")
    await office.bench.outlet_is(OutletStatus.AVAILABLE, connected=False)
    await mails(office, timedelta(minutes=6))
    await office.bench.outlet_is(OutletStatus.AVAILABLE)

    assert await mails(office) == [(ME, "Over: Site offline (Sakura Mall car park)")]
    assert await mails(office) == []


async def test_what_comes_and_goes_does_not_wake_somebody_each_time(
    office: Office, operator: httpx.AsyncClient
) -> None:
    await wants(operator, "all")
    subjects = []
    for _ in range(10):
        await office.bench.outlet_is(OutletStatus.FAULTED)
        subjects += await mails(office, timedelta(minutes=1))
        await office.bench.outlet_is(OutletStatus.AVAILABLE)
        subjects += await mails(office, timedelta(minutes=1))

    # Both outlets, once each, in one mail, and once that it is over.
    assert [subject for _, subject in subjects] == [
        "Alarm: Outlet faulted (Sakura Mall car park) and 1 more",
        "Over: Outlet faulted (Sakura Mall car park)",
    ]


async def test_what_somebody_has_seen_is_no_news(office: Office, operator: httpx.AsyncClient) -> None:
    await wants(operator, "all")
    services = office.bench.services
    async with services.database.transaction() as session:
        await alarms.report(session, services.clock.now(), AlarmKind.METER_DOUBTFUL, "a session", {"readings": 3})
    first = await mails(office)
    async with services.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))
    await operator.post(f"/office/alarms/{alarm.id}/acknowledge", data={"note": ""})

    assert len(first) == 1
    assert await mails(office) == []


async def test_who_left_is_mailed_no_more(office: Office, operator: httpx.AsyncClient) -> None:
    await wants(operator, "all")
    async with office.member(Role.ADMIN) as admin:
        member = (await office.log("staff.alarm-mails"))[0].subject
        await admin.post(f"/office/staff/{member}/disable")
    await office.bench.outlet_is(OutletStatus.FAULTED)

    assert await mails(office) == []
