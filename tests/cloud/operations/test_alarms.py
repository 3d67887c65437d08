"""Alarms: raised once while something is wrong, closed when it is over, counted when it happens again."""

import shutil
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from konsento.backoffice import work as back_office_work
from konsento.kit.ids import new_id
from konsento.models import Alarm, AlarmKind, OutletStatus, StationLink, Work, WorkState
from konsento.ocpp import Lines, Version
from konsento.operations import alarms, audit
from konsento.operations.replicas import Facts, Heart
from konsento.sites import stations

from ..conftest import AT, ENDED, STARTED, STATION, Core, event_of


async def watch(core: Core, after: timedelta = timedelta()) -> dict[AlarmKind, Alarm]:
    """Look after some time; returns the open alarms."""
    core.clock.advance(after)
    async with core.services.database.transaction() as session:
        await alarms.watch(session, core.clock.now())
    return await open_alarms(core)


async def open_alarms(core: Core) -> dict[AlarmKind, Alarm]:
    async with core.services.database.transaction() as session:
        found = list(await session.scalars(select(Alarm).where(Alarm.closed_at.is_(None))))
    assert len({alarm.kind for alarm in found}) == len(found)
    return {alarm.kind: alarm for alarm in found}


async def link(core: Core, *, connected: bool) -> None:
    async with core.services.database.transaction() as session:
        await stations.note_link(session, STATION, core.clock.now(), connected=connected)


async def test_a_site_that_is_away_for_five_minutes_is_an_alarm_until_it_is_back(core: Core) -> None:
    await link(core, connected=False)
    assert await watch(core, timedelta(minutes=4, seconds=59)) == {}
    first = await watch(core, timedelta(seconds=1))
    later = await watch(core, timedelta(hours=3))
    await link(core, connected=True)
    back = await watch(core)

    assert first[AlarmKind.SITE_OFFLINE].subject == STATION
    assert later[AlarmKind.SITE_OFFLINE].id == first[AlarmKind.SITE_OFFLINE].id
    assert later[AlarmKind.SITE_OFFLINE].count == 1
    assert back == {}


async def test_after_a_start_sites_get_a_minute_to_come_back(core: Core) -> None:
    await link(core, connected=False)
    core.clock.advance(timedelta(hours=1))
    back_office_work.install(core.services)
    await back_office_work.begin(core.services)
    async with core.services.database.transaction() as session:
        await core.services.work.add(session, "watch", "all")
    await core.work()
    at_once = await open_alarms(core)
    core.clock.advance(timedelta(minutes=1))
    await core.work()

    assert at_once == {}
    assert list(await open_alarms(core)) == [AlarmKind.SITE_OFFLINE]


async def test_the_same_trouble_again_is_another_alarm(core: Core) -> None:
    seen = set()
    for _ in range(2):
        await core.outlet_status(OutletStatus.FAULTED, "overcurrent")
        seen.add((await watch(core))[AlarmKind.OUTLET_FAULTED].id)
        await core.outlet_status(OutletStatus.AVAILABLE)
        assert await watch(core) == {}

    assert len(seen) == 2


async def test_a_session_that_says_nothing_is_an_alarm_while_its_site_is_connected(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    silent = await watch(core, timedelta(minutes=6))
    await link(core, connected=False)
    away = await watch(core, timedelta(minutes=1))

    assert silent[AlarmKind.SESSION_SILENT].subject == str(session.id)
    assert away == {}


async def test_a_transaction_without_a_session_is_an_alarm_until_it_has_one(core: Core) -> None:
    session = await core.start()
    stray = event_of(session, 1, "1003", remote_start_id=None)
    unknown = type(stray)(
        **{name: getattr(stray, name) for name in stray.__struct_fields__}
        | {"transaction_info": type(stray.transaction_info)(transaction_id="STRAY")}
    )
    await core.send(unknown)

    assert (await watch(core))[AlarmKind.UNKNOWN_TRANSACTION].subject == f"{STATION} STRAY"
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    found = await watch(core, timedelta(hours=25))
    assert AlarmKind.UNKNOWN_TRANSACTION not in found


async def test_a_meter_that_makes_no_sense_is_an_alarm_until_somebody_has_seen_it(core: Core) -> None:
    session = await core.start()
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "5"))
    await core.send(event_of(session, 2, "1010", kind=ENDED, seconds=30))
    await core.work()
    alarm = (await watch(core, timedelta(hours=1)))[AlarmKind.METER_DOUBTFUL]
    assert alarm.subject == str(session.id)

    async with core.services.database.transaction() as database:
        await alarms.report(database, core.clock.now(), AlarmKind.METER_DOUBTFUL, alarm.subject)
    assert (await open_alarms(core))[AlarmKind.METER_DOUBTFUL].count == 2


async def test_dropped_frames_are_told_once_each(core: Core) -> None:
    dropped = 0
    heart = Heart(core.services.database, core.clock, lambda: Facts(journal_dropped=dropped))
    await heart.beat()
    assert await open_alarms(core) == {}
    dropped = 5
    await heart.beat()
    await heart.beat()

    alarm = (await open_alarms(core))[AlarmKind.JOURNAL_DROPPED]
    assert (alarm.count, alarm.details) == (1, {"frames": 5})


@pytest.mark.parametrize("change", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"])
async def test_the_database_refuses_to_change_the_audit_log(core: Core, change: str) -> None:
    async with core.services.database.transaction() as session:
        await audit.note(session, core.clock.now(), None, action="test", subject=str(new_id()))

    with pytest.raises(DBAPIError, match="append-only"):
        async with core.services.database.transaction() as session:
            await session.execute(text(change))


async def test_a_clock_that_is_wrong_is_an_alarm_until_it_is_right(core: Core) -> None:
    async def told(ahead_s: float, at: datetime) -> None:
        async with core.services.database.transaction() as session:
            values = {"clock_ahead_s": ahead_s, "clock_at": at, "written_at": at}
            if await session.get(StationLink, STATION) is None:
                line = Lines(core.clock).open(STATION, Version.V21)
                session.add(StationLink(**line.row(at) | values, connects={}))
            else:
                await session.execute(update(StationLink).values(**values))

    await told(-180.0, core.clock.now())
    apart = await watch(core)
    await told(-30.0, core.clock.now())
    right = await watch(core)
    await told(90.0, core.clock.now() - timedelta(days=2))
    told_later = await watch(core)

    alarm = apart[AlarmKind.CLOCK_WRONG]
    assert (alarm.subject, alarm.details["seconds"]) == (STATION, 180)
    assert AlarmKind.CLOCK_WRONG not in right
    assert AlarmKind.CLOCK_WRONG not in told_later


async def test_a_process_that_died_is_told_once(core: Core) -> None:
    heart = Heart(core.services.database, core.clock, lambda: Facts(stations=3))
    await heart.beat()
    lives = await watch(core, timedelta(seconds=30))
    died = await watch(core, timedelta(seconds=10))
    async with core.services.database.transaction() as session:
        alarm = await session.get_one(Alarm, died[AlarmKind.PROCESS_GONE].id)
        alarm.closed_at = core.clock.now()
    seen = await watch(core, timedelta(minutes=1))
    await heart.beat()
    await heart._leave()
    left = await watch(core, timedelta(minutes=1))

    assert lives == {}
    assert died[AlarmKind.PROCESS_GONE].details == {"stations": 3}
    assert (seen, left) == ({}, {})


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")
async def test_a_disk_that_is_nearly_full_is_an_alarm(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 4 * 2**30
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 * 2**30, 0, free))
    full = await watch(core)
    free = 6 * 2**30
    room = await watch(core)

    assert full[AlarmKind.DISK_FULL].details == {"free": "4096 MiB", "percent": 4.0}
    assert room == {}


async def test_a_mail_server_that_takes_nothing_is_an_alarm(core: Core) -> None:
    async with core.services.database.transaction() as session:
        session.add_all(
            Work(kind="mail", key=str(n), due_at=AT, created_at=AT, attempts=n, last_error="SMTPServerDisconnected")
            for n in (1, 6, 7)
        )
    refused = await watch(core)
    async with core.services.database.transaction() as session:
        await session.execute(update(Work).values(state=WorkState.DONE, attempts=0))
    taken = await watch(core)

    details = {"mails": 2, "error": "SMTPServerDisconnected"}
    assert refused[AlarmKind.MAILS_REFUSED].details == details
    assert taken == {}
