"""Messages of all sites are found by anything that is known of them, a page at a time, and given out as files."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from konsento.backoffice import message_search, work
from konsento.backoffice.message_search import Sought, every, look
from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.models import Direction, OcppFrame, Role
from konsento.ocpp import Journal, Lines, Version

from ..conftest import AT, CODES, STATION
from ..examples import up_to
from .conftest import Office

IN, OUT = Direction.IN, Direction.OUT
CALLS = (
    (STATION, IN, "TransactionEvent", {"transactionInfo": {"transactionId": "T1"}, "seqNo": 7}, 3),
    (STATION, IN, "Heartbeat", {}, 3),
    ("other", IN, "BootNotification", {"reason": "PowerUp"}, 3),
    ("other", OUT, "Reset", {"type": "OnIdle"}, 4),
    (STATION, OUT, "RequestStopTransaction", {"transactionId": "T1"}, 3),
    ("other", IN, "TransactionEvent", {"transactionInfo": {"transactionId": "T2"}, "seqNo": 70}, 3),
    (STATION, IN, "StatusNotification", {"evseId": 2, "connectorStatus": "Faulted"}, 3),
)


async def fill(database: Database, clock: ManualClock, number: int) -> None:
    """Have calls and their answers kept."""
    journal = Journal(database, clock)
    for count, (station, direction, action, payload, answer) in enumerate(islice(cycle(CALLS), number)):
        back = OUT if direction is IN else IN
        journal.note(station, direction, json.dumps([2, str(count), action, payload]))
        clock.advance(timedelta(milliseconds=25))
        kept = [3, str(count), {}] if answer == 3 else [4, str(count), "NotSupported", "no", {}]
        journal.note(station, back, json.dumps(kept))
        clock.advance(timedelta(seconds=1))
    await journal.flush()


@pytest.fixture
async def filled(database: Database) -> Database:
    await fill(database, ManualClock(AT), 60)
    return database


async def numbers(database: Database, sought: Sought, at_once: int = 500) -> list[int]:
    return [frame.id async for some in every(database, sought, at_once) for frame in some]


async def everything(database: Database) -> list[OcppFrame]:
    async with database.transaction() as session:
        return list(await session.scalars(select(OcppFrame).order_by(OcppFrame.at.desc(), OcppFrame.id.desc())))


def is_sought(frame: OcppFrame, sought: Sought) -> bool:
    """Say plainly what a search means."""
    return (
        (not sought.station_id or frame.station_id == sought.station_id)
        and (sought.direction is None or frame.direction is sought.direction)
        and (not sought.type or frame.type == sought.type)
        and (not sought.action or frame.action == sought.action)
        and (not sought.transaction_id or frame.transaction_id == sought.transaction_id)
        and (not sought.failed or frame.type in {"CALLERROR", "CALLRESULTERROR", "unreadable"})
        and (sought.text.lower() in frame.text.lower())
        and (sought.since is None or frame.at >= sought.since)
        and (sought.until is None or frame.at < sought.until)
    )


searches = st.builds(
    Sought,
    station_id=st.sampled_from(["", STATION, "other", "nowhere"]),
    direction=st.sampled_from([None, IN, OUT]),
    type=st.sampled_from(["", "CALL", "CALLRESULT", "CALLERROR"]),
    action=st.sampled_from(["", "TransactionEvent", "Heartbeat", "BootNotification", "Reset"]),
    transaction_id=st.sampled_from(["", "T1", "T2"]),
    failed=st.booleans(),
    text=st.sampled_from(["", "seqNo", '"seqNo": 7', "OnIdle", "100%", "_"]),
    since=st.none() | st.integers(0, 60).map(lambda s: AT + timedelta(seconds=s)),
    until=st.none() | st.integers(0, 60).map(lambda s: AT + timedelta(seconds=s)),
)


@hypothesis_settings(max_examples=up_to(60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sought=searches, part=st.sampled_from([3, 10, 4000]), page=st.sampled_from([1, 7, 500]))
async def test_a_search_finds_all_that_it_means_in_order_whatever_the_pages(
    filled: Database, sought: Sought, part: int, page: int
) -> None:
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(message_search, "PART", part)
        found = await numbers(filled, sought, page)

    assert found == [frame.id for frame in await everything(filled) if is_sought(frame, sought)]


async def test_a_search_that_takes_long_says_how_far_back_it_looked_and_goes_on(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "PART", 10)
    sought = Sought(text="PowerUp")
    found = await look(filled, sought, most=50, patience_s=0)
    frames, places = list(found.frames), 1
    while found.further is not None:
        assert found.back_to == found.further[0]
        found = await look(filled, sought, before=found.further, most=50, patience_s=0)
        frames += found.frames
        places += 1

    assert places == 1 + len(await everything(filled)) // 2
    assert [f.id for f in frames] == [f.id for f in await everything(filled) if "PowerUp" in f.text]


@pytest.mark.parametrize(
    ("index", "sought"),
    [
        ("ix_ocpp_frames_at", Sought(text="x")),
        ("ix_ocpp_frames_station_id_at", Sought(station_id=STATION, action="TransactionEvent")),
        ("ix_ocpp_frames_transaction", Sought(transaction_id="T1")),
        ("ix_ocpp_frames_failed", Sought(failed=True, station_id=STATION)),
        ("ix_ocpp_frames_rare", Sought(action="Reset", station_id=STATION)),
    ],
)
async def test_every_kind_of_search_has_its_index(filled: Database, index: str, sought: Sought) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(filled.engine.sync_engine, "before_cursor_execute", note)
    await look(filled, sought, most=5)
    search = next(statement for statement in asked if "LIMIT" in statement)
    async with filled.engine.connect() as connection:
        nothing = (None,) * search.count("?")
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {search}", nothing)).all()

    assert index in " ".join(str(row[3]) for row in plan)


async def test_the_page_shows_the_newest_and_leads_to_older_ones(office: Office) -> None:
    services = office.bench.services
    await fill(services.database, office.bench.clock, 40)
    async with office.member(Role.VIEWER) as browser:
        first = await browser.get("/office/messages")
        older = re.search(r'href="(\?before=[\d-]+)"', first.text)
        assert older is not None
        second = await browser.get(f"/office/messages{older[1]}")
        errors = await browser.get("/office/messages", params={"failed": "true", "station": "other"})
        nothing = await browser.get("/office/messages", params={"action": "NoSuchThing"})
        nonsense = await browser.get(
            "/office/messages", params={"since": "yesterday", "direction": "up", "type": "x", "before": "9-9-9"}
        )

    def frames(page: Any) -> list[str]:
        return re.findall(r'href="/office/frames/(\d+)"', page.text)

    assert len(frames(first)) == 50
    assert len(frames(second)) == 30
    assert not set(frames(first)) & set(frames(second))
    assert "NotSupported" in errors.text
    assert "TransactionEvent" not in errors.text.partition("<tbody>")[2]
    assert "No message is kept like that." in office.bench.words(nothing)
    assert len(frames(nonsense)) == 50


async def test_days_and_times_are_those_of_the_site(office: Office) -> None:
    await fill(office.bench.services.database, office.bench.clock, 20)
    begin, end = "2026-11-22T10:58:05", "2026-11-22T10:58:10"  # 9 hours before UTC's
    async with office.member(Role.VIEWER) as browser:
        page = await browser.get("/office/messages", params={"station": STATION, "since": begin, "until": end})

    times = re.findall(r"2026-11-22 10:58:(\d\d)", page.text.partition("<tbody>")[2])
    assert times
    assert all(5 <= int(second) < 10 for second in times)


async def test_what_was_found_is_given_out_whole(office: Office) -> None:
    await fill(office.bench.services.database, office.bench.clock, 700)
    async with office.member(Role.VIEWER) as browser:
        table = await browser.get("/office/messages.csv", params={"action": "Heartbeat"})
        lines = await browser.get("/office/messages.jsonl", params={"transaction": "T1", "direction": "in"})

    assert len(table.text.splitlines()) == 1 + 200
    objects = [json.loads(line) for line in lines.text.splitlines()]
    assert len(objects) == 200
    assert {one["action"] for one in objects} == {"TransactionEvent", "RequestStopTransaction"}
    event = next(one for one in objects if one["type"] == "CALL")
    assert event["payload"]["seqNo"] == 7
    answer = next(one for one in objects if one["type"] == "CALLRESULT")
    assert answer["tookMs"] == 25
    assert objects == sorted(objects, key=lambda one: one["at"], reverse=True)


async def test_a_journal_that_is_full_forgets_the_oldest_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_AT_ONCE", 7)
    services = office.bench.services
    bounded = replace(services, settings=services.settings.model_copy(update={"ocpp_journal_max_rows": 50}))
    await fill(services.database, office.bench.clock, 60)
    before = await everything(services.database)

    assert await work.forget_old_frames(bounded) == 70
    assert await everything_ids(services.database) == [frame.id for frame in before[:50]]
    assert await work.forget_old_frames(bounded) == 0
    assert await work.forget_old_frames(services) == 0


async def everything_ids(database: Database) -> list[int]:
    return [frame.id for frame in await everything(database)]


async def test_forgetting_much_is_spread_over_several_calls(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_AT_ONCE", 5)
    monkeypatch.setattr(work, "_MOST_TIMES", 4)
    services = office.bench.services
    bounded = replace(services, settings=services.settings.model_copy(update={"ocpp_journal_max_rows": 50}))
    await fill(services.database, office.bench.clock, 60)

    assert [await work.forget_old_frames(bounded) for _ in range(5)] == [20, 20, 20, 10, 0]


async def test_the_page_of_a_station_shows_its_line_as_it_is_now(office: Office) -> None:
    services, clock = office.bench.services, office.bench.clock
    lines = Lines(clock)
    line = lines.open(STATION, Version.V21)
    line.events, line.frames_in, line.waiting_calls = 12, 34, 3
    line._calls.extend([0.1, 0.3, 0.2])
    line._pings.append(0.012)
    line._late.append((clock.now(), -75.0))
    line.refuse("Heartbeat", "FormatViolation")
    await lines.write(services.database)
    await fill(services.database, clock, 3)
    async with office.member(Role.VIEWER) as browser:
        page = office.bench.words(await browser.get(f"/office/stations/{STATION}"))
        live = office.bench.words(await browser.get(f"/office/stations/{STATION}/live"))
        said = office.bench.words(await browser.get(f"/office/stations/{STATION}/messages/live"))
        nowhere = await browser.get("/office/stations/nowhere/live")

    for part in (
        "ocpp2.1", "3 / 0", "12 ms", "200 ms median 200 ms, worst 300 ms", "75 s fast",
        "12 34 received, 0 sent", "Heartbeat FormatViolation",
    ):  # fmt: skip
        assert part in page, part
        assert part in live, part
    assert "TransactionEvent" in said
    assert nowhere.status_code == 404


async def test_a_line_nobody_writes_about_any_more_is_said_to_be_old(office: Office) -> None:
    services, clock = office.bench.services, office.bench.clock
    lines = Lines(clock)
    lines.open(STATION, Version.V21)
    await lines.write(services.database)
    clock.advance(timedelta(minutes=3))
    async with office.member(Role.VIEWER) as browser:
        page = office.bench.words(await browser.get(f"/office/stations/{STATION}/live"))

    assert "3 min ago" in page
    assert "That is old" in page


async def test_pages_are_counted_by_the_templates_of_their_addresses(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        for path in (f"/office/sites/{STATION}", f"/o/{CODES[0]}", "/api/v1/health", "/office/static/office.css"):
            assert (await browser.get(path)).status_code == 200, path

    told = office.bench.services.metrics.text().decode()
    for route in ("/office/sites/{station_id}", "/o/{code}", "/api/v1/health", "/office/static"):
        assert f'route="{route}",status="200"' in told, route
    assert STATION not in told
    assert CODES[0] not in told
