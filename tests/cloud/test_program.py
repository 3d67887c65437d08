"""The program as an operator runs it: real processes, real sockets."""

import asyncio
import base64
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from konsento.cli import main
from konsento.kit.db import Database
from konsento.models import Role
from konsento.settings import Settings
from konsento.staff import service as staff
from konsento.staff import tokens as staff_tokens

from .conftest import CODES, PROVISIONING, STATION

PASSWORD = "correct horse battery"
CLOUD = Path(__file__).parents[2] / "cloud"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a server on free ports; a provisioning file lies beside its database."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], other.getsockname()[1]
    (tmp_path / "site.toml").write_text(PROVISIONING)
    return os.environ | {
        "PYTHONPATH": str(CLOUD),
        "NO_COLOR": "1",
        "KONSENTO_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'konsento.sqlite3'}",
        "KONSENTO_PORT": str(ports[0]),
        "KONSENTO_OCPP_PORT": str(ports[1]),
        "KONSENTO_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
        "KONSENTO_WELCOME_CREDIT_MINOR": "1000",
        "KONSENTO_BALANCE": "true",
    }


async def _program(environment: dict[str, str], *arguments: str) -> Process:
    code = "from konsento.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )


async def _konsento(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await _program(environment, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def _serving(environment: dict[str, str]) -> AsyncIterator[tuple[Process, list[str]]]:
    process = await _program(environment, "serve")
    lines: list[str] = []
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while not lines or "ready: pages on" not in lines[-1]:
                line = await process.stderr.readline()
                assert line, "\n".join(lines)
                lines.append(line.decode())
        yield process, lines
    finally:
        if process.returncode is None:
            process.kill()
        _, rest = await process.communicate()
        lines.extend(rest.decode().splitlines())


class Station:
    """A site at the other end of a real socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self.received: list[str] = []
        self._number = 0

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return its answer."""
        self._number += 1
        await self._ws.send_json([2, str(self._number), action, payload])
        frame = await self.frame()
        assert frame[:2] == [3, str(self._number)], frame
        answer: dict[str, Any] = frame[2]
        return answer

    async def frame(self) -> list[Any]:
        """Return the next frame."""
        text = await self._ws.receive_str(timeout=60)
        self.received.append(text)
        frame: list[Any] = json.loads(text)
        return frame

    async def send(self, frame: list[Any]) -> None:
        """Send a frame as it is."""
        await self._ws.send_json(frame)

    async def answer(self, message_id: str, payload: dict[str, Any]) -> None:
        """Answer a call."""
        await self._ws.send_json([3, message_id, payload])


@asynccontextmanager
async def _station(environment: dict[str, str], password: str) -> AsyncIterator[Station]:
    url = f"http://127.0.0.1:{environment['KONSENTO_OCPP_PORT']}/ocpp/{STATION}"
    token = base64.b64encode(f"{STATION}:{password}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {token}"}) as http,
        http.ws_connect(url, protocols=("ocpp2.1",), compress=0) as ws,
    ):
        yield Station(ws)


def _event(kind: str, seq_no: int, wh: str, **info: Any) -> dict[str, Any]:
    at = f"2026-11-22T02:00:{seq_no * 12:02}Z"
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "tx-1", "timeSpentCharging": seq_no * 12, **info},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": float(wh)}]}],
    }


async def _settled(browser: httpx.AsyncClient, session: str) -> dict[str, Any]:
    async with browser.stream("GET", f"{session}/events", timeout=60) as stream:
        async for _ in stream.aiter_lines():
            progress: dict[str, Any] = (await browser.get(f"{session}/progress")).json()
            if progress["state"] == "settled":
                return progress
    raise AssertionError("the live view ended before the bill")


STATUS = {"timestamp": "2026-11-22T02:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


async def test_a_driver_charges_over_real_sockets_and_the_server_ends_in_order(environment: dict[str, str]) -> None:
    folder = Path(environment["KONSENTO_DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")).parent
    assert (await _konsento(environment, "apply", str(folder / "site.toml")))[0] == 0
    base = environment["KONSENTO_PUBLIC_URL"]
    async with _serving(environment) as (process, log):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await _station(environment, "wrong-password-000").__aenter__()
        async with (
            httpx.AsyncClient(base_url=base, headers={"Origin": base}, timeout=60) as browser,
            _station(environment, "station-password-1") as station,
        ):
            await station.call("StatusNotification", STATUS)
            signed_up = await browser.post(
                "/signup", data={"email": "somebody@example.com", "password": PASSWORD, "name": "Some Body"}
            )
            assert signed_up.status_code == 303
            content = {"kind": "energy", "amount": "10", "unit": "Wh"}
            starting = asyncio.create_task(browser.post(f"/o/{CODES[0]}/start", data=content))
            _, message_id, action, request = await station.frame()
            assert action == "RequestStartTransaction"
            await station.answer(message_id, {"status": "Accepted", "transactionId": "tx-1"})
            started = await starting
            assert started.status_code == 303
            session = started.headers["location"]
            await station.call("TransactionEvent", _event("Started", 0, "0", remoteStartId=request["remoteStartId"]))
            await station.call("TransactionEvent", _event("Ended", 1, "10.2", stoppedReason="EnergyLimitReached"))
            async with asyncio.timeout(60):
                progress = await _settled(browser, session)
            assert (progress["billed_wh"], progress["billed_minor"]) == (10, 38)
            code, out, _ = await _konsento(environment, "balance", "add", "Somebody@example.com", "500")
            assert (code, out) == (0, "The balance is 1462 JPY now.\n")
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 60) == 0
            for word in ("somebody", "Some Body", "example.com"):
                assert word not in "".join(station.received)
    text = "".join(log)
    for word in ("somebody", "Some Body", "example.com", PASSWORD, "station-password"):
        assert word not in text
    assert "Traceback" not in text


async def _staff_token(environment: dict[str, str]) -> str:
    """Make a token of an operator's program in the database of a running server."""
    database = Database(environment["KONSENTO_DATABASE_URL"])
    async with database.transaction() as session:
        now = datetime.now(UTC)
        member, _ = await staff.add(session, email="kei@staff.example.com", name="", role=Role.OPERATOR, now=now)
        _, token = await staff_tokens.make(session, member.id, name="planner", days=1, now=now)
    await database.close()
    return token


async def test_an_operators_program_asks_a_station_anything_over_real_sockets(environment: dict[str, str]) -> None:
    folder = Path(environment["KONSENTO_DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")).parent
    assert (await _konsento(environment, "apply", str(folder / "site.toml")))[0] == 0
    async with _serving(environment), _station(environment, "station-password-1") as station:
        await station.call("StatusNotification", STATUS)
        headers = {"Authorization": f"Bearer {await _staff_token(environment)}"}
        base = f"{environment['KONSENTO_PUBLIC_URL']}/api/v1/stations/{STATION}/ocpp/"
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as program:

            async def asked(action: str, payload: dict[str, Any], answer: list[Any] | None) -> httpx.Response:
                asking = asyncio.create_task(program.post(action, json=payload, params={"timeout_s": 1}))
                kind, message_id, *request = await station.frame()
                assert (kind, request) == (2, [action, payload])
                if answer is not None:
                    await station.send([answer[0], message_id, *answer[1:]])
                return await asking

            swap = {"requestId": 1, "idToken": {"idToken": "A" * 20, "type": "Central"}}
            done = await asked("RequestBatterySwap", swap, [3, {"status": "Accepted"}])
            refused = await asked("ClearCache", {}, [4, "NotSupported", "no cache", {}])
            silent = await asked("ClearCache", {}, None)
            wrong = await program.post("Reset", json={"type": "Now"})

    assert (done.status_code, done.json()["answer"]) == (200, {"status": "Accepted"})
    assert (refused.status_code, refused.json()["code"]) == (502, "StationRefused")
    assert (silent.status_code, silent.json()["code"]) == (504, "NoAnswerFromStation")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/type")


def _run(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *arguments: str) -> int:
    for name, value in environment.items():
        if name.startswith("KONSENTO_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["konsento", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("apply", "nowhere.toml"), 1, "nowhere.toml: No such file"),
        (("balance", "add", "nobody@example.com", "5"), 1, "no driver"),
        (("balance", "add", "nobody@example.com", "much"), 1, "no amount of JPY"),
        (("balance", "add", "nobody@example.com", "nan"), 1, "no amount of JPY"),
        (("balance", "add", "nobody@example.com", "0.5"), 1, "no amount of JPY"),
        (("balance", "add", "nobody@example.com", "0"), 1, "more than zero"),
        (("balance", "add", "not an address", "5"), 1, "e-mail"),
        (("fly",), 2, "fly"),
    ],
)
def test_mistakes_end_with_a_sentence_and_an_exit_code(  # noqa: PLR0917  # fixtures and cases
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    assert _run(monkeypatch, environment, *arguments) == code

    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_a_bad_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    assert _run(monkeypatch, environment | {"KONSENTO_PORT": "secret"}, "migrate") == 1

    err = capsys.readouterr().err
    assert "KONSENTO_PORT" in err
    assert "secret" not in err


async def test_what_an_operator_looks_at_is_there(environment: dict[str, str]) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    observed = environment | {"KONSENTO_LOG_FORMAT": "json", "KONSENTO_METRICS_PORT": str(port)}
    folder = Path(environment["KONSENTO_DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")).parent
    assert (await _konsento(environment, "apply", str(folder / "site.toml")))[0] == 0
    async with _serving(observed) as (process, log):
        async with httpx.AsyncClient(timeout=60) as browser, _station(environment, "station-password-1") as station:
            await station.call("StatusNotification", STATUS)
            ready = [
                await browser.get(f"{at}/readyz")
                for at in (environment["KONSENTO_PUBLIC_URL"], f"http://127.0.0.1:{environment['KONSENTO_OCPP_PORT']}")
            ]
            told = (await browser.get(f"http://127.0.0.1:{port}/metrics")).text
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0

    assert [answer.status_code for answer in ready] == [200, 200]
    assert {answer.json()["migrations"] for answer in ready} == {"ok"}
    assert 'konsento_ocpp_stations{version="ocpp2.1"} 1.0' in told
    assert 'konsento_ocpp_answer_seconds_count{action="StatusNotification"} 1.0' in told
    assert 'konsento_http_requests_total{method="GET",route="/readyz",status="200"} 1.0' in told
    assert "konsento_database_up 1.0" in told
    assert STATION not in told
    lines = [json.loads(line) for line in log]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    (connected,) = [line for line in lines if "connected with" in line["message"]]
    assert (connected["station_id"], connected["logger"]) == (STATION, "konsento.ocpp.gateway")


PG = "postgresql+asyncpg://nobody@nowhere/konsento"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"KONSENTO_ROLES": "pages"}, "an SQLite file serves one process"),
        ({"KONSENTO_NATS_URL": "nats://u:secret@there"}, "an SQLite file serves one process"),
        ({"KONSENTO_ROLES": "pages,work", "KONSENTO_DATABASE_URL": PG}, "set KONSENTO_NATS_URL"),
        ({"KONSENTO_ROLES": "pages,cooking"}, "KONSENTO_ROLES"),
        ({"KONSENTO_ROLES": "", "KONSENTO_DATABASE_URL": PG}, "KONSENTO_ROLES"),
        ({"KONSENTO_NATS_URL": "http://u:secret@there", "KONSENTO_DATABASE_URL": PG}, "nats://HOST:4222"),
        ({"KONSENTO_TRUSTED_PROXIES": "10.0.0.0/8 everybody"}, "KONSENTO_TRUSTED_PROXIES"),
    ],
)
def test_what_cannot_work_with_several_processes_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    settings: dict[str, str],
    says: str,
) -> None:
    assert _run(monkeypatch, environment | settings, "serve") == 1

    err = capsys.readouterr().err
    assert says in err
    assert "secret" not in err
    assert "Traceback" not in err


async def test_a_second_process_on_one_sqlite_file_is_refused(environment: dict[str, str]) -> None:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ports = {"KONSENTO_PORT": str(one.getsockname()[1]), "KONSENTO_OCPP_PORT": str(other.getsockname()[1])}
    async with _serving(environment) as (process, _):
        status, _, err = await _konsento(environment | ports, "serve")
        beside = await _konsento(environment, "migrate")
        # However it ends, it keeps nobody out afterwards.
        process.kill()
        await process.wait()
    async with _serving(environment):
        pass

    assert (status, beside[0]) == (1, 0)
    assert "is served by another process" in err
    assert "Traceback" not in err


def test_a_database_of_a_newer_version_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    assert _run(monkeypatch, environment, "migrate") == 0
    path = environment["KONSENTO_DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    assert _run(monkeypatch, environment, "migrate") == 1
    assert "Start that version." in capsys.readouterr().err


async def test_behind_a_proxy_on_this_machine_one_guesser_does_not_lock_the_other_stations_out(
    environment: dict[str, str],
) -> None:
    url = f"http://127.0.0.1:{environment['KONSENTO_OCPP_PORT']}/ocpp/"
    async with _serving(environment), aiohttp.ClientSession() as http:

        async def status(station: str, address: str) -> int:
            async with http.get(url + station, headers={"X-Forwarded-For": address}) as answer:
                return answer.status

        answers = [await status(f"guess-{number}", "203.0.113.1") for number in range(101)]
        assert (answers[0], answers[-1]) == (401, 429)
        assert await status(STATION, "203.0.113.2") == 401


async def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = await _konsento(environment | {"KONSENTO_PORT": str(port)}, "serve")

    assert status == 1
    assert "address already in use" in err.lower()
    assert "Traceback" not in err


def test_help_names_the_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    assert _run(monkeypatch, environment, "--help") == 0

    out = capsys.readouterr().out
    for command in ("serve", "apply", "migrate", "balance"):
        assert command in out


def test_the_guide_names_every_setting() -> None:
    guide = (CLOUD.parent / "docs/cloud.md").read_text()
    assert [name for name in Settings.model_fields if f"`KONSENTO_{name.upper()}`" not in guide] == []
