"""What is measured on a station's line: it is true, it is written down, and it never gets in the way."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from konsento.kit.clock import ManualClock
from konsento.kit.db import Database
from konsento.kit.metrics import Metrics
from konsento.models import StationLink
from konsento.ocpp import CallRefused, CallTimeout, Handlers, Lines, Version
from konsento.ocpp import lines as module
from konsento.ocpp.lines import Line
from konsento.ocpp.messages import (
    NotifyEvent,
    Reset,
    ResetType,
    StatusNotification,
    TransactionEvent,
    TransactionEventResponse,
)
from konsento.ocpp.rpc import Connection

from ..conftest import AT
from .conftest import NOW, Site

STATUS = {"timestamp": "2026-11-23T09:30:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


class Wire:
    """A line that takes everything, and lets it be answered."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[list[Any]] = asyncio.Queue()

    async def send(self, text: str) -> None:
        self.sent.put_nowait(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        raise AssertionError((code, reason))


def event(at: datetime, *, offline: bool = False) -> TransactionEvent:
    """Return an event that happened then by the station's clock."""
    text = {
        "eventType": "Updated",
        "timestamp": at.isoformat(),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 1,
        "offline": offline,
        "transactionInfo": {"transactionId": "T1"},
    }
    return msgspec.convert(text, TransactionEvent)


def status(at: datetime) -> StatusNotification:
    """Return the state of an outlet, dated then."""
    return msgspec.convert(STATUS | {"timestamp": at.isoformat()}, StatusNotification)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
def line(clock: ManualClock) -> Line:
    return Lines(clock).open("S", Version.V21)


@given(
    ahead=st.floats(-100_000, 100_000),
    delays=st.lists(st.floats(0, 600), min_size=4, max_size=40).filter(lambda d: sorted(d[-20:])[1] < 1),
)
def test_a_clock_is_found_within_a_second_however_late_most_messages_come(ahead: float, delays: list[float]) -> None:
    clock = ManualClock(AT)
    line = Lines(clock).open("S", Version.V21)
    for delay in delays:
        line.answered("TransactionEvent", event(AT + timedelta(seconds=ahead) - timedelta(seconds=delay)), 0.001)

    found, told_at = line.clock_ahead()

    assert told_at == AT
    assert found is not None
    assert abs(found - ahead) < 1.1


def test_one_wrong_date_moves_no_clock(line: Line) -> None:
    for _ in range(10):
        line.answered("TransactionEvent", event(AT), 0.001)
    line.answered("TransactionEvent", event(AT + timedelta(days=365)), 0.001)

    assert line.clock_ahead()[0] == 0


def test_what_was_told_later_and_states_of_long_ago_say_nothing_of_a_clock(line: Line) -> None:
    line.answered("TransactionEvent", event(AT - timedelta(hours=3), offline=True), 0.001)
    line.answered("StatusNotification", status(AT - timedelta(hours=3)), 0.001)
    assert line.clock_ahead() == (None, None)

    line.answered("StatusNotification", status(AT + timedelta(seconds=90)), 0.001)
    assert line.clock_ahead()[0] == 90


def test_a_clock_that_was_set_right_is_right_soon(line: Line, clock: ManualClock) -> None:
    for _ in range(20):
        line.answered("TransactionEvent", event(AT + timedelta(minutes=5)), 0.001)
    clock.advance(timedelta(minutes=16))
    line.answered("TransactionEvent", event(clock.now()), 0.001)

    assert line.clock_ahead()[0] == 0


async def test_calls_events_and_errors_are_counted(clock: ManualClock) -> None:
    lines = Lines(clock)
    line = lines.open("S", Version.V21)
    handlers = Handlers(clock)

    @handlers.on(TransactionEvent)
    async def keep(_station_id: str, _event: TransactionEvent) -> TransactionEventResponse:
        return TransactionEventResponse()

    @handlers.on(NotifyEvent)
    async def break_down(_station_id: str, _event: NotifyEvent) -> None:
        raise ValueError("no")

    wire = Wire()
    connection = Connection("S", Version.V21, handlers, wire, line=line)
    body: dict[str, Any] = {
        "eventType": "Updated",
        "timestamp": "2026-11-22T01:58:00Z",
        "triggerReason": "MeterValuePeriodic",
    }
    connection.receive(
        json.dumps([2, "1", "TransactionEvent", body | {"seqNo": 1, "transactionInfo": {"transactionId": "T"}}])
    )
    connection.receive('[2,"2","TransactionEvent",{"nonsense":1}]')
    connection.receive('[2,"3","jane@example.com",{}]')
    connection.receive("nonsense")
    answers = [await wire.sent.get() for _ in range(4)]
    assert [answer[0] for answer in answers] == [3, 4, 4, 4]

    calls = [asyncio.create_task(connection.call(Reset(type=ResetType.ON_IDLE), timeout_s=0.2)) for _ in range(3)]
    first = await wire.sent.get()
    assert line.row(AT)["waiting_calls"] == 3
    connection.receive(json.dumps([3, first[1], {"status": "Accepted"}]))
    second = await wire.sent.get()
    connection.receive(json.dumps([4, second[1], "NotSupported", "no", {}]))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[1], CallRefused)
    assert isinstance(results[2], CallTimeout)

    row = line.row(AT)
    assert (row["events"], row["refused"], row["failed"]) == (1, 3, 2)
    assert (row["waiting_calls"], row["unanswered"]) == (0, 0)
    assert (row["frames_in"], row["frames_out"]) == (6, 7)
    assert row["last_error"] == "Reset timeout"
    assert 0 <= row["call_ms"] < 200
    assert row["call_ms"] == row["call_median_ms"] == row["call_worst_ms"]
    told = samples(lines.metrics)
    assert told['konsento_ocpp_messages_total{action="TransactionEvent",direction="in",kind="call"}'] == 2
    assert told['konsento_ocpp_messages_total{action="other",direction="in",kind="call"}'] == 2
    assert told['konsento_ocpp_calls_total{action="Reset",result="answered"}'] == 1
    assert told['konsento_ocpp_calls_total{action="Reset",result="refused"}'] == 1
    assert told['konsento_ocpp_calls_total{action="Reset",result="timeout"}'] == 1
    assert told['konsento_ocpp_answer_seconds_count{action="TransactionEvent"}'] == 1
    # What a stranger made up is no label.
    assert not any("jane" in name for name in told)


def samples(metrics: Metrics) -> dict[str, float]:
    """Return what Prometheus reads, by name and labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def row_of(database: Database, station_id: str = "S") -> StationLink | None:
    async with database.transaction() as session:
        return await session.get(StationLink, station_id)


async def test_a_line_is_written_down_and_counts_how_often_it_came_back(database: Database, clock: ManualClock) -> None:
    lines = Lines(clock)
    for hours in (0, 0, 1, 30):
        clock.advance(timedelta(hours=hours))
        line = lines.open("S", Version.V21)
        line.heard()
        await lines.write(database)
        line.close(1001)
        await lines.write(database)
    row = await row_of(database)

    assert row is not None
    assert (row.version, row.frames_in, row.connected_at, row.gone_at) == ("ocpp2.1", 1, clock.now(), clock.now())
    # Those of more than a day ago are forgotten.
    assert sum(row.connects.values()) == 1


async def test_an_old_line_does_not_overwrite_the_newer_one_of_another_process(
    database: Database, clock: ManualClock
) -> None:
    here, there = Lines(clock), Lines(clock)
    old = here.open("S", Version.V201)
    await here.write(database)
    clock.advance(timedelta(seconds=5))
    there.open("S", Version.V21)
    await there.write(database)
    old.close(1006)
    await here.write(database)
    row = await row_of(database)

    assert row is not None
    assert (row.version, row.gone_at) == ("ocpp2.1", None)
    assert sum(row.connects.values()) == 2


async def test_many_lines_take_turns_in_being_written(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    monkeypatch.setattr(module, "TOGETHER", 4)
    lines = Lines(clock)
    for number in range(25):
        lines.open(f"S{number}", Version.V21)
    for _ in range(3):
        await lines.write(database)

    assert [await row_of(database, f"S{number}") is not None for number in range(25)] == [True] * 25


async def test_a_database_that_is_away_only_makes_it_late(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise OSError("no such disk")

    lines = Lines(clock)
    lines.open("S", Version.V21)
    with monkeypatch.context() as broken:
        broken.setattr(database, "transaction", away)
        await lines.write(database)
    assert await row_of(database) is None
    await lines.write(database)

    assert await row_of(database) is not None


async def test_the_network_alone_is_measured_by_pings(
    make_site: Callable[..., Awaitable[Site]], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY_S", 0.05)
    lines = Lines(ManualClock(NOW))
    site = await make_site(lines=lines)
    async with await site.connect() as station:
        writing = asyncio.create_task(lines.run(database))
        answers = asyncio.create_task(station.socket.receive())  # answers pings meanwhile
        async with asyncio.timeout(5):
            while (row := await row_of(database, "SITE-1")) is None or row.ping_ms is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # the row is written in its own time
        answers.cancel()
        writing.cancel()
        await asyncio.gather(writing, answers, return_exceptions=True)
        gone = await row_of(database, "SITE-1")

    assert 0 <= row.ping_ms < 1000
    assert gone is not None
    assert gone.gone_at == NOW
    assert samples(lines.metrics)["konsento_ocpp_ping_seconds_count"] >= 1


async def test_pings_of_a_station_are_answered(site: Site) -> None:
    async with await site.connect() as station:
        await station.socket.ping(b"are you there")
        answer = await station.call("Heartbeat", {})

    assert answer[0] == 3


async def test_no_network_address_of_a_site_is_kept(database: Database, clock: ManualClock) -> None:
    row = Lines(clock).open("S", Version.V21).row(datetime.now(UTC))

    assert not any("127.0.0.1" in str(value) for value in row.values())
    assert not any("address" in name for name in StationLink.__table__.columns.keys())  # noqa: SIM118  # no dict
